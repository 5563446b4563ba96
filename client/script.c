#include <openssl/evp.h>
#include <stdlib.h>

#include "client/error.h"
#include "client/pipeline.h"
#include "client/typed.h"

qc_script qc_script_make(const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	qc_script script = {.text = text};
	unsigned len = 0;

	/* If there is no digest the name is empty, which no server knows: then the script is sent whole. */
	if (!EVP_Digest(text, strlen(text), digest, &len, EVP_sha1(), NULL))
		len = 0;
	for (unsigned i = 0; i < len; i++) {
		script.sha1[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		script.sha1[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	return script;
}

/* Writes EVALSHA, or EVAL with the whole text. */
static struct words words_of(const qc_script *script, bool whole, qc_args keys, qc_args args, qc_arg *space)
{
	static const char *const names[2][2] = {{"EVALSHA", "EVAL"}, {"EVALSHA_RO", "EVAL_RO"}};
	struct words w = words_begin(space, 3 + keys.count + args.count);

	word(&w, names[script->is_readonly][whole]);
	word(&w, whole ? script->text : script->sha1);
	put(&w, qc_arg_unsigned(keys.count));
	put_all(&w, keys);
	put_all(&w, args);
	return w;
}

qc_result qc_script_run_args(qc_client *client, qc_context *context, const qc_script *script, qc_args keys, qc_args args)
{
	qc_arg space[ROOM];
	struct words w = words_of(script, false, keys, args, space);
	qc_result result = words_run(&w, client, context);

	if (!qc_has_code(result.err, "NOSCRIPT"))
		return result;
	w = words_of(script, true, keys, args, space);
	return words_run(&w, client, context);
}

size_t qc_script_add_args(qc_pipeline *pipeline, const qc_script *script, qc_args keys, qc_args args)
{
	qc_arg space[ROOM];
	struct words w = words_of(script, pipeline_sends_script(pipeline, script->sha1), keys, args, space);
	size_t place = SIZE_MAX;

	if (w.items)
		place = qc_pipeline_add_args(pipeline, (qc_args){w.items, w.count});
	else if (!qc_failed(*pipeline))
		pipeline->err = error_no_memory();
	words_end(&w);
	return place;
}

#include "client/cli/confirm.h"

/* So many keys are looked at in a moment. */
#define KEYS_MANY 10000

static const struct { const char *command, *sub, *effect; } known[] = {
	{"flushall", NULL, "deletes all keys of all databases"},
	{"flushdb", NULL, "deletes all keys of this database"},
	{"shutdown", NULL, "stops the server"},
	{"swapdb", NULL, "exchanges two databases under all clients"},
	{"script", "flush", "forgets all scripts"},
	{"function", "flush", "deletes all functions"},
	{"cluster", "reset", "makes the node forget its cluster"},
	{"debug", "segfault", "crashes the server"},
	{"debug", "panic", "crashes the server"},
};

static const char *find_effect(const struct words *w)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (words_is(w, 0, known[i].command) && (!known[i].sub || words_is(w, 1, known[i].sub)))
			return known[i].effect;
	return NULL;
}

static long long count_keys(struct session *s)
{
	/* In a transaction it would be queued. */
	if (!session_is_connected(s) || s->state.in_multi)
		return 0;
	qc_result size qc_auto = CALL(s, "DBSIZE");
	interrupt_end();
	return qc_reply_type(size.reply) == QC_INTEGER ? (long long)qc_reply_int(size.reply) : 0;
}

bool confirm_question(struct session *s, const struct words *w, struct text *out)
{
	const char *effect = find_effect(w);
	long long keys = words_is(w, 0, "keys") ? count_keys(s) : 0;

	text_clear(out);
	if (effect)
		text_printf(out, "%s %s at %s. Go on? (y/N) ", w->owned[0], effect, s->options->shown);
	else if (keys > KEYS_MANY)
		text_printf(out, "%s looks at all %lld keys, and nobody else is served meanwhile (-scan doesn't do so). Go on? (y/N) ",
			    w->owned[0], keys);
	return out->len > 0;
}

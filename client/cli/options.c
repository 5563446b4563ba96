#include "client/cli/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/cli/option_table.h"
#include "client/cli/profile.h"

#define NOT_GIVEN LONG_MIN

struct reader {
	char **argv;
	int argc, at;
	const char *attached; /* the value after the = of the current option, until it is consumed; otherwise NULL */
	bool wrong;
	struct option_values values;
};

/* The value of the option: attached with =, or the next word. `given` is the option as typed. */
static const char *value(struct reader *r, const char *given)
{
	const char *attached = r->attached;

	r->attached = NULL;
	if (attached)
		return attached;
	if (r->at + 1 < r->argc)
		return r->argv[++r->at];
	r->wrong = true;
	option_wrong("%s needs a value", given);
	return "";
}

static long number(struct reader *r, const struct option_known *known, const char *given)
{
	const char *text = value(r, given);
	char *end;

	if (r->wrong)
		return 0;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (!*text || *end || errno || n < known->least || n > known->most) {
		r->wrong = true;
		option_wrong("%s needs a number from %ld to %ld, not \"%s\"", given, known->least, known->most, text);
	}
	return n;
}

static double seconds(struct reader *r, const char *given)
{
	const char *text = value(r, given);
	char *end;
	double n = strtod(text, &end);

	if (!r->wrong && (!*text || *end || !(n >= 0 && n < 1e9))) {
		r->wrong = true;
		option_wrong("%s needs a number of seconds, 0 or more, not \"%s\"", given, text);
	}
	return n;
}

static void take_tool(struct reader *r, const struct option_known *known, const char *given)
{
	const struct option_known *tool = r->values.tool;

	/* -memkeys -memkeys-samples 5 selects one tool. */
	if (tool && (tool->chosen != known->chosen || known->kind == OPTION_FILE_TOOL)) {
		r->wrong = true;
		option_wrong("-%s and -%s cannot be combined", tool->name, known->name);
		return;
	}
	r->values.tool = known;
	if (known->kind == OPTION_FILE_TOOL)
		r->values.file = value(r, given);
	if (known->kind == OPTION_NUMBER_TOOL)
		*(long *)((char *)&r->values + known->to) = number(r, known, given);
}

static void note_extra(struct reader *r, const struct option_known *known)
{
	for (size_t i = 0; i < EXTRAS; i++)
		if (known->extra == 1U << i)
			r->values.extras[i] = known;
}

static enum options_status take_option(struct reader *r, const struct option_known *known, const char *given)
{
	void *to = (char *)&r->values + known->to;

	switch (known->kind) {
	case OPTION_HELP:
		fputs(option_usage, stdout);
		return OPTIONS_DONE;
	case OPTION_VERSION:
		printf("qcache-cli %s\n", qc_version());
		return OPTIONS_DONE;
	case OPTION_REFUSED:
		return option_wrong("%s: %s", given, known->why);
	case OPTION_FLAG:
		*(bool *)to = true;
		break;
	case OPTION_CHOICE:
		*(int *)to = known->chosen;
		break;
	case OPTION_TEXT:
		*(const char **)to = value(r, given);
		break;
	case OPTION_NUMBER:
		*(long *)to = number(r, known, given);
		break;
	case OPTION_SECONDS:
		*(double *)to = seconds(r, given);
		break;
	case OPTION_TOOL:
	case OPTION_FILE_TOOL:
	case OPTION_NUMBER_TOOL:
		take_tool(r, known, given);
		return r->wrong ? OPTIONS_WRONG : OPTIONS_OK;
	}
	note_extra(r, known);
	return r->wrong ? OPTIONS_WRONG : OPTIONS_OK;
}

static enum options_status refuse_unknown(const char *given, const char *name)
{
	const char *meant = option_nearest(name);

	if (meant)
		return option_wrong("unknown option %s; did you mean -%s?", given, meant);
	return option_wrong("unknown option %s", given);
}

static const struct option_known *find(const char *name)
{
	/* redis-cli has some twenty of them, all for one tool. */
	return option_find(strncmp(name, "cluster-", 8) == 0 ? "cluster" : name);
}

/* Reads the option at r->at with its value. */
static enum options_status read_option(struct reader *r)
{
	struct text given = {NULL, 0, 0};
	const char *word = r->argv[r->at], *equals = strchr(word, '=');

	text_add(&given, word, equals ? (size_t)(equals - word) : strlen(word));
	r->attached = equals ? equals + 1 : NULL;
	const char *name = given.data + (given.data[1] == '-' ? 2 : 1);
	const struct option_known *known = find(name);
	enum options_status status = known ? take_option(r, known, given.data) : refuse_unknown(given.data, name);
	if (status == OPTIONS_OK && r->attached)
		status = option_wrong("%s takes no value", given.data);
	text_fini(&given);
	return status;
}

/* The tools that the option applies to, as in "-scan, -bigkeys". */
static void list_tools(struct text *out, enum extra extra)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_known *k = &option_table[i];
		if (option_is_tool(k) && k->kind != OPTION_NUMBER_TOOL && (k->extra & extra))
			text_printf(out, "%s-%s", out->len ? ", " : "", k->name);
	}
}

/* An option that would have no effect is an error, not ignored. */
static enum options_status check_extras(const struct option_values *v)
{
	struct text names = {NULL, 0, 0};

	for (size_t i = 0; i < EXTRAS; i++) {
		const struct option_known *given = v->extras[i];
		if (!given || (v->tool ? v->tool->extra & given->extra : !(given->extra & ONLY_TOOLS)))
			continue;
		if (v->tool)
			return option_wrong("-%s cannot be combined with -%s", given->name, v->tool->name);
		list_tools(&names, given->extra);
		option_wrong("-%s applies only to %s", given->name, names.data);
		text_fini(&names);
		return OPTIONS_WRONG;
	}
	return OPTIONS_OK;
}

void options_fini(struct options *o)
{
	text_fini(&o->address);
	text_fini(&o->server_name);
	text_fini(&o->pattern);
	words_fini(&o->command);
	words_fini(&o->from_file);
}

/* Reads one word, which may be quoted: for -quoted-input and -quoted-pattern. */
static bool unquote(struct words *out, const char *text)
{
	return words_split(out, text) == WORDS_OK && out->count == 1;
}

static enum options_status take_pattern(struct options *o, const struct option_values *v)
{
	struct words word = {NULL, 0, 0, NULL};
	bool ok = !v->quoted_pattern || unquote(&word, v->quoted_pattern);

	if (v->pattern)
		text_puts(&o->pattern, v->pattern);
	else if (v->quoted_pattern && ok)
		text_add(&o->pattern, word.owned[0], word.items[0].len);
	words_fini(&word);
	return ok ? OPTIONS_OK : option_wrong("-quoted-pattern needs one word with balanced quotes, not %s", v->quoted_pattern);
}

static enum options_status take_command(struct options *o, const struct reader *r)
{
	struct words word = {NULL, 0, 0, NULL};
	enum options_status status = OPTIONS_OK;

	for (int i = r->at; i < r->argc && status == OPTIONS_OK; i++) {
		if (!r->values.is_quoted)
			words_add(&o->command, r->argv[i], strlen(r->argv[i]));
		else if (unquote(&word, r->argv[i]))
			words_add(&o->command, word.owned[0], word.items[0].len);
		else
			status = option_wrong("-quoted-input needs one word with balanced quotes in each argument, not %s", r->argv[i]);
	}
	words_fini(&word);
	return status;
}

static enum options_status take_pushes(struct options *o, const char *text)
{
	if (text && strcasecmp(text, "yes") != 0 && strcasecmp(text, "no") != 0)
		return option_wrong("-show-pushes needs yes or no, not \"%s\"", text);
	if (text)
		o->pushes = strcasecmp(text, "yes") == 0 ? PUSHES_SHOWN : PUSHES_HIDDEN;
	return OPTIONS_OK;
}

/* Values that need no check. */
static void take_values(struct options *o, const struct option_values *v)
{
	o->connection = (qc_options){
		.protocol = v->protocol, .timeout_ms = -1, .retries = -1, .pool_size = 2, .db = (int)v->db, .password = v->password,
		.user = v->user, .name = v->name, .tls_ca = v->ca, .tls_ca_dir = v->ca_dir, .tls_cert = v->cert, .tls_key = v->key,
		.tls_name = v->sni, .tls_ciphers = v->ciphers, .tls_ciphersuites = v->suites, .tls_insecure = v->insecure,
		.dial_timeout_ms = (int64_t)(v->dial_s * 1000)};
	o->style = (struct style){.format = (enum format)v->format, .between = v->between ? v->between : "\n", .end = v->end ? v->end : "\n"};
	o->tool = v->tool ? (enum tool)v->tool->chosen : TOOL_NONE;
	o->file = v->file;
	o->eval = v->eval;
	o->type = v->type;
	o->percentiles = v->percentiles;
	o->cursor = (uint64_t)v->cursor;
	o->count = v->count;
	o->repeat = v->repeat != NOT_GIVEN ? v->repeat : v->tool ? -1 : 1;
	o->samples = v->samples;
	o->top = v->top;
	o->keys = v->keys;
	o->seconds = v->seconds;
	o->pipe_timeout_s = v->pipe_timeout_s;
	o->interval_s = v->interval_s;
	o->last_from_stdin = v->last_from_stdin;
	o->tag = v->tag;
	o->asks_password = v->asks_password;
	o->follows = v->follows;
	o->is_sure = v->is_sure;
	o->errors_apart = v->errors_apart;
	o->pager = v->pager ? v->pager : getenv("QCACHE_PAGER");
	/* JSON needs RESP3, which has maps, booleans and doubles. */
	if (v->format == FORMAT_JSON || v->format == FORMAT_QUOTED_JSON)
		o->connection.protocol = 3;
}

static bool has_word(const struct words *w, const char *text)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->owned[i], text) == 0)
			return true;
	return false;
}

/* Percentages from 0 to 100 with commas in between. */
static bool are_percentiles(const char *text)
{
	for (;;) {
		size_t len = strspn(text, "0123456789.");
		char *end;
		double percent = strtod(text, &end);
		if (len == 0 || end != text + len || percent > 100)
			return false;
		if (text[len] == 0)
			return true;
		if (text[len] != ',')
			return false;
		text += len + 1;
	}
}

static enum options_status check(const struct options *o, const struct option_values *v)
{
	bool has_command = o->command.count > 0;

	if (v->tool && (has_command || o->eval))
		return option_wrong("a tool and a command (%s) cannot be combined", has_command ? o->command.owned[0] : "-eval");
	if (o->last_from_stdin && o->tag)
		return option_wrong("-x and -X cannot be combined");
	if (o->last_from_stdin && !has_command && !o->eval)
		return option_wrong("-x needs a command");
	if (o->tag && !has_word(&o->command, o->tag))
		return option_wrong("-X needs a command with the argument %s", o->tag);
	if (o->asks_password && v->password)
		return option_wrong("-askpass and -a cannot be combined");
	if (o->percentiles && !are_percentiles(o->percentiles))
		return option_wrong("-latency-percentiles needs percentages such as 50,99.9, not \"%s\"", o->percentiles);
	return OPTIONS_OK;
}

/* Reads options up to the first other word. */
static enum options_status read_options(struct reader *r, int argc, char **argv)
{
	enum options_status status = OPTIONS_OK;

	r->argv = argv;
	r->argc = argc;
	for (r->at = 1; status == OPTIONS_OK && r->at < argc && argv[r->at][0] == '-' && argv[r->at][1]; r->at++)
		status = read_option(r);
	return status;
}

/* Reads the options of the profile. Their texts are in options->from_file. */
static enum options_status read_profile(struct reader *r, struct options *o, const char *profile)
{
	words_add(&o->from_file, "", 0);
	if (!profile_read(profile, &o->from_file))
		return OPTIONS_WRONG;
	return read_options(r, (int)o->from_file.count, o->from_file.owned);
}

/* The command line names another server: ignore the address of the profile. */
static void forget_address(struct option_values *file, const struct option_values *typed)
{
	if (!typed->url && !typed->socket && !typed->host)
		return;
	file->url = file->socket = file->host = NULL;
	file->port = 0;
}

enum options_status options_parse(struct options *options, int argc, char **argv)
{
	static const struct option_values nothing = {.repeat = NOT_GIVEN, .interval_s = -1, .protocol = 2, .pipe_timeout_s = 30,
						     .samples = -1, .top = -1};
	struct reader r = {.values = nothing}, file = {.values = nothing};

	*options = (struct options){.repeat = 1};
	enum options_status status = read_options(&r, argc, argv);
	if (status == OPTIONS_OK)
		status = read_profile(&file, options, r.values.profile);
	/* Read again on top of the profile: the command line wins. */
	forget_address(&file.values, &r.values);
	r.values = file.values;
	if (status == OPTIONS_OK)
		status = read_options(&r, argc, argv);
	if (status == OPTIONS_OK)
		status = check_extras(&r.values);
	if (status == OPTIONS_OK)
		status = take_pattern(options, &r.values);
	if (status == OPTIONS_OK)
		status = take_command(options, &r);
	if (status == OPTIONS_OK)
		status = take_pushes(options, r.values.pushes);
	if (status != OPTIONS_OK)
		return status;
	take_values(options, &r.values);
	status = check(options, &r.values);
	return status == OPTIONS_OK ? option_choose_address(options, &r.values) : status;
}

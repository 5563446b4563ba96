#include "client/cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char usage[] =
	"usage: qcache-cli [option ...] [command [argument ...]]\n"
	"\n"
	"Options take one dash or two; a value is the next word, or attached as in -p=6379.\n"
	"\n"
	"Where the server is:\n"
	"  -addr HOST:PORT     also a URL or the path of a unix socket; localhost:6379\n"
	"  -h HOST, -p PORT    the two apart\n"
	"  -s PATH             a unix socket\n"
	"  -u URL              redis://user:password@host:port/db, rediss://... for TLS\n"
	"  -a PASSWORD         better in the environment, as QCACHE_AUTH or REDISCLI_AUTH\n"
	"  -user NAME          logs in as\n"
	"  -n DB               the database\n"
	"  -tls, -cacert FILE, -cert FILE, -key FILE, -sni NAME, -insecure\n"
	"  -2, -3              the version of the protocol; 2\n"
	"  -t SECONDS          how long connecting may take; 5\n"
	"\n"
	"How commands run:\n"
	"  -x                  the last argument is read from standard input\n"
	"  -r N, -i SECONDS    run the command N times (-1: for ever), with a pause\n"
	"  -json, -csv, -raw, -no-raw\n"
	"\n"
	"Tools:\n"
	"  -stat               a line about the server, again and again (-i SECONDS)\n"
	"  -latency            how long an answer takes, also as -json or -csv; -latency-dist draws it\n"
	"  -bigkeys, -memkeys  the largest keys by elements, or by memory\n"
	"  -scan               all keys; -pattern GLOB, -type TYPE, -count N\n"
	"  -pipe               sends what comes on standard input, RESP or commands, as fast as it goes\n"
	"  -import FILE        loads CSV (key,value[,seconds]) or RESP; - is standard input\n"
	"                      both give up without a reply for -pipe-timeout SECONDS; 30, 0: never\n"
	"  -rdb FILE           fetches a snapshot; - is standard output\n"
	"\n"
	"Without a command it asks for them. The exit status is 0 when all went well, 1 when a command failed, 2 for a wrong\n"
	"command line, 3 when there is no connection.\n";

/* What goes with some of the tools only. */
enum extra {
	WITH_KEYS = 1,     /* which keys */
	WITH_PAUSE = 2,
	WITH_REPEAT = 4,
	WITH_FORM = 8,     /* JSON or CSV */
	WITH_TIMEOUT = 16,
	/* These say nothing to a command. */
	ONLY_TOOLS = WITH_KEYS | WITH_TIMEOUT,
};
#define EXTRAS 5

struct reader {
	struct options *out;
	char **argv;
	int argc, at;
	const char *attached; /* what follows the = of the option in hand, until it is taken; else NULL */
	bool wrong;
	const struct known *tool, *extras[EXTRAS];
	/* What was given. */
	const char *host, *socket, *url, *password, *user, *ca, *cert, *key, *sni, *pattern, *type, *file;
	long port, db, repeat, count, pipe_timeout_s;
	double interval_s, dial_s;
	int format, protocol;
	bool tls, insecure, last_from_stdin;
};

enum kind { FLAG, TEXT, NUMBER, SECONDS, CHOICE, TOOL, FILE_TOOL, HELP, VERSION };

struct known {
	const char *name, *other;
	enum kind kind;
	size_t to;         /* in struct reader */
	long least, most;  /* of a number; the first is what a choice chooses */
	enum extra extra;  /* what it is, or what goes with the tool */
};

#define TO(field) offsetof(struct reader, field)

static const struct known options_known[] = {
	{"addr", "u", TEXT, TO(url), 0, 0, 0},
	{"uri", "url", TEXT, TO(url), 0, 0, 0},
	{"h", "host", TEXT, TO(host), 0, 0, 0},
	{"p", "port", NUMBER, TO(port), 1, 65535, 0},
	{"s", "socket", TEXT, TO(socket), 0, 0, 0},
	{"a", "pass", TEXT, TO(password), 0, 0, 0},
	{"user", NULL, TEXT, TO(user), 0, 0, 0},
	{"n", "db", NUMBER, TO(db), 0, 1000000, 0},
	{"tls", NULL, FLAG, TO(tls), 0, 0, 0},
	{"cacert", NULL, TEXT, TO(ca), 0, 0, 0},
	{"cert", NULL, TEXT, TO(cert), 0, 0, 0},
	{"key", NULL, TEXT, TO(key), 0, 0, 0},
	{"sni", NULL, TEXT, TO(sni), 0, 0, 0},
	{"insecure", NULL, FLAG, TO(insecure), 0, 0, 0},
	{"2", NULL, CHOICE, TO(protocol), 2, 0, 0},
	{"3", NULL, CHOICE, TO(protocol), 3, 0, 0},
	{"t", NULL, SECONDS, TO(dial_s), 0, 0, 0},
	{"x", NULL, FLAG, TO(last_from_stdin), 0, 0, 0},
	{"r", "repeat", NUMBER, TO(repeat), -1, 1000000000, WITH_REPEAT},
	{"i", "interval", SECONDS, TO(interval_s), 0, 0, WITH_PAUSE},
	{"json", NULL, CHOICE, TO(format), FORMAT_JSON, 0, WITH_FORM},
	{"csv", NULL, CHOICE, TO(format), FORMAT_CSV, 0, WITH_FORM},
	{"raw", NULL, CHOICE, TO(format), FORMAT_RAW, 0, 0},
	{"no-raw", NULL, CHOICE, TO(format), FORMAT_STANDARD, 0, 0},
	{"pattern", NULL, TEXT, TO(pattern), 0, 0, WITH_KEYS},
	{"type", NULL, TEXT, TO(type), 0, 0, WITH_KEYS},
	{"count", NULL, NUMBER, TO(count), 1, 1000000000, WITH_KEYS},
	{"pipe-timeout", NULL, NUMBER, TO(pipe_timeout_s), 0, 1000000000, WITH_TIMEOUT},
	{"stat", NULL, TOOL, 0, TOOL_STAT, 0, WITH_PAUSE | WITH_REPEAT},
	{"latency", NULL, TOOL, 0, TOOL_LATENCY, 0, WITH_PAUSE | WITH_FORM},
	{"latency-dist", NULL, TOOL, 0, TOOL_LATENCY_DIST, 0, WITH_PAUSE},
	{"bigkeys", NULL, TOOL, 0, TOOL_BIGKEYS, 0, WITH_KEYS},
	{"memkeys", NULL, TOOL, 0, TOOL_MEMKEYS, 0, WITH_KEYS},
	{"scan", NULL, TOOL, 0, TOOL_SCAN, 0, WITH_KEYS | WITH_FORM},
	{"pipe", NULL, TOOL, 0, TOOL_PIPE, 0, WITH_TIMEOUT},
	{"import", NULL, FILE_TOOL, 0, TOOL_IMPORT, 0, WITH_TIMEOUT},
	{"rdb", NULL, FILE_TOOL, 0, TOOL_RDB, 0, 0},
	{"help", "?", HELP, 0, 0, 0, 0},
	{"version", "v", VERSION, 0, 0, 0, 0},
};
#define KNOWN (sizeof(options_known) / sizeof(options_known[0]))

static enum options_status wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

static enum options_status wrong(const char *format, ...)
{
	va_list args;

	fputs("qcache-cli: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see qcache-cli --help)\n", stderr);
	return OPTIONS_WRONG;
}

/* What stands behind the option: attached by =, or the next word. `given` is the option as it was written. */
static const char *value(struct reader *r, const char *given)
{
	const char *attached = r->attached;

	r->attached = NULL;
	if (attached)
		return attached;
	if (r->at + 1 < r->argc)
		return r->argv[++r->at];
	r->wrong = true;
	wrong("%s wants a value", given);
	return "";
}

static long number(struct reader *r, const struct known *known, const char *given)
{
	const char *text = value(r, given);
	char *end;

	if (r->wrong)
		return 0;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (!*text || *end || errno || n < known->least || n > known->most) {
		r->wrong = true;
		wrong("%s wants a number from %ld to %ld, not \"%s\"", given, known->least, known->most, text);
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
		wrong("%s wants seconds from 0 on, not \"%s\"", given, text);
	}
	return n;
}

static void take_tool(struct reader *r, const struct known *known, const char *given)
{
	if (r->tool && (r->tool != known || known->kind == FILE_TOOL)) {
		r->wrong = true;
		wrong("-%s and -%s exclude each other", r->tool->name, known->name);
		return;
	}
	r->tool = known;
	if (known->kind == FILE_TOOL)
		r->file = value(r, given);
}

static void note_extra(struct reader *r, const struct known *known)
{
	for (size_t i = 0; i < EXTRAS; i++)
		if (known->extra == 1U << i)
			r->extras[i] = known;
}

static enum options_status take_option(struct reader *r, const struct known *known, const char *given)
{
	void *to = (char *)r + known->to;

	switch (known->kind) {
	case HELP:
		fputs(usage, stdout);
		return OPTIONS_DONE;
	case VERSION:
		printf("qcache-cli %s\n", qc_version());
		return OPTIONS_DONE;
	case FLAG:
		*(bool *)to = true;
		break;
	case CHOICE:
		*(int *)to = (int)known->least;
		break;
	case TEXT:
		*(const char **)to = value(r, given);
		break;
	case NUMBER:
		*(long *)to = number(r, known, given);
		break;
	case SECONDS:
		*(double *)to = seconds(r, given);
		break;
	case TOOL:
	case FILE_TOOL:
		take_tool(r, known, given);
		return r->wrong ? OPTIONS_WRONG : OPTIONS_FINE;
	}
	note_extra(r, known);
	return r->wrong ? OPTIONS_WRONG : OPTIONS_FINE;
}

static const struct known *find_known(const char *name)
{
	for (const struct known *k = options_known; k < options_known + KNOWN; k++)
		if (strcmp(name, k->name) == 0 || (k->other && strcmp(name, k->other) == 0))
			return k;
	return NULL;
}

#define NAME_MAX_BYTES 31

/* How many letters must be inserted, left out or changed to make one of the other (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1], width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[width];
}

/* Of the long names, the one that was probably meant; NULL. */
static const char *nearest(const char *name)
{
	/* Of a short one every letter says something. */
	size_t len = strlen(name), least = len < 5 ? 2 : 3;
	const char *found = NULL;

	for (size_t i = 0; i < 2 * KNOWN && len > 2 && len <= NAME_MAX_BYTES; i++) {
		const char *candidate = i % 2 ? options_known[i / 2].other : options_known[i / 2].name;
		size_t far = candidate && strlen(candidate) > 2 ? distance(name, candidate) : least;
		if (far >= least)
			continue;
		least = far;
		found = candidate;
	}
	return found;
}

static enum options_status refuse_unknown(const char *given, const char *name)
{
	const char *meant = nearest(name);

	if (meant)
		return wrong("unknown option %s; is -%s meant?", given, meant);
	return wrong("unknown option %s", given);
}

/* The option at r->at, and its value. */
static enum options_status read_option(struct reader *r)
{
	struct text given = {NULL, 0, 0};
	const char *word = r->argv[r->at], *equals = strchr(word, '=');

	text_add(&given, word, equals ? (size_t)(equals - word) : strlen(word));
	r->attached = equals ? equals + 1 : NULL;
	const char *name = given.data + (given.data[1] == '-' ? 2 : 1);
	const struct known *known = find_known(name);
	enum options_status status = known ? take_option(r, known, given.data) : refuse_unknown(given.data, name);
	if (status == OPTIONS_FINE && r->attached)
		status = wrong("%s takes no value", given.data);
	text_fini(&given);
	return status;
}

/* "-scan, -bigkeys": the tools with which the option goes. */
static void list_tools(struct text *out, enum extra extra)
{
	for (size_t i = 0; i < KNOWN; i++) {
		const struct known *k = &options_known[i];
		if ((k->kind == TOOL || k->kind == FILE_TOOL) && (k->extra & extra))
			text_printf(out, "%s-%s", out->len ? ", " : "", k->name);
	}
}

/* An option that would have no effect isn't passed over in silence: whoever gave it relies on it. */
static enum options_status check_extras(const struct reader *r)
{
	struct text names = {NULL, 0, 0};

	for (size_t i = 0; i < EXTRAS; i++) {
		const struct known *given = r->extras[i];
		if (!given || (r->tool ? r->tool->extra & given->extra : !(given->extra & ONLY_TOOLS)))
			continue;
		if (r->tool)
			return wrong("-%s does not go with -%s", given->name, r->tool->name);
		list_tools(&names, given->extra);
		wrong("-%s goes with %s", given->name, names.data);
		text_fini(&names);
		return OPTIONS_WRONG;
	}
	return OPTIONS_FINE;
}

void options_fini(struct options *o)
{
	text_fini(&o->address);
}

/* What of the address people may see. */
static void take_address(struct options *o)
{
	const char *address = o->address.data, *start = strstr(address, "://"), *at = strrchr(address, '@');

	o->connection.address = address;
	start = at ? at + 1 : start ? start + 3 : address;
	snprintf(o->shown, sizeof(o->shown), "%.*s", (int)strcspn(start, "?"), start);
	if (strncmp(o->shown, "unix:", 5) != 0 && *o->shown != '/')
		o->shown[strcspn(o->shown, "/")] = 0;
}

static bool is_port(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return isdigit((unsigned char)*text) && !*end && n >= 1 && n <= 65535;
}

/* Host and port as an address has them, from one word or two; false when they are none. */
static bool write_target(struct text *out, const char *target, const char *port)
{
	const char *first = strchr(target, ':'), *colon = strrchr(target, ':');
	/* Colons of IPv6 are no port's, but behind brackets. */
	bool is_bare_v6 = *target != '[' && first != colon;
	bool has_port = colon > target && !is_bare_v6 && (*target != '[' || colon[-1] == ']');
	size_t host_len = has_port ? (size_t)(colon - target) : strlen(target);

	if (host_len == 0 || (*target == ':' && !is_bare_v6) || strpbrk(target, "@/ ") || (has_port && port))
		return false;
	port = has_port ? colon + 1 : port ? port : "6379";
	text_printf(out, "%s%.*s%s:%s", is_bare_v6 ? "[" : "", (int)host_len, target, is_bare_v6 ? "]" : "", port);
	return is_port(port);
}

bool options_aim(struct options *o, const char *target, const char *port)
{
	bool is_path = *target == '/' || strncasecmp(target, "unix:", 5) == 0;
	struct text address = {NULL, 0, 0};

	if (is_path)
		text_printf(&address, "%s%s", *target == '/' ? "unix:" : "", target);
	else
		text_puts(&address, strncasecmp(o->address.data, "rediss://", 9) == 0 ? "rediss://" : "");
	if (is_path ? port != NULL : !write_target(&address, target, port)) {
		text_fini(&address);
		return false;
	}
	text_fini(&o->address);
	o->address = address;
	take_address(o);
	return true;
}

/* The database leaves a URL for the options: at the prompt one may have to log in before it can be chosen. */
static void take_db(struct options *o)
{
	char *host = strstr(o->address.data, "://"), *slash = host ? strchr(host + 3, '/') : NULL, *end;

	if (strncasecmp(o->address.data, "redis", 5) != 0 || !slash || strchr(host, ','))
		return;
	long db = strtol(slash + 1, &end, 10);
	if ((*end && *end != '?') || db < 0 || db > 1000000)
		return;
	if (!o->connection.db)
		o->connection.db = (int)db;
	memmove(slash, end, strlen(end) + 1);
}

/* An empty variable is one that isn't set. */
static const char *from_environment(const char *name)
{
	const char *text = getenv(name);

	return text && *text ? text : NULL;
}

/* Where to, from the several ways to say it. */
static enum options_status choose_address(struct reader *r)
{
	struct options *o = r->out;
	const char *host = r->host ? r->host : "127.0.0.1";
	bool is_v6 = strchr(host, ':') && *host != '[';

	if ((r->url != NULL) + (r->socket != NULL) + (r->host || r->port) > 1)
		return wrong("%s", "-addr (-u), -s and -h or -p exclude each other");
	if (r->socket)
		text_printf(&o->address, "unix:%s", r->socket);
	else if (r->url)
		text_printf(&o->address, "%s%s", r->tls && !strstr(r->url, "://") ? "rediss://" : "", r->url);
	else
		text_printf(&o->address, "%s%s%s%s:%ld", r->tls ? "rediss://" : "", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
			    r->port ? r->port : 6379);
	const char *address = o->address.data;
	bool has_user = strchr(address, '@') && *address != '/' && strncasecmp(address, "unix:", 5) != 0;
	/* Taken for a host's name it would be looked up, and shown. */
	if (has_user && !strstr(address, "://"))
		return wrong("%s", "an address with a user or a password begins with redis://");
	take_db(o);
	take_address(o);
	if (!o->connection.password && !has_user) {
		const char *own = from_environment("QCACHE_AUTH");
		o->connection.password = own ? own : from_environment("REDISCLI_AUTH");
	}
	return OPTIONS_FINE;
}

/* What needs no further thought. */
static void take_values(const struct reader *r)
{
	struct options *o = r->out;

	*o = (struct options){
		.connection = {.protocol = r->protocol, .timeout_ms = -1, .retries = -1, .pool_size = 2, .db = (int)r->db,
			       .password = r->password, .user = r->user, .tls_ca = r->ca, .tls_cert = r->cert, .tls_key = r->key,
			       .tls_name = r->sni, .tls_insecure = r->insecure, .dial_timeout_ms = (int64_t)(r->dial_s * 1000)},
		.format = (enum format)r->format,
		.tool = r->tool ? (enum tool)r->tool->least : TOOL_NONE,
		.file = r->file,
		.pattern = r->pattern,
		.type = r->type,
		.count = r->count,
		.pipe_timeout_s = r->pipe_timeout_s,
		.repeat = r->repeat,
		.interval_s = r->interval_s,
		.last_from_stdin = r->last_from_stdin,
		.command = r->argv + r->at,
		.command_count = r->argc - r->at,
	};
	/* JSON can say what RESP2 can't: maps, booleans, doubles. */
	if (o->format == FORMAT_JSON)
		o->connection.protocol = 3;
}

enum options_status options_parse(struct options *options, int argc, char **argv)
{
	struct reader r = {.out = options, .argv = argv, .argc = argc, .at = 1, .repeat = 1, .interval_s = -1, .protocol = 2,
			   .pipe_timeout_s = 30};
	enum options_status status = OPTIONS_FINE;

	*options = (struct options){.repeat = 1};
	for (; status == OPTIONS_FINE && r.at < argc && argv[r.at][0] == '-' && argv[r.at][1]; r.at++)
		status = read_option(&r);
	if (status == OPTIONS_FINE)
		status = check_extras(&r);
	if (status != OPTIONS_FINE)
		return status;
	take_values(&r);
	if (r.tool && options->command_count)
		return wrong("a tool and a command (%s) exclude each other", options->command[0]);
	if (options->last_from_stdin && !options->command_count)
		return wrong("%s", "-x wants a command");
	return choose_address(&r);
}

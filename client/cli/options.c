#include "client/cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char usage[] =
	"usage: qcache-cli [option ...] [command [argument ...]]\n"
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
	"  -latency            how long an answer takes; -latency-dist draws it\n"
	"  -bigkeys, -memkeys  the largest keys by elements, or by memory\n"
	"  -scan               all keys; -pattern GLOB, -type TYPE, -count N\n"
	"  -pipe               sends what comes on standard input, RESP or commands, as fast as it goes\n"
	"  -import FILE        loads CSV (key,value[,seconds]) or RESP; - is standard input\n"
	"  -rdb FILE           fetches a snapshot; - is standard output\n"
	"\n"
	"Without a command it asks for them. The exit status is 0 when all went well, 1 when a command failed, 2 for a wrong\n"
	"command line, 3 when there is no connection.\n";

struct reader {
	struct options *out;
	char **argv;
	int argc, at;
	const char *host, *port, *socket, *url;
	bool tls, wrong;
};

static enum options_status wrong(const char *format, const char *what)
{
	fputs("qcache-cli: ", stderr);
	fprintf(stderr, format, what);
	fputs(" (see qcache-cli --help)\n", stderr);
	return OPTIONS_WRONG;
}

/* The word behind the option. */
static const char *value(struct reader *r)
{
	if (r->at + 1 < r->argc)
		return r->argv[++r->at];
	r->wrong = true;
	wrong("%s wants a value", r->argv[r->at]);
	return "";
}

static long number(struct reader *r, long least, long most)
{
	const char *name = r->argv[r->at], *text = value(r);
	char *end;

	if (r->wrong)
		return 0;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (!*text || *end || errno || n < least || n > most) {
		r->wrong = true;
		wrong("%s wants a number", name);
	}
	return n;
}

static const char *port_number(struct reader *r)
{
	number(r, 1, 65535);
	return r->argv[r->at];
}

static double seconds(struct reader *r)
{
	const char *name = r->argv[r->at], *text = value(r);
	char *end;
	double n = strtod(text, &end);

	if (!r->wrong && (!*text || *end || !(n >= 0 && n < 1e9))) {
		r->wrong = true;
		wrong("%s wants seconds", name);
	}
	return n;
}

static const struct { const char *name; enum tool tool; } tools[] = {
	{"stat", TOOL_STAT},       {"latency", TOOL_LATENCY}, {"latency-dist", TOOL_LATENCY_DIST}, {"bigkeys", TOOL_BIGKEYS},
	{"memkeys", TOOL_MEMKEYS}, {"scan", TOOL_SCAN},       {"pipe", TOOL_PIPE},                 {"import", TOOL_IMPORT},
	{"rdb", TOOL_RDB},
};

static const struct { const char *name; enum format format; } formats[] = {
	{"json", FORMAT_JSON}, {"csv", FORMAT_CSV}, {"raw", FORMAT_RAW}, {"no-raw", FORMAT_STANDARD},
};

static bool is(const char *name, const char *a, const char *b)
{
	return strcmp(name, a) == 0 || (b && strcmp(name, b) == 0);
}

static bool read_where(struct reader *r, const char *name)
{
	qc_options *c = &r->out->connection;

	if (is(name, "addr", "u") || is(name, "uri", "url"))
		r->url = value(r);
	else if (is(name, "h", "host"))
		r->host = value(r);
	else if (is(name, "p", "port"))
		r->port = port_number(r);
	else if (is(name, "s", "socket"))
		r->socket = value(r);
	else if (is(name, "a", "pass"))
		c->password = value(r);
	else if (is(name, "user", NULL))
		c->user = value(r);
	else if (is(name, "n", "db"))
		c->db = (int)number(r, 0, 1000000);
	else if (is(name, "tls", NULL))
		r->tls = true;
	else if (is(name, "cacert", NULL))
		c->tls_ca = value(r);
	else if (is(name, "cert", NULL))
		c->tls_cert = value(r);
	else if (is(name, "key", NULL))
		c->tls_key = value(r);
	else if (is(name, "sni", NULL))
		c->tls_name = value(r);
	else if (is(name, "insecure", NULL))
		c->tls_insecure = true;
	else if (is(name, "2", NULL) || is(name, "3", NULL))
		c->protocol = *name - '0';
	else if (is(name, "t", NULL))
		c->dial_timeout_ms = (int64_t)(seconds(r) * 1000);
	else
		return false;
	return true;
}

static bool read_how(struct reader *r, const char *name)
{
	struct options *o = r->out;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (is(name, formats[i].name, NULL)) {
			o->format = formats[i].format;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (is(name, tools[i].name, NULL)) {
			o->tool = tools[i].tool;
			if (o->tool == TOOL_IMPORT || o->tool == TOOL_RDB)
				o->file = value(r);
			return true;
		}
	}
	if (is(name, "x", NULL))
		o->last_from_stdin = true;
	else if (is(name, "r", "repeat"))
		o->repeat = number(r, -1, 1000000000);
	else if (is(name, "i", "interval"))
		o->interval_s = seconds(r);
	else if (is(name, "pattern", NULL))
		o->pattern = value(r);
	else if (is(name, "type", NULL))
		o->type = value(r);
	else if (is(name, "count", NULL))
		o->count = number(r, 1, 1000000000);
	else
		return false;
	return true;
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

void options_aim(struct options *o, const char *host, const char *port)
{
	text_clear(&o->address);
	text_printf(&o->address, "%s:%s", host, port);
	take_address(o);
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

/* Where to, from the several ways to say it. */
static enum options_status choose_address(struct reader *r)
{
	struct options *o = r->out;
	const char *host = r->host ? r->host : "127.0.0.1", *port = r->port ? r->port : "6379";
	bool is_v6 = strchr(host, ':') && *host != '[';

	if ((r->url != NULL) + (r->socket != NULL) + (r->host || r->port) > 1)
		return wrong("%s", "-addr (-u), -s and -h or -p exclude each other");
	if (r->socket)
		text_printf(&o->address, "unix:%s", r->socket);
	else if (r->url)
		text_printf(&o->address, "%s%s", r->tls && !strstr(r->url, "://") ? "rediss://" : "", r->url);
	else
		text_printf(&o->address, "%s%s%s%s:%s", r->tls ? "rediss://" : "", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
	const char *address = o->address.data;
	bool has_user = strchr(address, '@') && *address != '/' && strncasecmp(address, "unix:", 5) != 0;
	/* Taken for a host's name it would be looked up, and shown. */
	if (has_user && !strstr(address, "://"))
		return wrong("%s", "an address with a user or a password begins with redis://");
	take_db(o);
	take_address(o);
	if (!o->connection.password && !has_user) {
		const char *own = getenv("QCACHE_AUTH");
		o->connection.password = own ? own : getenv("REDISCLI_AUTH");
	}
	return OPTIONS_FINE;
}

enum options_status options_parse(struct options *options, int argc, char **argv)
{
	struct reader r = {.out = options, .argv = argv, .argc = argc, .at = 1};

	*options = (struct options){.repeat = 1, .interval_s = -1,
				    .connection = {.protocol = 2, .timeout_ms = -1, .retries = -1, .pool_size = 2}};
	for (; r.at < argc && argv[r.at][0] == '-' && argv[r.at][1]; r.at++) {
		const char *given = argv[r.at], *name = given + (given[1] == '-' ? 2 : 1);
		if (is(name, "help", "?")) {
			fputs(usage, stdout);
			return OPTIONS_DONE;
		}
		if (is(name, "version", "v")) {
			printf("qcache-cli %s\n", qc_version());
			return OPTIONS_DONE;
		}
		if (!read_where(&r, name) && !read_how(&r, name))
			return wrong("unknown option %s", given);
		if (r.wrong)
			return OPTIONS_WRONG;
	}
	options->command = argv + r.at;
	options->command_count = argc - r.at;
	if (options->tool != TOOL_NONE && options->command_count)
		return wrong("a tool and a command (%s) exclude each other", options->command[0]);
	if (options->last_from_stdin && !options->command_count)
		return wrong("%s", "-x wants a command");
	/* JSON can say what RESP2 can't: maps, booleans, doubles. */
	if (options->format == FORMAT_JSON)
		options->connection.protocol = 3;
	return choose_address(&r);
}

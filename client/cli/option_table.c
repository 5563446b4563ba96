#include "client/cli/option_table.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char option_usage[] =
	"usage: qcache-cli [option ...] [command [argument ...]]\n"
	"\n"
	"Options take one dash or two; a value is the next word, or attached as in -p=6379.\n"
	"\n"
	"Where the server is:\n"
	"  -addr HOST:PORT     also a URL or the path of a unix socket; localhost:6379\n"
	"  -h HOST, -p PORT    the two apart; beside a URL they replace what it says\n"
	"  -s PATH             a unix socket, whatever -h and -p say\n"
	"  -u URL              redis://user:password@host:port/db, rediss://... for TLS; also valkey://, valkeys://\n"
	"  -a PASSWORD         better in the environment, as QCACHE_AUTH or REDISCLI_AUTH; -askpass asks for it\n"
	"  -user NAME          logs in as\n"
	"  -n DB               the database\n"
	"  -name NAME          the connection's name, for CLIENT LIST\n"
	"  -tls, -cacert FILE, -cacertdir DIR, -cert FILE, -key FILE, -sni NAME, -insecure\n"
	"  -tls-ciphers LIST, -tls-ciphersuites LIST\n"
	"  -2, -3              the version of the protocol; 2\n"
	"  -4, -6              the version of IP that is preferred\n"
	"  -c                  follows MOVED and ASK to other nodes of a cluster\n"
	"  -t SECONDS          how long connecting may take; 5\n"
	"\n"
	"How commands run:\n"
	"  -x, -X TAG          the last argument, or the one that reads TAG, comes from standard input\n"
	"  -eval FILE          runs a script: its keys, a comma, its arguments\n"
	"  -quoted-input       arguments are read as at the prompt, with quotes and escapes\n"
	"  -r N, -i SECONDS    run the command N times (-1: for ever), with a pause\n"
	"  -json, -quoted-json (ASCII only), -csv, -raw, -no-raw\n"
	"  -d TEXT, -D TEXT    stand between the elements of a reply, and behind it, with -raw; newlines\n"
	"  -show-pushes yes|no messages that come unasked with -3; yes on a terminal\n"
	"\n"
	"At the prompt:\n"
	"  -yes                nothing is asked before FLUSHALL and its like\n"
	"  -pager PROGRAM      gets what is longer than the terminal, as in -pager 'less -R'; or QCACHE_PAGER\n"
	"  -profile NAME       takes options from that section of ~/.config/qcache/cli.ini; [default] holds always\n"
	"\n"
	"Tools:\n"
	"  -stat               a line about the server, again and again (-i SECONDS)\n"
	"  -actors             what the server's actors are at: mailboxes, turns, batches, as top shows processes\n"
	"  -slowlog            slow commands as they come into the log\n"
	"  -latency            how long an answer takes, also as -json or -csv; -latency-dist draws it\n"
	"  -latency-history    the same in a line for each 15 seconds (-i)\n"
	"  -intrinsic-latency SECONDS  how long this machine keeps a busy program waiting\n"
	"  -bigkeys, -memkeys  the largest keys by elements, or by memory (-memkeys-samples N)\n"
	"  -keystats           both, and how sizes are spread; -top N; -keystats-samples N\n"
	"  -hotkeys            the keys that are used most, with an LFU policy; -top N\n"
	"  -scan               all keys; -pattern GLOB (-quoted-pattern), -type TYPE, -count N, -cursor N\n"
	"  -lru-test KEYS      the hits and misses of a cache with so many keys, of which few are in demand\n"
	"  -pipe               sends what comes on standard input, RESP or commands, as fast as it goes\n"
	"  -import FILE        loads CSV (key,value[,seconds]) or RESP; - is standard input\n"
	"                      both give up without a reply for -pipe-timeout SECONDS; 30, 0: never\n"
	"  -rdb FILE           fetches a snapshot; - is standard output; -functions-rdb: of functions only\n"
	"\n"
	"Without a command it asks for them. The exit status is 0 when all went well, 1 when a command failed, 2 for a wrong\n"
	"command line, 3 when there is no connection.\n";

#define TO(field) .to = offsetof(struct option_values, field)
#define WALK (WITH_KEYS | WITH_CURSOR | WITH_PAUSE)

const struct option_known option_table[] = {
	{"addr", "u", OPTION_TEXT, TO(url)},
	{"uri", "url", OPTION_TEXT, TO(url)},
	{"h", "host", OPTION_TEXT, TO(host)},
	{"p", "port", OPTION_NUMBER, TO(port), 1, 65535},
	{"s", "socket", OPTION_TEXT, TO(socket)},
	{"a", "pass", OPTION_TEXT, TO(password)},
	{"askpass", NULL, OPTION_FLAG, TO(asks_password)},
	{"user", NULL, OPTION_TEXT, TO(user)},
	{"name", NULL, OPTION_TEXT, TO(name)},
	{"n", "db", OPTION_NUMBER, TO(db), 0, 1000000},
	{"tls", NULL, OPTION_FLAG, TO(tls)},
	{"cacert", NULL, OPTION_TEXT, TO(ca)},
	{"cacertdir", NULL, OPTION_TEXT, TO(ca_dir)},
	{"cert", NULL, OPTION_TEXT, TO(cert)},
	{"key", NULL, OPTION_TEXT, TO(key)},
	{"sni", NULL, OPTION_TEXT, TO(sni)},
	{"tls-ciphers", NULL, OPTION_TEXT, TO(ciphers)},
	{"tls-ciphersuites", NULL, OPTION_TEXT, TO(suites)},
	{"insecure", NULL, OPTION_FLAG, TO(insecure)},
	{"2", NULL, OPTION_CHOICE, TO(protocol), .chosen = 2},
	{"3", NULL, OPTION_CHOICE, TO(protocol), .chosen = 3},
	{"4", NULL, OPTION_CHOICE, TO(family), .chosen = 4},
	{"6", NULL, OPTION_CHOICE, TO(family), .chosen = 6},
	{"c", NULL, OPTION_FLAG, TO(follows)},
	{"t", NULL, OPTION_SECONDS, TO(dial_s)},
	{"x", NULL, OPTION_FLAG, TO(last_from_stdin)},
	{"X", NULL, OPTION_TEXT, TO(tag)},
	{"eval", NULL, OPTION_TEXT, TO(eval)},
	{"quoted-input", NULL, OPTION_FLAG, TO(is_quoted)},
	{"r", "repeat", OPTION_NUMBER, TO(repeat), -1, 1000000000, .extra = WITH_REPEAT},
	{"i", "interval", OPTION_SECONDS, TO(interval_s), .extra = WITH_PAUSE},
	{"json", NULL, OPTION_CHOICE, TO(format), .chosen = FORMAT_JSON, .extra = WITH_JSON},
	{"quoted-json", NULL, OPTION_CHOICE, TO(format), .chosen = FORMAT_QUOTED_JSON, .extra = WITH_JSON},
	{"csv", NULL, OPTION_CHOICE, TO(format), .chosen = FORMAT_CSV, .extra = WITH_CSV},
	{"raw", NULL, OPTION_CHOICE, TO(format), .chosen = FORMAT_RAW},
	{"no-raw", NULL, OPTION_CHOICE, TO(format), .chosen = FORMAT_STANDARD},
	{"d", NULL, OPTION_TEXT, TO(between)},
	{"D", NULL, OPTION_TEXT, TO(end)},
	{"show-pushes", NULL, OPTION_TEXT, TO(pushes)},
	{"yes", NULL, OPTION_FLAG, TO(is_sure)},
	{"pager", NULL, OPTION_TEXT, TO(pager)},
	{"profile", NULL, OPTION_TEXT, TO(profile)},
	{"pattern", NULL, OPTION_TEXT, TO(pattern), .extra = WITH_KEYS},
	{"quoted-pattern", NULL, OPTION_TEXT, TO(quoted_pattern), .extra = WITH_KEYS},
	{"type", NULL, OPTION_TEXT, TO(type), .extra = WITH_KEYS},
	{"count", NULL, OPTION_NUMBER, TO(count), 1, 1000000000, .extra = WITH_KEYS},
	{"cursor", NULL, OPTION_NUMBER, TO(cursor), 0, INT64_MAX, .extra = WITH_CURSOR},
	{"top", NULL, OPTION_NUMBER, TO(top), 0, 10000, .extra = WITH_TOP},
	{"pipe-timeout", NULL, OPTION_NUMBER, TO(pipe_timeout_s), 0, 1000000000, .extra = WITH_TIMEOUT},
	{"stat", NULL, OPTION_TOOL, .chosen = TOOL_STAT, .extra = WITH_PAUSE | WITH_REPEAT},
	{"latency", NULL, OPTION_TOOL, .chosen = TOOL_LATENCY, .extra = WITH_PAUSE | WITH_JSON | WITH_CSV},
	{"latency-history", NULL, OPTION_TOOL, .chosen = TOOL_LATENCY_HISTORY, .extra = WITH_PAUSE | WITH_REPEAT | WITH_JSON | WITH_CSV},
	{"latency-dist", NULL, OPTION_TOOL, .chosen = TOOL_LATENCY_DIST, .extra = WITH_PAUSE},
	{"intrinsic-latency", NULL, OPTION_NUMBER_TOOL, TO(seconds), 1, 1000000, .chosen = TOOL_INTRINSIC_LATENCY},
	{"actors", NULL, OPTION_TOOL, .chosen = TOOL_ACTORS, .extra = WITH_PAUSE | WITH_REPEAT | WITH_JSON},
	{"slowlog", NULL, OPTION_TOOL, .chosen = TOOL_SLOWLOG, .extra = WITH_PAUSE | WITH_REPEAT | WITH_JSON},
	{"bigkeys", NULL, OPTION_TOOL, .chosen = TOOL_BIGKEYS, .extra = WALK | WITH_JSON | WITH_TOP},
	{"memkeys", NULL, OPTION_TOOL, .chosen = TOOL_MEMKEYS, .extra = WALK | WITH_JSON | WITH_TOP},
	{"memkeys-samples", NULL, OPTION_NUMBER_TOOL, TO(samples), 0, 1000000000, .chosen = TOOL_MEMKEYS,
	 .extra = WALK | WITH_JSON | WITH_TOP},
	{"keystats", NULL, OPTION_TOOL, .chosen = TOOL_KEYSTATS, .extra = WALK | WITH_JSON | WITH_TOP},
	{"keystats-samples", NULL, OPTION_NUMBER_TOOL, TO(samples), 0, 1000000000, .chosen = TOOL_KEYSTATS,
	 .extra = WALK | WITH_JSON | WITH_TOP},
	{"hotkeys", NULL, OPTION_TOOL, .chosen = TOOL_HOTKEYS, .extra = WALK | WITH_JSON | WITH_TOP},
	{"scan", NULL, OPTION_TOOL, .chosen = TOOL_SCAN, .extra = WALK | WITH_JSON | WITH_CSV},
	{"lru-test", NULL, OPTION_NUMBER_TOOL, TO(keys), 1, 1000000000, .chosen = TOOL_LRU_TEST, .extra = WITH_REPEAT},
	{"pipe", NULL, OPTION_TOOL, .chosen = TOOL_PIPE, .extra = WITH_TIMEOUT},
	{"import", NULL, OPTION_FILE_TOOL, .chosen = TOOL_IMPORT, .extra = WITH_TIMEOUT},
	{"rdb", NULL, OPTION_FILE_TOOL, .chosen = TOOL_RDB},
	{"functions-rdb", NULL, OPTION_FILE_TOOL, .chosen = TOOL_FUNCTIONS_RDB},
	{.name = "help", .other = "?", .kind = OPTION_HELP},
	{.name = "version", .other = "v", .kind = OPTION_VERSION},
	/* Of redis-cli: here it is always so, or says nothing. */
	{"e", NULL, OPTION_FLAG, TO(is_ignored)},
	{"no-auth-warning", NULL, OPTION_FLAG, TO(is_ignored)},
	{"verbose", NULL, OPTION_FLAG, TO(is_ignored)},
	{"mono", NULL, OPTION_FLAG, TO(is_ignored)},
	/* Of redis-cli, for what qcache's server doesn't have. */
	{"cluster", NULL, OPTION_REFUSED, .why = "the server has no cluster that could be managed"},
	{"replica", "slave", OPTION_REFUSED, .why = "the server sends no stream of commands to replicas yet"},
	{"ldb", NULL, OPTION_REFUSED, .why = "the server has no debugger for scripts"},
	{"ldb-sync-mode", NULL, OPTION_REFUSED, .why = "the server has no debugger for scripts"},
	{"vset-recall", NULL, OPTION_REFUSED, .why = "the server has no vector sets"},
	{"vset-recall-count", NULL, OPTION_REFUSED, .why = "the server has no vector sets"},
	{"vset-recall-ele", NULL, OPTION_REFUSED, .why = "the server has no vector sets"},
	{"vset-recall-ef", NULL, OPTION_REFUSED, .why = "the server has no vector sets"},
};
const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

enum options_status option_wrong(const char *format, ...)
{
	va_list args;

	fputs("qcache-cli: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see qcache-cli --help)\n", stderr);
	return OPTIONS_WRONG;
}

bool option_is_tool(const struct option_known *known)
{
	return known->kind == OPTION_TOOL || known->kind == OPTION_FILE_TOOL || known->kind == OPTION_NUMBER_TOOL;
}

const struct option_known *option_find(const char *name)
{
	for (const struct option_known *k = option_table; k < option_table + option_count; k++)
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

const char *option_nearest(const char *name)
{
	/* Of a short one every letter says something. */
	size_t len = strlen(name), least = len < 5 ? 2 : 3;
	const char *found = NULL;

	for (size_t i = 0; i < 2 * option_count && len > 2 && len <= NAME_MAX_BYTES; i++) {
		const char *candidate = i % 2 ? option_table[i / 2].other : option_table[i / 2].name;
		size_t far = candidate && strlen(candidate) > 2 ? distance(name, candidate) : least;
		if (far >= least)
			continue;
		least = far;
		found = candidate;
	}
	return found;
}


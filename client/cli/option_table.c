#include "client/cli/option_table.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char option_usage[] =
	"usage: qcache-cli [option ...] [command [argument ...]]\n"
	"\n"
	"Options have one or two dashes; a value is the next word, or follows an = as in -p=6379.\n"
	"\n"
	"Connection:\n"
	"  -addr HOST:PORT     address; also a URL or the path of a unix socket (127.0.0.1:6379)\n"
	"  -h HOST, -p PORT    host and port; they override those of a URL\n"
	"  -s PATH             unix socket; overrides -h and -p\n"
	"  -u URL              redis://user:password@host:port/db, rediss://... for TLS; also valkey://, valkeys://\n"
	"  -a PASSWORD         password; safer in the environment, as QCACHE_AUTH or REDISCLI_AUTH; -askpass asks for it\n"
	"  -user NAME          user name\n"
	"  -n DB               database number\n"
	"  -name NAME          connection name, for CLIENT LIST\n"
	"  -tls, -cacert FILE, -cacertdir DIR, -cert FILE, -key FILE, -sni NAME, -insecure\n"
	"  -tls-ciphers LIST, -tls-ciphersuites LIST\n"
	"  -2, -3              protocol version: RESP2 (default) or RESP3\n"
	"  -4, -6              prefer IPv4 or IPv6\n"
	"  -c                  follow MOVED and ASK to other nodes of a cluster\n"
	"  -t SECONDS          connection timeout (5)\n"
	"\n"
	"Commands:\n"
	"  -x, -X TAG          read the last argument, or the argument TAG, from standard input\n"
	"  -eval FILE          run a script; its keys, a comma and its arguments follow\n"
	"  -quoted-input       parse quotes and escapes in arguments, as at the prompt\n"
	"  -r N, -i SECONDS    run the command N times (-1: forever), with a pause in between\n"
	"  -json, -quoted-json (ASCII only), -csv, -raw, -no-raw\n"
	"  -d TEXT, -D TEXT    with -raw: separator between elements, terminator after a reply (newlines)\n"
	"  -e                  print errors to standard error\n"
	"  -show-pushes yes|no show RESP3 push messages; yes on a terminal\n"
	"\n"
	"Prompt:\n"
	"  -yes                don't ask before FLUSHALL and other dangerous commands\n"
	"  -pager PROGRAM      page replies longer than the terminal, as in -pager 'less -R'; also QCACHE_PAGER\n"
	"  -profile NAME       use a section of ~/.config/qcache/cli.ini; section [default] always applies\n"
	"\n"
	"Tools:\n"
	"  -stat               print a line of server statistics every second (-i SECONDS)\n"
	"  -actors             show the server's actors, like top: mailboxes, turns, batches\n"
	"  -slowlog            print slow commands as they enter the slow log\n"
	"  -latency            measure response times, also as -json or -csv; -latency-dist draws their distribution\n"
	"  -latency-history    the same, one line every 15 seconds (-i); both with -latency-percentiles 50,99,99.9\n"
	"  -intrinsic-latency SECONDS  measure the latency of this machine itself\n"
	"  -bigkeys, -memkeys  find the largest keys by elements, or by memory (-memkeys-samples N)\n"
	"  -keystats           both, and the distribution of sizes; -top N; -keystats-samples N\n"
	"  -hotkeys            find the keys used most; needs an LFU policy; -top N\n"
	"  -scan               list all keys; -pattern GLOB (-quoted-pattern), -type TYPE, -count N, -cursor N\n"
	"  -lru-test KEYS      simulate a cache of KEYS keys with 80-20 access, and print hits and misses\n"
	"  -pipe               send commands or RESP from standard input as fast as possible\n"
	"  -import FILE        load CSV (key,value[,seconds]) or RESP; - is standard input\n"
	"                      both fail after -pipe-timeout SECONDS without a reply (30; 0: never)\n"
	"  -rdb FILE           save a snapshot to FILE; - is standard output; -functions-rdb: only functions\n"
	"\n"
	"Without a command, a prompt reads commands. Exit status: 0 success, 1 a command failed, 2 wrong usage,\n"
	"3 no connection.\n";

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
	{"e", NULL, OPTION_FLAG, TO(errors_apart)},
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
	{"latency-percentiles", NULL, OPTION_TEXT, TO(percentiles), .extra = WITH_PERCENTILES},
	{"stat", NULL, OPTION_TOOL, .chosen = TOOL_STAT, .extra = WITH_PAUSE | WITH_REPEAT},
	{"latency", NULL, OPTION_TOOL, .chosen = TOOL_LATENCY, .extra = WITH_PAUSE | WITH_JSON | WITH_CSV | WITH_PERCENTILES},
	{"latency-history", NULL, OPTION_TOOL, .chosen = TOOL_LATENCY_HISTORY,
	 .extra = WITH_PAUSE | WITH_REPEAT | WITH_JSON | WITH_CSV | WITH_PERCENTILES},
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
	/* Ignored options of redis-cli: they have no effect, or are always on here. */
	{"no-auth-warning", NULL, OPTION_FLAG, TO(is_ignored)},
	{"verbose", NULL, OPTION_FLAG, TO(is_ignored)},
	{"mono", NULL, OPTION_FLAG, TO(is_ignored)},
	/* Options of redis-cli for features that the server lacks. */
	{"cluster", NULL, OPTION_REFUSED, .why = "cluster management is not supported"},
	{"replica", "slave", OPTION_REFUSED, .why = "the server does not stream commands to replicas yet"},
	{"ldb", NULL, OPTION_REFUSED, .why = "the server has no script debugger"},
	{"ldb-sync-mode", NULL, OPTION_REFUSED, .why = "the server has no script debugger"},
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

/* The number of letters to insert, delete or change to turn one name into the other (Levenshtein distance). */
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
	/* In a short name every letter counts. */
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


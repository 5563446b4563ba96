/*
 * Times, sizes and counts at their limits: the smallest and largest that a command accepts, those just beyond, and both ends of 64 bits.
 * The replies are those of Redis 7.0.15, which passes this test too (QCACHE_SERVER=/usr/bin/redis-server), except in our own cases: there a
 * sum overflows in Redis and does the opposite of the request.
 */
#include <stdio.h>
#include <string.h>

#include "support/peer.h"
#include "support/server.h"
#include "support/shared_server.h"
#include "support/suite.h"
#include "support/directive.h"

const char shared_server_directives[] = "--proto-max-bulk-len 1mb";

#define LOWEST "-9223372036854775808"
#define HIGHEST "9223372036854775807"
/* The last second whose milliseconds fit 64 bits, and the same counted from any time in this century and the next. */
#define LAST_SECOND "9223372036854775"
#define BEYOND_LAST_SECOND "9223372036854776"
#define FAR_SECONDS "9223365000000000"
#define TOO_FAR_SECONDS "9223371500000000"
#define FAR_MS "9223365000000000000"
#define TOO_FAR_MS "9223371500000000000"

#define NO_NUMBER "-ERR value is not an integer or out of range"
#define NO_TIMEOUT "-ERR timeout is not an integer or out of range"
#define TIME_OF(command) "-ERR invalid expire time in '" command "' command"
#define TOO_LONG "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"
#define NO_DATABASE "-ERR DB index is out of range"

static const struct limits {
	const char *command;        /* the number replaces @; the keys `key` and `number` have "value" and 10 */
	const char *least, *most;   /* these are accepted */
	const char *reply;          /* the reply begins so */
	const char *under, *over;   /* these are not; NULL where 64 bits end */
	const char *under_error, *over_error;
	const char *no_number;      /* for numbers beyond 64 bits */
	const char *after, *after_reply; /* above the largest */
} commands[] = {
	{ "SET key v EX @", "1", FAR_SECONDS, "+OK", "0", TOO_FAR_SECONDS, TIME_OF("set"), TIME_OF("set"), NO_NUMBER, "EXISTS key", ":1" },
	{ "SET key v PX @", "1", FAR_MS, "+OK", "0", TOO_FAR_MS, TIME_OF("set"), TIME_OF("set"), NO_NUMBER, "EXISTS key", ":1" },
	{ "SET key v EXAT @", "1", LAST_SECOND, "+OK", "0", BEYOND_LAST_SECOND, TIME_OF("set"), TIME_OF("set"), NO_NUMBER,
	  "PEXPIRETIME key", ":" LAST_SECOND "000" },
	{ "SET key v PXAT @", "1", HIGHEST, "+OK", "0", NULL, TIME_OF("set"), NULL, NO_NUMBER, "PEXPIRETIME key", ":" HIGHEST },
	{ "SETEX key @ v", "1", FAR_SECONDS, "+OK", "0", TOO_FAR_SECONDS, TIME_OF("setex"), TIME_OF("setex"), NO_NUMBER, "EXISTS key",
	  ":1" },
	{ "PSETEX key @ v", "1", FAR_MS, "+OK", "0", TOO_FAR_MS, TIME_OF("psetex"), TIME_OF("psetex"), NO_NUMBER, "EXISTS key", ":1" },
	{ "GETEX key EX @", "1", FAR_SECONDS, "$5", "0", TOO_FAR_SECONDS, TIME_OF("getex"), TIME_OF("getex"), NO_NUMBER, "EXISTS key",
	  ":1" },
	{ "GETEX key PX @", "1", FAR_MS, "$5", "0", TOO_FAR_MS, TIME_OF("getex"), TIME_OF("getex"), NO_NUMBER, "EXISTS key", ":1" },
	{ "GETEX key EXAT @", "1", LAST_SECOND, "$5", "0", BEYOND_LAST_SECOND, TIME_OF("getex"), TIME_OF("getex"), NO_NUMBER,
	  "PEXPIRETIME key", ":" LAST_SECOND "000" },
	{ "GETEX key PXAT @", "1", HIGHEST, "$5", "0", NULL, TIME_OF("getex"), NULL, NO_NUMBER, "PEXPIRETIME key", ":" HIGHEST },
	{ "EXPIRE key @", "-" LAST_SECOND, FAR_SECONDS, ":1", "-" BEYOND_LAST_SECOND, TOO_FAR_SECONDS, TIME_OF("expire"),
	  TIME_OF("expire"), NO_NUMBER, "EXISTS key", ":1" },
	{ "PEXPIRE key @", LOWEST, FAR_MS, ":1", NULL, TOO_FAR_MS, NULL, TIME_OF("pexpire"), NO_NUMBER, "EXISTS key", ":1" },
	{ "EXPIREAT key @", "-" LAST_SECOND, LAST_SECOND, ":1", "-" BEYOND_LAST_SECOND, BEYOND_LAST_SECOND, TIME_OF("expireat"),
	  TIME_OF("expireat"), NO_NUMBER, "PEXPIRETIME key", ":" LAST_SECOND "000" },
	{ "PEXPIREAT key @", LOWEST, HIGHEST, ":1", NULL, NULL, NULL, NULL, NO_NUMBER, "PEXPIRETIME key", ":" HIGHEST },

	{ "CLIENT PAUSE @ WRITE", "0", FAR_MS, "+OK", "-1", NULL, "-ERR timeout is negative", NULL, NO_TIMEOUT, "CLIENT UNPAUSE", "+OK" },
	{ "WAIT 0 @", "0", HIGHEST, ":0", "-1", NULL, "-ERR timeout is negative", NULL, NO_TIMEOUT, NULL, NULL },
	{ "WAIT @ 1", LOWEST, "0", ":0", NULL, NULL, NULL, NULL, NO_NUMBER, NULL, NULL },
	{ "DEBUG SLEEP @", "-1", "0", "+OK", NULL, NULL, NULL, NULL, NULL, NULL, NULL },

	{ "SETRANGE key @ x", "0", "1048575", ":", "-1", "1048576", "-ERR offset is out of range", TOO_LONG, NO_NUMBER, "STRLEN key",
	  ":1048576" },
	{ "GETRANGE key @ -1", LOWEST, HIGHEST, "$", NULL, NULL, NULL, NULL, NO_NUMBER, NULL, NULL },
	{ "GETRANGE key 0 @", LOWEST, HIGHEST, "$", NULL, NULL, NULL, NULL, NO_NUMBER, NULL, NULL },
	{ "INCRBY number @", LOWEST, "9223372036854775797", ":", NULL, "9223372036854775798", NULL,
	  "-ERR increment or decrement would overflow", NO_NUMBER, "GET number", "$19\r\n" HIGHEST },
	{ "DECRBY number @", "-9223372036854775797", HIGHEST, ":", NULL, NULL, NULL, NULL, NO_NUMBER, "GET number",
	  "$20\r\n-9223372036854775797" },
	{ "DECRBY number @", "-1", "-1", ":", LOWEST, NULL, "-ERR decrement would overflow", NULL, NO_NUMBER, NULL, NULL },
	{ "SELECT @", "0", "15", "+OK", NULL, "16", NULL, NULL, NO_NUMBER, "SELECT 0", "+OK" },
	{ "SCAN 0 COUNT @", "1", HIGHEST, "*2", "0", NULL, "-ERR syntax error", NULL, NO_NUMBER, NULL, NULL },
	{ "SORT absent LIMIT @ 1", LOWEST, HIGHEST, "*0", NULL, NULL, NULL, NULL, NO_NUMBER, NULL, NULL },
	{ "SORT absent LIMIT 0 @", LOWEST, HIGHEST, "*0", NULL, NULL, NULL, NULL, NO_NUMBER, NULL, NULL },
	{ "MEMORY USAGE absent SAMPLES @", "0", HIGHEST, "$-1", "-1", NULL, "-ERR syntax error", NULL, NO_NUMBER, NULL, NULL },
	{ "LCS key key IDX MINMATCHLEN @", LOWEST, HIGHEST, "*4", NULL, NULL, NULL, NULL, NO_NUMBER, NULL, NULL },
	{ "SLOWLOG GET @", "-1", HIGHEST, "*", "-2", NULL, "-ERR count should be greater than or equal to -1", NULL,
	  "-ERR count should be greater than or equal to -1", NULL, NULL },
	{ "CLIENT UNBLOCK @", LOWEST, HIGHEST, ":0", NULL, NULL, NULL, NULL, NO_NUMBER, NULL, NULL },
	{ "CLIENT KILL ID @", HIGHEST, HIGHEST, ":0", "0", NULL, "-ERR client-id should be greater than 0", NULL,
	  "-ERR client-id should be greater than 0", NULL, NULL },
};

/* In Redis a pause whose end overflows is no pause. */
static const struct limits ours[] = {
	{ "CLIENT PAUSE @ WRITE", "0", FAR_MS, "+OK", "-1", TOO_FAR_MS, "-ERR timeout is negative", "-ERR timeout is out of range",
	  NO_TIMEOUT, "CLIENT UNPAUSE", "+OK" },
};

/* Sends the command with the number in place of @. The reply must begin as expected. */
static void check(const char *command, const char *number, const char *expected)
{
	char text[256], *rest = text;
	const char *words[12] = { NULL };
	int count = 0;
	snprintf(text, sizeof(text), "%s", command);
	while ((words[count] = strsep(&rest, " "))) {
		if (strcmp(words[count], "@") == 0)
			words[count] = number;
		count++;
	}
	const char *reply = peer_command(peer, words[0], words[1], words[2], words[3], words[4], words[5], words[6], (char *)NULL);
	bool is_expected = reply && strncmp(reply, expected, strlen(expected)) == 0;
	if (!is_expected)
		fprintf(stderr, "%s with %s: %.200s, not %s\n", command, number, reply ? reply : "nothing", expected);
	CU_ASSERT(is_expected);
}

static void prepare(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "key", "value", "number", "10"));
}

static void check_limits(const struct limits *limits)
{
	const struct {
		const char *number, *expected;
	} numbers[] = {
		{ limits->under ? LOWEST : NULL, limits->under_error },
		{ limits->under, limits->under_error },
		{ limits->least, limits->reply },
		{ limits->over, limits->over_error ? limits->over_error : "-ERR" },
		{ limits->over ? HIGHEST : NULL, limits->over_error ? limits->over_error : "-ERR" },
		{ limits->no_number ? "-9223372036854775809" : NULL, limits->no_number },
		{ limits->no_number ? "9223372036854775808" : NULL, limits->no_number },
		{ limits->no_number ? "18446744073709551616" : NULL, limits->no_number },
		{ limits->most, limits->reply },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		prepare();
		if (numbers[i].number)
			check(limits->command, numbers[i].number, numbers[i].expected);
	}
	if (limits->after)
		check(limits->after, "", limits->after_reply);
}

static void commands_take_numbers_up_to_their_limits_and_none_beyond(void)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		check_limits(&commands[i]);
}

static void a_time_past_the_end_of_time_is_refused(void)
{
	ONLY_OURS();
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		check_limits(&ours[i]);
}

/* ---- directives in force at their limits ---- */

static const struct {
	const char *name, *most, *shown, *usual;
} directives[] = {
	{ "timeout", "2147483647", "2147483647", "0" },
	{ "tcp-keepalive", "2147483647", "2147483647", "300" },
	{ "slowlog-log-slower-than", HIGHEST, HIGHEST, "10000" },
	{ "slowlog-max-len", HIGHEST, HIGHEST, "128" },
	{ "latency-monitor-threshold", HIGHEST, HIGHEST, "0" },
	{ "maxmemory", "18446744073709551615", "18446744073709551615", "0" },
	{ "client-query-buffer-limit", HIGHEST, HIGHEST, "1gb" },
	{ "client-output-buffer-limit", "normal 18446744073709551615 18446744073709551615 2147483647",
	  "normal 18446744073709551615 18446744073709551615 2147483647 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
	  "normal 0 0 0" },
	{ "client-output-buffer-limit", "normal 0 1 2147483647",
	  "normal 0 1 2147483647 slave 268435456 67108864 60 pubsub 33554432 8388608 60", "normal 0 0 0" },
	{ "maxmemory-policy", "allkeys-lfu", "allkeys-lfu", "allkeys-lfu" },
	{ "lfu-decay-time", "2147483647", "2147483647", "1" },
	{ "lfu-log-factor", "2147483647", "2147483647", "10" },
	{ "maxmemory-eviction-tenacity", "100", "100", "10" },
	{ "maxmemory-policy", "noeviction", "noeviction", "noeviction" },
};

/* Some commands, for an old client and for a new one. */
static void check_service(const char *name)
{
	struct peer *newcomer = peer_connect(server);
	bool is_served = GIVES(newcomer, "+PONG\r\n", "PING") && GIVES(peer, "+OK\r\n", "SET", "key", "value") &&
			 GIVES(newcomer, "$5\r\nvalue\r\n", "GET", "key") && GIVES(peer, ":1\r\n", "PEXPIRE", "key", "100000") &&
			 GIVES(newcomer, ":1\r\n", "EXISTS", "key");
	if (!is_served)
		fprintf(stderr, "with %s at its limit clients are not served\n", name);
	CU_ASSERT(is_served);
	peer_close(&newcomer);
}

static void the_server_serves_with_a_directive_at_its_limit(void)
{
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
		CU_ASSERT(set_directive(peer, directives[i].name, directives[i].most));
		CU_ASSERT(directive_is(peer, directives[i].name, directives[i].shown));
		check_service(directives[i].name);
		CU_ASSERT(set_directive(peer, directives[i].name, directives[i].usual));
	}
}

/* In Redis 1024 times a large number can wrap, even to 0, which means no limit. */
static void a_size_too_large_is_the_largest(void)
{
	ONLY_OURS();
	static const char *const sizes[] = { "18446744073709551615",  "18446744073709551616", "18014398509481984kb", "17592186044416mb",
					     "17179869184gb",         "99999999999999999gb",  "18446744073709552k",  "18446744073710m",
					     "18446744074g" };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CU_ASSERT(set_directive(peer, "maxmemory", sizes[i]));
		CU_ASSERT(directive_is(peer, "maxmemory", "18446744073709551615"));
	}
	CU_ASSERT(set_directive(peer, "maxmemory", "18014398509481983kb"));
	CU_ASSERT(directive_is(peer, "maxmemory", "18446744073709550592"));
	CU_ASSERT(set_directive(peer, "maxmemory", "17179869183gb"));
	CU_ASSERT(directive_is(peer, "maxmemory", "18446744072635809792"));
	CU_ASSERT(set_directive(peer, "maxmemory", "0"));
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(commands_take_numbers_up_to_their_limits_and_none_beyond),
	CASE(a_time_past_the_end_of_time_is_refused),
	CASE(the_server_serves_with_a_directive_at_its_limit),
	CASE(a_size_too_large_is_the_largest),
	CASE(server_stops),
};

SUITE_MAIN("limits", cases)

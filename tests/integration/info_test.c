/*
 * The numbers of INFO: what they count, and that they fit together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/shared_server.h"

const char shared_server_directives[] = "--timeout 0";

/* ---- hits and misses ---- */

/* A line as it would be typed; `k` is the key that is there or isn't. How often the command looks for it to tell what it found. */
static const struct lookup {
	const char *line;
	int reads;
} lookups[] = {
	{ "SET k 1", 0 },
	{ "SET k 1 NX", 0 },
	{ "SET k 1 XX", 0 },
	{ "SET k 1 KEEPTTL", 0 },
	{ "SET k 1 GET", 1 },
	{ "SET k 1 NX GET", 1 },
	{ "SET k 1 XX GET", 1 },
	{ "SETNX k 1", 0 },
	{ "SETEX k 10 1", 0 },
	{ "MSET k 1", 0 },
	{ "MSETNX k 1", 0 },
	{ "GET k", 1 },
	{ "MGET k k", 2 },
	{ "GETEX k", 1 },
	{ "GETEX k EX 10", 1 },
	{ "GETEX k PERSIST", 1 },
	{ "GETDEL k", 1 },
	{ "GETSET k 1", 1 },
	{ "STRLEN k", 1 },
	{ "GETRANGE k 0 1", 1 },
	{ "SUBSTR k 0 1", 1 },
	{ "LCS k k", 2 },
	{ "APPEND k 1", 0 },
	{ "SETRANGE k 0 1", 0 },
	{ "INCR k", 0 },
	{ "INCRBYFLOAT k 1", 0 },
	{ "DEL k", 0 },
	{ "UNLINK k", 0 },
	{ "EXISTS k k", 2 },
	{ "TOUCH k", 1 },
	{ "TYPE k", 1 },
	{ "EXPIRE k 10", 0 },
	{ "EXPIRE k 10 NX", 0 },
	{ "PERSIST k", 0 },
	{ "TTL k", 1 },
	{ "PTTL k", 1 },
	{ "EXPIRETIME k", 1 },
	{ "RENAME k other", 0 },
	{ "RENAMENX k other", 0 },
	{ "COPY k other", 1 },
	{ "COPY k other REPLACE", 1 },
	{ "COPY k other DB 1", 1 },
	{ "MOVE k 1", 0 },
	{ "SORT k", 1 },
	{ "SORT k STORE other", 1 },
	{ "SORT_RO k", 1 },
	{ "OBJECT ENCODING k", 1 },
	{ "OBJECT IDLETIME k", 1 },
	{ "MEMORY USAGE k", 0 },
	{ "RANDOMKEY", 0 },
	{ "KEYS *", 0 },
	{ "SCAN 0", 0 },
	{ "DBSIZE", 0 },
};

static void expect_counts(const char *line, int64_t hits, int64_t misses)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	CU_ASSERT_FATAL(peer_send_text(peer, line) && peer_send_text(peer, "\r\n") && peer_reply(peer) != NULL);
	const char *stats = COMMAND(peer, "INFO", "stats");
	int64_t hits_told = info_number(stats, "keyspace_hits"), misses_told = info_number(stats, "keyspace_misses");
	CU_ASSERT(hits_told == hits && misses_told == misses);
	if (hits_told != hits || misses_told != misses)
		fprintf(stderr, "%s: %d hits and %d misses, not %d and %d\n", line, (int)hits_told, (int)misses_told, (int)hits,
			(int)misses);
}

static void who_tells_what_is_found_counts_a_hit_or_a_miss(void)
{
	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
		expect_counts(lookups[i].line, 0, lookups[i].reads);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "1"));
		expect_counts(lookups[i].line, lookups[i].reads, 0);
	}
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(who_tells_what_is_found_counts_a_hit_or_a_miss),
	CASE(server_stops),
};

SUITE_MAIN("info", cases)

/*
 * The numbers of INFO: that they count the right things, and fit together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/deadline.h"
#include "support/shared_server.h"

const char shared_server_directives[] = "--timeout 0";

static int64_t info_of(const char *section, const char *field)
{
	return info_number(COMMAND(peer, "INFO", section), field);
}

/* ---- hits and misses ---- */

/* An inline command, in which `k` is the key that exists or not, and how many hits or misses it counts. */
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

static void commands_that_tell_what_they_found_count_hits_and_misses(void)
{
	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
		expect_counts(lookups[i].line, 0, lookups[i].reads);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "1"));
		expect_counts(lookups[i].line, lookups[i].reads, 0);
	}
}

/* ---- what dashboards read ---- */

static const char *const fields[] = {
	"redis_build_id", "hz", "configured_hz", "lru_clock", "used_memory_lua", "used_memory_scripts", "used_memory_vm_total",
	"number_of_cached_scripts", "mem_replication_backlog", "mem_total_replication_buffers", "mem_aof_buffer", "mem_cluster_links",
	"lazyfree_pending_objects", "lazyfreed_objects", "rdb_changes_since_last_save", "rdb_last_save_time", "rdb_last_cow_size",
	"current_cow_size", "current_fork_perc", "aof_rewrites", "module_fork_in_progress", "total_net_repl_input_bytes", "sync_full",
	"sync_partial_ok", "evicted_clients", "expired_stale_perc", "expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds",
	"total_eviction_exceeded_time", "current_eviction_exceeded_time", "unexpected_error_replies", "io_threaded_reads_processed",
	"reply_buffer_shrinks", "active_defrag_hits", "used_cpu_sys_main_thread", "used_cpu_user_main_thread",
};

static void nothing_is_missing_that_dashboards_read(void)
{
	const char *text = COMMAND(peer, "INFO");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char line[64];
		snprintf(line, sizeof(line), "\n%s:", fields[i]);
		CU_ASSERT(strstr(text, line) != NULL);
		if (!strstr(text, line))
			fprintf(stderr, "no %s\n", fields[i]);
	}
}

static void commands_a_second_are_those_of_the_last_two(void)
{
	ONLY_OURS(); /* Redis samples ten times a second */
	enum { PINGS = 2000 };
	static const char ping[] = "PING\r\n";
	static char pings[PINGS * (sizeof(ping) - 1) + 1];
	for (int i = 0; i < PINGS; i++)
		memcpy(pings + (size_t)i * (sizeof(ping) - 1), ping, sizeof(ping));
	/* If they take longer than the two seconds, they are sent again. */
	int64_t deadline = deadline_after(PATIENCE_MS);
	const char *stats;
	do {
		CU_ASSERT_FATAL(peer_send_text(peer, pings) && peer_expect_times(peer, "+PONG\r\n", PINGS));
		stats = COMMAND(peer, "INFO", "stats");
	} while (info_number(stats, "instantaneous_ops_per_sec") < PINGS / 4 && deadline_left_ms(deadline) > 0);
	CU_ASSERT(info_number(stats, "instantaneous_ops_per_sec") >= PINGS / 4);
	CU_ASSERT(info_number(stats, "instantaneous_input_kbps") >= 1);
	CU_ASSERT(info_number(stats, "instantaneous_output_kbps") >= 1);
	CU_ASSERT(GIVES(peer, ":0\r\n", "WAIT", "1", "2100"));
	CU_ASSERT(info_of("stats", "instantaneous_ops_per_sec") < 10);
	CU_ASSERT(info_of("stats", "instantaneous_input_kbps") < 1);
}

static void fragmentation_is_no_more_than_what_is_allocated_leaves(void)
{
	ONLY_OURS();
	const char *text = COMMAND(peer, "INFO", "memory");
	int64_t resident = info_number(text, "used_memory_rss"), allocated = info_number(text, "allocator_allocated");
	int64_t used = info_number(text, "used_memory");
	CU_ASSERT_EQUAL(info_number(text, "mem_fragmentation_bytes"), resident - (allocated > used ? allocated : used));
	CU_ASSERT(allocated == 0 || info_number(text, "mem_fragmentation_ratio") < 20); /* 0: the allocator doesn't say */
}

static void keys_of_a_flushed_database_are_freed_behind_the_scenes(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL", "SYNC"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "1000"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL", "ASYNC"));
	CU_ASSERT(info_comes_to(peer, "memory", "lazyfree_pending_objects", 0));
	CU_ASSERT(info_of("memory", "lazyfreed_objects") >= 1000);
}

static void changes_are_counted_and_reads_are_not(void)
{
	int64_t before = info_of("persistence", "rdb_changes_since_last_save");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "changed", "1"));
	CU_ASSERT(GIVES(peer, ":2\r\n", "INCR", "changed"));
	CU_ASSERT(GIVES(peer, "$1\r\n2\r\n", "GET", "changed"));
	CU_ASSERT_EQUAL(info_of("persistence", "rdb_changes_since_last_save"), before + 2);
}

/* Time above maxmemory counts while nothing can be evicted. */
static void time_above_maxmemory_is_counted(void)
{
	ONLY_OURS();
	CU_ASSERT_EQUAL(info_of("stats", "current_eviction_exceeded_time"), 0);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory", "1"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "WAIT", "1", "20"));
	CU_ASSERT(info_of("stats", "current_eviction_exceeded_time") >= 19);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory", "0"));
	CU_ASSERT_EQUAL(info_of("stats", "current_eviction_exceeded_time"), 0);
	CU_ASSERT(info_of("stats", "total_eviction_exceeded_time") >= 19);
}

/* Other clients ask all the time, so that usually an answer to an earlier question is under way. */
static void an_answer_tells_what_came_before_its_question(void)
{
	enum { ASKED = 4000, ROUNDS = 200 };
	static const char question[] = "INFO commandstats\r\n";
	struct peer *others[2];
	char *questions = calloc(ASKED, sizeof(question));
	for (int i = 0; i < ASKED; i++)
		memcpy(questions + i * (sizeof(question) - 1), question, sizeof(question) - 1);
	for (int i = 0; i < 2; i++) {
		others[i] = peer_connect_unix(server);
		CU_ASSERT(peer_send_text(others[i], questions));
	}
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	int wrong = 0;
	for (int i = 1; i <= ROUNDS; i++) {
		char expected[64];
		snprintf(expected, sizeof(expected), "cmdstat_strlen:calls=%d,", i);
		CU_ASSERT(peer_exchange(peer, "STRLEN nothing\r\nINFO commandstats\r\n", ":0\r\n"));
		const char *reply = peer_reply(peer);
		wrong += !reply || !strstr(reply, expected);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (int i = 0; i < 2; i++)
		peer_close(&others[i]);
	free(questions);
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(commands_that_tell_what_they_found_count_hits_and_misses),
	CASE(nothing_is_missing_that_dashboards_read),
	CASE(commands_a_second_are_those_of_the_last_two),
	CASE(fragmentation_is_no_more_than_what_is_allocated_leaves),
	CASE(keys_of_a_flushed_database_are_freed_behind_the_scenes),
	CASE(changes_are_counted_and_reads_are_not),
	CASE(time_above_maxmemory_is_counted),
	CASE(an_answer_tells_what_came_before_its_question),
	CASE(server_stops),
};

SUITE_MAIN("info", cases)

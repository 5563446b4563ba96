/*
 * The slow log, latencies, MEMORY, and pauses. The server's time for a command must lie between the time requested, as in DEBUG SLEEP, and
 * the time that the client waited.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/deadline.h"
#include "support/shared_server.h"

const char shared_server_directives[] = "--enable-debug-command yes --latency-monitor-threshold 20 --slowlog-log-slower-than 20000";

#define SLEEP_US 50000

static int64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* How long the client waited. */
static int64_t sleep_once(void)
{
	int64_t begin = monotonic_us();
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "SLEEP", "0.05"));
	return monotonic_us() - begin;
}

/* The third number of the newest entry: *6 :id :time :duration. */
static int64_t newest_duration_us(void)
{
	const char *reply = COMMAND(peer, "SLOWLOG", "GET", "1"), *at = reply;
	for (int i = 0; i < 3 && at; i++)
		at = strstr(at + 1, "\r\n:");
	return at ? strtoll(at + 3, NULL, 10) : -1;
}

static void the_slow_log_agrees_with_the_client(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SLOWLOG", "RESET"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "SLOWLOG", "LEN"));
	int64_t waited_us = sleep_once();
	CU_ASSERT(GIVES(peer, ":1\r\n", "SLOWLOG", "LEN"));
	int64_t told_us = newest_duration_us();
	/* The server sleeps whole milliseconds. */
	CU_ASSERT(told_us >= SLEEP_US && told_us <= waited_us + 1000);
	const char *reply = COMMAND(peer, "SLOWLOG", "GET");
	CU_ASSERT(strstr(reply, "*3\r\n$5\r\nDEBUG\r\n$5\r\nSLEEP\r\n$4\r\n0.05\r\n$") != NULL);
}

static void the_slow_log_hides_secrets(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "0"));
	COMMAND(peer, "AUTH", "open sesame");
	COMMAND(peer, "AUTH", "someone", "open sesame");
	COMMAND(peer, "HELLO", "2", "AUTH", "default", "open sesame");
	COMMAND(peer, "HELLO", "9", "AUTH", "default", "open sesame");
	COMMAND(peer, "CONFIG", "SET", "requirepass", "open sesame", "timeout");
	COMMAND(peer, "CONFIG", "SET", "requirepas", "open sesame");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "requirepass", "open sesame"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "requirepass", ""));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "20000"));
	const char *reply = COMMAND(peer, "SLOWLOG", "GET", "-1");
	CU_ASSERT(strstr(reply, "sesame") == NULL);
	CU_ASSERT(strstr(reply, "$11\r\nrequirepass\r\n$10\r\n(redacted)\r\n") != NULL);
}

static void the_slow_log_is_as_long_as_it_may_be(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "5"));
	for (int i = 0; i < 20; i++)
		CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	CU_ASSERT(GIVES(peer, ":5\r\n", "SLOWLOG", "LEN"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "20000", "slowlog-max-len", "2"));
	CU_ASSERT(GIVES(peer, ":2\r\n", "SLOWLOG", "LEN"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "-1"));
	sleep_once();
	CU_ASSERT(GIVES(peer, ":2\r\n", "SLOWLOG", "LEN"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "20000", "slowlog-max-len", "128"));
}

static void histograms_agree_with_the_client(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	int64_t longest_us = 0;
	for (int i = 0; i < 3; i++) {
		int64_t waited_us = sleep_once();
		longest_us = waited_us > longest_us ? waited_us : longest_us;
	}
	const char *reply = COMMAND(peer, "LATENCY", "HISTOGRAM", "debug");
	CU_ASSERT(strstr(reply, "$5\r\ndebug\r\n*4\r\n$5\r\ncalls\r\n:3\r\n$14\r\nhistogram_usec\r\n*") != NULL);
	/* Each doubling but those below 50 ms and above what was waited is empty; the last is that of all. */
	CU_ASSERT(strstr(reply, "\r\n:33") == NULL);
	const char *last = strrchr(reply, ':');
	CU_ASSERT(last && strcmp(last, ":3\r\n") == 0);
	reply = COMMAND(peer, "INFO", "latencystats");
	const char *p50 = strstr(reply, "latency_percentiles_usec_debug:p50=");
	double told_us = p50 ? strtod(p50 + strlen("latency_percentiles_usec_debug:p50="), NULL) : -1;
	CU_ASSERT(told_us >= SLEEP_US && told_us <= (double)longest_us * 65 / 64 + 1000);
}

static void a_time_includes_no_wait_and_no_other_command(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	CU_ASSERT(peer_exchange(peer, "PING\r\nDEBUG SLEEP 0.05\r\nPING\r\nWAIT 1 60\r\nPING\r\n",
				"+PONG\r\n+OK\r\n+PONG\r\n:0\r\n+PONG\r\n"));
	const char *reply = COMMAND(peer, "INFO", "commandstats");
	const char *ping = strstr(reply, "cmdstat_ping:calls=3,usec="), *wait = strstr(reply, "cmdstat_wait:calls=1,usec=");
	CU_ASSERT(ping && strtoll(ping + strlen("cmdstat_ping:calls=3,usec="), NULL, 10) < SLEEP_US);
	CU_ASSERT(wait && strtoll(wait + strlen("cmdstat_wait:calls=1,usec="), NULL, 10) < SLEEP_US);
}

static void slow_commands_are_latency_events(void)
{
	CU_ASSERT(peer_exchange(peer, "LATENCY RESET command\r\n", ":1\r\n"));
	CU_ASSERT(GIVES(peer, "*0\r\n", "LATENCY", "LATEST"));
	int64_t waited_us = sleep_once();
	const char *reply = COMMAND(peer, "LATENCY", "LATEST");
	CU_ASSERT(strncmp(reply, "*1\r\n*4\r\n$7\r\ncommand\r\n:", 22) == 0);
	const char *at = strrchr(reply, ':');
	int64_t told_ms = at ? strtoll(at + 1, NULL, 10) : -1;
	CU_ASSERT(told_ms >= SLEEP_US / 1000 && told_ms <= waited_us / 1000 + 1);
	CU_ASSERT(strncmp(COMMAND(peer, "LATENCY", "HISTORY", "command"), "*1\r\n*2\r\n:", 9) == 0);
	CU_ASSERT(strstr(COMMAND(peer, "LATENCY", "GRAPH", "command"), "command - high ") != NULL);
	CU_ASSERT(strstr(COMMAND(peer, "LATENCY", "DOCTOR"), "command: 1 times") != NULL);
	CU_ASSERT(GIVES(peer, ":1\r\n", "LATENCY", "RESET"));
	CU_ASSERT(GIVES(peer, "*0\r\n", "LATENCY", "LATEST"));
}

/* ---- pauses ---- */

static bool await_blocked(int64_t count)
{
	return info_comes_to(peer, "clients", "blocked_clients", count);
}

static void a_pause_of_writes_lets_reads_go(void)
{
	struct peer *writer = peer_connect(server), *reader = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "before"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "PAUSE", "1000000", "WRITE"));
	CU_ASSERT(peer_send_text(writer, "SET k after\r\nGET k\r\n"));
	CU_ASSERT(await_blocked(1));
	CU_ASSERT(GIVES(reader, "$6\r\nbefore\r\n", "GET", "k"));
	CU_ASSERT(strncmp(COMMAND(reader, "SET", "k"), "-ERR wrong number", 17) == 0);
	CU_ASSERT_FALSE(peer_has_input(writer));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "UNPAUSE"));
	CU_ASSERT(peer_expect_text(writer, "+OK\r\n$5\r\nafter\r\n"));
	CU_ASSERT(await_blocked(0));
	peer_close(&writer);
	peer_close(&reader);
}

static void a_pause_of_all_ends_at_its_time(void)
{
	int64_t begin = monotonic_us();
	CU_ASSERT(peer_exchange(peer, "CLIENT PAUSE 80\r\nPING\r\n", "+OK\r\n+PONG\r\n"));
	/* Both clocks count milliseconds. */
	CU_ASSERT(monotonic_us() - begin >= 79000);
}

/* Redis replies OK and doesn't pause. */
static void a_pause_beyond_the_end_of_time_locks_nobody_out(void)
{
	static const char *const modes[] = { "WRITE", "ALL" };
	for (int i = 0; i < 2; i++) {
		const char *reply = COMMAND(peer, "CLIENT", "PAUSE", "9223372036854775807", modes[i]);
		CU_ASSERT(reply && (server_is_reference() ? reply[0] == '+' : strcmp(reply, "-ERR timeout is out of range\r\n") == 0));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "value"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "UNPAUSE"));
	}
}

static void those_who_wait_go_on_in_their_order(void)
{
	struct peer *waiters[3];
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "k"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "PAUSE", "1000000", "WRITE"));
	for (int i = 0; i < 3; i++) {
		waiters[i] = peer_connect(server);
		CU_ASSERT(peer_send_text(waiters[i], i == 0 ? "APPEND k a\r\n" : i == 1 ? "APPEND k b\r\n" : "APPEND k c\r\n"));
		CU_ASSERT(await_blocked(i + 1));
	}
	peer_close(&waiters[1]);
	CU_ASSERT(await_blocked(2));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "UNPAUSE"));
	CU_ASSERT(peer_expect_text(waiters[0], ":1\r\n"));
	CU_ASSERT(peer_expect_text(waiters[2], ":2\r\n"));
	CU_ASSERT(GIVES(peer, "$2\r\nac\r\n", "GET", "k"));
	peer_close(&waiters[0]);
	peer_close(&waiters[2]);
}

static void nothing_expires_in_a_pause_but_it_is_hidden(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	/* The key exists, however late the pause begins. */
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "SET-ACTIVE-EXPIRE", "0"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v", "PX", "20"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "PAUSE", "1000000", "WRITE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "SET-ACTIVE-EXPIRE", "1"));
	CU_ASSERT(COMES_TO_GIVE(peer, ":0\r\n", "EXISTS", "k"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DBSIZE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "UNPAUSE"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "DBSIZE"));
}

static void keys_can_be_made_to_stay_though_they_have_expired(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "SET-ACTIVE-EXPIRE", "0"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v", "PX", "20"));
	CU_ASSERT(COMES_TO_GIVE(peer, ":0\r\n", "EXISTS", "k"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DBSIZE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "SET-ACTIVE-EXPIRE", "1"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "DBSIZE"));
}

/* ---- turns ---- */

static int64_t turns_of_store(void)
{
	const char *at = COMMAND(peer, "INFO", "actors");
	int64_t turns = 0;
	while (at && (at = strstr(at, "turns_store_")) && (at = strstr(at, ":count=")))
		turns += strtoll(at + strlen(":count="), NULL, 10);
	return turns;
}

/* Each takes longer than a turn. */
static void slow_commands_sent_together_get_a_turn_each(void)
{
	enum { COMMANDS = 50 };
	static const char command[] = "DEBUG SLEEP 0.001\r\n";
	char text[COMMANDS * sizeof(command)] = "";
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	for (int i = 0; i < COMMANDS; i++)
		strcat(text, command);
	CU_ASSERT(peer_send_text(peer, text));
	CU_ASSERT(peer_expect_times(peer, "+OK\r\n", COMMANDS));
	CU_ASSERT(turns_of_store() >= COMMANDS);
	/* The same behind a command that blocks them in their session. */
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	CU_ASSERT(peer_send_text(peer, "CONFIG SET timeout 0\r\n"));
	CU_ASSERT(peer_send_text(peer, text));
	CU_ASSERT(peer_expect_times(peer, "+OK\r\n", 1 + COMMANDS));
	CU_ASSERT(turns_of_store() >= COMMANDS);
}

/* Each of them fills its share of the turns until the pause has ended. */
static void a_pause_ends_though_others_keep_the_store_busy(void)
{
	enum { BUSY = 4, COMMANDS = 50 };
	static const char command[] = "KEYS nothing*\r\n";
	char text[COMMANDS * sizeof(command)] = "";
	struct peer *busy[BUSY], *writer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "100000"));
	for (int i = 0; i < COMMANDS; i++)
		strcat(text, command);
	for (int i = 0; i < BUSY; i++) {
		busy[i] = peer_connect(server);
		CU_ASSERT(peer_send_text(busy[i], text) && peer_send_text(busy[i], text));
	}
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "PAUSE", "100", "WRITE"));
	CU_ASSERT(peer_send_text(writer, "SET a b\r\n"));
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (!peer_has_input(writer) && deadline_left_ms(deadline) > 0)
		for (int i = 0; i < BUSY; i++)
			CU_ASSERT(peer_expect_times(busy[i], "*0\r\n", COMMANDS) && peer_send_text(busy[i], text));
	CU_ASSERT(peer_has_input(writer));
	CU_ASSERT(peer_expect_text(writer, "+OK\r\n"));
	for (int i = 0; i < BUSY; i++) {
		CU_ASSERT(peer_expect_times(busy[i], "*0\r\n", 2 * COMMANDS));
		peer_close(&busy[i]);
	}
	peer_close(&writer);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
}

/* ---- memory and data ---- */

static void populating_lets_others_have_their_turn(void)
{
	struct peer *maker = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(peer_send_text(maker, "DEBUG POPULATE 200000 key 100\r\nDBSIZE\r\n"));
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	CU_ASSERT(peer_expect_text(maker, "+OK\r\n:200000\r\n"));
	const char *reply = COMMAND(peer, "INFO", "memory");
	CU_ASSERT(info_number(reply, "used_memory_dataset") >= 200000 * 100);
	CU_ASSERT(info_number(reply, "used_memory_dataset") < 200000 * 160);
	CU_ASSERT(info_number(reply, "allocator_allocated") >= info_number(reply, "used_memory_dataset") ||
		  info_number(reply, "allocator_allocated") == 0);
	peer_close(&maker);
}

static void a_populator_may_leave(void)
{
	struct peer *maker = peer_connect(server);
	CU_ASSERT(peer_send_text(maker, "DEBUG POPULATE 100000000 endless 1000\r\n"));
	CU_ASSERT(COMES_TO_GIVE(peer, ":1\r\n", "EXISTS", "endless:5000"));
	peer_close(&maker);
	/* When only one connection is left, the client of DEBUG POPULATE is gone, and no more keys may be made. */
	CU_ASSERT(info_comes_to(peer, "clients", "connected_clients", 1));
	char before[64];
	snprintf(before, sizeof(before), "%s", COMMAND(peer, "DBSIZE"));
	CU_ASSERT(peer_exchange(peer, "WAIT 1 20\r\n", ":0\r\n"));
	CU_ASSERT(GIVES(peer, before, "DBSIZE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "MEMORY", "PURGE"));
}

static void a_key_takes_what_its_value_takes(void)
{
	char value[20001];
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "small", "v"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "large", value));
	int64_t small = strtoll(COMMAND(peer, "MEMORY", "USAGE", "small") + 1, NULL, 10);
	int64_t large = strtoll(COMMAND(peer, "MEMORY", "USAGE", "large") + 1, NULL, 10);
	CU_ASSERT(small > 0 && small <= 96);
	CU_ASSERT(large >= 20000 && large <= 25000);
}

static void debug_tells_when_a_key_was_used_by_the_clock_of_info(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "used", "1"));
	const char *reply = COMMAND(peer, "DEBUG", "OBJECT", "used"), *at = reply ? strstr(reply, " lru:") : NULL;
	CU_ASSERT_FATAL(at != NULL);
	int64_t used = strtoll(at + 5, NULL, 10), now = info_number(COMMAND(peer, "INFO", "server"), "lru_clock");
	CU_ASSERT(((now - used) & 0xffffff) <= 10);
}

/* The sum of MEMORY USAGE of such keys is what they have added to used_memory. */
static void a_key_takes_its_share_of_the_tables(void)
{
	enum { KEYS = 20000 };
	int64_t told = 0;
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(info_comes_to(peer, "memory", "lazyfree_pending_objects", 0));
	int64_t before = info_number(COMMAND(peer, "INFO", "memory"), "used_memory");
	for (int i = 0; i < KEYS; i++) {
		char line[160];
		snprintf(line, sizeof(line), "SET key:%012d %0100d%s\r\n", i, i, i % 2 ? " EX 1000" : "");
		CU_ASSERT(peer_exchange(peer, line, "+OK\r\n"));
	}
	int64_t added = info_number(COMMAND(peer, "INFO", "memory"), "used_memory") - before;
	for (int i = 0; i < KEYS; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key:%012d", i);
		told += strtoll(COMMAND(peer, "MEMORY", "USAGE", key) + 1, NULL, 10);
	}
	CU_ASSERT(told > added * 9 / 10 && told < added * 11 / 10);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(the_slow_log_agrees_with_the_client),
	CASE(the_slow_log_hides_secrets),
	CASE(the_slow_log_is_as_long_as_it_may_be),
	CASE(histograms_agree_with_the_client),
	CASE(a_time_includes_no_wait_and_no_other_command),
	CASE(slow_commands_are_latency_events),
	CASE(a_pause_of_writes_lets_reads_go),
	CASE(a_pause_of_all_ends_at_its_time),
	CASE(a_pause_beyond_the_end_of_time_locks_nobody_out),
	CASE(those_who_wait_go_on_in_their_order),
	CASE(nothing_expires_in_a_pause_but_it_is_hidden),
	CASE(keys_can_be_made_to_stay_though_they_have_expired),
	CASE(slow_commands_sent_together_get_a_turn_each),
	CASE(a_pause_ends_though_others_keep_the_store_busy),
	CASE(populating_lets_others_have_their_turn),
	CASE(a_populator_may_leave),
	CASE(a_key_takes_what_its_value_takes),
	CASE(debug_tells_when_a_key_was_used_by_the_clock_of_info),
	CASE(a_key_takes_its_share_of_the_tables),
	CASE(server_stops),
};

SUITE_MAIN("watch", cases)

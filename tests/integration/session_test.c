/*
 * Commands about connections and the server: those that kill, monitor, wait, sleep, or change replies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/deadline.h"
#include "support/shared_server.h"

const char shared_server_directives[] = "--enable-debug-command yes";

static long long client_id(struct peer *who)
{
	const char *reply = COMMAND(who, "CLIENT", "ID");
	return reply && reply[0] == ':' ? strtoll(reply + 1, NULL, 10) : -1;
}

/* "addr=127.0.0.1:4711" of the connection. */
static void client_address(struct peer *who, char *out, size_t size)
{
	const char *reply = COMMAND(who, "CLIENT", "INFO"), *at = reply ? strstr(reply, " addr=") : NULL;
	snprintf(out, size, "%.*s", at ? (int)strcspn(at + 6, " ") : 0, at ? at + 6 : "");
}

static void kill_closes_the_one_who_is_meant(void)
{
	struct peer *by_id = peer_connect(server), *by_address = peer_connect(server), *by_old_form = peer_connect(server);
	struct peer *stays = peer_connect(server);
	char id[32], address[64];
	CU_ASSERT(GIVES(stays, "+PONG\r\n", "PING"));
	snprintf(id, sizeof(id), "%lld", client_id(by_id));
	CU_ASSERT(GIVES(peer, ":1\r\n", "CLIENT", "KILL", "ID", id));
	CU_ASSERT(peer_expect_closed(by_id));
	CU_ASSERT(GIVES(peer, ":0\r\n", "CLIENT", "KILL", "ID", id));
	client_address(by_address, address, sizeof(address));
	CU_ASSERT(GIVES(peer, ":1\r\n", "CLIENT", "KILL", "ADDR", address));
	CU_ASSERT(peer_expect_closed(by_address));
	client_address(by_old_form, address, sizeof(address));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "KILL", address));
	CU_ASSERT(peer_expect_closed(by_old_form));
	CU_ASSERT(GIVES(peer, "-ERR No such client\r\n", "CLIENT", "KILL", address));
	CU_ASSERT(GIVES(stays, "+PONG\r\n", "PING"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "CLIENT", "KILL", "TYPE", "normal"));
	CU_ASSERT(peer_expect_closed(stays));
	snprintf(id, sizeof(id), "%lld", client_id(peer));
	struct peer *suicidal = peer_connect(server);
	snprintf(id, sizeof(id), "%lld", client_id(suicidal));
	CU_ASSERT(GIVES(suicidal, ":1\r\n", "CLIENT", "KILL", "ID", id, "SKIPME", "no"));
	CU_ASSERT(peer_expect_closed(suicidal));
	peer_close(&by_id);
	peer_close(&by_address);
	peer_close(&by_old_form);
	peer_close(&stays);
	peer_close(&suicidal);
}

/* Checks that the next line of a CLIENT LIST is that of the connection, and moves on. */
static bool line_is_of(const char **at, long long id)
{
	char begins[32];
	snprintf(begins, sizeof(begins), "id=%lld ", id);
	bool is_right = *at && strncmp(*at, begins, strlen(begins)) == 0;
	*at = *at ? strchr(*at, '\n') : NULL;
	if (*at)
		++*at;
	return is_right;
}

static void clients_are_listed_in_the_order_in_which_their_ids_are_asked_for(void)
{
	struct peer *gone = peer_connect(server), *other = peer_connect(server);
	char me[32], them[32], absent[32];
	long long own_id = client_id(peer), other_id = client_id(other), gone_id = client_id(gone);
	snprintf(me, sizeof(me), "%lld", own_id);
	snprintf(them, sizeof(them), "%lld", other_id);
	snprintf(absent, sizeof(absent), "%lld", gone_id);
	CU_ASSERT(GIVES(peer, ":1\r\n", "CLIENT", "KILL", "ID", absent));
	CU_ASSERT(peer_expect_closed(gone));
	const char *reply = COMMAND(peer, "CLIENT", "LIST", "ID", them, absent, me, "0", "-5", them), *at = reply ? strchr(reply, '\n') : NULL;
	CU_ASSERT_FATAL(at != NULL);
	at++;
	CU_ASSERT(line_is_of(&at, other_id));
	CU_ASSERT(line_is_of(&at, own_id));
	CU_ASSERT(line_is_of(&at, other_id));
	CU_ASSERT(at && strcmp(at, "\r\n") == 0);
	CU_ASSERT(GIVES(peer, "$0\r\n\r\n", "CLIENT", "LIST", "ID", absent));
	CU_ASSERT(GIVES(peer, "-ERR Invalid client ID\r\n", "CLIENT", "LIST", "ID", me, "x"));
	peer_close(&gone);
	peer_close(&other);
}

static void ids_are_never_used_again(void)
{
	long long last = 0;
	for (int i = 0; i < 200; i++) {
		struct peer *one = peer_connect(server);
		long long id = client_id(one);
		CU_ASSERT(id > last);
		last = id;
		peer_close(&one);
	}
}

/* The next line of MONITOR without its time; NULL when it has none. */
static const char *monitor_line(struct peer *monitor)
{
	const char *line = peer_reply(monitor);
	char *end;
	if (!line || line[0] != '+' || strtod(line + 1, &end) < 1e9 || *end != ' ')
		return NULL;
	return end + 1;
}

static void expect_line(struct peer *monitor, const char *database, const char *address, const char *words)
{
	char expected[512];
	snprintf(expected, sizeof(expected), "[%s %s] %s\r\n", database, address, words);
	const char *line = monitor_line(monitor);
	CU_ASSERT(line && strcmp(line, expected) == 0);
	if (!line || strcmp(line, expected) != 0)
		fprintf(stderr, "expected %sreceived %s\n", expected, line ? line : "nothing");
}

static void monitor_shows_commands_in_their_order(void)
{
	struct peer *monitor = peer_connect(server), *busy = peer_connect(server);
	char address[64];
	client_address(busy, address, sizeof(address));
	CU_ASSERT(GIVES(monitor, "+OK\r\n", "MONITOR"));
	CU_ASSERT(GIVES(busy, "+OK\r\n", "SET", "key", "a \"quoted\"\r\n\x01\xff value"));
	expect_line(monitor, "0", address, "\"SET\" \"key\" \"a \\\"quoted\\\"\\r\\n\\x01\\xff value\"");
	CU_ASSERT(GIVES(busy, "+OK\r\n", "select", "3"));
	/* As in Redis, the database is the one selected after the command. */
	expect_line(monitor, "3", address, "\"select\" \"3\"");
	enum { COMMANDS = 5000 };
	for (int i = 0; i < COMMANDS; i++)
		CU_ASSERT(peer_send_text(busy, "INCR n\r\n"));
	for (int i = 0; i < COMMANDS; i++) {
		char answer[32];
		snprintf(answer, sizeof(answer), ":%d\r\n", i + 1);
		CU_ASSERT(peer_expect_text(busy, answer));
	}
	for (int i = 0; i < COMMANDS; i++)
		expect_line(monitor, "3", address, "\"INCR\" \"n\"");
	CU_ASSERT(GIVES(busy, ":1\r\n", "DEL", "n"));
	expect_line(monitor, "3", address, "\"DEL\" \"n\"");
	peer_close(&monitor);
	peer_close(&busy);
}

static void monitor_shows_the_path_of_a_unix_socket(void)
{
	struct peer *monitor = peer_connect(server), *near = peer_connect_unix(server);
	char address[160];
	snprintf(address, sizeof(address), "unix:%s", server_socket_path(server));
	CU_ASSERT(GIVES(monitor, "+OK\r\n", "MONITOR"));
	CU_ASSERT(GIVES(near, "$1\r\nx\r\n", "ECHO", "x"));
	expect_line(monitor, "0", address, "\"ECHO\" \"x\"");
	peer_close(&monitor);
	peer_close(&near);
}

/* The password is an argument beyond the bits for secrets: 31 names come before it. */
static bool send_long_hello(struct peer *busy)
{
	char text[2048] = "HELLO 2";
	for (int i = 0; i < 31; i++)
		strcat(text, " SETNAME name");
	strcat(text, " AUTH default a-secret\r\n");
	return peer_send_text(busy, text);
}

static void monitor_hides_passwords(void)
{
	struct peer *monitor = peer_connect(server), *busy = peer_connect(server);
	char address[64];
	client_address(busy, address, sizeof(address));
	CU_ASSERT(GIVES(monitor, "+OK\r\n", "MONITOR"));
	CU_ASSERT(COMMAND(busy, "AUTH", "a-secret") != NULL);
	CU_ASSERT(COMMAND(busy, "HELLO", "2", "AUTH", "default", "a-secret") != NULL);
	/* An argument before the password is refused, so the command doesn't read it. */
	CU_ASSERT(COMMAND(busy, "HELLO", "9", "AUTH", "default", "a-secret") != NULL);
	CU_ASSERT(COMMAND(busy, "HELLO", "x", "AUTH", "default", "a-secret") != NULL);
	CU_ASSERT(COMMAND(busy, "HELLO", "2", "NONSENSE", "auth", "default", "a-secret") != NULL);
	CU_ASSERT(send_long_hello(busy) && peer_reply(busy) != NULL);
	CU_ASSERT(GIVES(busy, "$1\r\nx\r\n", "ECHO", "x"));
	for (;;) {
		const char *line = monitor_line(monitor);
		CU_ASSERT(line && strstr(line, "a-secret") == NULL);
		if (!line || strstr(line, "\"ECHO\""))
			break;
	}
	peer_close(&monitor);
	peer_close(&busy);
}

static void wait_comes_back_at_its_deadline_and_holds_up_nobody(void)
{
	struct peer *waiter = peer_connect(server);
	int64_t begin = monotonic_ms();
	CU_ASSERT(peer_send_text(waiter, "WAIT 1 300\r\nPING\r\n"));
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	CU_ASSERT_FALSE(peer_has_input(waiter) && monotonic_ms() - begin < 250);
	CU_ASSERT(peer_expect_text(waiter, ":0\r\n+PONG\r\n"));
	CU_ASSERT(monotonic_ms() - begin >= 299);
	CU_ASSERT(GIVES(waiter, ":0\r\n", "WAIT", "0", "0"));
	/* A command that waits for ever ends with its connection. */
	CU_ASSERT(peer_send_text(waiter, "WAIT 1 0\r\nPING\r\n"));
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&waiter);
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
}

static void a_waiter_can_be_killed(void)
{
	struct peer *waiter = peer_connect(server);
	char id[32];
	snprintf(id, sizeof(id), "%lld", client_id(waiter));
	CU_ASSERT(peer_send_text(waiter, "WAIT 1 0\r\nPING\r\n"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "CLIENT", "KILL", "ID", id));
	CU_ASSERT(peer_expect_closed(waiter));
	peer_close(&waiter);
}

static void a_waiter_whose_client_has_half_closed_is_closed(void)
{
	struct peer *waiter = peer_connect(server);
	CU_ASSERT(peer_send_text(waiter, "PING\r\nWAIT 1 0\r\nPING\r\n"));
	peer_half_close(waiter);
	CU_ASSERT(peer_expect_text(waiter, "+PONG\r\n"));
	CU_ASSERT(peer_expect_closed(waiter));
	peer_close(&waiter);
}

/* CONFIG SET waits for every reactor and CLIENT LIST for their figures, not for the client. */
static void what_waits_for_the_server_is_done_though_its_client_half_closes(void)
{
	struct peer *leaver = peer_connect(server);
	CU_ASSERT(peer_send_text(leaver, "CONFIG SET timeout 0\r\nSET kept v\r\nCONFIG SET timeout 0\r\n"));
	peer_half_close(leaver);
	CU_ASSERT(peer_expect_text(leaver, "+OK\r\n+OK\r\n+OK\r\n"));
	CU_ASSERT(peer_expect_closed(leaver));
	peer_close(&leaver);
	CU_ASSERT(GIVES(peer, "$1\r\nv\r\n", "GET", "kept"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "kept"));
}

static void what_follows_the_server_s_work_may_end_with_the_client(void)
{
	struct peer *leaver = peer_connect(server);
	CU_ASSERT(peer_send_text(leaver, "CONFIG SET timeout 0\r\nWAIT 1 0\r\nSET dropped v\r\n"));
	peer_half_close(leaver);
	CU_ASSERT(peer_expect_text(leaver, "+OK\r\n"));
	CU_ASSERT(peer_expect_closed(leaver));
	peer_close(&leaver);
	CU_ASSERT(GIVES(peer, "$-1\r\n", "GET", "dropped"));
}

static void a_protocol_error_comes_behind_what_still_waits(void)
{
	struct peer *breaker = peer_connect(server);
	CU_ASSERT(peer_exchange(breaker, "CONFIG SET timeout 0\r\nSET before v\r\n*x\r\nPING\r\n",
				"+OK\r\n+OK\r\n-ERR Protocol error: invalid multibulk length\r\n"));
	CU_ASSERT(peer_expect_closed(breaker));
	peer_close(&breaker);
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "before"));
}

static void a_waiter_that_breaks_the_protocol_goes_with_its_client(void)
{
	int64_t before = info_number(COMMAND(peer, "INFO", "clients"), "connected_clients");
	struct peer *breaker = peer_connect_unix(server);
	CU_ASSERT(peer_send_text(breaker, "WAIT 1 0\r\n*x\r\n"));
	CU_ASSERT(peer_await_taken(breaker));
	peer_close(&breaker);
	CU_ASSERT(info_comes_to(peer, "clients", "connected_clients", before));
}

static void what_a_killed_client_waits_with_is_not_done(void)
{
	struct peer *victim = peer_connect(server);
	char kill[96];
	long long id = strtoll(COMMAND(victim, "CLIENT", "ID") + 1, NULL, 10);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "PAUSE", "100000", "WRITE"));
	CU_ASSERT(peer_send_text(victim, "SET one v\r\nSET two v\r\n"));
	CU_ASSERT(info_comes_to(peer, "clients", "blocked_clients", 1));
	snprintf(kill, sizeof(kill), "CLIENT KILL ID %lld\r\nCLIENT UNPAUSE\r\nEXISTS one two\r\n", id);
	CU_ASSERT(peer_exchange(peer, kill, ":1\r\n+OK\r\n:0\r\n"));
	CU_ASSERT(peer_expect_closed(victim));
	peer_close(&victim);
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "one", "two"));
}

static void debug_sleep_stops_the_world_for_its_time(void)
{
	struct peer *sleeper = peer_connect(server);
	int64_t begin = monotonic_ms();
	CU_ASSERT(peer_send_text(sleeper, "DEBUG SLEEP 0.2\r\n"));
	CU_ASSERT(peer_expect_text(sleeper, "+OK\r\n"));
	CU_ASSERT(monotonic_ms() - begin >= 199);
	peer_close(&sleeper);
}

static void info_shows_the_actors(void)
{
	ONLY_OURS();
	const char *reply = COMMAND(peer, "INFO", "actors");
	static const char *const lines[] = { "actor_store:mailbox_depth=", "actor_reactor", "actor_reaper:", "turns_store_STORE_REQUESTS:count=",
					     ",max_usec=", "batch", "credit" };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CU_ASSERT(reply && strstr(reply, lines[i]) != NULL);
		if (reply && !strstr(reply, lines[i]))
			fprintf(stderr, "no %s in\n%s\n", lines[i], reply);
	}
}

static void info_tells_what_redis_is_asked_for(void)
{
	static const char *const fields[] = { "redis_version", "tcp_port", "connected_clients", "used_memory", "total_commands_processed",
					      "keyspace_hits", "role", "process_id", "uptime_in_seconds", "maxclients", "expired_keys" };
	const char *reply = COMMAND(peer, "INFO");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char field[64];
		snprintf(field, sizeof(field), "\n%s:", fields[i]);
		CU_ASSERT(reply && strstr(reply, field) != NULL);
		if (reply && !strstr(reply, field))
			fprintf(stderr, "no %s\n", fields[i]);
	}
	CU_ASSERT(reply && strstr(reply, "\nredis_version:7.0.15\r\n") != NULL);
	CU_ASSERT(reply && info_number(reply, "tcp_port") == server_port(server));
	CU_ASSERT(reply && info_number(reply, "process_id") == server_pid(server));
}

static void info_counts_commands_and_keys(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "hit", "1"));
	for (int i = 0; i < 10; i++) {
		CU_ASSERT(GIVES(peer, "$1\r\n1\r\n", "GET", "hit"));
		CU_ASSERT(GIVES(peer, "$-1\r\n", "GET", "miss"));
	}
	const char *reply = COMMAND(peer, "INFO", "everything");
	CU_ASSERT(reply && info_number(reply, "keyspace_hits") == 10);
	CU_ASSERT(reply && info_number(reply, "keyspace_misses") == 10);
	CU_ASSERT(reply && strstr(reply, "\r\ndb0:keys=1,expires=0,") != NULL);
	reply = COMMAND(peer, "INFO", "commandstats");
	CU_ASSERT(reply && strstr(reply, "\r\ncmdstat_get:calls=20,") != NULL);
	CU_ASSERT(GIVES(peer, "-ERR value is not an integer or out of range\r\n", "INCRBY", "hit", "x"));
	reply = COMMAND(peer, "INFO", "commandstats");
	CU_ASSERT(reply && strstr(reply, "\r\ncmdstat_incrby:calls=1,") != NULL && strstr(reply, ",failed_calls=1\r\n") != NULL);
}

static void replies_can_be_switched_off(void)
{
	struct peer *quiet = peer_connect(server);
	CU_ASSERT(peer_exchange(quiet, "CLIENT REPLY OFF\r\nSET q 1\r\nGET q\r\nnonsense\r\nCLIENT REPLY ON\r\nPING\r\n", "+OK\r\n+PONG\r\n"));
	CU_ASSERT(peer_exchange(quiet, "CLIENT REPLY SKIP\r\nINCR q\r\nINCR q\r\n", ":3\r\n"));
	CU_ASSERT_FALSE(peer_has_input(quiet));
	peer_close(&quiet);
}

static void hello_switches_the_protocol_and_back(void)
{
	struct peer *one = peer_connect(server);
	CU_ASSERT(GIVES(one, "$-1\r\n", "GET", "absent"));
	const char *reply = COMMAND(one, "HELLO", "3", "SETNAME", "three");
	CU_ASSERT(reply && strncmp(reply, "%7\r\n", 4) == 0 && strstr(reply, "$5\r\nproto\r\n:3\r\n") != NULL);
	CU_ASSERT(GIVES(one, "_\r\n", "GET", "absent"));
	CU_ASSERT(GIVES(one, "$5\r\nthree\r\n", "CLIENT", "GETNAME"));
	CU_ASSERT(GIVES(one, "-NOPROTO unsupported protocol version\r\n", "HELLO", "4"));
	CU_ASSERT(GIVES(one, "_\r\n", "GET", "absent"));
	CU_ASSERT(GIVES(one, "+RESET\r\n", "RESET"));
	CU_ASSERT(GIVES(one, "$-1\r\n", "GET", "absent"));
	CU_ASSERT(GIVES(one, "$-1\r\n", "CLIENT", "GETNAME"));
	peer_close(&one);
}

static void a_long_name_counts_as_memory_and_is_cut_in_the_slow_log(void)
{
	enum { NAME_BYTES = 10000000, AT_LEAST = NAME_BYTES / 2 }; /* clients of earlier cases may leave meanwhile */
	ONLY_OURS();
	struct peer *one = peer_connect(server);
	char *name = malloc(NAME_BYTES + 1);
	memset(name, 'n', NAME_BYTES);
	name[NAME_BYTES] = '\0';
	int64_t used = info_number(COMMAND(peer, "INFO", "memory"), "used_memory");
	int64_t clients = info_number(COMMAND(peer, "INFO", "memory"), "mem_clients_normal");
	CU_ASSERT(GIVES(one, "+OK\r\n", "CLIENT", "SETNAME", name));
	free(name);
	CU_ASSERT(info_number(COMMAND(peer, "INFO", "memory"), "used_memory") >= used + AT_LEAST);
	CU_ASSERT(info_number(COMMAND(peer, "INFO", "memory"), "mem_clients_normal") >= clients + AT_LEAST);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "0"));
	CU_ASSERT(GIVES(one, "+PONG\r\n", "PING"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "slowlog-log-slower-than", "10000"));
	CU_ASSERT(COMMAND(peer, "SLOWLOG", "GET", "10") != NULL);
	CU_ASSERT(peer_reply_length(peer) < 10000);
	CU_ASSERT(GIVES(one, "+RESET\r\n", "RESET"));
	CU_ASSERT(info_number(COMMAND(peer, "INFO", "memory"), "mem_clients_normal") < clients + AT_LEAST);
	peer_close(&one);
}

/* There are no transactions yet: commands are executed and not queued, as the README says. */
static void what_stands_between_a_refused_multi_and_exec_is_carried_out(void)
{
	ONLY_OURS();
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "text", "abc"));
	CU_ASSERT(peer_exchange(peer, "WATCH n\r\nMULTI\r\nSET n 1\r\nINCR text\r\nINCR n\r\nEXEC\r\nDISCARD\r\n",
				"-ERR unknown command 'WATCH', with args beginning with: 'n' \r\n"
				"-ERR unknown command 'MULTI', with args beginning with: \r\n"
				"+OK\r\n"
				"-ERR value is not an integer or out of range\r\n"
				":2\r\n"
				"-ERR unknown command 'EXEC', with args beginning with: \r\n"
				"-ERR unknown command 'DISCARD', with args beginning with: \r\n"));
	CU_ASSERT(GIVES(peer, "$1\r\n2\r\n", "GET", "n"));
	CU_ASSERT(GIVES(peer, ":2\r\n", "DEL", "n", "text"));
}

static void quit_answers_what_came_before_it(void)
{
	struct peer *one = peer_connect(server);
	CU_ASSERT(peer_exchange(one, "SET quit 1\r\nGET quit\r\nQUIT\r\nSET quit 2\r\n", "+OK\r\n$1\r\n1\r\n+OK\r\n"));
	CU_ASSERT(peer_expect_closed(one));
	peer_close(&one);
	CU_ASSERT(GIVES(peer, "$1\r\n1\r\n", "GET", "quit"));
}

static void a_client_over_its_output_limit_is_closed(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "client-output-buffer-limit", "normal 2000000 0 0"));
	char *value = malloc(1000001);
	memset(value, 'v', 1000000);
	value[1000000] = '\0';
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "fat", value));
	free(value);
	int64_t others = info_number(COMMAND(peer, "INFO", "clients"), "connected_clients");
	struct peer *greedy = peer_connect_unix(server);
	/* In one piece, since the server may close before a second one is sent. Reads only after it has closed. */
	char gets[50 * 9 + 1] = "";
	for (int i = 0; i < 50; i++)
		strcat(gets, "GET fat\r\n");
	CU_ASSERT(peer_send_text(greedy, gets));
	CU_ASSERT(peer_await_taken(greedy));
	CU_ASSERT(info_comes_to(peer, "clients", "connected_clients", others));
	CU_ASSERT(peer_drain_until_closed(greedy));
	peer_close(&greedy);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "fat"));
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(kill_closes_the_one_who_is_meant),
	CASE(clients_are_listed_in_the_order_in_which_their_ids_are_asked_for),
	CASE(ids_are_never_used_again),
	CASE(monitor_shows_commands_in_their_order),
	CASE(monitor_shows_the_path_of_a_unix_socket),
	CASE(monitor_hides_passwords),
	CASE(wait_comes_back_at_its_deadline_and_holds_up_nobody),
	CASE(a_waiter_can_be_killed),
	CASE(a_waiter_whose_client_has_half_closed_is_closed),
	CASE(what_waits_for_the_server_is_done_though_its_client_half_closes),
	CASE(what_follows_the_server_s_work_may_end_with_the_client),
	CASE(a_protocol_error_comes_behind_what_still_waits),
	CASE(a_waiter_that_breaks_the_protocol_goes_with_its_client),
	CASE(what_a_killed_client_waits_with_is_not_done),
	CASE(debug_sleep_stops_the_world_for_its_time),
	CASE(info_shows_the_actors),
	CASE(info_tells_what_redis_is_asked_for),
	CASE(info_counts_commands_and_keys),
	CASE(replies_can_be_switched_off),
	CASE(hello_switches_the_protocol_and_back),
	CASE(a_long_name_counts_as_memory_and_is_cut_in_the_slow_log),
	CASE(what_stands_between_a_refused_multi_and_exec_is_carried_out),
	CASE(quit_answers_what_came_before_it),
	CASE(a_client_over_its_output_limit_is_closed),
	CASE(server_stops),
};

SUITE_MAIN("session", cases)

/*
 * Clients that don't read their replies, or request too much at once. Their output stays bounded, other clients neither wait nor lose data,
 * and a client that reads in the end gets everything in order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "actors/runtime/clock.h"
#include "support/deadline.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#define MB (1 << 20)
#define OVER_LIMIT "closed for overcoming of output buffer limits"

static struct server *server;
static struct peer *peer;

static void begin(const char *directives)
{
	server = server_start("%s", directives);
	peer = peer_connect(server);
}

static void end(void)
{
	peer_close(&peer);
	CU_ASSERT_TRUE(server_stop(&server));
}

static void fill(const char *key, char byte, size_t len)
{
	char *value = malloc(len + 1);
	memset(value, byte, len);
	value[len] = '\0';
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, value));
	free(value);
}

static void fill_many(int keys)
{
	char command[80];
	for (int i = 0; i < keys; i++) {
		snprintf(command, sizeof(command), "SET key:%d 0123456789012345678901234567890123456789\r\n", i);
		CU_ASSERT(peer_send_text(peer, command));
	}
	CU_ASSERT(peer_expect_times(peer, "+OK\r\n", (size_t)keys));
}

static int64_t number(const char *reply)
{
	return reply && reply[0] == ':' ? strtoll(reply + 1, NULL, 10) : -1;
}

static int64_t info(const char *section, const char *field)
{
	const char *reply = COMMAND(peer, "INFO", section);
	return reply ? info_number(reply, field) : -1;
}

/* Sends the text repeatedly without reading, until the server closes or takes no more for a while. Returns the bytes taken. */
static size_t send_while_taken(struct peer *greedy, const char *text, int quiet_ms, bool *out_is_closed)
{
	size_t len = strlen(text), sent = 0;
	int64_t patient_until = monotonic_ms() + quiet_ms;
	*out_is_closed = false;
	while (monotonic_ms() < patient_until) {
		ssize_t n = send(peer_fd(greedy), text + sent % len, len - sent % len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
			*out_is_closed = true;
			break;
		}
		if (n <= 0)
			continue;
		sent += (size_t)n;
		patient_until = monotonic_ms() + quiet_ms;
	}
	return sent;
}

/* A command with the same word again and again. */
static char *repeated(const char *head, const char *word, size_t times)
{
	size_t head_words = 1, word_len = strlen(word), room = strlen(head) + 64 + times * (word_len + 16);
	char *text = malloc(room), *at = text;
	for (const char *c = head; *c; c++)
		head_words += *c == ' ';
	at += sprintf(at, "*%zu\r\n", head_words + times);
	for (const char *c = head; *c;) {
		int len = (int)strcspn(c, " ");
		at += sprintf(at, "$%d\r\n%.*s\r\n", len, len, c);
		c += len + (c[len] == ' ');
	}
	for (size_t i = 0; i < times; i++)
		at += sprintf(at, "$%zu\r\n%s\r\n", word_len, word);
	return text;
}

/* ---- before the password ---- */

static void a_client_without_the_password_that_reads_nothing_is_closed(void)
{
	ONLY_OURS();
	begin("--requirepass pw --maxmemory 60mb --maxmemory-policy allkeys-lru");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", "pw"));
	fill_many(20000);
	struct peer *stranger = peer_connect(server);
	bool is_closed;
	send_while_taken(stranger, "PING\r\nPING\r\nPING\r\nPING\r\n", 2000, &is_closed);
	CU_ASSERT(is_closed);
	CU_ASSERT(server_wait_log(server, OVER_LIMIT));
	CU_ASSERT_EQUAL(number(COMMAND(peer, "DBSIZE")), 20000);
	peer_close(&stranger);
	end();
}

/* ---- one reply ---- */

static void expect_cut(const char *command)
{
	size_t before = server_resident_bytes(server);
	int64_t clients = info("clients", "connected_clients"), deadline = deadline_after(PATIENCE_MS);
	struct peer *greedy = peer_connect(server);
	CU_ASSERT(peer_send_text(greedy, command));
	CU_ASSERT(peer_drain_until_closed(greedy));
	peer_close(&greedy);
	while (info("clients", "connected_clients") > clients && deadline_left_ms(deadline) > 0)
		continue;
	/* The vectors of the longest request take 100 MB, which the allocator may keep for a while. */
	CU_ASSERT(server_resident_bytes(server) < before + (size_t)250 * MB * (size_t)patience());
}

/* The replies would have 400 MB and more. */
static void a_reply_over_the_limit_is_cut_while_it_is_written(void)
{
	ONLY_OURS();
	begin("--client-output-buffer-limit normal 10mb 10mb 1");
	fill("small", 'v', 16000);
	fill("large", 'v', 200000);
	char *commands[] = { repeated("MGET", "small", 30000), repeated("MGET", "large", 3000), repeated("COMMAND DOCS", "set", 300000),
			     repeated("COMMAND INFO", "set", 1000000), repeated("CLIENT LIST ID", "1", 1500000) };
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		expect_cut(commands[i]);
		free(commands[i]);
	}
	char *log = server_log(server);
	int closed = 0;
	for (const char *at = log; (at = strstr(at, OVER_LIMIT)); at++)
		closed++;
	CU_ASSERT_EQUAL(closed, 5);
	free(log);
	end();
}

static void a_list_of_keys_over_the_limit_is_cut(void)
{
	ONLY_OURS();
	begin("--client-output-buffer-limit normal 1mb 0 0");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "200000"));
	expect_cut("KEYS *\r\n");
	expect_cut("SCAN 0 COUNT 1000000\r\n");
	end();
}

/* Without an output limit, a reply may take a share of maxmemory. */
static void a_reply_that_would_fill_the_memory_is_cut(void)
{
	ONLY_OURS();
	begin("--maxmemory 100mb --maxmemory-policy allkeys-lru");
	fill_many(1000);
	fill("small", 'v', 16000);
	char *command = repeated("MGET", "small", 30000);
	expect_cut(command);
	free(command);
	CU_ASSERT_EQUAL(number(COMMAND(peer, "DBSIZE")), 1001);
	end();
}

/* Text, blobs and runs of text that become blobs, and a command behind them. */
static void a_long_reply_arrives_whole(void)
{
	enum { TIMES = 2000 };
	begin("");
	fill("small", 's', 3000);
	fill("large", 'l', 70000);
	char *command = repeated("MGET large", "small", TIMES), *expected = malloc(80000 + TIMES * 3010), *at = expected;
	at += sprintf(at, "*%d\r\n$70000\r\n", TIMES + 1);
	memset(at, 'l', 70000);
	at += 70000;
	for (int i = 0; i < TIMES; i++) {
		at += sprintf(at, "\r\n$3000\r\n");
		memset(at, 's', 3000);
		at += 3000;
	}
	at += sprintf(at, "\r\n+PONG\r\n");
	CU_ASSERT(peer_send_text(peer, command));
	CU_ASSERT(peer_send_text(peer, "PING\r\n"));
	CU_ASSERT(peer_expect(peer, expected, (size_t)(at - expected)));
	free(command);
	free(expected);
	fill("huge", 'h', 3000000);
	const char *range = COMMAND(peer, "GETRANGE", "huge", "1", "2000000");
	CU_ASSERT(range && strncmp(range, "$2000000\r\nhhh", 13) == 0 && strcmp(range + 10 + 1999999, "h\r\n") == 0);
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	end();
}

/* ---- many replies ---- */

static void what_a_client_over_its_limit_has_sent_is_not_done(void)
{
	enum { TIMES = 150, BYTES = 10 * 1000 * 1000 };
	begin("--client-output-buffer-limit normal 50mb 0 0");
	fill("big", 'v', BYTES);
	char text[TIMES * 24 + 1] = "";
	for (int i = 0; i < TIMES; i++)
		strcat(text, "APPEND big y\r\nGET big\r\n");
	struct peer *greedy = peer_connect(server);
	CU_ASSERT(peer_send_text(greedy, text));
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (info("clients", "connected_clients") > 1 && deadline_left_ms(deadline) > 0)
		continue;
	CU_ASSERT_EQUAL(info("clients", "connected_clients"), 1);
	int64_t done = number(COMMAND(peer, "STRLEN", "big")) - BYTES;
	CU_ASSERT(done >= 5 && done <= 10);
	peer_close(&greedy);
	end();
}

/* The connection is reset while its first command still waits. */
static void what_a_client_has_sent_before_it_broke_off_is_not_done(void)
{
	ONLY_OURS();
	begin("");
	struct peer *gone = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "PAUSE", "1000000", "WRITE"));
	CU_ASSERT(peer_send_text(gone, "SET a 1\r\nSET b 2\r\n"));
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (info("clients", "blocked_clients") != 1 && deadline_left_ms(deadline) > 0)
		continue;
	peer_reset(&gone);
	while (info("clients", "connected_clients") != 1 && deadline_left_ms(deadline) > 0)
		continue;
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "UNPAUSE"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "a", "b"));
	end();
}

static void replies_that_nobody_reads_push_no_data_out(void)
{
	ONLY_OURS();
	begin("--maxmemory 60mb --maxmemory-policy allkeys-lru");
	fill_many(20000);
	static const char get[] = "GET key:1\r\n", value[] = "$40\r\n0123456789012345678901234567890123456789\r\n";
	struct peer *greedy = peer_connect(server);
	bool is_closed;
	size_t sent = send_while_taken(greedy, get, 1000, &is_closed), rest = sent % strlen(get);
	CU_ASSERT_FALSE(is_closed);
	CU_ASSERT(sent > MB);
	CU_ASSERT_EQUAL(number(COMMAND(peer, "DBSIZE")), 20000);
	CU_ASSERT(info("clients", "client_recent_max_output_buffer") < 20 * MB);
	CU_ASSERT(peer_expect_times(greedy, value, sent / strlen(get)));
	CU_ASSERT(peer_exchange(greedy, get + rest, rest ? value : ""));
	CU_ASSERT(peer_exchange(greedy, rest ? "PING\r\n" : "", rest ? "+PONG\r\n" : value));
	peer_close(&greedy);
	end();
}

/* More would be under way between store and reactor than allowed: commands wait in order until replies are read. */
static void a_pipeline_of_large_values_arrives_whole(void)
{
	enum { TIMES = 300 };
	begin("");
	fill("large", 'v', 200000);
	char *text = malloc(TIMES * 32), *at = text;
	for (int i = 0; i < TIMES; i++)
		at += sprintf(at, "GET large\r\nINCR n\r\n");
	struct peer *slow = peer_connect(server);
	CU_ASSERT(peer_send_text(slow, text));
	for (int i = 1; i <= TIMES; i++) {
		char count[32];
		const char *value = peer_reply(slow);
		CU_ASSERT(value && strncmp(value, "$200000\r\nv", 10) == 0);
		snprintf(count, sizeof(count), ":%d\r\n", i);
		CU_ASSERT(peer_expect_text(slow, count));
	}
	free(text);
	peer_close(&slow);
	end();
}

/*
 * The client closes its side and disconnects without reading. On a busy machine the server may see the end only after the disconnect; then
 * it drops the rest of the commands.
 */
static bool all_is_done_for_one_that_vanishes(const char *text, int times)
{
	struct peer *gone = peer_connect(server);
	int64_t deadline = deadline_after(PATIENCE_MS), before = number(COMMAND(peer, "INCRBY", "n", "0"));
	CU_ASSERT(peer_send_text(gone, text));
	peer_half_close(gone);
	while (number(COMMAND(peer, "INCRBY", "n", "0")) == before && deadline_left_ms(deadline) > 0)
		continue;
	/* Its first command was executed. Two more replies let the reactor read the rest and the end. */
	for (int i = 0; i < 2; i++)
		CU_ASSERT(COMMAND(peer, "CLIENT", "LIST") != NULL);
	peer_reset(&gone);
	CU_ASSERT(info_comes_to(peer, "clients", "connected_clients", 1));
	return number(COMMAND(peer, "INCRBY", "n", "0")) == before + times;
}

static void all_is_done_for_a_client_that_half_closes_and_reads_late(void)
{
	enum { TIMES = 100 };
	ONLY_OURS();
	begin("--maxmemory 60mb");
	fill("large", 'v', 500000);
	char text[TIMES * 32] = "";
	for (int i = 0; i < TIMES; i++)
		strcat(text, "GET large\r\nINCR n\r\n");
	struct peer *slow = peer_connect(server);
	CU_ASSERT(peer_send_text(slow, text));
	peer_half_close(slow);
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (info("clients", "client_recent_max_output_buffer") < MB && deadline_left_ms(deadline) > 0)
		continue;
	const char *reply = COMMAND(peer, "GET", "n");
	CU_ASSERT(reply && strtoll(strchr(reply, '\n') + 1, NULL, 10) < TIMES); /* replies that it doesn't read are dropped */
	for (int i = 0; i < 2 * TIMES; i++)
		CU_ASSERT_FATAL(peer_reply(slow) != NULL);
	CU_ASSERT(peer_expect_closed(slow));
	peer_close(&slow);
	/* A client that closes its side and then disconnects: all of its commands are executed. */
	while (!all_is_done_for_one_that_vanishes(text, TIMES) && deadline_left_ms(deadline) > 0)
		continue;
	CU_ASSERT(deadline_left_ms(deadline) > 0);
	end();
}

/* ---- slow commands ---- */

static int64_t calls(const char *reply, const char *command)
{
	char field[64];
	snprintf(field, sizeof(field), "cmdstat_%s:calls=", command);
	const char *at = reply ? strstr(reply, field) : NULL;
	return at ? strtoll(at + strlen(field), NULL, 10) : 0;
}

static void quick_commands_go_between_the_slow_ones_of_another_client(void)
{
	enum { COMMANDS = 200 };
	ONLY_OURS();
	static const char command[] = "KEYS nothing*\r\n";
	char text[COMMANDS * sizeof(command)] = "";
	begin("");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "100000"));
	for (int i = 0; i < COMMANDS; i++)
		strcat(text, command);
	struct peer *slow = peer_connect(server);
	int64_t deadline = deadline_after(PATIENCE_MS), done;
	/* Tries again if a busy machine was too late. */
	do {
		CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
		CU_ASSERT(peer_send_text(slow, text));
		CU_ASSERT(peer_expect_text(slow, "*0\r\n"));
		CU_ASSERT(peer_send_text(peer, "PING\r\nINFO commandstats\r\n"));
		CU_ASSERT(peer_expect_text(peer, "+PONG\r\n"));
		done = calls(peer_reply(peer), "keys");
		CU_ASSERT(peer_expect_times(slow, "*0\r\n", COMMANDS - 1));
	} while (done >= COMMANDS / 2 && deadline_left_ms(deadline) > 0);
	CU_ASSERT(done < COMMANDS / 2);
	peer_close(&slow);
	end();
}

/* Deferred commands keep their order, and their arguments in the batch stay valid. */
static void slow_commands_keep_their_order(void)
{
	enum { COMMANDS = 60 };
	ONLY_OURS();
	char text[COMMANDS * 64] = "", expected[64];
	begin("");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "50000"));
	for (int i = 0; i < COMMANDS; i++)
		sprintf(text + strlen(text), "KEYS nothing*\r\nINCR n\r\nECHO number-%d\r\n", i);
	CU_ASSERT(peer_send_text(peer, text));
	for (int i = 0; i < COMMANDS; i++) {
		char word[32];
		sprintf(word, "number-%d", i);
		snprintf(expected, sizeof(expected), "*0\r\n:%d\r\n$%zu\r\n%s\r\n", i + 1, strlen(word), word);
		CU_ASSERT(peer_expect_text(peer, expected));
	}
	end();
}

/* ---- MONITOR ---- */

/* Reads MONITOR until the commands shown plus those reported as missed are `wanted`. */
static bool monitor_learns_of(struct peer *monitor, int64_t wanted, int64_t *known, int64_t *missed)
{
	while (*known < wanted) {
		const char *line = peer_reply(monitor);
		if (!line)
			return false;
		const char *told = strstr(line, "] \"#\" \"");
		int64_t count = told ? strtoll(told + 7, NULL, 10) : 1;
		*known += count;
		*missed += told ? count : 0;
	}
	return *known == wanted;
}

/* Large commands take the observer longer than the store, so that it falls behind sooner or later. */
static void a_monitor_that_falls_behind_is_told_how_much_it_misses(void)
{
	enum { BYTES = 5 * MB, QUICK = 50 };
	ONLY_OURS();
	begin("");
	char *text = malloc(BYTES + 64 + QUICK * 16), *at = text;
	at += sprintf(at, "*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n", BYTES);
	memset(at, 'v', BYTES);
	at += BYTES;
	at += sprintf(at, "\r\n");
	for (int i = 0; i < QUICK; i++)
		at += sprintf(at, "EXISTS a\r\n");
	struct peer *monitor = peer_connect(server);
	CU_ASSERT(GIVES(monitor, "+OK\r\n", "MONITOR"));
	int64_t sent = 0, known = 0, missed = 0, deadline = deadline_after(PATIENCE_MS);
	while (missed == 0 && deadline_left_ms(deadline) > 0) {
		CU_ASSERT(peer_send(peer, text, (size_t)(at - text)));
		CU_ASSERT(peer_expect_text(peer, "+OK\r\n"));
		CU_ASSERT(peer_expect_times(peer, ":0\r\n", QUICK));
		sent += 1 + QUICK;
		CU_ASSERT_FATAL(monitor_learns_of(monitor, sent, &known, &missed));
	}
	CU_ASSERT(missed > 0);
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	CU_ASSERT(monitor_learns_of(monitor, sent + 1, &known, &missed));
	free(text);
	peer_close(&monitor);
	end();
}

static void a_monitor_with_its_replies_off_is_shown_nothing(void)
{
	begin("");
	struct peer *monitor = peer_connect(server);
	CU_ASSERT(GIVES(monitor, "+OK\r\n", "MONITOR"));
	CU_ASSERT(peer_send_text(monitor, "CLIENT REPLY OFF\r\nCLIENT SETNAME quiet\r\n"));
	int64_t deadline = deadline_after(PATIENCE_MS);
	const char *clients;
	while ((clients = COMMAND(peer, "CLIENT", "LIST")) && !strstr(clients, "name=quiet") && deadline_left_ms(deadline) > 0)
		continue;
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "unseen", "1"));
	/* The observer's answer comes behind the lines that it has made of that. */
	CU_ASSERT(COMMAND(peer, "INFO", "commandstats") != NULL);
	CU_ASSERT_FALSE(peer_has_input(monitor));
	CU_ASSERT(peer_exchange(monitor, "CLIENT REPLY ON\r\n", "+OK\r\n"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "seen", "1"));
	for (const char *line; (line = peer_reply(monitor)) && !strstr(line, "\"seen\"");)
		CU_ASSERT(!strstr(line, "\"unseen\""));
	peer_close(&monitor);
	end();
}

static const struct suite_case cases[] = {
	CASE(a_client_without_the_password_that_reads_nothing_is_closed),
	CASE(a_reply_over_the_limit_is_cut_while_it_is_written),
	CASE(a_list_of_keys_over_the_limit_is_cut),
	CASE(a_reply_that_would_fill_the_memory_is_cut),
	CASE(a_long_reply_arrives_whole),
	CASE(what_a_client_over_its_limit_has_sent_is_not_done),
	CASE(what_a_client_has_sent_before_it_broke_off_is_not_done),
	CASE(replies_that_nobody_reads_push_no_data_out),
	CASE(a_pipeline_of_large_values_arrives_whole),
	CASE(all_is_done_for_a_client_that_half_closes_and_reads_late),
	CASE(quick_commands_go_between_the_slow_ones_of_another_client),
	CASE(slow_commands_keep_their_order),
	CASE(a_monitor_that_falls_behind_is_told_how_much_it_misses),
	CASE(a_monitor_with_its_replies_off_is_shown_nothing),
};

SUITE_MAIN("unread", cases)

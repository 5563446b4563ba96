/*
 * Hostile clients, and many clients. Whatever one does, others are served, memory stays bounded, and a reply reaches only the client that
 * asked for it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "actors/runtime/process.h"
#include "support/deadline.h"
#include "support/peer.h"
#include "support/random.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/wire.h"

static struct server *server;
static int descriptors_at_first;

/* Another client is served. */
static bool others_are_served(void)
{
	struct peer *peer = peer_connect(server);
	bool served = GIVES(peer, "+PONG\r\n", "PING");
	peer_close(&peer);
	return served;
}

static int64_t info(struct peer *peer, const char *section, const char *field)
{
	const char *reply = COMMAND(peer, "INFO", section);
	return reply ? info_number(reply, field) : -1;
}

/* The server sees closed connections with a delay: repeats until only `count` are left. */
static bool connections_come_down_to(int64_t count)
{
	struct peer *peer = peer_connect(server);
	bool have_come = info_comes_to(peer, "clients", "connected_clients", count);
	peer_close(&peer);
	return have_come;
}

static void half_a_request_and_silence_disturbs_nobody(void)
{
	static const char *const halves[] = { "*", "*3\r\n", "*3\r\n$3", "*3\r\n$3\r\nSE", "GET", "*2\r\n$3\r\nGET\r\n$500000000\r\nabc" };
	struct peer *silent[sizeof(halves) / sizeof(halves[0])];
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		silent[i] = peer_connect(server);
		CU_ASSERT(peer_send_text(silent[i], halves[i]));
	}
	CU_ASSERT(others_are_served());
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		CU_ASSERT_FALSE(peer_has_input(silent[i]));
		peer_close(&silent[i]);
	}
	CU_ASSERT(connections_come_down_to(1));
}

/* A hundred clients declare half a gigabyte each. They may cost only what they have sent. */
static void a_declared_length_costs_nothing(void)
{
	enum { CLIENTS = 100 };
	static const char begin[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\n";
	size_t before = server_resident_bytes(server);
	struct peer *peers[CLIENTS];
	for (int i = 0; i < CLIENTS; i++) {
		peers[i] = peer_connect(server);
		CU_ASSERT(peer_send_text(peers[i], begin));
		CU_ASSERT(peer_send_text(peers[i], "0123456789"));
	}
	CU_ASSERT(others_are_served());
	size_t after = server_resident_bytes(server);
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&peers[i]);
	/* Allows a first buffer of 64 KB each, and some memory for all. */
	CU_ASSERT(after < before + (size_t)CLIENTS * 128 * 1024 + (16u << 20) * (size_t)patience());
	CU_ASSERT(connections_come_down_to(1));
}

static void fill(struct peer *peer, const char *key, size_t len)
{
	char *value = malloc(len + 1);
	memset(value, 'v', len);
	value[len] = '\0';
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, value));
	free(value);
}

/* Sends the text up to this many times, until the server takes no more. */
static int send_until_full(struct peer *peer, const char *text, int most)
{
	size_t len = strlen(text);
	int64_t patient_until = monotonic_ms() + 1000;
	for (int i = 0; i < most; i++)
		for (size_t at = 0; at < len;) {
			ssize_t sent = send(peer_fd(peer), text + at, len - at, MSG_NOSIGNAL);
			if (sent > 0)
				at += (size_t)sent;
			else if (monotonic_ms() > patient_until)
				return i;
		}
	return most;
}

/* Requests 400 GB of replies, with values that are copied and values that are shared. */
static void a_client_that_never_reads_costs_bounded_memory(void)
{
	ONLY_OURS();
	static const size_t sizes[] = { 8000, 200000 };
	struct peer *other = peer_connect(server);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill(other, "wanted", sizes[i]);
		size_t before = server_resident_bytes(server);
		struct peer *greedy = peer_connect(server);
		send_until_full(greedy, "*2\r\n$3\r\nGET\r\n$6\r\nwanted\r\n", 2000000);
		for (int asked = 0; asked < 1000; asked++)
			CU_ASSERT(GIVES(other, "+PONG\r\n", "PING"));
		CU_ASSERT(server_resident_bytes(server) < before + (512u << 20) * (size_t)patience());
		peer_reset(&greedy);
	}
	peer_close(&other);
	CU_ASSERT(connections_come_down_to(1));
}

static int count_descriptors(void)
{
	char path[64];
	int count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)server_pid(server));
	DIR *directory = opendir(path);
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

static bool descriptors_come_down_to(int connections)
{
	struct peer *peer = peer_connect(server);
	int64_t deadline = deadline_after(2 * PATIENCE_MS);
	while (count_descriptors() > descriptors_at_first + connections + 1 && deadline_left_ms(deadline) > 0)
		CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&peer);
	return deadline_left_ms(deadline) > 0;
}

/* Their sessions are gone or going, so that CLIENT KILL can't close them: the connections must not stay for ever. */
static void a_client_that_closes_its_side_and_never_reads_is_closed(void)
{
	enum { ENDING = 10 };
	ONLY_OURS();
	struct peer *other = peer_connect(server), *ending[ENDING];
	fill(other, "wanted", 8 << 20);
	for (int i = 0; i < ENDING; i++) {
		ending[i] = peer_connect(server);
		CU_ASSERT(peer_send_text(ending[i], i % 2 ? "GET wanted\r\nQUIT\r\n" : "GET wanted\r\n"));
		if (i % 2 == 0)
			peer_half_close(ending[i]);
	}
	CU_ASSERT(descriptors_come_down_to(1));
	for (int i = 0; i < ENDING; i++)
		peer_close(&ending[i]);
	peer_close(&other);
	CU_ASSERT(connections_come_down_to(1));
}

/* Waits for the first reply, and until several samples are equal: then all replies are made, or as many as may wait. */
static void await_all_it_may_have(struct peer *slow, struct peer *other)
{
	int64_t deadline = deadline_after(PATIENCE_MS), last = -1;
	while (!peer_has_input(slow) && deadline_left_ms(deadline) > 0)
		continue;
	for (int same = 0; same < 3 && deadline_left_ms(deadline) > 0;) {
		int64_t now = info(other, "memory", "mem_clients_normal");
		same = now == last ? same + 1 : 0;
		last = now;
	}
}

/* More output waits for a client than a reactor may keep, and its last command needs an answer from another actor. */
static void a_client_with_much_to_read_may_send_slow_commands(void)
{
	enum { WANTED = 40, KEYS = 100000 };
	ONLY_OURS();
	struct peer *other = peer_connect(server), *slow = peer_connect(server);
	fill(other, "wanted", 4 << 20);
	for (int i = 0; i < KEYS; i++) { /* listing them takes longer than a turn, so the last command begins another */
		char command[40];
		snprintf(command, sizeof(command), "SET key:%d v\r\n", i);
		CU_ASSERT(peer_send_text(other, command));
	}
	CU_ASSERT(peer_expect_times(other, "+OK\r\n", KEYS));
	/* In one piece: the server may not read a later piece before the client reads. */
	char text[WANTED * sizeof("GET wanted\r\n") + 64] = "";
	for (int i = 0; i < WANTED; i++)
		strcat(text, "GET wanted\r\n");
	CU_ASSERT(peer_send_text(slow, strcat(text, "KEYS *\r\nCLIENT INFO\r\n")));
	await_all_it_may_have(slow, other);
	for (int i = 0; i < WANTED + 2; i++)
		CU_ASSERT_PTR_NOT_NULL(peer_reply(slow));
	CU_ASSERT(GIVES(other, "+OK\r\n", "FLUSHALL"));
	peer_close(&slow);
	peer_close(&other);
	CU_ASSERT(connections_come_down_to(1));
}

static void small_texts_between_large_values_take_little(void)
{
	enum { ASKED = 7000 };
	ONLY_OURS();
	struct peer *other = peer_connect(server), *slow = peer_connect(server);
	fill(other, "wanted", 16384);
	int64_t before = info(other, "memory", "used_memory");
	for (int i = 0; i < ASKED; i++)
		CU_ASSERT(peer_send_text(slow, "GET wanted\r\n"));
	CU_ASSERT(peer_send_text(slow, "CLIENT SETNAME done\r\n"));
	CU_ASSERT(COMES_TO_SHOW(other, "name=done", "CLIENT", "LIST"));
	CU_ASSERT(info(other, "memory", "used_memory") < before + ASKED * 1024);
	peer_reset(&slow);
	peer_close(&other);
	CU_ASSERT(connections_come_down_to(1));
}

/* A simple client writes everything before it reads. It must not hang. */
static void half_a_million_commands_sent_before_reading_are_all_answered(void)
{
	enum { COMMANDS = 500000 };
	static const char get[] = "*2\r\n$3\r\nGET\r\n$5\r\nsmall\r\n";
	size_t len = sizeof(get) - 1;
	char *text = malloc(len * COMMANDS);
	for (size_t i = 0; i < COMMANDS; i++)
		memcpy(text + i * len, get, len);
	struct peer *peer = peer_connect(server);
	fill(peer, "small", 64);
	CU_ASSERT(peer_send(peer, text, len * COMMANDS));
	char answer[128] = "$64\r\n";
	memset(answer + 5, 'v', 64);
	memcpy(answer + 69, "\r\n", 3);
	CU_ASSERT(peer_expect_times(peer, answer, COMMANDS));
	free(text);
	peer_close(&peer);
}

/* Thousands of clients connect, send something or nothing, and disconnect in different ways. */
static void storms_of_connections_pass(void)
{
	enum { ROUNDS = 5000 };
	struct random random = { random_seed("storms") };
	for (int i = 0; i < ROUNDS; i++) {
		struct peer *peer = i % 2 ? peer_connect(server) : peer_connect_unix(server);
		switch (random_below(&random, 4)) {
		case 0:
			break;
		case 1:
			peer_send_text(peer, "PING\r\n");
			break;
		case 2:
			peer_send_text(peer, "*3\r\n$3\r\nSET\r\n");
			break;
		case 3:
			peer_send_text(peer, "SET storm 1\r\nGET storm\r\nQUIT\r\nPING\r\n");
			break;
		}
		if (i % 3 == 0)
			peer_reset(&peer);
		else
			peer_close(&peer);
	}
	CU_ASSERT(others_are_served());
	CU_ASSERT(connections_come_down_to(1));
}

static bool may_open(rlim_t descriptors)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= descriptors;
}

static void ten_thousand_connections_are_served(void)
{
	enum { CLIENTS = 10000 };
	if (!may_open(CLIENTS + 200))
		SKIP("the limit of open files is too low");
	struct peer **peers = calloc(CLIENTS, sizeof(*peers));
	for (int i = 0; i < CLIENTS; i++)
		peers[i] = peer_connect(server);
	for (int i = 0; i < CLIENTS; i++)
		CU_ASSERT(peer_send_text(peers[i], "PING\r\n"));
	for (int i = 0; i < CLIENTS; i++)
		CU_ASSERT(peer_expect_text(peers[i], "+PONG\r\n"));
	CU_ASSERT_EQUAL(info(peers[0], "clients", "connected_clients"), CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&peers[i]);
	free(peers);
	CU_ASSERT(connections_come_down_to(1));
}

enum { TOKEN_PEERS = 60, TOKEN_ROUNDS = 150, TOKENS = 20 };

static void send_tokens(struct peer *peer, int owner, int round)
{
	char text[TOKENS * 64];
	size_t len = 0;
	for (int i = 0; i < TOKENS; i++)
		len += (size_t)sprintf(text + len, "*2\r\n$4\r\nECHO\r\n$16\r\n%04d-%06d-%04d\r\n", owner, round, i);
	CU_ASSERT(peer_send(peer, text, len));
}

static bool expect_tokens(struct peer *peer, int owner, int round)
{
	char text[TOKENS * 64];
	size_t len = 0;
	for (int i = 0; i < TOKENS; i++)
		len += (size_t)sprintf(text + len, "$16\r\n%04d-%06d-%04d\r\n", owner, round, i);
	return peer_expect(peer, text, len);
}

/* Each client asks for its own tokens. Some disconnect before they have read them, and others take their place. */
static void a_reply_never_reaches_another_client(void)
{
	struct peer *peers[TOKEN_PEERS];
	struct random random = { random_seed("tokens") };
	for (int i = 0; i < TOKEN_PEERS; i++)
		peers[i] = peer_connect(server);
	for (int round = 0; round < TOKEN_ROUNDS; round++) {
		for (int i = 0; i < TOKEN_PEERS; i++)
			send_tokens(peers[i], i, round);
		for (int i = 0; i < TOKEN_PEERS; i++) {
			if (random_below(&random, 10) == 0) {
				random_below(&random, 2) ? peer_close(&peers[i]) : peer_reset(&peers[i]);
				peers[i] = random_below(&random, 2) ? peer_connect(server) : peer_connect_unix(server);
			} else {
				CU_ASSERT(expect_tokens(peers[i], i, round));
			}
		}
	}
	for (int i = 0; i < TOKEN_PEERS; i++) {
		CU_ASSERT_FALSE(peer_has_input(peers[i]));
		peer_close(&peers[i]);
	}
	CU_ASSERT(connections_come_down_to(1));
}

static void server_starts(void)
{
	server = server_start("--maxclients 10100 --timeout 0");
	descriptors_at_first = count_descriptors();
}

static void server_stops(void)
{
	CU_ASSERT(server_stop(&server));
}

/* ---- descriptors: each case has a server of its own ---- */

enum { FEW_CLIENTS = 100, LATE_CLIENTS = 200, LATE_COMMANDS = 10000 };

static void small_server_starts(void)
{
	server = server_start("--maxclients %d --timeout 0", FEW_CLIENTS);
	descriptors_at_first = count_descriptors();
}

/*
 * Connects many clients at once, which send more than is read before they are refused: their sockets can't be closed at once. Returns how
 * many are served; the others are told that there are too many.
 */
static int connect_late(struct peer *late[LATE_CLIENTS])
{
	static char text[LATE_COMMANDS * 6 + 1];
	int served = 0;
	for (int i = 0; i < LATE_COMMANDS; i++)
		memcpy(text + 6 * i, "PING\r\n", 7);
	for (int i = 0; i < LATE_CLIENTS; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(late[i] = peer_connect(server));
		peer_send_text(late[i], text);
	}
	for (int i = 0; i < LATE_CLIENTS; i++) {
		const char *reply = peer_has_reply(late[i]) ? peer_reply(late[i]) : NULL;
		bool is_served = reply && strcmp(reply, "+PONG\r\n") == 0;
		CU_ASSERT(is_served || (reply && strcmp(reply, "-ERR max number of clients reached\r\n") == 0));
		served += is_served;
	}
	return served;
}

static void close_all(struct peer **peers, int count)
{
	for (int i = 0; i < count; i++)
		peer_close(&peers[i]);
}

static bool descriptors_are_bounded(void)
{
	int most = descriptors_at_first + FEW_CLIENTS + PROCESS_EXCESS_CONNECTIONS, now = count_descriptors();
	if (now > most)
		fprintf(stderr, "%d descriptors are open, and at most %d may be\n", now, most);
	return now <= most;
}

/* A new client is served again, once the server has seen that others are gone. */
static bool comes_to_serve(void)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	bool is_served = false;
	while (!is_served && deadline_left_ms(deadline) > 0) {
		struct peer *peer = peer_connect(server);
		peer_send_text(peer, "PING\r\n");
		const char *reply = peer_has_reply(peer) ? peer_reply(peer) : NULL;
		is_served = reply && reply[0] == '+';
		peer_close(&peer);
	}
	return is_served;
}

/* The sessions of most have ended. Others may have so much to read that the server doesn't read on to their end. */
static void await_ends(struct peer *admin)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (info(admin, "clients", "connected_clients") > FEW_CLIENTS / 2 && deadline_left_ms(deadline) > 0)
		continue;
}

/* Their sessions had ended, so others took their places, and they kept their descriptors. */
static void clients_that_close_their_side_and_read_slowly_count_as_clients(void)
{
	struct peer *ending[FEW_CLIENTS - 1], *late[LATE_CLIENTS];
	ONLY_OURS();
	small_server_starts();
	struct peer *admin = peer_connect(server);
	fill(admin, "wanted", 8 << 20);
	for (int i = 0; i < FEW_CLIENTS - 1; i++) {
		ending[i] = peer_connect(server);
		CU_ASSERT(peer_send_text(ending[i], "GET wanted\r\n"));
		peer_half_close(ending[i]);
	}
	await_ends(admin);
	connect_late(late);
	CU_ASSERT(descriptors_are_bounded());
	close_all(ending, FEW_CLIENTS - 1);
	close_all(late, LATE_CLIENTS);
	CU_ASSERT(comes_to_serve());
	peer_close(&admin);
	server_stops();
}

static void refused_clients_that_stay_keep_few_descriptors(void)
{
	struct peer *first[FEW_CLIENTS], *late[LATE_CLIENTS];
	ONLY_OURS();
	small_server_starts();
	for (int i = 0; i < FEW_CLIENTS; i++) {
		first[i] = peer_connect(server);
		CU_ASSERT(GIVES(first[i], "+PONG\r\n", "PING"));
	}
	CU_ASSERT_EQUAL(connect_late(late), 0);
	CU_ASSERT(descriptors_are_bounded());
	close_all(first, FEW_CLIENTS);
	CU_ASSERT(comes_to_serve());
	close_all(late, LATE_CLIENTS);
	server_stops();
}

/* Nobody has judged them yet. */
static void clients_that_come_while_the_store_is_busy_keep_few_descriptors(void)
{
	struct peer *late[LATE_CLIENTS];
	ONLY_OURS();
	small_server_starts();
	struct peer *admin = peer_connect_unix(server);
	CU_ASSERT(peer_send_text(admin, "DEBUG SLEEP 0.5\r\n"));
	CU_ASSERT(peer_await_taken(admin));
	CU_ASSERT(connect_late(late) <= FEW_CLIENTS);
	CU_ASSERT(descriptors_are_bounded());
	CU_ASSERT(peer_expect_text(admin, "+OK\r\n"));
	close_all(late, LATE_CLIENTS);
	CU_ASSERT(comes_to_serve());
	peer_close(&admin);
	server_stops();
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(half_a_request_and_silence_disturbs_nobody),
	CASE(a_declared_length_costs_nothing),
	CASE(a_client_that_never_reads_costs_bounded_memory),
	CASE(a_client_that_closes_its_side_and_never_reads_is_closed),
	CASE(a_client_with_much_to_read_may_send_slow_commands),
	CASE(small_texts_between_large_values_take_little),
	CASE(half_a_million_commands_sent_before_reading_are_all_answered),
	CASE(storms_of_connections_pass),
	CASE(ten_thousand_connections_are_served),
	CASE(a_reply_never_reaches_another_client),
	CASE(server_stops),
	CASE(clients_that_close_their_side_and_read_slowly_count_as_clients),
	CASE(refused_clients_that_stay_keep_few_descriptors),
	CASE(clients_that_come_while_the_store_is_busy_keep_few_descriptors),
};

SUITE_MAIN("hostile", cases)

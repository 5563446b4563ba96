/*
 * Memory for requests that are not executed yet: it is counted in used_memory, and bounded, for unauthenticated clients most tightly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

enum { MB = 1 << 20 };

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
	CU_ASSERT(server_stop(&server));
}

static int64_t info(const char *section, const char *field)
{
	const char *reply = COMMAND(peer, "INFO", section);
	return reply ? info_number(reply, field) : -1;
}

static int64_t used(void)
{
	return info("memory", "used_memory");
}

/* Waits until used_memory is within these bounds. */
static bool used_comes_to(int64_t least, int64_t most)
{
	int64_t deadline = deadline_after(PATIENCE_MS), now;
	while (((now = used()) < least || now > most) && deadline_left_ms(deadline) > 0)
		continue;
	if (now < least || now > most)
		fprintf(stderr, "used_memory:%lld, not %lld to %lld\n", (long long)now, (long long)least, (long long)most);
	return now >= least && now <= most;
}

/* Sends `count` arguments of `bytes` bytes behind `head`, until the server closes. Returns the bytes sent. */
static size_t send_arguments(struct peer *to, const char *head, int count, size_t bytes)
{
	char *argument = malloc(bytes + 32);
	int prefix = sprintf(argument, "$%zu\r\n", bytes);
	memset(argument + prefix, 'v', bytes);
	memcpy(argument + prefix + bytes, "\r\n", 2);
	size_t len = (size_t)prefix + bytes + 2, sent = 0;
	bool is_open = send(peer_fd(to), head, strlen(head), MSG_NOSIGNAL) > 0;
	int64_t deadline = deadline_after(PATIENCE_MS);
	for (int i = 0; i < count && is_open; i++)
		for (size_t at = 0; at < len && is_open;) {
			ssize_t n = send(peer_fd(to), argument + at, len - at, MSG_NOSIGNAL);
			is_open = n > 0 || (n < 0 && !peer_has_input(to) && deadline_left_ms(deadline) > 0);
			at += n > 0 ? (size_t)n : 0;
			sent += n > 0 ? (size_t)n : 0;
		}
	free(argument);
	return sent;
}

static void requests_that_have_not_ended_count_as_used_memory(void)
{
	enum { CLIENTS = 50, BYTES = 200 * 1000 };
	struct peer *clients[CLIENTS];
	ONLY_OURS();
	begin("");
	int64_t before = used();
	CU_ASSERT(info("memory", "mem_clients_normal") < MB);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = peer_connect(server);
		CU_ASSERT(send_arguments(clients[i], "*1000\r\n", BYTES / 1000, 1000) > BYTES);
	}
	CU_ASSERT(used_comes_to(before + CLIENTS * BYTES - 4 * MB, before + 4 * CLIENTS * BYTES));
	CU_ASSERT(info("memory", "mem_clients_normal") >= CLIENTS * BYTES);
	CU_ASSERT(info("memory", "used_memory_overhead") >= CLIENTS * BYTES - 4 * MB);
	const char *list = COMMAND(peer, "CLIENT", "LIST"), *line = list ? strstr(list, "cmd=NULL") : NULL;
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	while (line > list && line[-1] != '\n')
		line--;
	CU_ASSERT(atoi(strstr(line, "qbuf=") + 5) >= BYTES);
	CU_ASSERT(atoi(strstr(line, "argv-mem=") + 9) >= BYTES / 1000 * 16);
	CU_ASSERT(atoi(strstr(line, "tot-mem=") + 8) >= BYTES + BYTES / 1000 * 16);
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&clients[i]);
	CU_ASSERT(used_comes_to(0, before + 4 * MB));
	end();
}

/* As unsent output does. */
static void requests_that_have_not_ended_count_under_maxmemory(void)
{
	enum { CLIENTS = 20, BYTES = 200 * 1000 };
	struct peer *clients[CLIENTS];
	char limit[32];
	ONLY_OURS();
	begin("--maxmemory-policy allkeys-lru");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "100000", "key", "50"));
	int64_t full = used();
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = peer_connect(server);
		CU_ASSERT(send_arguments(clients[i], "*1000\r\n", BYTES / 1000, 1000) > BYTES);
	}
	CU_ASSERT(used_comes_to(full + CLIENTS * BYTES - 2 * MB, INT64_MAX));
	snprintf(limit, sizeof(limit), "%lld", (long long)full);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory", limit));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "a", "b"));
	CU_ASSERT(info("stats", "evicted_keys") > 1000);
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&clients[i]);
	end();
}

/* 200 million are declared: only arrived bytes and the records of arrived arguments take memory. */
static void vector_of_empty_arguments_counts_against_the_query_buffer_limit(void)
{
	ONLY_OURS();
	begin("--client-query-buffer-limit 1mb");
	size_t before = server_resident_bytes(server);
	struct peer *greedy = peer_connect(server);
	size_t sent = send_arguments(greedy, "*200000000\r\n", 2000000, 0);
	CU_ASSERT(sent < 12000000 / 2); /* with the bytes in the kernel's buffers */
	CU_ASSERT(server_wait_log(server, "larger than client-query-buffer-limit"));
	CU_ASSERT(server_resident_bytes(server) < before + 16 * MB * (size_t)patience());
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_reset(&greedy);
	end();
}

/* Each could take 64 KB and more, which used_memory did not count. */
static void unauthenticated_clients_hold_little_in_incomplete_requests(void)
{
	enum { CLIENTS = 1000, REACTORS_MAX = 4, BOUND = 8 * MB };
	static struct peer *unauthenticated[CLIENTS];
	int closed = 0;
	ONLY_OURS();
	begin("--requirepass secret");
	CU_ASSERT(GIVES(peer, "+OK\r\n", "AUTH", "secret"));
	int64_t before = used();
	size_t resident = server_resident_bytes(server);
	for (int i = 0; i < CLIENTS; i++) {
		unauthenticated[i] = peer_connect(server);
		send_arguments(unauthenticated[i], "*10\r\n", 4, 16000);
	}
	CU_ASSERT(used_comes_to(before + BOUND / 2, before + REACTORS_MAX * (BOUND + MB)));
	CU_ASSERT(server_resident_bytes(server) < resident + (size_t)(REACTORS_MAX * 2 * BOUND) * (size_t)patience());
	/* The reactors may still be reading what was sent. */
	int64_t deadline = deadline_after(PATIENCE_MS);
	do {
		closed = 0;
		for (int i = 0; i < CLIENTS; i++)
			closed += peer_has_input(unauthenticated[i]);
	} while (closed <= CLIENTS / 4 && deadline_left_ms(deadline) > 0);
	CU_ASSERT(closed > CLIENTS / 4);
	struct peer *honest = peer_connect(server);
	CU_ASSERT(GIVES(honest, "+OK\r\n", "AUTH", "secret"));
	CU_ASSERT(send_arguments(honest, "*51\r\n$4\r\nMGET\r\n", 50, 10000) > 500000);
	CU_ASSERT(peer_expect_text(honest, "*50\r\n"));
	peer_close(&honest);
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&unauthenticated[i]);
	CU_ASSERT(used_comes_to(0, before + 4 * MB));
	end();
}

static void commands_that_wait_count_as_used_memory(void)
{
	enum { CLIENTS = 40, COMMANDS = 200 };
	struct peer *clients[CLIENTS];
	char value[1001], command[1100];
	ONLY_OURS();
	begin("");
	memset(value, 'v', 1000);
	value[1000] = '\0';
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "PAUSE", "1000000", "WRITE"));
	int64_t before = used();
	snprintf(command, sizeof(command), "SET k %s\r\n", value);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = peer_connect(server);
		for (int n = 0; n < COMMANDS; n++)
			CU_ASSERT(peer_send_text(clients[i], command));
	}
	CU_ASSERT(used_comes_to(before + CLIENTS * COMMANDS * 1000, before + 4 * CLIENTS * COMMANDS * 1000));
	CU_ASSERT(info("memory", "mem_clients_normal") >= CLIENTS * COMMANDS * 1000);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CLIENT", "UNPAUSE"));
	for (int i = 0; i < CLIENTS; i++) {
		CU_ASSERT(peer_expect_times(clients[i], "+OK\r\n", COMMANDS));
		peer_close(&clients[i]);
	}
	CU_ASSERT(used_comes_to(0, before + 2 * MB));
	end();
}

static void connections_count_as_used_memory(void)
{
	enum { CLIENTS = 500 };
	struct peer *clients[CLIENTS];
	ONLY_OURS();
	begin("");
	int64_t before = used();
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = peer_connect(server);
		CU_ASSERT(GIVES(clients[i], "+PONG\r\n", "PING"));
	}
	CU_ASSERT(used() >= before + CLIENTS * 500);
	CU_ASSERT(used() <= before + CLIENTS * 3000);
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&clients[i]);
	CU_ASSERT(used_comes_to(0, before + CLIENTS * 200));
	end();
}

static const struct suite_case cases[] = {
	CASE(requests_that_have_not_ended_count_as_used_memory),
	CASE(requests_that_have_not_ended_count_under_maxmemory),
	CASE(vector_of_empty_arguments_counts_against_the_query_buffer_limit),
	CASE(unauthenticated_clients_hold_little_in_incomplete_requests),
	CASE(commands_that_wait_count_as_used_memory),
	CASE(connections_count_as_used_memory),
};

SUITE_MAIN("memory of input", cases)

/*
 * Where the server listens and which clients it accepts: IPv4, IPv6, several addresses, a unix socket and its mode, the number of clients,
 * idle clients, and clients from other machines.
 *
 * The program enters its own network namespace, where it has an address besides the loopback: it doesn't use the machine's network.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "support/deadline.h"
#include "support/own_network.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

static bool own_network;
static const char *why_not = "";

static void enter_own_network(void)
{
	own_network = own_network_enter(&why_not);
	if (!own_network)
		SKIP(why_not);
}

static bool is_served_at(const char *address, uint16_t port)
{
	struct peer *peer = peer_connect_to(address, port);
	bool served = peer && GIVES(peer, "+PONG\r\n", "PING");
	peer_close(&peer);
	return served;
}

static bool is_refused_at(const char *address, uint16_t port)
{
	struct peer *peer = peer_connect_to(address, port);
	bool refused = !peer && errno == ECONNREFUSED;
	peer_close(&peer);
	return refused;
}

static void only_the_addresses_asked_for_are_listened_on(void)
{
	struct server *server = server_start("--bind 127.0.0.1");
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	CU_ASSERT(is_refused_at("127.0.0.2", server_port(server)));
	if (own_network)
		CU_ASSERT(is_refused_at(OWN_NETWORK_ADDRESS, server_port(server)));
	CU_ASSERT(server_stop(&server));
}

static void the_default_is_the_loopback(void)
{
	ONLY_OURS();
	struct server *server = server_start("!--bind ");
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	if (own_network_has_ipv6())
		CU_ASSERT(is_served_at("::1", server_port(server)));
	if (own_network)
		CU_ASSERT(is_refused_at(OWN_NETWORK_ADDRESS, server_port(server)));
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "*2\r\n$4\r\nbind\r\n$14\r\n127.0.0.1 -::1\r\n", "CONFIG", "GET", "bind"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void several_addresses_of_both_families_can_be_bound(void)
{
	if (!own_network_has_ipv6())
		SKIP("there is no IPv6 here");
	struct server *server = server_start("--bind 127.0.0.1 127.0.0.3 ::1");
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	CU_ASSERT(is_served_at("127.0.0.3", server_port(server)));
	CU_ASSERT(is_served_at("::1", server_port(server)));
	CU_ASSERT(is_refused_at("127.0.0.2", server_port(server)));
	struct peer *peer = peer_connect_to("::1", server_port(server));
	const char *reply = COMMAND(peer, "CLIENT", "INFO");
	CU_ASSERT(reply && strstr(reply, " addr=[::1]:") != NULL);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* The second one failed with EADDRINUSE. */
static void an_address_that_is_listed_twice_is_bound_once(void)
{
	static const char *const lists[] = { "127.0.0.1 127.0.0.1", "127.0.0.1 -127.0.0.1", "-127.0.0.1 127.0.0.1 -127.0.0.1",
					     "* 0.0.0.0" };
	ONLY_OURS();
	for (int i = 0; i < 4; i++) {
		char directives[64];
		snprintf(directives, sizeof(directives), "--bind %s", lists[i]);
		struct server *server = server_start("%s", directives);
		CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
		struct peer *peer = peer_connect(server);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "bind", "127.0.0.2 127.0.0.2 127.0.0.1"));
		CU_ASSERT(is_served_at("127.0.0.2", server_port(server)));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "bind", lists[i]));
		CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
		peer_close(&peer);
		CU_ASSERT(server_stop(&server));
	}
}

static void an_address_behind_a_dash_may_be_absent(void)
{
	struct server *server = server_start("--bind 127.0.0.1 -198.51.100.7 -::1");
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	CU_ASSERT(server_stop(&server));
}

static void the_unix_socket_has_the_mode_asked_for(void)
{
	static const char *const modes[] = { "700", "770", "777" };
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct server *server = server_start("--unixsocketperm %s", modes[i]);
		struct stat status;
		CU_ASSERT_EQUAL(stat(server_socket_path(server), &status), 0);
		CU_ASSERT_EQUAL(status.st_mode & 0777, (mode_t)strtol(modes[i], NULL, 8));
		CU_ASSERT(S_ISSOCK(status.st_mode));
		struct peer *peer = peer_connect_unix(server);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "a", "b"));
		const char *reply = COMMAND(peer, "CLIENT", "INFO");
		CU_ASSERT(reply && strstr(reply, "/socket:0 ") != NULL);
		peer_close(&peer);
		CU_ASSERT(server_stop(&server));
	}
}

static void a_server_without_a_port_serves_its_unix_socket(void)
{
	struct server *server = server_start("--port 0");
	struct peer *peer = peer_connect_unix(server);
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void one_client_too_many_is_told_so(void)
{
	struct server *server = server_start("--maxclients 5");
	struct peer *peers[5];
	for (int i = 0; i < 5; i++) {
		peers[i] = i % 2 ? peer_connect(server) : peer_connect_unix(server);
		CU_ASSERT(GIVES(peers[i], "+PONG\r\n", "PING"));
	}
	for (int i = 0; i < 3; i++) {
		struct peer *late = peer_connect(server);
		CU_ASSERT(peer_expect_text(late, "-ERR max number of clients reached\r\n"));
		CU_ASSERT(peer_expect_closed(late));
		peer_close(&late);
	}
	const char *stats = COMMAND(peers[0], "INFO", "stats");
	CU_ASSERT(stats && info_number(stats, "rejected_connections") == 3);
	peer_close(&peers[4]);
	int64_t deadline = deadline_after(PATIENCE_MS);
	bool served = false;
	while (!served && deadline_left_ms(deadline) > 0) {
		struct peer *next = peer_connect(server);
		peer_send_text(next, "PING\r\n");
		const char *reply = peer_has_reply(next) ? peer_reply(next) : NULL;
		served = reply && strcmp(reply, "+PONG\r\n") == 0;
		peer_close(&next);
	}
	CU_ASSERT(served);
	for (int i = 0; i < 4; i++)
		peer_close(&peers[i]);
	CU_ASSERT(server_stop(&server));
}

/* Sends PINGs one by one until the other client is closed. Returns the longest time between two of them. */
static int64_t be_busy_until_closed(struct peer *busy, struct peer *other)
{
	int64_t deadline = deadline_after(PATIENCE_MS), longest = 0, last = monotonic_ms();
	bool is_served = true;
	while (is_served && !peer_has_input(other) && deadline_left_ms(deadline) > 0) {
		is_served = peer_send_text(busy, "PING\r\n") && peer_has_reply(busy) && peer_reply(busy);
		int64_t now = monotonic_ms();
		longest = now - last > longest ? now - last : longest;
		last = now;
	}
	return is_served ? longest : INT64_MAX;
}

static void an_idle_client_is_closed_and_a_busy_one_stays(void)
{
	enum { TIMEOUT_MS = 1000 };
	struct server *server = server_start("--timeout 1");
	int64_t deadline = deadline_after(PATIENCE_MS), silence = 0;
	bool stays = false;
	/* Tries again if the machine was too slow to keep the client busy. */
	do {
		int64_t begin = monotonic_ms();
		struct peer *idle = peer_connect(server), *half = peer_connect(server), *busy = peer_connect(server);
		CU_ASSERT(peer_send_text(half, "*2\r\n$4\r\nECHO\r\n"));
		silence = be_busy_until_closed(busy, idle);
		CU_ASSERT(monotonic_ms() - begin >= TIMEOUT_MS * 9 / 10);
		CU_ASSERT(peer_expect_closed(idle));
		int64_t more = be_busy_until_closed(busy, half);
		CU_ASSERT(peer_expect_closed(half));
		silence = more > silence ? more : silence;
		stays = silence != INT64_MAX;
		peer_close(&idle);
		peer_close(&half);
		peer_close(&busy);
	} while (!stays && silence > TIMEOUT_MS / 2 && deadline_left_ms(deadline) > 0);
	CU_ASSERT(stays);
	CU_ASSERT(server_stop(&server));
}

/* Lines of the log that hold the text. */
static int64_t count_in_log(const struct server *server, const char *text)
{
	int64_t count = 0;
	char *log = server_log(server);
	for (const char *at = log; (at = strstr(at, text)); at += strlen(text))
		count++;
	free(log);
	return count;
}

/* The server must not spin or fill the log, and must serve them once descriptors are free. */
static void clients_for_whom_there_is_no_descriptor_wait(void)
{
	ONLY_OURS();
	static const char complaint[] = "Can't accept clients";
	struct server *server = server_start("--timeout 0");
	struct rlimit before, none;
	CU_ASSERT_EQUAL_FATAL(prlimit(server_pid(server), RLIMIT_NOFILE, NULL, &before), 0);
	none = (struct rlimit){ 3, before.rlim_max };
	CU_ASSERT_EQUAL_FATAL(prlimit(server_pid(server), RLIMIT_NOFILE, &none, NULL), 0);
	struct peer *peers[3];
	int64_t begin_ms = monotonic_ms(), deadline = deadline_after(PATIENCE_MS), worked_ms = server_processor_ms(server);
	for (int i = 0; i < 3; i++) {
		peers[i] = i % 2 ? peer_connect(server) : peer_connect_unix(server);
		CU_ASSERT(peer_send_text(peers[i], "PING\r\n"));
	}
	struct pollfd answered = { .fd = peer_fd(peers[0]), .events = POLLIN };
	while (count_in_log(server, complaint) < 3 && deadline_left_ms(deadline) > 0)
		CU_ASSERT_EQUAL(poll(&answered, 1, 50), 0);
	int64_t passed_ms = monotonic_ms() - begin_ms;
	CU_ASSERT(count_in_log(server, complaint) <= 1 + passed_ms / 1000);
	CU_ASSERT(server_processor_ms(server) - worked_ms < passed_ms / 4);
	CU_ASSERT_EQUAL_FATAL(prlimit(server_pid(server), RLIMIT_NOFILE, &before, NULL), 0);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT(peer_expect_text(peers[i], "+PONG\r\n"));
		peer_close(&peers[i]);
	}
	CU_ASSERT(server_stop(&server));
}

static void protected_mode_refuses_clients_from_other_machines(void)
{
	if (!own_network)
		SKIP(why_not);
	struct server *server = server_start("--bind 0.0.0.0");
	struct peer *outside = peer_connect_to(OWN_NETWORK_ADDRESS, server_port(server));
	CU_ASSERT_FATAL(outside != NULL);
	const char *reply = peer_reply(outside);
	CU_ASSERT(reply && strncmp(reply, "-DENIED ", 8) == 0);
	CU_ASSERT(reply && strstr(reply, "protected mode") != NULL && strstr(reply, "password") != NULL);
	CU_ASSERT(peer_expect_closed(outside));
	peer_close(&outside);
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	struct peer *local = peer_connect_unix(server);
	CU_ASSERT(GIVES(local, "+OK\r\n", "CONFIG", "SET", "requirepass", "x"));
	outside = peer_connect_to(OWN_NETWORK_ADDRESS, server_port(server));
	CU_ASSERT(GIVES(outside, "-NOAUTH Authentication required.\r\n", "PING"));
	CU_ASSERT(GIVES(outside, "+OK\r\n", "AUTH", "x"));
	CU_ASSERT(GIVES(outside, "+PONG\r\n", "PING"));
	peer_close(&outside);
	peer_close(&local);
	CU_ASSERT(server_stop(&server));
}

static void without_protected_mode_clients_from_other_machines_are_served(void)
{
	if (!own_network)
		SKIP(why_not);
	struct server *server = server_start("--bind 0.0.0.0 --protected-mode no");
	CU_ASSERT(is_served_at(OWN_NETWORK_ADDRESS, server_port(server)));
	CU_ASSERT(server_stop(&server));
}

static void protected_mode_and_bind_change_under_way(void)
{
	if (!own_network)
		SKIP(why_not);
	struct server *server = server_start("--bind 127.0.0.1");
	struct peer *local = peer_connect_unix(server);
	CU_ASSERT(is_refused_at(OWN_NETWORK_ADDRESS, server_port(server)));
	CU_ASSERT(GIVES(local, "+OK\r\n", "CONFIG", "SET", "bind", "*"));
	struct peer *outside = peer_connect_to(OWN_NETWORK_ADDRESS, server_port(server));
	CU_ASSERT_FATAL(outside != NULL);
	const char *reply = peer_reply(outside);
	CU_ASSERT(reply && strncmp(reply, "-DENIED ", 8) == 0);
	peer_close(&outside);
	CU_ASSERT(GIVES(local, "+OK\r\n", "CONFIG", "SET", "protected-mode", "no"));
	CU_ASSERT(is_served_at(OWN_NETWORK_ADDRESS, server_port(server)));
	CU_ASSERT(GIVES(local, "+OK\r\n", "CONFIG", "SET", "bind", "127.0.0.1"));
	CU_ASSERT(is_refused_at(OWN_NETWORK_ADDRESS, server_port(server)));
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	peer_close(&local);
	CU_ASSERT(server_stop(&server));
}

static const struct suite_case cases[] = {
	CASE(enter_own_network),
	CASE(only_the_addresses_asked_for_are_listened_on),
	CASE(the_default_is_the_loopback),
	CASE(several_addresses_of_both_families_can_be_bound),
	CASE(an_address_that_is_listed_twice_is_bound_once),
	CASE(an_address_behind_a_dash_may_be_absent),
	CASE(the_unix_socket_has_the_mode_asked_for),
	CASE(a_server_without_a_port_serves_its_unix_socket),
	CASE(one_client_too_many_is_told_so),
	CASE(an_idle_client_is_closed_and_a_busy_one_stays),
	CASE(clients_for_whom_there_is_no_descriptor_wait),
	CASE(protected_mode_refuses_clients_from_other_machines),
	CASE(without_protected_mode_clients_from_other_machines_are_served),
	CASE(protected_mode_and_bind_change_under_way),
};

SUITE_MAIN("listen", cases)

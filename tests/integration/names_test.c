/*
 * Names to listen at: in /etc/hosts, from a slow name server, or unknown; with and without IPv6.
 *
 * The program enters its own network namespace with its own host names, and is the name server there.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/own_network.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

static bool has_names;
static const char *why_not = "";
#define NEEDS_NAMES() do { if (!has_names) SKIP(why_not); } while (0)

static void enter_own_network(void)
{
	if (!own_network_enter(&why_not))
		SKIP(why_not);
	why_not = "files of /etc can't be replaced";
	/* One address is listed twice, as in generated files. */
	has_names = own_network_replace_file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"
							    "127.0.0.2 twins\n127.0.0.3 twins\n127.0.0.2 twins\n::1 twins\n"
							    "198.51.100.7 elsewhere\n198.51.100.7 nearby\n127.0.0.4 nearby\n") &&
		    own_network_replace_file("/etc/nsswitch.conf", "hosts: files dns\n") &&
		    own_network_replace_file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
	if (!has_names)
		SKIP(why_not);
}

/* ---- the name server ---- */

static int open_name_server(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static bool await_question(int fd)
{
	struct pollfd asked = { .fd = fd, .events = POLLIN };
	return poll(&asked, 1, (int)(PATIENCE_MS * patience())) == 1;
}

/* Answers that the name doesn't exist: sends the question back with that code (RFC 1035, 4.1.1). */
static void deny_question(int fd)
{
	uint8_t message[512];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t got = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &len);
	if (got < 4)
		return;
	message[2] |= 0x80;
	message[3] = 0x83;
	sendto(fd, message, (size_t)got, 0, (struct sockaddr *)&from, len);
}

/* Waits until the peer is answered. */
static void deny_all_questions(int fd, struct peer *peer)
{
	struct pollfd ready[2] = { { .fd = fd, .events = POLLIN }, { .fd = peer_fd(peer), .events = POLLIN } };
	while (poll(ready, 2, (int)(PATIENCE_MS * patience())) > 0 && !ready[1].revents)
		if (ready[0].revents)
			deny_question(fd);
}

/* ---- names ---- */

static bool is_served_at(const char *address, uint16_t port)
{
	struct peer *peer = peer_connect_to(address, port);
	bool served = peer && GIVES(peer, "+PONG\r\n", "PING");
	peer_close(&peer);
	return served;
}

static void a_name_is_served_at_all_its_addresses(void)
{
	ONLY_OURS();
	NEEDS_NAMES();
	struct server *server = server_start("--bind twins");
	CU_ASSERT(is_served_at("127.0.0.2", server_port(server)));
	CU_ASSERT(is_served_at("127.0.0.3", server_port(server)));
	CU_ASSERT(!is_served_at("127.0.0.1", server_port(server)));
	if (own_network_has_ipv6())
		CU_ASSERT(is_served_at("::1", server_port(server)));
	struct peer *peer = peer_connect_unix(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "bind", "localhost"));
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	if (own_network_has_ipv6())
		CU_ASSERT(is_served_at("::1", server_port(server)));
	CU_ASSERT(!is_served_at("127.0.0.2", server_port(server)));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void a_name_and_its_address_may_both_be_listed(void)
{
	NEEDS_NAMES();
	struct server *server = server_start("--bind twins 127.0.0.3 nearby -nearby 127.0.0.4");
	CU_ASSERT(is_served_at("127.0.0.2", server_port(server)));
	CU_ASSERT(is_served_at("127.0.0.3", server_port(server)));
	CU_ASSERT(is_served_at("127.0.0.4", server_port(server)));
	struct peer *peer = peer_connect_to("127.0.0.3", server_port(server));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "bind", "localhost 127.0.0.1 -localhost"));
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void addresses_of_a_name_that_are_not_here_are_passed_over(void)
{
	ONLY_OURS();
	NEEDS_NAMES();
	struct server *server = server_start("--bind nearby -elsewhere");
	CU_ASSERT(is_served_at("127.0.0.4", server_port(server)));
	struct peer *peer = peer_connect_unix(server);
	const char *reply = COMMAND(peer, "CONFIG", "SET", "bind", "elsewhere");
	CU_ASSERT(reply && strstr(reply, "Failed to bind to specified addresses") != NULL);
	CU_ASSERT(server_wait_log(server, "can't listen on 198.51.100.7:"));
	CU_ASSERT(is_served_at("127.0.0.4", server_port(server)));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void an_unknown_name_is_called_so(void)
{
	ONLY_OURS();
	NEEDS_NAMES();
	int name_server = open_name_server();
	struct server *server = server_start("--timeout 0");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "CONFIG SET bind no.such.name\r\n"));
	deny_all_questions(name_server, peer);
	const char *reply = peer_reply(peer);
	CU_ASSERT(reply && strstr(reply, "Failed to bind to specified addresses") != NULL);
	CU_ASSERT(server_wait_log(server, "can't listen on no.such.name: looking up the name failed: Name or service not known"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	close(name_server);
}

static void a_server_does_not_start_at_an_unknown_name(void)
{
	ONLY_OURS();
	NEEDS_NAMES();
	const char *argv[] = { server_program(), "--bind", "no.such.name", NULL };
	int status = 0;
	char *output = process_run(argv, &status); /* there is no name server to ask */
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT(strstr(output, "qcache-server: can't listen on no.such.name: looking up the name failed: ") != NULL);
	free(output);
}

/* The server would give up after thirty seconds. */
static void a_slow_name_server_keeps_neither_clients_nor_a_stop(void)
{
	ONLY_OURS();
	NEEDS_NAMES();
	int name_server = open_name_server();
	struct server *server = server_start("--shutdown-timeout 1");
	struct peer *peer = peer_connect(server), *other = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "CONFIG SET bind slow.name\r\n"));
	CU_ASSERT_FATAL(await_question(name_server));
	CU_ASSERT(GIVES(other, "+PONG\r\n", "PING"));
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(peer_expect_closed(other));
	CU_ASSERT(peer_expect_closed(peer));
	CU_ASSERT(server_wait_log(server, "1 requests of 1 clients are dropped"));
#ifdef QCACHE_CHECKED
	/* Sanitizers wait for all threads, to find leaks. */
	for (int i = 0; i < 2; i++)
		if (await_question(name_server))
			deny_question(name_server);
#endif
	CU_ASSERT(server_await_stop(&server));
	peer_close(&peer);
	peer_close(&other);
	close(name_server);
}

static void a_signal_ends_a_start_that_waits_for_a_name(void)
{
	ONLY_OURS();
	NEEDS_NAMES();
	char directory[64], path[96];
	int name_server = open_name_server(), status = 0;
	scratch_create(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/output", directory);
	const char *argv[] = { server_program(), "--bind", "slow.name", NULL };
	pid_t pid = process_start(argv, path);
	CU_ASSERT(await_question(name_server));
	kill(pid, SIGTERM);
	CU_ASSERT(process_wait(pid, PATIENCE_MS, &status));
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	close(name_server);
	scratch_remove(directory);
}

/* ---- without IPv6 ---- */

static char *output_of(const char *bind, int *out_status)
{
	const char *argv[] = { server_program(), "--bind", bind, NULL };
	return process_run(argv, out_status);
}

static void without_ipv6_the_default_and_names_serve_ipv4(void)
{
	ONLY_OURS();
	NEEDS_NAMES();
	if (!own_network_set_ipv6(false))
		SKIP("IPv6 can't be switched off");
	CU_ASSERT_FALSE(own_network_has_ipv6());
	struct server *server = server_start("!--bind ");
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	CU_ASSERT(server_stop(&server));
	server = server_start("--bind localhost");
	CU_ASSERT(is_served_at("127.0.0.1", server_port(server)));
	CU_ASSERT(server_stop(&server));
	int status = 0;
	char *output = output_of("::1", &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT(strstr(output, "can't listen on [::1]:6379: Cannot assign requested address") != NULL);
	free(output);
	output = output_of("-::1", &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT(strstr(output, "there is nothing to listen on") != NULL);
	free(output);
	CU_ASSERT(own_network_set_ipv6(true));
}

static const struct suite_case cases[] = {
	CASE(enter_own_network),
	CASE(a_name_is_served_at_all_its_addresses),
	CASE(a_name_and_its_address_may_both_be_listed),
	CASE(addresses_of_a_name_that_are_not_here_are_passed_over),
	CASE(an_unknown_name_is_called_so),
	CASE(a_server_does_not_start_at_an_unknown_name),
	CASE(a_slow_name_server_keeps_neither_clients_nor_a_stop),
	CASE(a_signal_ends_a_start_that_waits_for_a_name),
	CASE(without_ipv6_the_default_and_names_serve_ipv4),
};

SUITE_MAIN("names", cases)

/*
 * CONFIG SET of port and bind: the listeners change as a whole or not at all, and connected clients stay.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/directive.h"

static void port_moves_and_clients_stay(void)
{
	struct server *server = server_start(" ");
	struct peer *peer = peer_connect(server);
	uint16_t before = server_port(server), after = free_port();
	char text[64];
	snprintf(text, sizeof(text), "CONFIG SET port %u\r\nPING\r\n", after);
	CU_ASSERT(peer_exchange(peer, text, "+OK\r\n+PONG\r\n"));
	CU_ASSERT(nobody_listens_at(before));
	CU_ASSERT(is_served_at(after));
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	struct peer *by_file = peer_connect_unix(server);
	CU_ASSERT(set_directive(by_file, "port", "0"));
	CU_ASSERT(nobody_listens_at(after));
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&peer);
	peer_close(&by_file);
	CU_ASSERT(server_stop(&server));
}

static void bind_widens_and_narrows(void)
{
	struct server *server = server_start(" ");
	struct peer *peer = peer_connect(server), *other;
	CU_ASSERT(set_directive(peer, "bind", "*"));
	CU_ASSERT(is_served_at(server_port(server)));
	CU_ASSERT_PTR_NOT_NULL(other = peer_connect_to("127.0.0.2", server_port(server)));
	peer_close(&other);
	CU_ASSERT(set_directive(peer, "bind", "127.0.0.3 127.0.0.2"));
	CU_ASSERT(nobody_listens_at(server_port(server)));
	CU_ASSERT_PTR_NOT_NULL(other = peer_connect_to("127.0.0.2", server_port(server)));
	CU_ASSERT(GIVES(other, "+PONG\r\n", "PING"));
	CU_ASSERT(set_directive(other, "bind", "127.0.0.1"));
	CU_ASSERT(is_served_at(server_port(server)));
	peer_close(&other);
	CU_ASSERT_PTR_NULL(other = peer_connect_to("127.0.0.2", server_port(server)));
	peer_close(&other);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* Nobody could have reached the server any more, and CONFIG REWRITE would have written a file with which it doesn't start. */
static void the_last_listener_can_not_be_taken_away(void)
{
	ONLY_OURS();
	struct server *server = server_start("--unixsocket ''");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.\r\n",
			"CONFIG", "SET", "port", "0"));
	CU_ASSERT(server_wait_log(server, "there is nothing to listen on"));
	CU_ASSERT(GIVES(peer, "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.\r\n",
			"CONFIG", "SET", "bind", ""));
	CU_ASSERT(is_served_at(server_port(server)));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void a_port_that_was_changed_is_not_to_be_shared(void)
{
	struct server *server = server_start(" ");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(set_directive(peer, "bind", "127.0.0.1 127.0.0.2"));
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(server_port(server)) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	CU_ASSERT(bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0);
	close(fd);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void clients_who_change_the_port_at_once_do_so_in_turn(void)
{
	struct server *server = server_start(" ");
	struct peer *peers[4];
	char text[64];
	for (int i = 0; i < 4; i++)
		peers[i] = peer_connect_unix(server);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 4; i++) {
			snprintf(text, sizeof(text), "CONFIG SET port %u timeout %d\r\n", free_port(), 100 + i);
			CU_ASSERT(peer_send_text(peers[i], text));
		}
		for (int i = 0; i < 4; i++)
			CU_ASSERT(peer_expect_text(peers[i], "+OK\r\n"));
	}
	const char *reply = COMMAND(peers[0], "CONFIG", "GET", "port");
	unsigned port = 0;
	CU_ASSERT(reply && sscanf(reply, "*2\r\n$4\r\nport\r\n$%*u\r\n%u", &port) == 1);
	CU_ASSERT(is_served_at((uint16_t)port));
	for (int i = 0; i < 4; i++)
		peer_close(&peers[i]);
	CU_ASSERT(server_stop(&server));
}

static void a_change_stands_though_its_client_leaves(void)
{
	struct server *server = server_start(" ");
	struct peer *control = peer_connect_unix(server);
	char text[64];
	for (int round = 0; round < 20; round++) {
		struct peer *peer = peer_connect_unix(server);
		uint16_t port = free_port();
		snprintf(text, sizeof(text), "CONFIG SET port %u\r\n", port);
		CU_ASSERT(peer_send_text(peer, text));
		peer_close(&peer);
		int64_t deadline = deadline_after(PATIENCE_MS);
		while (!is_served_at(port) && deadline_left_ms(deadline) > 0)
			;
		/* The new port is served a moment before CONFIG GET shows it. */
		snprintf(text, sizeof(text), "\r\n%u\r\n", port);
		const char *told;
		while ((told = COMMAND(control, "CONFIG", "GET", "port")) && !strstr(told, text) && deadline_left_ms(deadline) > 0)
			;
		CU_ASSERT(told && strstr(told, text));
	}
	peer_close(&control);
	CU_ASSERT(server_stop(&server));
}

static void what_was_changed_is_written_to_the_file(void)
{
	char scratch[64], path[96], port[8], *text;
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/q.conf", scratch);
	FILE *file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file, "# where\nport %u\nbind 127.0.0.1\ntimeout 5\ndir %s\n", free_port(), scratch);
	fclose(file);
	/* Port and address come from the file: no option overrides them. */
	struct server *server = server_start("%s !--port !--bind !--dir ", path);
	struct peer *peer = peer_connect_unix(server);
	snprintf(port, sizeof(port), "%u", free_port());
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "port", port, "bind", "127.0.0.1 127.0.0.2", "timeout", "6"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "REWRITE"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	text = file_text(path);
	char expected[128];
	snprintf(expected, sizeof(expected), "# where\nport %s\nbind 127.0.0.1 127.0.0.2\ntimeout 6\n", port);
	CU_ASSERT(strncmp(text, expected, strlen(expected)) == 0);
	free(text);
	server = server_start("%s !--port !--bind !--dir ", path);
	CU_ASSERT(is_served_at((uint16_t)atoi(port)));
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static const struct suite_case cases[] = {
	CASE(port_moves_and_clients_stay),
	CASE(bind_widens_and_narrows),
	CASE(the_last_listener_can_not_be_taken_away),
	CASE(a_port_that_was_changed_is_not_to_be_shared),
	CASE(clients_who_change_the_port_at_once_do_so_in_turn),
	CASE(a_change_stands_though_its_client_leaves),
	CASE(what_was_changed_is_written_to_the_file),
};

SUITE_MAIN("relisten", cases)

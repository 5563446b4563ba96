/*
 * What is no request is answered with Redis's text and the connection closes; what is one is answered wherever its bytes
 * are cut.
 */
#include <stdio.h>
#include <string.h>

#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

static struct server *server;

static void every_protocol_error_has_its_text_and_closes(void)
{
	static const struct {
		const char *sent, *answer;
	} errors[] = {
		{ "*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
		{ "*1\r\n+3\r\n", "-ERR Protocol error: expected '$', got '+'\r\n" },
		{ "*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
	};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct peer *peer = peer_connect(server);
		CU_ASSERT(peer_exchange(peer, errors[i].sent, errors[i].answer));
		CU_ASSERT(peer_expect_closed(peer));
		peer_close(&peer);
	}
}

static void server_starts(void)
{
	server = server_start("--timeout 0");
}

static void server_stops(void)
{
	CU_ASSERT(server_stop(&server));
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(every_protocol_error_has_its_text_and_closes),
	CASE(server_stops),
};

SUITE_MAIN("protocol", cases)

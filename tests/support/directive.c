#include "support/directive.h"

#include <stdio.h>
#include <string.h>

bool set_directive(struct peer *peer, const char *name, const char *value)
{
	return GIVES(peer, "+OK\r\n", "CONFIG", "SET", name, value);
}

bool directive_is(struct peer *peer, const char *name, const char *value)
{
	const char *reply = COMMAND(peer, "CONFIG", "GET", name);
	char expected[512];
	snprintf(expected, sizeof(expected), "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(name), name, strlen(value), value);
	bool has = reply && strcmp(reply, expected) == 0;
	if (!has)
		fprintf(stderr, "%s should be %s and is:\n%s", name, value, reply ? reply : "(nothing)");
	return has;
}

bool is_served_at(uint16_t port)
{
	struct peer *peer = peer_connect_to("127.0.0.1", port);
	bool served = peer && GIVES(peer, "+PONG\r\n", "PING");
	peer_close(&peer);
	return served;
}

bool nobody_listens_at(uint16_t port)
{
	struct peer *peer = peer_connect_to("127.0.0.1", port);
	bool nobody = !peer;
	peer_close(&peer);
	return nobody;
}

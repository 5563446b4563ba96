#include "support/shared_server.h"

struct server *server;
struct peer *peer;

void server_starts(void)
{
	server = server_start("%s", shared_server_directives);
	peer = peer_connect(server);
}

void server_stops(void)
{
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

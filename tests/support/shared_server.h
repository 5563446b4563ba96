/*
 * One server and one connection for all cases of a test program. The table begins with CASE(server_starts) and ends with
 * CASE(server_stops). The program defines shared_server_directives in the form of server_start().
 */
#ifndef TESTS_SUPPORT_SHARED_SERVER_H
#define TESTS_SUPPORT_SHARED_SERVER_H

#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

extern const char shared_server_directives[];
extern struct server *server;
extern struct peer *peer;

void server_starts(void);
void server_stops(void);

#endif

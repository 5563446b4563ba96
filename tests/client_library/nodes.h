/*
 * A cluster of real redis-servers: primaries that share the slots evenly, and replicas of the first ones.
 *
 * Replicas don't take over by themselves until nodes_allow_failover(): no test fails because the machine was busy.
 */
#ifndef TESTS_CLIENT_LIBRARY_NODES_H
#define TESTS_CLIENT_LIBRARY_NODES_H

#include "client_library/fixture.h"

#define NODES_MAX 8

struct nodes {
	struct server *servers[NODES_MAX]; /* the primaries first; NULL: killed */
	qc_client *admins[NODES_MAX];      /* each talks to its server alone */
	char ids[NODES_MAX][48];
	uint16_t bus_ports[NODES_MAX], tls_ports[NODES_MAX];
	size_t primaries, count;
	char address[64];                  /* of the first */
};

/*
 * Returns when all nodes agree on who serves what. False, with a note on stdout, when the server under test knows no clusters. `directives`
 * are for all nodes, each of which gets a port for TLS if they say how; `options` (NULL: none) are for the clients that set the cluster up.
 */
bool nodes_start(struct nodes *nodes, size_t primaries, size_t replicas, const char *directives, const qc_options *options);
/* False when one of the servers didn't end well. */
bool nodes_stop(struct nodes *nodes);
void nodes_kill(struct nodes *nodes, size_t index);
void nodes_allow_failover(struct nodes *nodes);

/* Sends a command to one node; false, and printed, when it is refused. */
bool nodes_tell(struct nodes *nodes, size_t index, qc_args args);
#define NODES_TELL(nodes, index, ...) nodes_tell(nodes, index, QC_LIST(__VA_ARGS__))

/* "127.0.0.1:port" of a node. */
void nodes_address(const struct nodes *nodes, size_t index, char *out, size_t size);
int nodes_slot(struct nodes *nodes, const char *key);
/* Which node serves the slot, as the first node knows it. */
size_t nodes_owner(struct nodes *nodes, int slot);
/* The slot begins its way from one node to another: keys that are not at the first are asked for at the second. */
void nodes_begin_move(struct nodes *nodes, int slot, size_t from, size_t to);
void nodes_move_key(struct nodes *nodes, const char *key, size_t from, size_t to);
/* Moves the keys that are left, and then the slot. All nodes know. */
void nodes_end_move(struct nodes *nodes, int slot, size_t from, size_t to);

#endif

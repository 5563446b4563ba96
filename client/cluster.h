/*
 * The nodes of a cluster, and which node serves which slot. Each node has a pool.
 *
 * The slot map may be out of date. A node that is asked for a slot that it does not serve redirects to the node that does. So an old map
 * costs a redirection, but never gives a wrong result.
 *
 * Any thread may call. The lock is not held during I/O. Each `out_node` is held for the caller, which calls pool_let_go().
 */
#ifndef CLIENT_CLUSTER_H
#define CLIENT_CLUSTER_H

#include "client/pool.h"
#include "client/slots.h"

struct request;

/* `seeds` is the pool of the client. It dials the addresses in the options. */
qc_error cluster_create(struct pool *seeds, struct cluster **out_cluster);
/* Closes the pools of all nodes. Afterwards the map stays empty. */
void cluster_close(struct cluster *cluster);
void cluster_destroy(struct cluster **cluster);
/* Call first in a forked child. */
void cluster_start_anew(struct cluster *cluster);

/* Asks for the map, to check that a node answers. */
qc_error cluster_connect(struct cluster *cluster, qc_context *context);

/*
 * Finds the node for a slot; for SLOT_ANY, a primary. options.read_from decides for commands that only read. If the map is out of date
 * and no other call is refreshing it, this call does so first.
 */
qc_error cluster_route(struct cluster *cluster, qc_context *context, int slot, bool only_reads, struct pool **out_node);
/* Lists all primaries. The caller lets go of each, and frees the array. */
qc_error cluster_primaries(struct cluster *cluster, qc_context *context, struct pool ***out_nodes, size_t *out_count);

/* MOVED or ASK. */
struct redirection {
	bool is_ask; /* for one command only: the slot is being moved to that node */
	int slot;
	char host[256]; /* empty: the host of the node that sent the redirection */
	char port[PORT_SIZE];
};

/* False if the error text is not a redirection. */
bool redirection_read(const char *text, struct redirection *out);
/* Finds the node. `from` is the address of the node that sent the redirection. MOVED updates the map. */
qc_error cluster_follow(struct cluster *cluster, const struct redirection *redirection, const struct address *from,
			struct pool **out_node);

/* Call after a failure that may be due to a change of the cluster. `node`, if it is not NULL, failed, and is not asked for the new map. */
void cluster_mark_stale(struct cluster *cluster, const struct pool *node);
void cluster_add_stats(struct cluster *cluster, qc_stats *stats);

/* In cluster_run.c. Like client_run(), but the commands may be for several nodes. */
qc_error cluster_run(struct pool *seeds, qc_context *context, struct request *request, int *attempts);

#endif

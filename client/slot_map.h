/*
 * Which nodes of a cluster serve which slots. The owner has to lock.
 *
 * A node is represented by its pool. The map holds its nodes: see pool_hold().
 */
#ifndef CLIENT_SLOT_MAP_H
#define CLIENT_SLOT_MAP_H

#include "client/pool.h"
#include "client/slots.h"

/* A primary and 15 replicas. More replicas are ignored. */
#define SHARD_NODES_MAX 16

struct shard {
	struct pool *nodes[SHARD_NODES_MAX]; /* the primary is the first */
	size_t count;
};

struct slot_map {
	struct shard *shards;
	size_t count, size;
	uint16_t owner[SLOT_COUNT]; /* 1 + the index of the slot's shard; 0: unknown */
};

/* Makes an empty map. NULL without memory. */
struct slot_map *slot_map_create(void);
void slot_map_destroy(struct slot_map **map);

/* The node with this address, or NULL. It is not held for the caller. */
struct pool *slot_map_find(const struct slot_map *map, const char *host, const char *port);
bool slot_map_has(const struct slot_map *map, const struct pool *node);
/* Finds or adds the shard of this primary. NULL without memory. The pointer is valid until the next call. */
struct shard *slot_map_shard(struct slot_map *map, struct pool *primary);
void slot_map_add_replica(struct shard *shard, struct pool *replica);
/* Gives the slots from `first` to `last` to the shard. */
void slot_map_assign(struct slot_map *map, const struct shard *shard, int first, int last);
/* NULL if it is unknown. */
struct shard *slot_map_owner(const struct slot_map *map, int slot);

/* take() finds or makes the node with an address, and holds it for the caller. */
struct node_source {
	qc_error (*take)(void *owner, const struct slot_map *map, const char *host, const char *port, struct pool **out_node);
	void *owner;
};

/* Fills an empty map from a reply to CLUSTER SLOTS. `asked` is the address of the node that sent it. */
qc_error slot_map_read(struct slot_map *map, const qc_reply *answer, const struct address *asked, const struct node_source *source);

#endif

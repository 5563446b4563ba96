#include "client/slot_map.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/error.h"

struct slot_map *slot_map_create(void)
{
	return calloc(1, sizeof(struct slot_map));
}

void slot_map_destroy(struct slot_map **map)
{
	struct slot_map *m = *map;

	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		for (size_t j = 0; j < m->shards[i].count; j++)
			pool_let_go(m->shards[i].nodes[j]);
	free(m->shards);
	free(m);
	*map = NULL;
}

struct pool *slot_map_find(const struct slot_map *map, const char *host, const char *port)
{
	for (size_t i = 0; i < map->count; i++)
		for (size_t j = 0; j < map->shards[i].count; j++)
			if (address_is(&map->shards[i].nodes[j]->settings.addresses[0], host, port))
				return map->shards[i].nodes[j];
	return NULL;
}

bool slot_map_has(const struct slot_map *map, const struct pool *node)
{
	for (size_t i = 0; i < map->count; i++)
		for (size_t j = 0; j < map->shards[i].count; j++)
			if (map->shards[i].nodes[j] == node)
				return true;
	return false;
}

/* Makes room for one more shard. */
static bool grow(struct slot_map *map)
{
	size_t size = map->size ? 2 * map->size : 16;

	if (map->count < map->size)
		return true;
	struct shard *more = map->count < UINT16_MAX ? realloc(map->shards, size * sizeof(*more)) : NULL;
	if (!more)
		return false;
	map->shards = more;
	map->size = size;
	return true;
}

struct shard *slot_map_shard(struct slot_map *map, struct pool *primary)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->shards[i].nodes[0] == primary)
			return &map->shards[i];
	if (!grow(map))
		return NULL;
	struct shard *shard = &map->shards[map->count++];
	pool_hold(primary);
	shard->nodes[0] = primary;
	shard->count = 1;
	return shard;
}

void slot_map_add_replica(struct shard *shard, struct pool *replica)
{
	for (size_t i = 0; i < shard->count; i++)
		if (shard->nodes[i] == replica)
			return;
	if (shard->count == SHARD_NODES_MAX)
		return;
	pool_hold(replica);
	shard->nodes[shard->count++] = replica;
}

void slot_map_assign(struct slot_map *map, const struct shard *shard, int first, int last)
{
	for (int slot = first; slot <= last; slot++)
		map->owner[slot] = (uint16_t)(shard - map->shards + 1);
}

struct shard *slot_map_owner(const struct slot_map *map, int slot)
{
	return map->owner[slot] ? &map->shards[map->owner[slot] - 1] : NULL;
}

/* Reads "[host, port, id, ...]". *out_node is NULL if the node does not give its address. */
static qc_error read_node(const struct slot_map *map, const qc_reply *said, const struct address *asked,
			  const struct node_source *source, struct pool **out_node)
{
	const char *host = qc_reply_text(qc_reply_at(said, 0));
	int64_t number = qc_reply_int(qc_reply_at(said, 1));
	char port[PORT_SIZE];

	*out_node = NULL;
	if (number < 1 || number > 65535)
		return qc_errorf(QC_PROTOCOL, "CLUSTER SLOTS: %lld is not a port", (long long)number);
	if (host && strcmp(host, "?") == 0)
		return no_error();
	snprintf(port, sizeof(port), "%d", (int)number);
	return source->take(source->owner, map, host && *host ? host : address_host(asked), port, out_node);
}

static qc_error read_replicas(struct slot_map *map, struct shard *shard, const qc_reply *range, const struct address *asked,
			      const struct node_source *source)
{
	for (size_t i = 3; i < qc_reply_count(range); i++) {
		struct pool *node;
		qc_error err = read_node(map, qc_reply_at(range, i), asked, source, &node);
		if (err.kind != QC_OK)
			return err;
		if (!node)
			continue;
		slot_map_add_replica(shard, node);
		pool_let_go(node);
	}
	return no_error();
}

/* Reads "[first slot, last slot, primary, replica ...]". */
static qc_error read_range(struct slot_map *map, const qc_reply *range, const struct address *asked, const struct node_source *source)
{
	int64_t first = qc_reply_int(qc_reply_at(range, 0)), last = qc_reply_int(qc_reply_at(range, 1));
	struct pool *primary;

	if (qc_reply_count(range) < 3 || first < 0 || last < first || last >= SLOT_COUNT)
		return qc_errorf(QC_PROTOCOL, "the reply to CLUSTER SLOTS is not a list of ranges");
	qc_error err = read_node(map, qc_reply_at(range, 2), asked, source, &primary);
	if (err.kind != QC_OK || !primary)
		return err;
	struct shard *shard = slot_map_shard(map, primary);
	pool_let_go(primary);
	if (!shard)
		return error_no_memory();
	slot_map_assign(map, shard, (int)first, (int)last);
	return read_replicas(map, shard, range, asked, source);
}

qc_error slot_map_read(struct slot_map *map, const qc_reply *answer, const struct address *asked, const struct node_source *source)
{
	qc_error err = no_error();

	for (size_t i = 0; err.kind == QC_OK && i < qc_reply_count(answer); i++)
		err = read_range(map, qc_reply_at(answer, i), asked, source);
	return err;
}

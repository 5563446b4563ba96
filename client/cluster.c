/*
 * Calls find their nodes in the map. When a call finds the map out of date, it marks it as stale, and the next call asks a node for a new
 * one. Only one call refreshes at a time, and not within REFRESH_GAP_NS of the last refresh. Meanwhile other calls use the map as it is,
 * or the seeds if there is no map yet.
 *
 * The new map is built outside the lock. It keeps the pools of known nodes. The pool of a node that has left is freed when the last call
 * that uses it has finished.
 */
#include "client/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/client.h"
#include "client/error.h"
#include "client/reply.h"
#include "client/slot_map.h"
#include "transport/decimal.h"

/* Limits the requests for a map while a cluster is resharded. */
#define REFRESH_GAP_NS 100000000
/* No redirection tells of replicas that are new, or back again. So the map is refreshed when it is as old as this. */
#define MAP_AGE_NS 30000000000
/* How many known nodes are asked before the seeds. Each may take as long as a dial and a reply. */
#define ASKS_MAX 4
/* How often a call checks whether another call has received the first map. */
#define LOOKS_MAX 16

struct cluster {
	struct pool *seeds; /* the owner of this struct */
	pthread_mutex_t lock;
	/* protected by the lock: */
	struct slot_map *map; /* never NULL; empty at first */
	bool is_stale, is_refreshing, is_closed;
	int64_t refresh_ns;   /* the time of the next refresh at the earliest */
	int64_t expiry_ns;    /* the time of the next refresh at the latest */
	qc_error refresh_err; /* of the last refresh */
	unsigned turn;        /* for taking turns among nodes */
	const struct pool *suspect; /* the node that failed last, only to be compared; asking it could take long */
	uint64_t redirects;
	qc_stats past;        /* of nodes that have left */
};

qc_error cluster_create(struct pool *seeds, struct cluster **out_cluster)
{
	struct cluster *c = calloc(1, sizeof(*c));

	if (!c)
		return error_no_memory();
	pthread_mutex_init(&c->lock, NULL);
	c->seeds = seeds;
	c->is_stale = true;
	c->map = slot_map_create();
	if (!c->map)
		cluster_destroy(&c);
	*out_cluster = c;
	return c ? no_error() : error_no_memory();
}

void cluster_destroy(struct cluster **cluster)
{
	struct cluster *c = *cluster;

	if (!c)
		return;
	slot_map_destroy(&c->map);
	pthread_mutex_destroy(&c->lock);
	free(c);
	*cluster = NULL;
}

/* If a thread of the parent held the lock, the map may be inconsistent. Then its content is leaked. */
void cluster_start_anew(struct cluster *c)
{
	if (pthread_mutex_trylock(&c->lock) == 0) {
		pthread_mutex_unlock(&c->lock);
	} else {
		pthread_mutex_init(&c->lock, NULL);
		memset(c->map, 0, sizeof(*c->map));
	}
	c->is_refreshing = false;
	c->is_stale = true;
	c->refresh_ns = 0;
	c->refresh_err = no_error();
}

/* The pools of nodes hold the seeds, because they borrow its settings. So the map has to let go of them before the seeds can be freed. */
void cluster_close(struct cluster *c)
{
	pthread_mutex_lock(&c->lock);
	struct slot_map last = *c->map;
	memset(c->map, 0, sizeof(*c->map));
	c->is_closed = true;
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < last.count; i++) {
		for (size_t j = 0; j < last.shards[i].count; j++) {
			pool_close(last.shards[i].nodes[j]);
			pool_let_go(last.shards[i].nodes[j]);
		}
	}
	free(last.shards);
}

/* Nodes by address */

/* Finds the node in `map`, a map of the caller, or in the cluster's map. Otherwise makes it. */
static qc_error take_node(void *cluster, const struct slot_map *map, const char *host, const char *port, struct pool **out_node)
{
	struct cluster *c = cluster;
	struct pool *node = map ? slot_map_find(map, host, port) : NULL;

	pthread_mutex_lock(&c->lock);
	if (!node)
		node = slot_map_find(c->map, host, port);
	if (node)
		pool_hold(node);
	pthread_mutex_unlock(&c->lock);
	*out_node = node;
	return node ? no_error() : pool_create_for_node(c->seeds, host, port, out_node);
}

bool redirection_read(const char *text, struct redirection *out)
{
	bool is_moved = strncmp(text, "MOVED ", 6) == 0;
	const char *slot = text + (is_moved ? 6 : 4), *blank, *colon;
	uint64_t number;

	if ((!is_moved && strncmp(text, "ASK ", 4) != 0) || !(blank = strchr(slot, ' ')) || !(colon = strrchr(blank, ':')) ||
	    !decimal_parse_uint64(slot, (size_t)(blank - slot), &number) || number >= SLOT_COUNT)
		return false;
	out->is_ask = !is_moved;
	out->slot = (int)number;
	if (!decimal_parse_uint64(colon + 1, strlen(colon + 1), &number) || number == 0 || number > 65535 ||
	    (size_t)(colon - blank) > sizeof(out->host))
		return false;
	snprintf(out->port, sizeof(out->port), "%u", (unsigned)number);
	snprintf(out->host, sizeof(out->host), "%.*s", (int)(colon - blank - 1), blank + 1);
	return true;
}

/* The target of ASK becomes a shard without slots, so that its connections are kept. */
static qc_error remember(struct cluster *c, const struct redirection *r, struct pool *node)
{
	qc_error err = no_error();

	pthread_mutex_lock(&c->lock);
	c->redirects++;
	struct shard *shard = c->is_closed ? NULL : slot_map_shard(c->map, node);
	if (shard && !r->is_ask)
		slot_map_assign(c->map, shard, r->slot, r->slot);
	else if (!shard && !c->is_closed)
		err = error_no_memory();
	c->is_stale |= !r->is_ask;
	pthread_mutex_unlock(&c->lock);
	return err;
}

qc_error cluster_follow(struct cluster *c, const struct redirection *r, const struct address *from, struct pool **out_node)
{
	struct pool *node;
	qc_error err = take_node(c, NULL, *r->host ? r->host : address_host(from), r->port, &node);

	if (err.kind != QC_OK)
		return err;
	err = remember(c, r, node);
	if (err.kind != QC_OK)
		pool_let_go(node);
	else
		*out_node = node;
	return err;
}

void cluster_mark_stale(struct cluster *c, const struct pool *node)
{
	pthread_mutex_lock(&c->lock);
	c->is_stale = true;
	c->suspect = node;
	pthread_mutex_unlock(&c->lock);
}

/* Refreshing the map */

static void add_stats(qc_stats *sum, const qc_stats *more)
{
	sum->hits += more->hits;
	sum->misses += more->misses;
	sum->waits += more->waits;
	sum->timeouts += more->timeouts;
	sum->stale += more->stale;
	sum->broken += more->broken;
	sum->retries += more->retries;
	sum->failovers += more->failovers;
	sum->total += more->total;
	sum->idle += more->idle;
	sum->wait_ns += more->wait_ns;
	sum->retired += more->retired;
}

/* Adds the statistics of all nodes of `map` that are not in `others`, which may be NULL. */
static void sum_stats(const struct slot_map *map, const struct slot_map *others, qc_stats *sum)
{
	for (size_t i = 0; i < map->count; i++) {
		for (size_t j = 0; j < map->shards[i].count; j++) {
			struct pool *node = map->shards[i].nodes[j];
			if (others && slot_map_has(others, node))
				continue;
			qc_stats stats = pool_stats(node);
			add_stats(sum, &stats);
		}
	}
}

/* Takes ownership of the map. */
static void replace_map(struct cluster *c, struct slot_map *map)
{
	pthread_mutex_lock(&c->lock);
	struct slot_map *former = map;
	if (!c->is_closed) {
		former = c->map;
		c->map = map;
		sum_stats(former, map, &c->past);
		c->past.total = c->past.idle = 0;
	}
	pthread_mutex_unlock(&c->lock);
	slot_map_destroy(&former);
}

static qc_error learn(struct cluster *c, const qc_reply *answer, const struct address *asked)
{
	const struct node_source source = {take_node, c};
	struct slot_map *map = slot_map_create();
	qc_error err = map ? slot_map_read(map, answer, asked, &source) : error_no_memory();
	char peer[160];

	if (err.kind == QC_OK && map->count == 0) {
		address_show(asked, peer, sizeof(peer));
		err = qc_errorf(QC_NETWORK, "%s knows no node that serves a slot", peer);
	}
	if (err.kind == QC_OK)
		replace_map(c, map);
	else
		slot_map_destroy(&map);
	return err;
}

/* Asks this node for the map. */
static qc_error ask(struct cluster *c, qc_context *context, struct pool *node)
{
	struct resp_reply *reply = NULL;
	struct request request = {.name = "CLUSTER", .args = QC_LIST("CLUSTER", "SLOTS"), .count = 1, .commands = 1, .replies = &reply};
	struct conn *conn = NULL;
	qc_error err = pool_take(node, context, &conn);

	if (err.kind != QC_OK)
		return err;
	const struct address *asked = conn->peer;
	err = conn_run(conn, context, node->settings.timeout_ms, &request);
	pool_give(node, conn);
	if (err.kind == QC_OK)
		err = qc_reply_err(reply_public(reply));
	if (err.kind == QC_OK)
		err = learn(c, reply_public(reply), asked);
	resp_reply_free(reply);
	return err;
}

/* Chooses the nodes to ask, and holds them: primaries before replicas, starting with another each time, and the seeds last. */
static size_t choose_asked(struct cluster *c, struct pool *out_nodes[ASKS_MAX + 1])
{
	size_t count = 0;

	pthread_mutex_lock(&c->lock);
	unsigned first = c->turn++;
	for (size_t rank = 0; rank < SHARD_NODES_MAX; rank++) {
		for (size_t i = 0; i < c->map->count && count < ASKS_MAX; i++) {
			const struct shard *shard = &c->map->shards[(first + i) % c->map->count];
			if (rank < shard->count && shard->nodes[rank] != c->suspect && pool_is_reachable(shard->nodes[rank]))
				pool_hold(out_nodes[count++] = shard->nodes[rank]);
		}
	}
	pthread_mutex_unlock(&c->lock);
	pool_hold(out_nodes[count++] = c->seeds);
	return count;
}

static qc_error refresh(struct cluster *c, qc_context *context)
{
	struct pool *nodes[ASKS_MAX + 1];
	size_t count = choose_asked(c, nodes);
	qc_error err = ask(c, context, nodes[0]);

	for (size_t i = 1; i < count && err.kind != QC_OK && qc_context_err(context).kind == QC_OK; i++)
		err = ask(c, context, nodes[i]);
	for (size_t i = 0; i < count; i++)
		pool_let_go(nodes[i]);
	return err;
}

/* Refreshes the map if it is stale or old, or if `now` is set. Succeeds without doing anything if another call is refreshing it. */
static qc_error refresh_if_due(struct cluster *c, qc_context *context, bool now)
{
	pthread_mutex_lock(&c->lock);
	bool is_due = !c->is_refreshing && !c->is_closed && (now || monotonic_ns() >= (c->is_stale ? c->refresh_ns : c->expiry_ns));
	c->is_refreshing |= is_due;
	/* A redirection during the refresh marks it as stale again. */
	c->is_stale &= !is_due;
	pthread_mutex_unlock(&c->lock);
	if (!is_due)
		return no_error();
	qc_error err = refresh(c, context);
	pthread_mutex_lock(&c->lock);
	c->is_refreshing = false;
	c->is_stale |= err.kind != QC_OK;
	if (err.kind != QC_CANCELLED && err.kind != QC_DEADLINE) {
		c->refresh_err = err;
		c->refresh_ns = monotonic_ns() + REFRESH_GAP_NS;
		c->expiry_ns = monotonic_ns() + MAP_AGE_NS;
	}
	pthread_mutex_unlock(&c->lock);
	return err;
}

qc_error cluster_connect(struct cluster *c, qc_context *context)
{
	return refresh_if_due(c, context, true);
}

/* Routing. The choose functions are called under the lock. */

static struct pool *choose_primary(struct cluster *c)
{
	size_t count = c->map->count;
	struct pool *node = NULL;

	for (size_t i = 0; i < count; i++) {
		node = c->map->shards[c->turn++ % count].nodes[0];
		if (pool_is_reachable(node))
			break;
	}
	return node;
}

static struct pool *choose_reader(struct cluster *c, const struct shard *shard)
{
	size_t first = c->seeds->settings.read_from == QC_READ_REPLICA ? 1 : 0, count = shard->count - first;

	for (size_t i = 0; i < count; i++) {
		struct pool *node = shard->nodes[first + c->turn++ % count];
		if (pool_is_reachable(node))
			return node;
	}
	return shard->nodes[0];
}

static struct pool *choose(struct cluster *c, int slot, bool only_reads)
{
	const struct shard *shard = slot == SLOT_ANY ? NULL : slot_map_owner(c->map, slot);

	if (!shard)
		return choose_primary(c);
	return only_reads && c->seeds->settings.read_from != QC_READ_PRIMARY ? choose_reader(c, shard) : shard->nodes[0];
}

qc_error cluster_route(struct cluster *c, qc_context *context, int slot, bool only_reads, struct pool **out_node)
{
	qc_error err = refresh_if_due(c, context, false);

	pthread_mutex_lock(&c->lock);
	struct pool *node = choose(c, slot, only_reads);
	if (!node && err.kind == QC_OK && !c->is_refreshing)
		err = c->refresh_err;
	/* There is no map yet, and another call is asking for it. The seeds redirect. */
	if (!node && err.kind == QC_OK)
		node = c->seeds;
	if (node)
		pool_hold(node);
	pthread_mutex_unlock(&c->lock);
	*out_node = node;
	return node ? no_error() : err;
}

/* NULL if the map is empty, which sets *out_count to 0, or without memory. */
static struct pool **list_primaries(struct cluster *c, size_t *out_count)
{
	pthread_mutex_lock(&c->lock);
	size_t count = c->map->count;
	struct pool **nodes = count ? calloc(count, sizeof(*nodes)) : NULL;
	for (size_t i = 0; nodes && i < count; i++)
		pool_hold(nodes[i] = c->map->shards[i].nodes[0]);
	pthread_mutex_unlock(&c->lock);
	*out_count = count;
	return nodes;
}

/* Refreshes the map first, as the list must be complete. If another call is asking for the first map, waits for it. */
qc_error cluster_primaries(struct cluster *c, qc_context *context, struct pool ***out_nodes, size_t *out_count)
{
	for (int tries = 1; tries <= LOOKS_MAX; tries++) {
		qc_error err = refresh_if_due(c, context, true);
		if (err.kind != QC_OK)
			return err;
		*out_nodes = list_primaries(c, out_count);
		if (*out_count > 0)
			return *out_nodes ? err : error_no_memory();
		err = back_off(&c->seeds->settings, context, tries);
		if (err.kind != QC_OK)
			return err;
	}
	return qc_errorf(QC_TIMEOUT, "the nodes of the cluster are still unknown");
}

void cluster_add_stats(struct cluster *c, qc_stats *stats)
{
	pthread_mutex_lock(&c->lock);
	add_stats(stats, &c->past);
	sum_stats(c->map, NULL, stats);
	stats->redirects = c->redirects;
	pthread_mutex_unlock(&c->lock);
}

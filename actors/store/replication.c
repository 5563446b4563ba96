#include "actors/store/replication.h"

#include <string.h>

#include "actors/bus/subscriber.h"
#include "actors/replication/stream.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "storage/formats/rdb_load.h"

#define CRON_MS 1000

static const char ping[] = "*1\r\n$4\r\nPING\r\n";
static const char ask[] = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

/* ---- the stream ---- */

/* The stream ends between commands, so one of the store's own may follow. */
static void append_command(struct store *store, const char *text, size_t len)
{
	struct blob *blob = blob_create((uint32_t)len);
	if (!blob)
		crash_out_of_memory("the replication stream");
	memcpy(blob->data, text, len);
	blob->len = (uint32_t)len;
	replica_stream_append(&store->replication.stream, blob);
}

static void note_cut(struct store *store, uint64_t number)
{
	struct replication *replication = &store->replication;
	replication->cut = (struct snapshot_place){ number, replication->stream.end };
	if (store->saving.is_under_way && !store->saving.is_aborted && store->saving.purpose == SNAPSHOT_TO_REPLICAS &&
	    store->saving.number == number)
		replicas_on_cut(store);
}

/* Takes the blobs. */
static void append_stream(struct store *store, struct replication_stream *stream)
{
	for (size_t i = 0; i < stream->count; i++) {
		if (stream->snapshot && stream->snapshot_at == i)
			note_cut(store, stream->snapshot);
		replica_stream_append(&store->replication.stream, stream->blobs[i]);
		stream->blobs[i] = NULL;
	}
	if (stream->snapshot && stream->snapshot_at == stream->count)
		note_cut(store, stream->snapshot);
	store->replication.sequence = stream->last_sequence;
}

void replication_on_stream(struct store *store, struct replication_stream *stream)
{
	struct replication *replication = &store->replication;
	if (stream->has_gap)
		replication_break(store, "the server could not keep up with the stream");
	if (replication->is_on)
		append_stream(store, stream);
	replication_stream_destroy(&stream);
	if (store->is_stopping)
		return;
	actor_post(store->actor, replication->link->actor, REPLICATION_STREAM_TAKEN, 0, NULL);
	blocked_wake_all(store, BLOCKED_REPLICAS, NULL);
}

/* Those that wait for a snapshot may go on waiting. */
void replication_break(struct store *store, const char *reason)
{
	struct replication *replication = &store->replication;
	for (struct replica *replica = replication->first, *next; replica; replica = next) {
		next = replica->next;
		if (replica->state != REPLICA_WAITS && replica_is_alive(replica))
			replica_drop(store, replica, reason);
	}
	store->saving.needs_place = false;
	store_change_replication_id(store);
	replication->former_id[0] = '\0';
	replica_stream_reset(&replication->stream, replication->stream.end);
}

/* What replicas may still need, and repl-backlog-size for those that come back. */
static void trim(struct store *store)
{
	struct replica_stream *stream = &store->replication.stream;
	uint64_t size = (uint64_t)store->config.repl_backlog_size;
	uint64_t keep_from = stream->end > size ? stream->end - size : 0;
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next)
		if (replica->state >= REPLICA_RECEIVES && replica_is_alive(replica) && replica->offset < keep_from)
			keep_from = replica->offset;
	replica_stream_trim(stream, keep_from);
}

size_t replication_bytes(const struct store *store)
{
	return store->replication.stream.blob_bytes;
}

/* ---- on and off ---- */

static void switch_on(struct store *store)
{
	struct replication *replication = &store->replication;
	replication->is_on = true;
	replication->sequence = bus_sequence(store->bus.bus);
	replication->cron_due_ms = store->turn.monotonic_ms + CRON_MS;
	replication->ping_due_ms = store->turn.monotonic_ms + store->config.repl_ping_replica_period * 1000;
	bus_set_interest(store->bus.bus, replication->link->number, BUS_FRAMES);
	store_update_interest(store);
}

void replication_resume(struct store *store, const struct rdb_history *history)
{
	struct replication *replication = &store->replication;
	memcpy(replication->former_id, history->id, sizeof(replication->former_id));
	replication->former_end = history->offset;
	replication->alone_since_ms = store->turn.monotonic_ms;
	replica_stream_reset(&replication->stream, history->offset);
	switch_on(store);
}

/* Nobody has followed for a long time. The stream would have a gap, so it belongs to another history from now on. */
static void switch_off(struct store *store)
{
	log_event(LOG_NOTICE, "No replica has connected for %lld seconds: the replication backlog is freed",
		  (long long)store->config.repl_backlog_ttl);
	store->replication.is_on = false;
	bus_set_interest(store->bus.bus, store->replication.link->number, 0);
	store_update_interest(store);
	replication_break(store, "");
}

static int64_t off_due_ms(const struct store *store)
{
	int64_t ttl_ms;
	if (store->config.repl_backlog_ttl == 0 || __builtin_mul_overflow(store->config.repl_backlog_ttl, 1000, &ttl_ms) ||
	    __builtin_add_overflow(ttl_ms, store->replication.alone_since_ms, &ttl_ms))
		return INT64_MAX;
	return ttl_ms;
}

/* ---- time ---- */

/* Also one more waiting replica than that may share a snapshot, when the delay is over. */
static void ask_for_snapshot(struct store *store)
{
	int64_t since_ms = INT64_MAX, delay_ms = store->config.repl_diskless_sync_delay * 1000;
	int64_t waiting = 0, enough = store->config.repl_diskless_sync_max_replicas;
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next) {
		if (replica->state != REPLICA_WAITS || !replica_is_alive(replica))
			continue;
		waiting++;
		since_ms = replica->since_ms < since_ms ? replica->since_ms : since_ms;
	}
	if (waiting > 0 && (store->turn.monotonic_ms - since_ms >= delay_ms || (enough > 0 && waiting >= enough)))
		store->saving.is_wanted[SNAPSHOT_TO_REPLICAS] = true;
}

/* From the last cut of a shutdown on the stream stays as the file tells it: a replica goes on only where that ends. */
static bool has_ended(const struct store *store)
{
	return store->shutdown.holds_writes;
}

static void ping_if_due(struct store *store)
{
	struct replication *replication = &store->replication;
	if (store->turn.monotonic_ms < replication->ping_due_ms || has_ended(store))
		return;
	replication->ping_due_ms = store->turn.monotonic_ms + store->config.repl_ping_replica_period * 1000;
	append_command(store, ping, sizeof(ping) - 1);
}

static void for_each(struct store *store, void (*visit)(struct store *store, struct replica *replica))
{
	for (struct replica *replica = store->replication.first, *next; replica; replica = next) {
		next = replica->next;
		visit(store, replica);
	}
}

static void run_cron(struct store *store)
{
	struct replication *replication = &store->replication;
	if (!replication->first || store->turn.monotonic_ms < replication->cron_due_ms)
		return;
	replication->cron_due_ms = store->turn.monotonic_ms + CRON_MS;
	ping_if_due(store);
	for_each(store, replica_check);
}

static void ask_for_acknowledgements(struct store *store)
{
	struct replication *replication = &store->replication;
	if (has_ended(store))
		return;
	if (replication->wants_acknowledgements && replication->first)
		append_command(store, ask, sizeof(ask) - 1);
	replication->wants_acknowledgements = false;
}

void replication_go_on(struct store *store)
{
	struct replication *replication = &store->replication;
	if (store->is_stopping || !(replication->first || replication->is_on))
		return;
	if (!replication->is_on)
		switch_on(store);
	run_cron(store);
	ask_for_snapshot(store);
	ask_for_acknowledgements(store);
	for_each(store, replica_go_on);
	trim(store);
	if (!replication->first && store->turn.monotonic_ms >= off_due_ms(store))
		switch_off(store);
}

int64_t replication_next_ms(const struct store *store)
{
	if (store->replication.first)
		return store->replication.cron_due_ms;
	return store->replication.is_on ? off_due_ms(store) : INT64_MAX;
}

/* ---- life ---- */

void replication_begin(struct store *store)
{
	for (uint32_t i = 0; i < store->bus.link_count; i++)
		if (store->bus.links[i].actor->kind == ACTOR_REPLICATION)
			store->replication.link = &store->bus.links[i];
}

void replication_end(struct store *store)
{
	replica_stream_fini(&store->replication.stream);
}

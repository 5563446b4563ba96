/*
 * Taking in the data that the AOF actor reads from disk. Meanwhile no command runs that needs the data, nothing expires and nothing is
 * evicted. Expired keys stay as well: the log says when they were removed, and what it doesn't say expires when loading is over.
 */
#include <stdlib.h>

#include "actors/bus/effect_apply.h"
#include "actors/persistence/load_frames.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/store/state.h"
#include "storage/load_batch.h"

void store_expect_data(struct store *store, uint64_t bytes)
{
	store->loading = (struct loading){
		.is_on = true, .total_bytes = bytes, .began_ms = wall_clock_ms(), .began_monotonic_ms = monotonic_ms() };
}

bool store_is_loading(const struct store *store)
{
	return store->loading.is_on;
}

void store_get_loading(const struct store *store, struct loading_figures *out_figures)
{
	const struct loading *loading = &store->loading;
	int64_t spent_ms = store->turn.monotonic_ms - loading->began_monotonic_ms;
	uint64_t left = loading->total_bytes > loading->loaded_bytes ? loading->total_bytes - loading->loaded_bytes : 0;
	*out_figures = (struct loading_figures){
		.total_bytes = loading->total_bytes,
		.loaded_bytes = loading->loaded_bytes,
		.keys = loading->keys,
		.expired_keys = loading->expired_keys,
		.began_ms = loading->began_ms,
		/* Before anything is known, Redis says one second. */
		.eta_ms = loading->loaded_bytes ? (int64_t)((double)spent_ms * (double)left / (double)loading->loaded_bytes) : 1000,
	};
}

/* ---- taking ---- */

/* `misfit`: NULL if all was taken. */
static void answer(struct store *store, uint64_t loaded_bytes, struct config_error *misfit)
{
	store->loading.loaded_bytes = loaded_bytes;
	if (store->is_stopping)
		free(misfit);
	else
		actor_post(store->actor, runtime_actor(store->runtime, ACTOR_AOF, 0), AOF_LOAD_TAKEN, 0, misfit);
}

static struct config_error *make_misfit(uint64_t offset, const char *reason)
{
	return config_error_create("at offset %llu: %s", (unsigned long long)offset, reason);
}

static struct config_error *take_entries(struct store *store, struct load_batch *batch)
{
	static const char *const reasons[] = {
		[LOAD_DUPLICATE] = "this key is there already",
		[LOAD_NO_DATABASE] = "the directive databases allows no such database",
	};
	enum load_status status = load_batch_take(batch, &store->databases, store->turn.monotonic_ms);
	if (status == LOAD_NO_MEMORY)
		crash_out_of_memory("loading the data");
	return status == LOAD_DONE ? NULL : make_misfit(batch->entries[batch->taken].offset, reasons[status]);
}

void loading_on_entries(struct store *store, uint64_t loaded_bytes, struct load_batch *batch)
{
	store->loading.keys += batch->count;
	store->loading.expired_keys += batch->expired_keys;
	answer(store, loaded_bytes, take_entries(store, batch));
	load_batch_destroy(&batch);
}

/* Nobody waits for this turn. */
static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

static struct config_error *take_frames(struct store *store, const struct load_frames *frames)
{
	struct effect_target target = {
		.databases = &store->databases, .is_exact = frames->is_exact, .discard = discard };
	struct frame_reader reader;
	struct frame frame;
	frame_reader_init(&reader, &frames->frames);
	for (size_t i = 0; frame_next(&reader, &frame); i++) {
		enum apply_status status = frame_apply(&target, &reader);
		if (status == APPLY_NO_MEMORY)
			crash_out_of_memory("loading the data");
		if (status == APPLY_MISFIT)
			return make_misfit(frames->offsets[i], "the change does not fit the data before it");
	}
	return NULL;
}

void loading_on_frames(struct store *store, uint64_t loaded_bytes, struct load_frames *frames)
{
	answer(store, loaded_bytes, take_frames(store, frames));
	load_frames_destroy(&frames);
}

void loading_on_end(struct store *store, uint64_t sequence, struct rdb_history *history)
{
	store->loading.is_on = false;
	store_saving_on_loaded(store);
	store->loading.sequence = sequence;
	store->durability.durable = sequence;
	bus_resume(store->bus.bus, sequence);
	durability_attach(store);
	if (history)
		replication_resume(store, history);
	free(history);
	if (!store->is_stopping)
		actor_post(store->actor, store->supervisor, SUPERVISOR_LOADED, 0, NULL);
}

/*
 * maxmemory: which memory counts, and eviction.
 *
 * Before a command that may need memory (COMMAND_DENYOOM) runs, the store evicts until memory is below maxmemory, as Redis does. A turn
 * spends at most its eviction slice on this. If the slice is over and memory is still above maxmemory, the command waits (BLOCKED_MEMORY)
 * and eviction continues at the end of this turn and in the following turns. The command fails only if nothing can be evicted.
 *
 * These count: keyspaces and their blobs, garbage that the reaper has not freed, and memory for clients (incomplete and queued requests,
 * unread replies, names, the connections themselves). Blobs in requests and replies in flight, and requests that arrived in pieces, cannot
 * be freed by eviction: only their excess over IN_FLIGHT_BYTES_FREE counts, and the blobs of the command that needs memory. While the
 * reaper is freeing garbage, nothing is evicted, since memory is about to be freed. What waits for a snapshot's writer doesn't count: evicting
 * a key that the snapshot does not have yet would add to it. Nor does the replication stream, to which each eviction adds.
 *
 * What a command adds is known before it begins (struct memory_need), so that eviction makes room for just that. The key that it writes is
 * not evicted for it. Small values are not worth the trouble: they may exceed maxmemory until the end of the turn.
 *
 * Nothing is evicted for what would not fit even if all other keys were evicted. A value larger than maxmemory is refused when it has
 * arrived. Until then its bytes evict no data. Nor does memory for clients if that alone exceeds maxmemory.
 */
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/reaper/reaper.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "storage/memory.h"

/* Enough for batches in flight with some large values each; the reactors bound the bytes of each connection. */
#define IN_FLIGHT_BYTES_FREE ((size_t)32 << 20)
/* The clock is read every few keys, or after each key if there are many databases to choose from. */
#define EVICTIONS_PER_LOOK 8
#define DATABASES_PER_LOOK 512
/*
 * The eviction slice depends on maxmemory-eviction-tenacity: 50 us per step up to 10, then 15 % more per step. In Redis 100 means no limit;
 * here the maximum keeps a turn below two milliseconds, whatever else it does.
 */
#define SLICE_NS_A_STEP 50000u
#define SLICE_NS_MAX 1200000u
/* How soon to check again whether the reaper has freed memory. */
#define REAPER_LOOK_MS 1

size_t store_client_bytes(const struct store *store)
{
	size_t bytes = store->sessions.bytes + store->blocked.waiting_bytes;
	for (uint32_t i = 0; i < store->reactor_count; i++)
		bytes += store->reactors[i].output_bytes + store->reactors[i].input_bytes;
	return bytes;
}

size_t store_used_bytes(const struct store *store)
{
	return memory_used_bytes(&store->databases.storage.memory) + blob_used_bytes() + store->execution.backlog_bytes +
	       store_client_bytes(store) + store_snapshot_bytes(store).copied;
}

bool store_could_hold(const struct store *store, size_t bytes)
{
	uint64_t limit = (uint64_t)store->config.maxmemory;
	return limit == 0 || (store->memory.startup_bytes <= limit && bytes <= limit - store->memory.startup_bytes);
}

/* Memory for clients as far as it may cause evictions. */
static size_t counted_client_bytes(const struct store *store)
{
	size_t bytes = store_client_bytes(store);
	return store_could_hold(store, bytes) ? bytes : 0;
}

static size_t in_flight_blob_bytes(void)
{
	size_t kept = blob_kept_bytes(), all = blob_used_bytes();
	return all > kept ? all - kept : 0; /* the two counters are not read at the same moment */
}

size_t store_in_flight_bytes(const struct store *store)
{
	return in_flight_blob_bytes() + store->execution.backlog_bytes + store_client_bytes(store);
}

/* What a command needs, and has in flight already. */
struct need {
	struct memory_need memory;
	size_t in_flight_bytes; /* its large arguments: they leave or are part of `growth` */
};

/* `need`: counted as if the command had been executed. */
static size_t counted_bytes(const struct store *store, const struct need *need)
{
	size_t in_flight = in_flight_blob_bytes() + store->execution.backlog_bytes;
	size_t free = IN_FLIGHT_BYTES_FREE + need->in_flight_bytes + store_snapshot_bytes(store).held + replication_bytes(store);
	size_t over = in_flight > free ? in_flight - free : 0;
	size_t clients = counted_client_bytes(store);
	if (!store_could_hold(store, clients + over))
		over = 0;
	return memory_used_bytes(&store->databases.storage.memory) + blob_kept_bytes() + over + clients + need->memory.growth;
}

size_t store_counted_bytes(const struct store *store)
{
	return counted_bytes(store, &(struct need){ 0 });
}

/* Copied arguments are memory for clients already. */
static struct need need_of(const struct call *call)
{
	struct need need = { 0 };
	for (uint32_t i = 1; call && i < call->argc; i++) {
		const struct resp_arg *arg = &call->argv[i];
		if (arg->is_large)
			need.in_flight_bytes += blob_bytes(blob_from_data(arg->data));
		else if (!call->is_queued)
			need.memory.values += arg->len;
	}
	need.memory.growth = need.in_flight_bytes;
	need.memory.values += need.in_flight_bytes;
	if (call && call->command->need)
		call->command->need(call, &need.memory);
	return need;
}

static bool has_enough(const struct store *store, const struct need *need)
{
	return store->config.maxmemory == 0 || store->loading.is_on || counted_bytes(store, need) <= (uint64_t)store->config.maxmemory;
}

static uint64_t slice_ns(const struct store *store)
{
	int64_t tenacity = store->config.maxmemory_eviction_tenacity;
	uint64_t ns = SLICE_NS_A_STEP * (uint64_t)(tenacity < 10 ? tenacity : 10);
	for (int64_t i = 10; i < tenacity && ns < SLICE_NS_MAX; i++)
		ns += ns * 15 / 100;
	return ns < SLICE_NS_MAX ? ns : SLICE_NS_MAX;
}

void store_begin_eviction_slice(struct store *store)
{
	store->memory.slice_ends_ns = 0;
	store->memory.slice_is_over = false;
}

bool store_eviction_slice_is_over(struct store *store)
{
	if (!store->memory.slice_ends_ns)
		store->memory.slice_ends_ns = monotonic_ns() + slice_ns(store);
	return monotonic_ns() > store->memory.slice_ends_ns;
}

static void evict(struct store *store, const struct eviction_victim *victim)
{
	struct effect effect = { .type = EFFECT_EVICTED, .key = entry_key(victim->entry) };
	store_frame_begin(store);
	store_effect(store, victim->database, &effect);
	store_frame_end(store);
	keyspace_remove_entry(store_own_keyspace(store, victim->database), victim->entry);
	store->stats.counters.evicted_keys++;
}

static bool may_evict(const struct store *store)
{
	return store_pause_is_over(store) && store_has_credit(store);
}

static bool is_time_to_look(const struct store *store, uint32_t evicted)
{
	return store->databases.in_use_count > DATABASES_PER_LOOK || evicted % EVICTIONS_PER_LOOK == EVICTIONS_PER_LOOK - 1;
}

/* The entry at the first key of the command, which it may write. */
static const struct entry *find_spared(const struct call *call)
{
	int32_t first = call ? call->command->first_key : 0;
	if (first <= 0 || (uint32_t)first >= call->argc)
		return NULL;
	return keyspace_find(call_keyspace(call), call_arg(call, (uint32_t)first), call_hash(call, (uint32_t)first), call->now_ms);
}

/* `call`: NULL to make room for nothing in particular. Its need may change with each eviction: a value may be shared with the victim. */
static enum memory_outcome evict_until_enough(struct store *store, const struct call *call, struct need need)
{
	const struct entry *spared = find_spared(call);
	struct eviction_victim victim;
	for (uint32_t n = 0; !has_enough(store, &need); n++) {
		if (!may_evict(store) || store->memory.garbage || store->memory.reaper_is_busy)
			return MEMORY_LATER;
		if (n == 0)
			store_eviction_slice_is_over(store); /* starts the slice */
		if (is_time_to_look(store, n) && store_eviction_slice_is_over(store))
			store->memory.slice_is_over = true;
		if (store->memory.slice_is_over)
			return MEMORY_LATER;
		if (!eviction_choose(&store->memory.eviction, &store->databases, spared, store_random, store, &victim))
			return MEMORY_FULL;
		if (store_snapshot_holds(store, store_keyspace(store, victim.database), victim.entry))
			return MEMORY_LATER;
		evict(store, &victim);
		if (need.memory.growth > 0)
			need = need_of(call);
	}
	return MEMORY_ENOUGH;
}

enum memory_outcome store_evict(struct store *store, const struct call *call)
{
	struct need need = need_of(call);
	if (need.memory.values > 0 && !store_could_hold(store, need.memory.values + counted_client_bytes(store)))
		return MEMORY_FULL;
	if (has_enough(store, &need))
		return MEMORY_ENOUGH;
	uint64_t began = stopwatch_now(&store->turn.stopwatch);
	enum memory_outcome outcome = evict_until_enough(store, call, need);
	uint64_t ticks = stopwatch_now(&store->turn.stopwatch) - began;
	store_note_latency(store, LATENCY_EVICTION_CYCLE, stopwatch_ns(&store->turn.stopwatch, ticks));
	return outcome;
}

static int64_t eviction_due_ms(const struct store *store, enum memory_outcome outcome)
{
	if (outcome != MEMORY_LATER || !may_evict(store) || store_snapshot_is_full(store))
		return INT64_MAX; /* done; or a turn will begin when credit returns or the pause ends */
	if (store->memory.garbage || store->memory.reaper_is_busy)
		return blocked_first(store, BLOCKED_MEMORY) ? store->turn.monotonic_ms + REAPER_LOOK_MS : INT64_MAX;
	return store->turn.monotonic_ms;
}

void store_plan_eviction(struct store *store, enum memory_outcome outcome)
{
	store->memory.due_ms = eviction_due_ms(store, outcome);
}

void store_apply_memory_settings(struct store *store)
{
	const struct config *config = &store->config;
	eviction_configure(&store->memory.eviction, store->databases.storage.access, (enum eviction_policy)config->maxmemory_policy,
			   (uint64_t)config->maxmemory_samples, (uint64_t)config->lfu_log_factor,
			   (uint64_t)config->lfu_decay_time);
}

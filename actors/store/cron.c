/*
 * Periodic work, a slice in every turn: active expiry, closing idle clients, freeing the tables of empty databases, giving garbage to the
 * reaper. (Access times are aged at the start of the turn.) Unfinished work continues in the next turn, for which the timer is armed at
 * once.
 */
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/reaper/reaper.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"

/* The longest slice of active expiry; the clock is read every few keys. */
#define EXPIRY_SLICE_NS 500000
#define EXPIRY_KEYS_PER_LOOK 32
/* Databases checked for emptiness in one turn. */
#define TIDIED_DATABASES 32
/* Sessions checked in one slice, and the interval between checks of all sessions. */
#define IDLE_SESSIONS_PER_SLICE 512
#define IDLE_CHECK_MS 1000

static void expire_one(struct store *store, uint32_t database, struct entry *entry)
{
	store_frame_begin(store);
	store_expire(store, database, entry);
	store_frame_end(store);
}

/* False if the time was over before all expired keys were removed. */
static bool expire_database(struct store *store, uint32_t database, uint64_t until_ns)
{
	const struct keyspace *keyspace = store_keyspace(store, database);
	struct entry *entry;
	for (uint32_t n = 1; (entry = keyspace_first_expired(keyspace, store->turn.now_ms)); n++) {
		if (!store_has_credit(store) || store_snapshot_holds(store, keyspace, entry))
			return true; /* the keys stay hidden; the message that returns credit begins another turn */
		expire_one(store, database, entry);
		if (n % EXPIRY_KEYS_PER_LOOK == 0 && monotonic_ns() > until_ns)
			return keyspace_first_expired(keyspace, store->turn.now_ms) == NULL;
	}
	return true;
}

static bool may_expire(const struct store *store)
{
	return !store->cron.expiry_is_off && store_pause_is_over(store) && !store->loading.is_on;
}

static void count_expiry(struct store *store, uint64_t ns, bool is_done)
{
	store->stats.counters.expiry_ns += ns;
	store->stats.counters.expiry_slices_cut += !is_done;
	store_note_latency(store, LATENCY_EXPIRE_CYCLE, ns);
}

static bool expire_keys(struct store *store)
{
	uint64_t until_ns = 0;
	bool is_done = true;
	if (!may_expire(store))
		return true;
	for (uint32_t i = 0; i < store->databases.in_use_count && is_done; i++) {
		uint32_t database = store->databases.in_use[i];
		int64_t due_ms = keyspace_next_expiry_ms(store_keyspace(store, database));
		if (due_ms == NO_EXPIRY || due_ms > store->turn.now_ms)
			continue;
		if (!until_ns)
			until_ns = monotonic_ns() + EXPIRY_SLICE_NS;
		is_done = expire_database(store, database, until_ns);
	}
	if (until_ns)
		count_expiry(store, monotonic_ns() - (until_ns - EXPIRY_SLICE_NS), is_done);
	return is_done;
}

static bool is_idle_too_long(const struct store *store, const struct session *session)
{
	bool is_waiting = (session->flags & SESSION_BLOCKED) && session->topic != BLOCKED_OUTPUT;
	return !is_waiting && !(session->flags & (SESSION_MONITOR | SESSION_REPLICA | SESSION_CLOSING)) &&
	       store->turn.monotonic_ms - session->last_command_ms > store->config.timeout * 1000;
}

static bool close_idle(struct store *store)
{
	if (store->config.timeout == 0 || (!store->sessions.idle_cursor && store->turn.monotonic_ms < store->sessions.idle_check_due_ms))
		return true;
	if (!store->sessions.idle_cursor) {
		store->sessions.idle_cursor = store->sessions.first;
		store->sessions.idle_check_due_ms = store->turn.monotonic_ms + IDLE_CHECK_MS;
	}
	for (int i = 0; i < IDLE_SESSIONS_PER_SLICE && store->sessions.idle_cursor; i++) {
		struct session *session = store->sessions.idle_cursor;
		store->sessions.idle_cursor = session->next;
		if (is_idle_too_long(store, session))
			session_kill(store, session);
	}
	return store->sessions.idle_cursor == NULL;
}

static void give_garbage(struct store *store)
{
	if (!store->memory.garbage || store->memory.reaper_is_busy || store->is_stopping)
		return;
	store->memory.reaper_is_busy = true;
	actor_post(store->actor, store->reaper, REAPER_FREE, 0, store->memory.garbage);
	store->memory.garbage = NULL;
	store->memory.given_keys = store->memory.garbage_keys;
}

void store_add_garbage(struct store *store, struct garbage *garbage)
{
	garbage->next = store->memory.garbage;
	store->memory.garbage = garbage;
	store->memory.garbage_keys += keyspace_count(garbage->keyspace);
}

/* Turns the keyspace of a database that is in use into garbage, now or when a snapshot needs it no longer. */
static void throw_away(struct store *store, uint32_t database, struct garbage *garbage)
{
	*garbage = (struct garbage){ .keyspace = databases_give(&store->databases, database) };
	store->saving.changes += keyspace_count(garbage->keyspace);
	if (!snapshot_keep(&store->saving.snapshot, garbage))
		store_add_garbage(store, garbage);
}

enum keyspace_status store_flush(struct store *store, uint32_t database)
{
	if (keyspace_count(store_keyspace(store, database)) == 0)
		return KEYSPACE_OK;
	struct garbage *garbage = malloc(sizeof(*garbage));
	if (!garbage)
		return KEYSPACE_NO_MEMORY;
	throw_away(store, database, garbage);
	return KEYSPACE_OK;
}

/* A chain of `count` records without keyspaces. NULL if out of memory, or if count is 0. */
static struct garbage *make_garbage(uint32_t count)
{
	struct garbage *chain = NULL;
	for (uint32_t i = 0; i < count; i++) {
		struct garbage *garbage = malloc(sizeof(*garbage));
		if (!garbage) {
			while (chain) {
				struct garbage *next = chain->next;
				free(chain);
				chain = next;
			}
			return NULL;
		}
		garbage->next = chain;
		chain = garbage;
	}
	return chain;
}

enum keyspace_status store_flush_all(struct store *store)
{
	struct databases *databases = &store->databases;
	struct garbage *chain = make_garbage(databases->in_use_count);
	if (databases->in_use_count && !chain)
		return KEYSPACE_NO_MEMORY;
	store_saving_on_flush_all(store);
	while (databases->in_use_count) { /* last first: removing the last moves no others */
		struct garbage *garbage = chain;
		chain = chain->next;
		throw_away(store, databases->in_use[databases->in_use_count - 1], garbage);
	}
	return KEYSPACE_OK;
}

static void count_excess(struct store *store)
{
	uint64_t limit = (uint64_t)store->config.maxmemory;
	bool is_above = limit && store_counted_bytes(store) > limit;
	if (is_above && !store->memory.excess_since_ms)
		store->memory.excess_since_ms = store->turn.monotonic_ms;
	if (is_above || !store->memory.excess_since_ms)
		return;
	store->stats.counters.excess_ms += (uint64_t)store_excess_ms(store);
	store->memory.excess_since_ms = 0;
}

void store_cron(struct store *store)
{
	bool is_done = expire_keys(store);
	is_done &= close_idle(store);
	store->cron.is_unfinished = !is_done || eviction_is_behind(&store->databases);
}

void store_update_memory(struct store *store)
{
	databases_tidy(&store->databases, TIDIED_DATABASES);
	give_garbage(store);
	count_excess(store);
	size_t used = store_used_bytes(store);
	if (used > store->stats.counters.peak_memory_bytes)
		store->stats.counters.peak_memory_bytes = used;
}

static int64_t next_expiry_ms(const struct store *store)
{
	int64_t next = INT64_MAX;
	for (uint32_t i = 0; i < store->databases.in_use_count; i++) {
		int64_t due_ms = keyspace_next_expiry_ms(store_keyspace(store, store->databases.in_use[i]));
		if (due_ms != NO_EXPIRY && due_ms < next)
			next = due_ms;
	}
	if (next == INT64_MAX)
		return next;
	int64_t left_ms = next > store->turn.now_ms ? next - store->turn.now_ms : 0;
	return left_ms > INT64_MAX - store->turn.monotonic_ms ? INT64_MAX : store->turn.monotonic_ms + left_ms;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_due_ms(const struct store *store, bool is_behind)
{
	if (store->turn.monotonic_ms < store->execution.frozen_until_ms)
		return store->execution.frozen_until_ms;
	if (store->cron.is_unfinished || is_behind || store_saving_is_behind(store))
		return store->turn.monotonic_ms;
	int64_t due_ms = earlier(blocked_next_deadline_ms(store), store->memory.due_ms);
	/* Without credit, expired keys wait for credit, not for the timer. */
	if (may_expire(store) && store_has_credit(store) && !store_snapshot_is_full(store))
		due_ms = earlier(due_ms, next_expiry_ms(store));
	due_ms = earlier(due_ms, store_next_save_ms(store));
	due_ms = earlier(due_ms, replication_next_ms(store));
	due_ms = earlier(due_ms, rewriting_due_ms(store));
	if (store_is_paused(store))
		due_ms = earlier(due_ms, store->execution.pause_until_ms);
	if (store->config.timeout && store->sessions.count)
		due_ms = earlier(due_ms, store->sessions.idle_check_due_ms);
	return due_ms;
}

void store_arm_timer(struct store *store, bool is_behind)
{
	int64_t due_ms = next_due_ms(store, is_behind);
	struct reactor_side *side = &store->reactors[0];
	if (due_ms >= store->cron.armed_ms || store->is_stopping || side->is_out[REACTOR_ARM_TIMER])
		return;
	store->cron.armed_ms = due_ms;
	side->is_out[REACTOR_ARM_TIMER] = true;
	actor_post(store->actor, side->actor, REACTOR_ARM_TIMER, (uint64_t)due_ms, NULL);
}

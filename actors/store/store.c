/*
 * Creating and destroying the store, and the functions of store.h that only read or set a field.
 */
#include "actors/store/store_actor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/log.h"
#include "actors/runtime/random.h"
#include "actors/reaper/reaper.h"
#include "actors/store/settings.h"
#include "actors/store/state.h"
#include "storage/access.h"
#include "storage/memory.h"

static void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);
	if (!memory)
		crash_out_of_memory("the store");
	return memory;
}

/* Unsent replies may take at most this part of maxmemory, so that they do not evict more of the data. */
#define OUTPUT_PART_OF_MEMORY 8
#define OUTPUT_BUDGET_BYTES (128u * 1024 * 1024)

static uint64_t output_budget(const struct config *config)
{
	uint64_t most = (uint64_t)config->maxmemory / OUTPUT_PART_OF_MEMORY / (uint64_t)config->io_threads;
	return config->maxmemory && most < OUTPUT_BUDGET_BYTES ? most : OUTPUT_BUDGET_BYTES;
}

struct settings store_settings(const struct config *config)
{
	return (struct settings){
		.max_clients = (uint64_t)config->maxclients,
		.max_bulk_bytes = (uint64_t)config->proto_max_bulk_len,
		.query_buffer_limit_bytes = (uint64_t)config->client_query_buffer_limit,
		.output_limit = config->client_output_buffer_limit[CLIENT_CLASS_NORMAL],
		.output_budget_bytes = output_budget(config),
		.keepalive_s = config->tcp_keepalive,
		.shutdown_timeout_s = config->shutdown_timeout,
		.needs_password = config->requirepass[0] != '\0',
	};
}

/* ---- life ---- */

static void draw_id(struct store *store, char out[41])
{
	for (int i = 0; i < 5; i++)
		snprintf(out + 8 * i, 9, "%08x", (uint32_t)store_random(store));
}

static void seed_random(struct store *store)
{
	random_fill(store->identity.random, sizeof(store->identity.random));
	store->identity.random[0] |= 1; /* never all zero */
	draw_id(store, store->identity.run_id);
	store_change_replication_id(store);
}

struct store *store_create(struct runtime *runtime, const struct config *config,
			   const struct store_subscription *subscriptions, uint32_t count)
{
	struct store *store = must_allocate(1, sizeof(*store));
	store->runtime = runtime;
	store->actor = runtime_actor(runtime, ACTOR_STORE, 0);
	store->reaper = runtime_actor(runtime, ACTOR_REAPER, 0);
	store->supervisor = runtime_actor(runtime, ACTOR_SUPERVISOR, 0);
	store->worker = runtime_actor(runtime, ACTOR_WORKER, 0);
	store->snapshot_writer = runtime_actor(runtime, ACTOR_SNAPSHOT, 0);
	config_copy(&store->config, config);
	runtime_set_log_level(runtime, store->config.loglevel);
	if (!databases_init(&store->databases, (uint32_t)config->databases))
		crash_out_of_memory("the databases");
	store->memory.startup_bytes = memory_used_bytes(&store->databases.storage.memory) + blob_used_bytes();
	store->reactor_count = runtime_count(runtime, ACTOR_REACTOR);
	store->reactors = must_allocate(store->reactor_count, sizeof(*store->reactors));
	for (uint32_t i = 0; i < store->reactor_count; i++)
		store->reactors[i].actor = runtime_actor(runtime, ACTOR_REACTOR, i);
	stopwatch_init(&store->turn.stopwatch);
	store_update_thresholds(store);
	store_subscribe_all(store, subscriptions, count);
	durability_init(store);
	replication_begin(store);
	store_give_tally(store);
	seed_random(store);
	store->identity.started_ms = wall_clock_ms();
	store->identity.started_monotonic_ms = monotonic_ms();
	store->cron.armed_ms = store->memory.due_ms = INT64_MAX;
	store_apply_memory_settings(store);
	store_saving_init(store);
	rewriting_init(store);
	actor_bind(store->actor, store_turn, store);
	return store;
}

void store_destroy(struct store **store_at)
{
	struct store *store = *store_at;
	for (uint32_t i = 0; i < store->reactor_count; i++) {
		reply_batch_destroy(&store->reactors[i].open);
		free(store->reactors[i].sessions);
	}
	garbage_destroy(&store->memory.garbage);
	store_saving_fini(store);
	store_reloading_fini(store);
	replication_end(store);
	databases_fini(&store->databases);
	if (store->bus.publication)
		bus_message_release(&store->bus.publication->head);
	bus_destroy(&store->bus.bus);
	durability_fini(store);
	rewriting_fini(store);
	config_fini(&store->config);
	buffer_fini(&store->turn.discarded);
	tally_destroy(&store->stats.tally);
	slowlog_trim(&store->stats.slowlog, 0);
	free(store->blocked.deadlines.items);
	free(store->reactors);
	free(store->bus.links);
	free(store);
	*store_at = NULL;
}

/* ---- for handlers ---- */

const struct keyspace *store_keyspace(const struct store *store, uint32_t database)
{
	actor_assert_turn(store->actor);
	return databases_read(&store->databases, database);
}

struct keyspace *store_own_keyspace(struct store *store, uint32_t database)
{
	actor_assert_turn(store->actor);
	return databases_own(&store->databases, database);
}

void store_swap(struct store *store, uint32_t a, uint32_t b)
{
	databases_swap(&store->databases, a, b);
}

const struct databases *store_databases(const struct store *store)
{
	return &store->databases;
}

/* xoshiro256**, by Blackman and Vigna (prng.di.unimi.it); not for secrets. */
uint64_t store_random(void *state)
{
	uint64_t *s = ((struct store *)state)->identity.random;
	uint64_t fives = s[1] * 5;
	uint64_t result = (fives << 7 | fives >> 57) * 9;
	uint64_t shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = s[3] << 45 | s[3] >> 19;
	return result;
}

struct config *store_config(struct store *store)
{
	return &store->config;
}

void store_config_changed(struct store *store)
{
	runtime_set_log_level(store->runtime, store->config.loglevel);
	store_update_thresholds(store);
	for (uint32_t i = 0; i < store->reactor_count; i++)
		store->reactors[i].settings_have_changed = true;
}

int64_t store_monotonic_ms(const struct store *store)
{
	return store->turn.monotonic_ms;
}

int64_t store_started_ms(const struct store *store)
{
	return store->identity.started_ms;
}

int64_t store_uptime_ms(const struct store *store)
{
	return store->turn.monotonic_ms - store->identity.started_monotonic_ms;
}

struct store_counters *store_counters(struct store *store)
{
	return &store->stats.counters;
}

const struct error_count *store_error_counts(const struct store *store, size_t *out_count)
{
	*out_count = store->stats.error_kinds;
	return store->stats.errors;
}

struct slowlog *store_slowlog(struct store *store)
{
	return &store->stats.slowlog;
}

struct latency *store_latency(struct store *store)
{
	return &store->stats.latency;
}

struct memory_reading *store_memory_reading(struct store *store)
{
	return &store->memory.reading;
}

uint64_t store_garbage_keys(const struct store *store)
{
	return store->memory.garbage_keys;
}

uint64_t store_sequence(const struct store *store)
{
	return bus_sequence(store->bus.bus);
}

int64_t store_excess_ms(const struct store *store)
{
	return store->memory.excess_since_ms ? store->turn.monotonic_ms - store->memory.excess_since_ms : 0;
}

const char *store_run_id(const struct store *store)
{
	return store->identity.run_id;
}

const char *store_replication_id(const struct store *store)
{
	return store->identity.replication_id;
}

void store_change_replication_id(struct store *store)
{
	draw_id(store, store->identity.replication_id);
}

struct replication *store_replication(struct store *store)
{
	return &store->replication;
}

size_t store_startup_bytes(const struct store *store)
{
	return store->memory.startup_bytes;
}

uint64_t store_session_count(const struct store *store)
{
	return store->sessions.count;
}

struct session *store_first_session(struct store *store)
{
	return store->sessions.first;
}

void store_set_active_expiry(struct store *store, bool is_on)
{
	store->cron.expiry_is_off = !is_on;
}

void store_freeze(struct store *store, int64_t until_ms)
{
	if (!store->execution.never_freezes)
		store->execution.frozen_until_ms = until_ms;
}

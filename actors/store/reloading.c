/*
 * Loading all data again while the server runs. Nothing changes them meanwhile, and the log does not grow. The former data are kept until the
 * others are there: a file that can't be loaded costs nothing but memory for both.
 */
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"

/* ---- before ---- */

static const char *find_obstacle(const struct store *store, enum data_source source)
{
	const struct saving *saving = &store->saving;
	if (store->loading.is_on || store->reloading.is_on)
		return "LOADING Redis is loading the dataset in memory";
	if (store->shutdown.is_saving || store->shutdown.is_asked || store->is_stopping)
		return "ERR The server is shutting down";
	if (!store->durability.link || (source == DATA_FROM_LOG && !store->config.appendonly))
		return "ERR There is no append-only file";
	if (source == DATA_FROM_RDB && durability_has_log(store))
		return "ERR With appendonly, other data than those in the log can't be loaded";
	if (rewriting_is_under_way(store))
		return "ERR Background append only file rewriting already in progress";
	if (saving->is_under_way || saving_has_file(saving) || (source != DATA_FROM_SAVE && snapshot_is_walking(&saving->snapshot)))
		return "ERR Background save already in progress";
	return NULL;
}

const char *store_prepare_reload(struct store *store, enum data_source source)
{
	const char *obstacle = find_obstacle(store, source);
	if (obstacle)
		return obstacle;
	store->reloading.is_on = true;
	store->reloading.source = source;
	return NULL;
}

void store_cancel_reload(struct store *store)
{
	store->reloading.is_on = false;
}

/* ---- the former data ---- */

static void *must_allocate(size_t bytes)
{
	void *memory = malloc(bytes);
	if (!memory)
		crash_out_of_memory("loading the data again");
	return memory;
}

/* Last first: removing the last moves no others. */
static void set_aside(struct store *store)
{
	struct databases *databases = &store->databases;
	struct reloading *reloading = &store->reloading;
	reloading->former = must_allocate((databases->in_use_count + 1) * sizeof(*reloading->former));
	for (reloading->former_count = 0; databases->in_use_count; reloading->former_count++) {
		struct garbage *garbage = must_allocate(sizeof(*garbage));
		uint32_t number = databases->in_use[databases->in_use_count - 1];
		*garbage = (struct garbage){ .keyspace = databases_give(databases, number) };
		reloading->former[reloading->former_count] = (struct former_database){ number, garbage };
	}
}

static void forget(struct reloading *reloading)
{
	free(reloading->former);
	reloading->former = NULL;
	reloading->former_count = 0;
}

static void throw_away(struct store *store)
{
	struct reloading *reloading = &store->reloading;
	for (uint32_t i = 0; i < reloading->former_count; i++)
		store_add_garbage(store, reloading->former[i].garbage);
	forget(reloading);
}

static void put_back(struct store *store)
{
	struct databases *databases = &store->databases;
	struct reloading *reloading = &store->reloading;
	while (databases->in_use_count) {
		struct keyspace *keyspace = databases_give(databases, databases->in_use[databases->in_use_count - 1]);
		keyspace_destroy(&keyspace);
	}
	for (uint32_t i = 0; i < reloading->former_count; i++) {
		databases_put(databases, reloading->former[i].number, reloading->former[i].garbage->keyspace);
		free(reloading->former[i].garbage);
	}
	forget(reloading);
}

/* ---- the steps ---- */

void store_begin_reload(struct store *store)
{
	set_aside(store);
	store_expect_data(store, 0);
	store->reloading.is_to_be_asked = true;
}

/* After the frames of this turn, which the AOF is to have before. */
void store_post_reload(struct store *store)
{
	struct reloading *reloading = &store->reloading;
	if (!reloading->is_to_be_asked || store->is_stopping)
		return;
	struct config *config = must_allocate(sizeof(*config));
	config_copy(config, &store->config);
	reloading->is_to_be_asked = false;
	actor_post(store->actor, store->durability.link->actor, AOF_RELOAD, reloading->source, config);
}

static void end(struct store *store, struct config_error *error)
{
	store->loading.is_on = store->reloading.is_on = false;
	blocked_answer(store, BLOCKED_RELOAD, error, free);
}

/* They are not those that replicas have followed. */
static void take_other_data(struct store *store)
{
	store->saving.changes = 0;
	store_saving_on_loaded(store);
	if (store->replication.is_on)
		replication_break(store, "the data were loaded from a file");
}

void store_on_reloaded(struct store *store)
{
	log_event(LOG_NOTICE, "The data were loaded again: %.3f seconds",
		  (double)(store->turn.monotonic_ms - store->loading.began_monotonic_ms) / 1000);
	throw_away(store);
	if (store->reloading.source == DATA_FROM_RDB)
		take_other_data(store);
	end(store, NULL);
}

void store_on_reload_failed(struct store *store, struct config_error *error)
{
	log_event(LOG_WARNING, "The data can't be loaded again, and are as they were: %s", error->text);
	put_back(store);
	end(store, error);
}

void store_reloading_fini(struct store *store)
{
	put_back(store);
}

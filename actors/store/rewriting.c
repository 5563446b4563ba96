#include "actors/store/rewriting.h"

#include <stdlib.h>

#include "actors/persistence/base_file.h"
#include "actors/runtime/log.h"
#include "actors/store/state.h"

/* The log is rewritten for at most a quarter of the time. */
#define REST_FACTOR 3
/* After failures: doubled each time. */
#define RETRY_MS 1000
#define RETRY_MS_MAX 3600000

static struct actor *aof(const struct store *store)
{
	return store->durability.link->actor;
}

/* ---- begin ---- */

bool rewriting_is_under_way(const struct store *store)
{
	return store->rewriting.step != REWRITE_IDLE;
}

static bool may_begin(const struct store *store)
{
	const struct rewriting *rewriting = &store->rewriting;
	return rewriting->is_wanted && !rewriting_is_under_way(store) && durability_has_log(store) && !store->is_stopping &&
	       !store->loading.is_on && !store->reloading.is_on;
}

int64_t rewriting_due_ms(const struct store *store)
{
	if (!may_begin(store))
		return INT64_MAX;
	return store->durability.switching == SWITCH_MAKES_BASE ? 0 : store->rewriting.not_before_ms;
}

void rewriting_go_on(struct store *store)
{
	struct rewriting *rewriting = &store->rewriting;
	if (store->turn.monotonic_ms < rewriting_due_ms(store))
		return;
	rewriting->is_wanted = false;
	rewriting->switches_on = store->durability.switching == SWITCH_MAKES_BASE;
	rewriting->step = REWRITE_PREPARES;
	rewriting->began_ms = store->turn.monotonic_ms;
	actor_post(store->actor, aof(store), AOF_PREPARE_BASE, memory_used_bytes(&store->databases.storage.memory) + blob_kept_bytes(), NULL);
}

void rewriting_on_asked(struct store *store)
{
	store->rewriting.is_wanted = true;
}

/* ---- the steps ---- */

static void end(struct store *store, bool is_done)
{
	struct rewriting *rewriting = &store->rewriting;
	int64_t now_ms = store->turn.monotonic_ms;
	rewriting->step = REWRITE_IDLE;
	rewriting->last_duration_ms = now_ms - rewriting->began_ms;
	rewriting->has_failed = !is_done;
	rewriting->failures = is_done ? 0 : rewriting->failures + 1;
	rewriting->not_before_ms = now_ms + REST_FACTOR * rewriting->last_duration_ms;
	base_file_destroy(&rewriting->file);
	if (rewriting->switches_on)
		durability_on_first_base(store, is_done);
}

static int64_t retry_ms(uint64_t failures)
{
	return failures < 12 ? RETRY_MS << failures : RETRY_MS_MAX;
}

static void fail(struct store *store, const char *reason)
{
	struct rewriting *rewriting = &store->rewriting;
	log_event(LOG_WARNING, "Rewriting the append-only file failed: %s", reason);
	end(store, false);
	rewriting->not_before_ms += retry_ms(rewriting->failures - 1);
}

void rewriting_on_prepared(struct store *store, struct base_file *file)
{
	struct rewriting *rewriting = &store->rewriting;
	rewriting->file = file;
	if (store->is_stopping)
		return;
	rewriting->step = REWRITE_SAVES;
	store->saving.is_wanted[SNAPSHOT_TO_BASE] = true;
}

void rewriting_on_saved(struct store *store, const struct snapshot_result *result)
{
	struct rewriting *rewriting = &store->rewriting;
	struct base_file *file = rewriting->file;
	if (store->is_stopping || rewriting->step != REWRITE_SAVES)
		return;
	rewriting->file = NULL;
	rewriting->step = REWRITE_INSTALLS;
	file->bytes = result->bytes;
	actor_post(store->actor, aof(store), AOF_INSTALL_BASE, 0, file);
}

void rewriting_on_save_failed(struct store *store, const char *reason)
{
	if (store->is_stopping || store->rewriting.step != REWRITE_SAVES)
		return;
	actor_post(store->actor, aof(store), AOF_DROP_BASE, 0, NULL);
	fail(store, reason);
}

void rewriting_on_installed(struct store *store)
{
	log_event(LOG_NOTICE, "Background AOF rewrite finished successfully");
	store->rewriting.rewrites++;
	end(store, true);
}

void rewriting_on_failed(struct store *store, struct config_error *error)
{
	fail(store, error->text);
	free(error);
}

void rewriting_stop(struct store *store)
{
	store->rewriting.is_wanted = false;
	store_saving_drop_base(store);
}

/* ---- for handlers ---- */

enum save_outcome store_request_rewrite(struct store *store)
{
	struct rewriting *rewriting = &store->rewriting;
	if (!store_aof_figures(store))
		return SAVE_FAILS;
	if (rewriting_is_under_way(store))
		return SAVE_IS_UNDER_WAY;
	rewriting->is_wanted = true;
	rewriting->not_before_ms = 0;
	rewriting->failures = 0;
	return store->saving.is_under_way ? SAVE_IS_SCHEDULED : SAVE_BEGINS;
}

void store_rewriting_figures(const struct store *store, struct rewriting_figures *out_figures)
{
	const struct rewriting *rewriting = &store->rewriting;
	bool is_under_way = rewriting_is_under_way(store);
	*out_figures = (struct rewriting_figures){
		.is_under_way = is_under_way,
		.is_wanted = rewriting->is_wanted,
		.has_failed = rewriting->has_failed,
		.rewrites = rewriting->rewrites,
		.failures = rewriting->failures,
		.last_s = rewriting->last_duration_ms < 0 ? -1 : rewriting->last_duration_ms / 1000,
		.current_s = is_under_way ? (store->turn.monotonic_ms - rewriting->began_ms) / 1000 : -1,
	};
}

/* ---- life ---- */

void rewriting_init(struct store *store)
{
	store->rewriting.last_duration_ms = -1;
}

void rewriting_fini(struct store *store)
{
	base_file_destroy(&store->rewriting.file);
}

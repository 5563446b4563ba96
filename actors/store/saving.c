#include "actors/store/saving.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/base_file.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "actors/store/turn_limits.h"

/* A slice of the walk. Each turn has one, and more if it has nothing else to do. */
#define SLICE_NS 200000u
/* The walk stops when this much waits for the writer. */
#define WALK_BYTES (SNAPSHOT_BATCHES_MAX * SNAPSHOT_BATCH_BYTES)

_Static_assert(SLOTS_STORE_SNAPSHOT >= SNAPSHOT_BATCHES_MAX + 3, "batches; BEGIN, END, ABORT");
_Static_assert(SLOTS_SNAPSHOT_STORE >= 2 * SNAPSHOT_BATCHES_MAX + 3, "each batch returns, with bytes; those at BEGIN and END; an answer");

static size_t waiting_bytes(const struct saving *saving)
{
	return snapshot_queued_bytes(&saving->snapshot) + saving->out.copied + saving->out.held;
}

static bool is_for_replicas(const struct saving *saving)
{
	return saving->is_under_way && saving->purpose == SNAPSHOT_TO_REPLICAS;
}

/* What waits for replicas is bounded as all that waits for replicas. */
static size_t limit_bytes(const struct store *store)
{
	uint64_t replica_bytes = store->config.client_output_buffer_limit[CLIENT_CLASS_REPLICA].hard_bytes;
	if (!is_for_replicas(&store->saving))
		return (size_t)store->config.snapshot_memory_limit;
	return replica_bytes ? (size_t)replica_bytes : SIZE_MAX;
}

struct snapshot_bytes store_snapshot_bytes(const struct store *store)
{
	const struct saving *saving = &store->saving;
	return (struct snapshot_bytes){ saving->snapshot.queued.copied + saving->out.copied, saving->snapshot.queued.held + saving->out.held };
}

/* ---- what there is to write ---- */

/* A base always has its checksum, as the rest of the log does. */
static struct snapshot_plan *make_plan(const struct store *store)
{
	const struct config *config = &store->config;
	const struct snapshot *snapshot = &store->saving.snapshot;
	bool is_base = store->saving.purpose == SNAPSHOT_TO_BASE;
	const struct base_file *base = store->rewriting.file;
	struct snapshot_plan *plan = snapshot_plan_create(is_base ? base->directory : config->dir, is_base ? base->name : config->dbfilename,
							  snapshot->table_count);
	plan->purpose = store->saving.purpose;
	plan->number = store->saving.number;
	plan->sequence = bus_sequence(store->bus.bus);
	plan->cut_ms = store->turn.now_ms;
	plan->used_bytes = store_used_bytes(store);
	if (store->saving.needs_place && !is_base)
		strcpy(plan->history_id, store->identity.replication_id);
	plan->compresses = config->rdbcompression;
	plan->has_checksum = is_base || config->rdbchecksum;
	plan->writes_back = is_base ? config->aof_rewrite_incremental_fsync : config->rdb_save_incremental_fsync;
	for (uint32_t i = 0; i < plan->count; i++)
		plan->counts[i] = snapshot->tables[i].count;
	return plan;
}

/* As in Redis, the policy says which use of a key is worth keeping. */
static enum rdb_usage usage_to_note(const struct store *store)
{
	switch ((enum eviction_policy)store->config.maxmemory_policy) {
	case EVICT_VOLATILE_LRU:
	case EVICT_ALLKEYS_LRU: return RDB_IDLE_SECONDS;
	case EVICT_VOLATILE_LFU:
	case EVICT_ALLKEYS_LFU: return RDB_FREQUENCY;
	default: return RDB_USAGE_UNKNOWN;
	}
}

/* ---- the end ---- */

/* For the log. */
static const struct {
	const char *name, *is_done;
} purposes[SNAPSHOT_PURPOSES] = {
	[SNAPSHOT_TO_FILE] = { "Background saving", "DB saved on disk" },
	[SNAPSHOT_TO_BASE] = { "Background append only file rewriting", "New base of the append-only file" },
	[SNAPSHOT_TO_REPLICAS] = { "Snapshot for replicas", "Snapshot sent to replicas" },
};

static void wake_savers(struct store *store, const char *error)
{
	blocked_wake_all(store, BLOCKED_SAVE, (void *)error);
	store_on_saved(store, error == NULL);
}

static void note_failure(struct store *store, const char *reason)
{
	struct saving *saving = &store->saving;
	log_event(LOG_WARNING, "%s error: %s", purposes[saving->purpose].name, reason);
	if (saving->purpose == SNAPSHOT_TO_BASE)
		rewriting_on_save_failed(store, reason);
	if (saving->purpose != SNAPSHOT_TO_FILE)
		return;
	saving->failed_ms = store->turn.monotonic_ms;
	saving->last_duration_ms = store->turn.monotonic_ms - saving->began_ms;
	snprintf(saving->last_error, sizeof(saving->last_error), "%s", reason);
	wake_savers(store, saving->last_error);
}

static void note_success(struct store *store, const struct snapshot_result *result)
{
	struct saving *saving = &store->saving;
	log_event(LOG_NOTICE, "%s: %" PRIu64 " keys, %" PRIu64 " bytes, %.3f seconds, at most %zu bytes waited",
		  purposes[saving->purpose].is_done, result->keys, result->bytes,
		  (double)(store->turn.monotonic_ms - saving->began_ms) / 1000, saving->waiting_bytes_max);
	if (saving->purpose == SNAPSHOT_TO_BASE)
		rewriting_on_saved(store, result);
	if (saving->purpose != SNAPSHOT_TO_FILE)
		return;
	saving->changes -= saving->changes_at_cut;
	saving->saved_ms = store->turn.monotonic_ms;
	saving->saved_wall_ms = store->turn.now_ms;
	saving->failed_ms = 0;
	saving->last_duration_ms = store->turn.monotonic_ms - saving->began_ms;
	saving->last_waiting_bytes_max = saving->waiting_bytes_max;
	saving->saves++;
	saving->due_since_ms = 0;
	saving->lateness_is_known = false;
	wake_savers(store, NULL);
}

/* ---- begin ---- */

/* The log and the stream of replicas show by it where the snapshot begins. No other frame is open, or only one without effects. */
static void publish_cut(struct store *store)
{
	bool is_base = store->saving.purpose == SNAPSHOT_TO_BASE;
	store->saving.needs_place = store->replication.is_on;
	if (!store->saving.needs_place && !is_base)
		return;
	store_frame_begin(store);
	store_effect(store, 0, &(struct effect){ .type = EFFECT_SNAPSHOT, .number = (int64_t)store->saving.number, .result = is_base });
	store_frame_end(store);
	store_frame_begin(store);
}

/* Log and replicas are told when the keys are removed, also after the data were loaded again. */
static bool keeps_expired(const struct store *store, enum snapshot_purpose purpose)
{
	return purpose != SNAPSHOT_TO_FILE || store->replication.is_on || store->reloading.is_on;
}

static void begin(struct store *store, enum snapshot_purpose purpose)
{
	struct saving *saving = &store->saving;
	struct snapshot_options options = {
		.now_ms = store->turn.now_ms, .monotonic_ms = store->turn.monotonic_ms,
		.keeps_expired = keeps_expired(store, purpose), .usage = usage_to_note(store),
	};
	saving->is_wanted[purpose] = false;
	if (purpose == SNAPSHOT_TO_REPLICAS && !replicas_await_snapshot(store))
		return;
	saving->purpose = purpose;
	saving->began_ms = store->turn.monotonic_ms;
	saving->waiting_bytes_max = 0;
	saving->changes_at_cut = saving->changes;
	if (!snapshot_begin(&saving->snapshot, &options)) {
		note_failure(store, "out of memory");
		return;
	}
	saving->number++;
	if (purpose == SNAPSHOT_TO_BASE)
		durability_attach(store); /* if the log is only being switched on, this is its first frame */
	publish_cut(store);
	saving->keys_at_cut = 0;
	for (uint32_t i = 0; i < saving->snapshot.table_count; i++)
		saving->keys_at_cut += saving->snapshot.tables[i].count.keys;
	saving->is_under_way = true;
	saving->has_ended = saving->is_aborted = false;
	saving->abort_reason = NULL;
	actor_post(store->actor, store->snapshot_writer, SNAPSHOT_BEGIN, 0, make_plan(store));
	if (purpose == SNAPSHOT_TO_REPLICAS)
		replicas_on_snapshot_begun(store);
	if (purpose == SNAPSHOT_TO_BASE)
		store->rewriting.file->sequence = bus_sequence(store->bus.bus);
	log_event(LOG_NOTICE, "%s started: %" PRIu64 " keys", purposes[purpose].name, saving->keys_at_cut);
}

/* What makes a frame begins only with credit. */
static bool may_begin(const struct store *store, enum snapshot_purpose purpose)
{
	const struct saving *saving = &store->saving;
	return saving->is_wanted[purpose] && !saving->is_under_way && !snapshot_is_walking(&saving->snapshot) && !store->loading.is_on &&
	       (purpose != SNAPSHOT_TO_BASE || store_has_credit(store));
}

static void begin_wanted(struct store *store)
{
	for (int purpose = 0; purpose < SNAPSHOT_PURPOSES; purpose++)
		if (may_begin(store, (enum snapshot_purpose)purpose))
			begin(store, (enum snapshot_purpose)purpose);
}

/* ---- walk, and give to the writer ---- */

/* The walk stops when this much waits for the writer. */
static size_t walk_bytes(const struct store *store)
{
	size_t most = limit_bytes(store) / 2;
	return most < WALK_BYTES ? most : WALK_BYTES;
}

bool store_snapshot_is_full(const struct store *store)
{
	const struct snapshot *snapshot = &store->saving.snapshot;
	return snapshot->is_emitting && snapshot_is_walking(snapshot) && !is_for_replicas(&store->saving) &&
	       waiting_bytes(&store->saving) >= limit_bytes(store);
}

bool store_snapshot_holds(const struct store *store, const struct keyspace *keyspace, const struct entry *entry)
{
	return store_snapshot_is_full(store) && !keyspace_is_emitted(keyspace, entry);
}

/* A walk that only marks needs no credit. */
static bool may_walk(const struct store *store)
{
	const struct snapshot *snapshot = &store->saving.snapshot;
	return snapshot_is_walking(snapshot) && (!snapshot->is_emitting || waiting_bytes(&store->saving) < walk_bytes(store));
}

static void walk(struct store *store)
{
	struct saving *saving = &store->saving;
	while (may_walk(store)) {
		size_t most_bytes = saving->snapshot.is_emitting ? walk_bytes(store) - (saving->out.copied + saving->out.held) : SIZE_MAX;
		snapshot_walk(&saving->snapshot, most_bytes, monotonic_ns() + SLICE_NS);
		if (!turn_may_do_more(store))
			return;
	}
}

/* The sockets of replicas set the pace: records wait in the queue while one of them has enough on its way. */
static bool may_give(const struct store *store)
{
	return !is_for_replicas(&store->saving) || replicas_take_records(store);
}

static bool has_place(const struct store *store)
{
	return store->replication.cut.number == store->saving.number;
}

static void post_batches(struct store *store)
{
	struct saving *saving = &store->saving;
	if (waiting_bytes(saving) > saving->waiting_bytes_max)
		saving->waiting_bytes_max = waiting_bytes(saving);
	while (saving->is_under_way && saving->batches_out < SNAPSHOT_BATCHES_MAX && may_give(store)) {
		struct snapshot_batch *batch =
			snapshot_take(&saving->snapshot, saving->batches_out ? SNAPSHOT_WANTS_FULL : SNAPSHOT_WANTS_ANY);
		if (!batch)
			return;
		batch->is_urgent = waiting_bytes(saving) > limit_bytes(store) / 2;
		saving->batches_out++;
		saving->out.copied += batch->bytes.copied;
		saving->out.held += batch->bytes.held;
		actor_post(store->actor, store->snapshot_writer, SNAPSHOT_RECORDS, 0, batch);
	}
}

/* `reason`: why it fails; NULL if it is not wanted any more. */
static void abort_under_way(struct store *store, const char *reason)
{
	struct saving *saving = &store->saving;
	snapshot_end(&saving->snapshot);
	if (!saving->is_under_way || saving->is_aborted)
		return;
	saving->is_aborted = true;
	saving->abort_reason = reason;
	actor_post(store->actor, store->snapshot_writer, SNAPSHOT_ABORT, 0, NULL);
}

static void end_if_complete(struct store *store)
{
	struct saving *saving = &store->saving;
	if (saving->snapshot.has_failed)
		abort_under_way(store, "out of memory");
	if (is_for_replicas(saving) && snapshot_is_walking(&saving->snapshot) && waiting_bytes(saving) >= limit_bytes(store))
		abort_under_way(store, "replicas take the snapshot too slowly (client-output-buffer-limit replica)");
	if (!saving->is_under_way || saving->has_ended || saving->is_aborted || snapshot_is_walking(&saving->snapshot) ||
	    saving->snapshot.first || !may_give(store) || (saving->needs_place && !has_place(store)))
		return;
	saving->has_ended = true;
	actor_post(store->actor, store->snapshot_writer, SNAPSHOT_END, saving->needs_place ? store->replication.cut.offset + 1 : 0, NULL);
}

static void collect_garbage(struct store *store)
{
	struct garbage *garbage = snapshot_take_garbage(&store->saving.snapshot);
	while (garbage) {
		struct garbage *next = garbage->next;
		store_add_garbage(store, garbage);
		garbage = next;
	}
}

void store_go_on_saving(struct store *store)
{
	store_check_save_points(store);
	begin_wanted(store);
	walk(store);
	post_batches(store);
	end_if_complete(store);
	collect_garbage(store);
}

/* A snapshot for replicas is wanted when this turn's is over, and nothing else may begin another turn. */
bool store_saving_is_behind(const struct store *store)
{
	return may_walk(store) || may_begin(store, SNAPSHOT_TO_REPLICAS);
}

/* ---- the writer's answers ---- */

void store_on_snapshot_credit(struct store *store, struct snapshot_batch *batch)
{
	store->saving.batches_out--;
	store->saving.out.copied -= batch->bytes.copied;
	store->saving.out.held -= batch->bytes.held;
	snapshot_give(&store->saving.snapshot, batch);
}

/* Also of a snapshot that was to be aborted, if its file was complete before. */
void store_on_snapshot_done(struct store *store, struct snapshot_result *result)
{
	store->saving.is_under_way = false;
	if (store->saving.purpose == SNAPSHOT_TO_BASE)
		store->saving.is_wanted[SNAPSHOT_TO_BASE] = false; /* it was to begin anew, but this one is complete */
	snapshot_end(&store->saving.snapshot);
	note_success(store, result);
	if (store->saving.purpose == SNAPSHOT_TO_REPLICAS)
		replicas_on_snapshot_done(store);
	free(result);
}

void store_on_snapshot_failed(struct store *store, struct snapshot_result *result)
{
	struct saving *saving = &store->saving;
	saving->is_under_way = false;
	snapshot_end(&saving->snapshot);
	if (!saving->is_aborted)
		note_failure(store, result->error);
	else if (saving->abort_reason)
		note_failure(store, saving->abort_reason);
	else if (saving->purpose == SNAPSHOT_TO_BASE && !saving->is_wanted[SNAPSHOT_TO_BASE])
		note_failure(store, "the data are saved for a shutdown");
	if (saving->purpose == SNAPSHOT_TO_REPLICAS)
		replicas_on_snapshot_failed(store, saving->is_aborted && saving->abort_reason ? saving->abort_reason : "its snapshot failed");
	free(result);
}

/* ---- what clients and others ask for ---- */

void store_saving_on_flush_all(struct store *store)
{
	struct saving *saving = &store->saving;
	if (saving->point_count > 0)
		saving->is_wanted[SNAPSHOT_TO_FILE] = true;
	if (is_for_replicas(saving)) /* it is half sent; the stream goes on with the removal */
		return;
	if (saving->is_under_way && !saving->is_aborted)
		saving->is_wanted[saving->purpose] = true;
	abort_under_way(store, NULL);
}

void store_saving_on_loaded(struct store *store)
{
	store->saving.saved_ms = store->turn.monotonic_ms;
	store->saving.saved_wall_ms = store->turn.now_ms;
}

void store_save_last(struct store *store)
{
	abort_under_way(store, NULL);
	store->saving.is_wanted[SNAPSHOT_TO_FILE] = true;
	begin_wanted(store);
}

void store_saving_drop_base(struct store *store)
{
	struct saving *saving = &store->saving;
	bool was_wanted = saving->is_wanted[SNAPSHOT_TO_BASE];
	saving->is_wanted[SNAPSHOT_TO_BASE] = false;
	if (saving->is_under_way && saving->purpose == SNAPSHOT_TO_BASE)
		abort_under_way(store, "the append-only file is switched off");
	else if (was_wanted)
		rewriting_on_save_failed(store, "the append-only file is switched off");
}

void store_saving_stop(struct store *store)
{
	struct saving *saving = &store->saving;
	for (int purpose = 0; purpose < SNAPSHOT_PURPOSES; purpose++)
		saving->is_wanted[purpose] = false;
	abort_under_way(store, "the server is stopping");
}

void store_abort_snapshot_for_replicas(struct store *store)
{
	if (is_for_replicas(&store->saving))
		abort_under_way(store, NULL);
}

enum save_outcome store_request_save(struct store *store, enum save_time time)
{
	struct saving *saving = &store->saving;
	bool must_wait = saving->is_under_way;
	if (saving_has_file(saving))
		return SAVE_IS_UNDER_WAY;
	if (must_wait && time == SAVE_NOW)
		return SAVE_MUST_WAIT;
	saving->is_wanted[SNAPSHOT_TO_FILE] = true;
	begin_wanted(store);
	if (must_wait)
		return SAVE_IS_SCHEDULED;
	return saving_has_file(saving) ? SAVE_BEGINS : SAVE_FAILS;
}

const char *saving_refusal(const struct store *store)
{
	const struct saving *saving = &store->saving;
	if (!saving->failed_ms || saving->point_count == 0 || !store->config.stop_writes_on_bgsave_error || store->config.appendonly)
		return NULL;
	return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the "
	       "data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails "
	       "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";
}

void store_saving_figures(const struct store *store, struct saving_figures *out_figures)
{
	const struct saving *saving = &store->saving;
	int64_t now_ms = store->turn.monotonic_ms;
	bool is_saving = saving_has_file(saving);
	*out_figures = (struct saving_figures){
		.changes = saving->changes,
		.saves = saving->saves,
		.is_saving = is_saving,
		.has_failed = saving->failed_ms != 0,
		.saved_wall_ms = saving->saved_wall_ms,
		.last_s = saving->last_duration_ms < 0 ? -1 : saving->last_duration_ms / 1000,
		.current_s = is_saving ? (now_ms - saving->began_ms) / 1000 : -1,
		.overdue_s = store_save_overdue_ms(store) / 1000,
		.keys = saving->is_under_way ? saving->snapshot.keys : 0,
		.keys_at_cut = saving->is_under_way ? saving->keys_at_cut : 0,
		.waiting_bytes = saving->is_under_way ? waiting_bytes(saving) : 0,
		.waiting_bytes_max = saving->is_under_way ? saving->waiting_bytes_max : 0,
		.last_waiting_bytes_max = saving->last_waiting_bytes_max,
	};
}

/* ---- life ---- */

void store_saving_init(struct store *store)
{
	struct saving *saving = &store->saving;
	saving->last_duration_ms = -1;
	saving->saved_ms = store->identity.started_monotonic_ms;
	saving->saved_wall_ms = store->identity.started_ms;
	snapshot_init(&saving->snapshot, &store->databases);
	store_apply_save_points(store);
}

void store_saving_fini(struct store *store)
{
	snapshot_fini(&store->saving.snapshot);
	free(store->saving.points);
}

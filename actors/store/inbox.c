/*
 * The message handlers. They execute no commands: they wake sessions, and the turn executes those. The only exception is ending the sessions
 * when the server stops.
 */
#include "actors/runtime/crash.h"
#include "actors/store/backlog.h"
#include "actors/store/execute.h"
#include "actors/store/state.h"

static void on_requests(struct store *store, struct request_batch *batch)
{
	struct reactor_side *side = &store->reactors[batch->reactor];
	backlog_add(store, batch);
	side->output_bytes = batch->output_bytes;
	side->input_bytes = batch->input_bytes;
	store->stats.totals[RATE_READ_BYTES] += batch->read_bytes - side->read_bytes;
	store->stats.totals[RATE_WRITTEN_BYTES] += batch->written_bytes - side->written_bytes;
	side->read_bytes = batch->read_bytes;
	side->written_bytes = batch->written_bytes;
	store->stats.batches++;
	store->stats.batch_requests += batch->count;
	if (batch->count > store->stats.batch_requests_max)
		store->stats.batch_requests_max = batch->count;
}

/* All receivers share one text. NULL if the observer was out of memory. */
static void on_monitor_lines(struct store *store, struct blob *lines)
{
	for (struct session *session = store->sessions.first_monitor; session && lines; session = session->monitor_next)
		if (!(session->flags & SESSION_DEAF))
			store_send_blob(store, session, lines);
	blob_release(&lines);
}

static void on_reaped(struct store *store)
{
	store->memory.reaper_is_busy = false;
	store->stats.counters.reaped_keys += store->memory.given_keys;
	store->memory.garbage_keys -= store->memory.given_keys;
	store->memory.given_keys = 0;
}

static struct reactor_side *side_of(struct store *store, uint32_t actor_number)
{
	for (uint32_t i = 0; i < store->reactor_count; i++)
		if (store->reactors[i].actor->number == actor_number)
			return &store->reactors[i];
	crash_broken_invariant("actor %u is no reactor", actor_number);
}

static void on_taken(struct store *store, const struct message *message)
{
	side_of(store, message->sender)->is_out[message->number] = false;
	if (message->number == REACTOR_SETTINGS)
		store_on_settings_taken(store);
}

static void close_all_sessions(struct store *store)
{
	while (store->sessions.first)
		execute_end(store, store->sessions.first);
}

/* never_freezes: a DEBUG SLEEP may still be queued. */
static void on_thaw(struct store *store)
{
	store->execution.never_freezes = true;
	store->execution.frozen_until_ms = 0;
}

/* Requests without a session are not executed, so all batches, also later ones, return to their reactors at once. */
static void on_drop(struct store *store)
{
	store->is_dropping = true;
	close_all_sessions(store);
}

static void on_stop(struct store *store)
{
	store->is_stopping = true;
	store_saving_stop(store);
	close_all_sessions(store);
	store_give_tally(store);
}

void store_take(struct store *store, struct message message)
{
	switch ((enum to_store)message.type) {
	case STORE_REQUESTS: on_requests(store, PAYLOAD(STORE_REQUESTS, message)); return;
	case STORE_TICK: store->cron.armed_ms = INT64_MAX; return;
	case STORE_OBSERVER_CREDIT:
	case STORE_AOF_CREDIT:
	case STORE_REPLICATION_CREDIT:
	case STORE_SUBSCRIBER_CREDIT:
	case STORE_BLOCKING_SUBSCRIBER_CREDIT: store_on_credit(store, &message); return;
	case STORE_SUBSCRIBER_WANTS:
	case STORE_BLOCKING_SUBSCRIBER_WANTS: store_on_wants(store, &message); return;
	case STORE_REPORTS: store_on_reports(store, side_of(store, message.sender), PAYLOAD(STORE_REPORTS, message)); return;
	case STORE_TAKEN: on_taken(store, &message); return;
	case STORE_CONNECTION_FIGURES: store_on_figures(store, PAYLOAD(STORE_CONNECTION_FIGURES, message)); return;
	case STORE_OBSERVATIONS: store_on_observations(store, PAYLOAD(STORE_OBSERVATIONS, message)); return;
	case STORE_MONITOR_LINES:
		on_monitor_lines(store, PAYLOAD(STORE_MONITOR_LINES, message));
		store_on_credit(store, &message);
		return;
	case STORE_REPLICATION_STREAM: replication_on_stream(store, PAYLOAD(STORE_REPLICATION_STREAM, message)); return;
	case STORE_SNAPSHOT_BYTES: replicas_on_snapshot_bytes(store, PAYLOAD(STORE_SNAPSHOT_BYTES, message)); return;
	case STORE_SNAPSHOT_CREDIT: store_on_snapshot_credit(store, PAYLOAD(STORE_SNAPSHOT_CREDIT, message)); return;
	case STORE_SNAPSHOT_DONE: store_on_snapshot_done(store, PAYLOAD(STORE_SNAPSHOT_DONE, message)); return;
	case STORE_SNAPSHOT_FAILED: store_on_snapshot_failed(store, PAYLOAD(STORE_SNAPSHOT_FAILED, message)); return;
	case STORE_REAPED: on_reaped(store); return;
	case AOF_SETTINGS_DONE: durability_on_settings_taken(store); return;
	case AOF_SETTINGS_FAILED: durability_on_switch_failed(store, PAYLOAD(AOF_SETTINGS_FAILED, message)); return;
	case STORE_REWRITE: rewriting_on_asked(store); return;
	case AOF_PREPARE_BASE_DONE: rewriting_on_prepared(store, PAYLOAD(AOF_PREPARE_BASE_DONE, message)); return;
	case AOF_PREPARE_BASE_FAILED: rewriting_on_failed(store, PAYLOAD(AOF_PREPARE_BASE_FAILED, message)); return;
	case AOF_INSTALL_BASE_DONE: rewriting_on_installed(store); return;
	case AOF_INSTALL_BASE_FAILED: rewriting_on_failed(store, PAYLOAD(AOF_INSTALL_BASE_FAILED, message)); return;
	case AOF_SYNC_DONE: durability_on_durable(store, message.number); return;
	case STORE_AOF_STATE: durability_on_state(store, PAYLOAD(STORE_AOF_STATE, message)); return;
	case STORE_AOF_FIGURES: durability_on_figures(store, PAYLOAD(STORE_AOF_FIGURES, message)); return;
	case STORE_LOAD_ENTRIES: loading_on_entries(store, message.number, PAYLOAD(STORE_LOAD_ENTRIES, message)); return;
	case STORE_LOAD_FRAMES: loading_on_frames(store, message.number, PAYLOAD(STORE_LOAD_FRAMES, message)); return;
	case STORE_LOADED: loading_on_end(store, message.number, PAYLOAD(STORE_LOADED, message)); return;
	case AOF_RELOAD_DONE: store_on_reloaded(store); return;
	case AOF_RELOAD_FAILED: store_on_reload_failed(store, PAYLOAD(AOF_RELOAD_FAILED, message)); return;
	case SUPERVISOR_LISTEN_DONE: store_on_listening(store, true); return;
	case SUPERVISOR_LISTEN_FAILED: store_on_listening(store, false); return;
	case WORKER_REWRITE_DONE: store_on_rewritten(store, NULL); return;
	case WORKER_REWRITE_FAILED: store_on_rewritten(store, PAYLOAD(WORKER_REWRITE_FAILED, message)); return;
	case STORE_SIGNAL: store_on_signal(store, (int)message.number); return;
	case STORE_THAW: on_thaw(store); return;
	case STORE_DROP: on_drop(store); return;
	case STORE_STOP: on_stop(store); return;
	}
}

/*
 * Putting CONFIG SET into effect. The steps that can fail come first: raising the limit of open files, changing the directory, opening
 * listeners. The supervisor opens the listeners, after the worker has resolved their names. Until it answers, the old configuration stays in
 * effect and other CONFIG SET commands wait. If it fails, the old directory is restored and nothing has changed. The same holds for appendonly,
 * which is on once the log has its base.
 *
 * Then the new configuration takes effect in the store. The reply is sent when every reactor and the AOF have it too: requests sent after the OK meet the
 * new limits, on every connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/runtime/process.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "actors/runtime/version.h"

static void refuse(struct call *call, const char *name, const char *reason)
{
	reply_errorf(call, "ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, reason);
}

/* ---- steps that can fail ---- */

static bool allow_more_clients(struct call *call, const struct config *next)
{
	if (next->maxclients <= call->store->config.maxclients)
		return true;
	int64_t limit, fitting = process_raise_descriptor_limit(next->maxclients, next->io_threads, &limit);
	if (fitting >= next->maxclients)
		return true;
	log_event(LOG_WARNING, "CONFIG SET maxclients %lld is refused: the system allows at most %lld open files",
		  (long long)next->maxclients, (long long)limit);
	struct config_error reason;
	snprintf(reason.text, sizeof(reason.text),
		 "The operating system is not able to handle the specified number of clients, try with %lld", (long long)fitting);
	refuse(call, "maxclients", reason.text);
	return false;
}

static bool enter_directory(struct call *call, const struct config *next, const struct config_changes *changes)
{
	if (!config_has_changed(changes, DIRECTIVE_dir) || process_enter_directory(next->dir))
		return true;
	refuse(call, "dir", strerror(errno));
	return false;
}

static void go_back(struct store *store, const struct config_changes *changes)
{
	if (config_has_changed(changes, DIRECTIVE_dir) && !process_enter_directory(store->config.dir))
		log_event(LOG_WARNING, "Could not go back to directory %s: %s", store->config.dir, strerror(errno));
}

/* ---- taking effect ---- */

static void set_crash_reports(bool are_wanted)
{
	if (!CRASH_REPORTS_ARE_OURS)
		return;
	if (are_wanted)
		crash_install(QCACHE_VERSION);
	else
		crash_uninstall();
}

static void put_in_force(struct store *store, const struct config *next, const struct config_changes *changes)
{
	config_fini(&store->config);
	store->config = *next;
	if (config_has_changed(changes, DIRECTIVE_crash_log_enabled))
		set_crash_reports(store->config.crash_log_enabled);
	if (config_has_changed(changes, DIRECTIVE_timeout))
		store->sessions.idle_check_due_ms = store->turn.monotonic_ms;
	if (config_has_changed(changes, DIRECTIVE_maxmemory_policy) || config_has_changed(changes, DIRECTIVE_maxmemory_samples) ||
	    config_has_changed(changes, DIRECTIVE_lfu_log_factor) || config_has_changed(changes, DIRECTIVE_lfu_decay_time))
		store_apply_memory_settings(store);
	if (config_has_changed(changes, DIRECTIVE_save))
		store_apply_save_points(store);
	store_config_changed(store);
	durability_config_changed(store, changes);
}

static bool settings_are_taken(const struct store *store)
{
	for (uint32_t i = 0; i < store->reactor_count; i++)
		if (store->reactors[i].settings_have_changed || store->reactors[i].is_out[REACTOR_SETTINGS])
			return false;
	return durability_settings_are_taken(store);
}

static void resume_ok(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason != WAKE_CLOSED)
		reply_ok(call);
}

static void reply_when_others_have_it(struct call *call)
{
	session_block(call, BLOCKED_SETTINGS, INT64_MAX, resume_ok, NULL);
}

void store_on_settings_taken(struct store *store)
{
	if (settings_are_taken(store))
		blocked_wake_all(store, BLOCKED_SETTINGS, NULL);
}

/* ---- changes that others may refuse ---- */

static void keep_change(struct store *store, const struct config *next, const struct config_changes *changes)
{
	store->config_change = malloc(sizeof(*store->config_change));
	if (!store->config_change)
		crash_out_of_memory("a change of the configuration");
	*store->config_change = (struct config_change){ .next = *next, .changes = *changes };
}

/* The first of them may begin the next change; the others block again. */
static void wake_waiting_changes(struct store *store)
{
	blocked_wake_all(store, BLOCKED_CONFIG_CHANGE, NULL);
}

/* The change takes effect even if the client has disconnected. */
static void end_change(struct store *store, bool is_done)
{
	struct config_change *change = store->config_change;
	store->config_change = NULL;
	change->is_done = is_done;
	if (is_done) {
		put_in_force(store, &change->next, &change->changes);
	} else {
		go_back(store, &change->changes);
		config_fini(&change->next);
	}
	blocked_answer(store, BLOCKED_SUPERVISOR, change, free);
	wake_waiting_changes(store);
}

/* ---- listening ---- */

/* Names the directive that was given first, as Redis does. */
static void refuse_listening(struct call *call, const struct config_changes *changes)
{
	for (uint32_t i = 2; i + 1 < call->argc; i += 2) {
		struct slice name = call_arg(call, i);
		if (name.len != 4)
			continue;
		if (strncasecmp((const char *)name.data, "port", 4) == 0 &&
		    config_has_changed(changes, DIRECTIVE_port)) {
			refuse(call, "port", "Unable to listen on this port. Check server logs.");
			return;
		}
		if (strncasecmp((const char *)name.data, "bind", 4) == 0 &&
		    config_has_changed(changes, DIRECTIVE_bind)) {
			refuse(call, "bind", "Failed to bind to specified addresses.");
			return;
		}
	}
}

static void resume_changed(struct call *call, enum wake_reason reason, void *answer)
{
	const struct config_change *change = answer;
	if (reason == WAKE_CLOSED)
		return;
	if (change->is_done)
		reply_when_others_have_it(call);
	else if (*change->error.text)
		refuse(call, "appendonly", change->error.text);
	else
		refuse_listening(call, &change->changes);
}

static void listen_anew(struct call *call, struct config *next, const struct config_changes *changes)
{
	struct store *store = call->store;
	struct config *wanted = malloc(sizeof(*wanted));
	if (!wanted)
		crash_out_of_memory("a change of the configuration");
	config_copy(wanted, next);
	keep_change(store, next, changes);
	actor_post(store->actor, store->supervisor, SUPERVISOR_LISTEN, 0, wanted);
	session_block(call, BLOCKED_SUPERVISOR, INT64_MAX, resume_changed, NULL);
}

void store_on_listening(struct store *store, bool is_done)
{
	end_change(store, is_done);
}

/* ---- appendonly ---- */

/* Each of the two may fail when the other can't be taken back any more. */
static void switch_on(struct call *call, struct config *next, const struct config_changes *changes, bool listens)
{
	if (listens) {
		refuse(call, "appendonly", "it can't be switched on together with a change of port or bind");
		go_back(call->store, changes);
		config_fini(next);
		return;
	}
	keep_change(call->store, next, changes);
	durability_switch_on(call->store, &call->store->config_change->next);
	session_block(call, BLOCKED_SUPERVISOR, INT64_MAX, resume_changed, NULL);
}

void store_on_appendonly(struct store *store, const char *error)
{
	if (error)
		snprintf(store->config_change->error.text, sizeof(store->config_change->error.text), "%s", error);
	end_change(store, !error);
}

/* ---- the file ---- */

static void resume_rewrite(struct call *call, enum wake_reason reason, void *answer)
{
	const struct config_error *error = answer;
	if (reason == WAKE_CLOSED)
		return;
	if (error)
		reply_error(call, error->text);
	else
		reply_ok(call);
}

void store_rewrite(struct call *call)
{
	struct store *store = call->store;
	struct config *config = malloc(sizeof(*config));
	if (!config)
		crash_out_of_memory("rewriting the configuration file");
	config_copy(config, &store->config);
	store->config_is_being_written = true;
	actor_post(store->actor, store->worker, WORKER_REWRITE, 0, config);
	session_block(call, BLOCKED_SUPERVISOR, INT64_MAX, resume_rewrite, NULL);
}

void store_on_rewritten(struct store *store, struct config_error *error)
{
	store->config_is_being_written = false;
	blocked_answer(store, BLOCKED_SUPERVISOR, error, free);
	wake_waiting_changes(store);
}

/* ---- for CONFIG SET ---- */

bool store_config_is_changing(const struct store *store)
{
	return store->config_change || store->config_is_being_written;
}

void store_config_set(struct call *call, struct config *next, const struct config_changes *changes)
{
	if (!allow_more_clients(call, next) || !enter_directory(call, next, changes)) {
		config_fini(next);
		return;
	}
	bool listens = config_has_changed(changes, DIRECTIVE_port) || config_has_changed(changes, DIRECTIVE_bind);
	if (config_has_changed(changes, DIRECTIVE_appendonly) && next->appendonly) {
		switch_on(call, next, changes, listens);
		return;
	}
	if (listens) {
		listen_anew(call, next, changes);
		return;
	}
	put_in_force(call->store, next, changes);
	reply_when_others_have_it(call);
}

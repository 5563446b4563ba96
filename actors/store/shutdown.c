/*
 * Shutting down: by SHUTDOWN, or by a signal, which the supervisor tells. With save points, or if asked to, the data are saved first. Until
 * that is done writes wait, because they would be acknowledged and not saved; they are dropped when the server stops. If saving fails, the
 * server goes on serving unless it is forced to stop.
 */
#include <signal.h>

#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"

/* Nothing keeps a stopping store asleep; a DEBUG SLEEP may still be queued. */
static void thaw(struct store *store)
{
	store->execution.never_freezes = true;
	store->execution.frozen_until_ms = 0;
}

static void ask_supervisor(struct store *store)
{
	store->shutdown.is_saving = false;
	store->shutdown.is_asked = true;
	actor_post(store->actor, store->supervisor, SUPERVISOR_SHUTDOWN, store->shutdown.is_now, NULL);
}

/* Goes on serving. Answers those who wait for the shutdown. */
static void call_off(struct store *store)
{
	struct shutdown *shutdown = &store->shutdown;
	if (shutdown->is_by_supervisor)
		actor_post(store->actor, store->supervisor, SUPERVISOR_SHUTDOWN_FAILED, 0, NULL);
	*shutdown = (struct shutdown){ 0 };
	store->execution.never_freezes = false;
	blocked_wake_all(store, BLOCKED_SHUTDOWN, NULL);
}

void store_on_saved(struct store *store, bool is_saved)
{
	struct shutdown *shutdown = &store->shutdown;
	if (!shutdown->is_saving || store->saving.is_wanted[SNAPSHOT_TO_FILE])
		return;
	if (is_saved || shutdown->is_forced) {
		ask_supervisor(store);
		return;
	}
	log_event(LOG_WARNING, "Error trying to save the DB, can't exit. SHUTDOWN NOSAVE stops the server without saving");
	call_off(store);
}

void store_shut_down(struct store *store, const struct shutdown_options *options)
{
	struct shutdown *shutdown = &store->shutdown;
	/* Until all data are loaded, saving would lose the rest. */
	bool saves = !store->loading.is_on && (options->saves || (!options->saves_not && store->saving.point_count > 0));
	if (shutdown->is_asked)
		return;
	shutdown->is_now |= options->is_now;
	shutdown->is_forced |= options->is_forced;
	thaw(store);
	if (!saves) {
		shutdown->holds_writes = false;
		store_saving_stop(store);
		ask_supervisor(store);
	} else if (!shutdown->is_saving) {
		shutdown->is_saving = shutdown->holds_writes = true;
		log_event(LOG_NOTICE, "Saving the final RDB snapshot before exiting.");
		store_save_last(store);
	}
}

/* The snapshot goes on. */
bool store_abort_shutdown(struct store *store)
{
	if (!store->shutdown.is_saving)
		return false;
	log_event(LOG_NOTICE, "Shutdown manually aborted.");
	call_off(store);
	return true;
}

void store_on_signal(struct store *store, int number)
{
	int flags = number == SIGINT ? store->config.shutdown_on_sigint : number == SIGTERM ? store->config.shutdown_on_sigterm : SHUTDOWN_DEFAULT;
	struct shutdown_options options = {
		.saves = flags & SHUTDOWN_SAVE, .saves_not = flags & SHUTDOWN_NOSAVE, .is_now = flags & SHUTDOWN_NOW,
		.is_forced = flags & SHUTDOWN_FORCE,
	};
	store->shutdown.is_by_supervisor = true;
	store_shut_down(store, &options);
	if (store->shutdown.is_saving)
		actor_post(store->actor, store->supervisor, SUPERVISOR_SHUTDOWN_WAITS, 0, NULL);
}

/*
 * The AOF is a required subscriber of the bus. While it takes frames, no command that makes effects begins without its credit. With
 * appendfsync always each reply carries the sequence that the bus had reached, and waits in its reactor until that frame is durable.
 */
#include "actors/store/durability.h"

#include <stdlib.h>

#include "actors/bus/subscriber.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/commands/handlers.h"
#include "actors/store/state.h"

/* INFO waits so long for the AOF, which may hang with its disk; then it shows what it knows. */
#define FIGURES_PATIENCE_MS 100

static bool is_logged(const struct store *store)
{
	return store->durability.link && store->config.appendonly;
}

static void update_gate(struct store *store)
{
	store->durability.is_gated = is_logged(store) && store->config.appendfsync == APPENDFSYNC_ALWAYS;
}

void durability_init(struct store *store)
{
	for (uint32_t i = 0; i < store->bus.link_count; i++)
		if (store->bus.links[i].actor->kind == ACTOR_AOF)
			store->durability.link = &store->bus.links[i];
	update_gate(store);
}

void durability_fini(struct store *store)
{
	free(store->durability.refusal);
}

bool durability_has_log(const struct store *store)
{
	return is_logged(store) || store->durability.switching == SWITCH_MAKES_BASE;
}

static void set_attached(struct store *store, bool is_attached)
{
	if (store->durability.is_attached == is_attached)
		return;
	store->durability.is_attached = is_attached;
	bus_set_interest(store->bus.bus, store->durability.link->number, is_attached ? BUS_FRAMES : 0);
	store_update_interest(store);
}

void durability_attach(struct store *store)
{
	if (durability_has_log(store))
		set_attached(store, true);
}

uint64_t durability_sequence(const struct store *store)
{
	return store->durability.is_gated ? bus_sequence(store->bus.bus) : 0;
}

/* ---- refusals ---- */

bool durability_refuses_writes(const struct store *store)
{
	return store->durability.refusal != NULL;
}

static const char *write_refusal(const struct store *store)
{
	return store->durability.refusal ? store->durability.refusal->text : saving_refusal(store);
}

/* With writes PING is refused too, as in Redis: so a proxy notices. */
const char *store_refusal(const struct store *store, const struct command *command)
{
	const char *refusal = write_refusal(store);
	if (refusal && ((command->flags & COMMAND_WRITE) || command->handler == cmd_ping))
		return refusal;
	if ((command->flags & COMMAND_WRITE) && (refusal = replication_refusal(store)))
		return refusal;
	if (store->loading.is_on && !(command->flags & COMMAND_LOADING))
		return "LOADING Redis is loading the dataset in memory";
	return NULL;
}

void durability_on_state(struct store *store, struct config_error *refusal)
{
	free(store->durability.refusal);
	store->durability.refusal = refusal;
	if (!store->is_stopping)
		actor_post(store->actor, store->durability.link->actor, AOF_STATE_TAKEN, 0, NULL);
}

/* ---- settings ---- */

static struct config *copy_of(const struct config *config)
{
	struct config *copy = malloc(sizeof(*copy));
	if (!copy)
		crash_out_of_memory("the settings of the append-only file");
	config_copy(copy, config);
	return copy;
}

static void post_settings(struct store *store, const struct config *config)
{
	store->durability.settings_are_out = true;
	actor_post(store->actor, store->durability.link->actor, AOF_SETTINGS, bus_sequence(store->bus.bus), copy_of(config));
}

static bool concerns_aof(const struct config_changes *changes)
{
	static const enum config_directive directives[] = {
		DIRECTIVE_appendonly, DIRECTIVE_appendfsync, DIRECTIVE_aof_timestamp_enabled, DIRECTIVE_no_appendfsync_on_rewrite,
		DIRECTIVE_auto_aof_rewrite_percentage, DIRECTIVE_auto_aof_rewrite_min_size,
	};
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (config_has_changed(changes, directives[i]))
			return true;
	return false;
}

void durability_config_changed(struct store *store, const struct config_changes *changes)
{
	if (!store->durability.link || !concerns_aof(changes))
		return;
	store->durability.settings_have_changed = true;
	if (!is_logged(store))
		rewriting_stop(store);
}

bool durability_settings_are_taken(const struct store *store)
{
	return !store->durability.settings_have_changed && !store->durability.settings_are_out;
}

/* Replies that wait at the gates, though none has to any more, wait for one more sync. */
static void take_settings(struct store *store)
{
	bool was_gated = store->durability.is_gated;
	update_gate(store);
	store->durability.sync_is_wanted |= was_gated && !store->durability.is_gated && is_logged(store);
	store_on_settings_taken(store);
}

static void make_base(struct store *store)
{
	store->durability.switching = SWITCH_MAKES_BASE;
	rewriting_on_asked(store);
}

void durability_on_settings_taken(struct store *store)
{
	store->durability.settings_are_out = false;
	if (store->durability.switching == SWITCH_OPENS)
		make_base(store);
	else if (!store->durability.settings_have_changed)
		take_settings(store);
}

/* ---- switching it on and off ---- */

void durability_switch_on(struct store *store, const struct config *next)
{
	store->durability.switching = SWITCH_IS_WANTED;
	store->durability.wanted = next;
}

static void end_switch(struct store *store, const char *error)
{
	store->durability.switching = SWITCH_NONE;
	store->durability.wanted = NULL;
	store_on_appendonly(store, error);
}

void durability_on_switch_failed(struct store *store, struct config_error *error)
{
	store->durability.settings_are_out = false;
	log_event(LOG_WARNING, "appendonly can't be switched on: %s", error->text);
	end_switch(store, error->text);
	free(error);
}

/* Without its base the log is closed again. */
void durability_on_first_base(struct store *store, bool is_done)
{
	end_switch(store, is_done ? NULL : "Unable to turn on AOF. Check server logs.");
	store->durability.settings_have_changed = true;
}

/* All frames of this turn are published, and replies of theirs are posted. */
static void detach_if_off(struct store *store)
{
	if (!store->durability.is_attached || durability_has_log(store))
		return;
	set_attached(store, false);
	store->durability.is_gated = false;
}

/* ---- questions ---- */

uint64_t store_durable_sequence(const struct store *store)
{
	return store->durability.durable;
}

void store_wait_durable(struct call *call, int64_t deadline_ms, session_resume *resume, void *state)
{
	session_block(call, BLOCKED_DURABLE, deadline_ms, resume, state);
}

void durability_on_durable(struct store *store, uint64_t sequence)
{
	store->durability.sync_is_asked = false;
	store->durability.durable = sequence;
	blocked_wake_all(store, BLOCKED_DURABLE, NULL);
}

bool store_ask_aof(struct call *call, session_resume *resume)
{
	if (!is_logged(call->store) || store_is_loading(call->store))
		return false;
	session_block(call, BLOCKED_AOF_FIGURES, store_monotonic_ms(call->store) + FIGURES_PATIENCE_MS, resume, NULL);
	return true;
}

const struct aof_figures *store_aof_figures(const struct store *store)
{
	return is_logged(store) ? &store->durability.figures : NULL;
}

void durability_on_figures(struct store *store, struct aof_figures *figures)
{
	store->durability.figures_are_asked = false;
	store->durability.figures = *figures;
	free(figures);
	blocked_wake_all(store, BLOCKED_AOF_FIGURES, NULL);
}

static void ask_for_sync(struct store *store)
{
	struct durability *durability = &store->durability;
	if (durability->sync_is_asked || !(durability->sync_is_wanted || blocked_first(store, BLOCKED_DURABLE)))
		return;
	durability->sync_is_asked = true;
	durability->sync_is_wanted = false;
	actor_post(store->actor, durability->link->actor, AOF_SYNC, bus_sequence(store->bus.bus), NULL);
}

/* One at a time. The AOF must see that the log was switched off before it is switched on again. */
static void post_news(struct store *store)
{
	struct durability *durability = &store->durability;
	if (durability->settings_are_out || durability->switching == SWITCH_MAKES_BASE)
		return;
	if (durability->settings_have_changed) {
		durability->settings_have_changed = false;
		post_settings(store, &store->config);
	} else if (durability->switching == SWITCH_IS_WANTED) {
		durability->switching = SWITCH_OPENS;
		post_settings(store, durability->wanted);
	}
}

/* The frames of this turn are published already, so the AOF gets them first. */
void durability_post(struct store *store)
{
	struct durability *durability = &store->durability;
	if (store->is_stopping || !durability->link)
		return;
	detach_if_off(store);
	post_news(store);
	ask_for_sync(store);
	if (!durability->figures_are_asked && blocked_first(store, BLOCKED_AOF_FIGURES)) {
		durability->figures_are_asked = true;
		actor_post(store->actor, durability->link->actor, AOF_DESCRIBE, 0, NULL);
	}
}

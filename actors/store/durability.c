/*
 * The AOF is a required subscriber of the bus. While it takes frames, no command that makes effects begins without its credit. With
 * appendfsync always each reply carries the sequence that the bus had reached, and waits in its reactor until that frame is durable.
 */
#include "actors/store/durability.h"

#include <stdlib.h>

#include "actors/bus/subscriber.h"
#include "actors/runtime/crash.h"
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

void durability_begin(struct store *store)
{
	if (!is_logged(store))
		return;
	bus_set_interest(store->bus.bus, store->durability.link->number, BUS_FRAMES);
	store_update_interest(store);
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

static void post_settings(struct store *store)
{
	struct config *config = malloc(sizeof(*config));
	if (!config)
		crash_out_of_memory("the settings of the append-only file");
	config_copy(config, &store->config);
	store->durability.settings_have_changed = false;
	store->durability.settings_are_out = true;
	actor_post(store->actor, store->durability.link->actor, AOF_SETTINGS, 0, config);
}

static bool concerns_aof(const struct config_changes *changes)
{
	static const enum config_directive directives[] = { DIRECTIVE_appendfsync, DIRECTIVE_aof_timestamp_enabled,
							    DIRECTIVE_no_appendfsync_on_rewrite };
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (config_has_changed(changes, directives[i]))
			return true;
	return false;
}

/* Replies need not wait any more at once; they wait again when the AOF has begun to sync each group. */
void durability_config_changed(struct store *store, const struct config_changes *changes)
{
	if (!store->durability.link || !concerns_aof(changes))
		return;
	store->durability.is_gated &= store->config.appendfsync == APPENDFSYNC_ALWAYS;
	store->durability.settings_have_changed = true;
}

bool durability_settings_are_taken(const struct store *store)
{
	return !store->durability.settings_have_changed && !store->durability.settings_are_out;
}

void durability_on_settings_taken(struct store *store)
{
	store->durability.settings_are_out = false;
	if (!store->durability.settings_have_changed)
		update_gate(store);
	store_on_settings_taken(store);
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

/* The frames of this turn are published already, so the AOF gets them first. */
void durability_post(struct store *store)
{
	struct durability *durability = &store->durability;
	if (store->is_stopping || !durability->link)
		return;
	struct actor *aof = durability->link->actor;
	if (durability->settings_have_changed && !durability->settings_are_out)
		post_settings(store);
	if (!durability->sync_is_asked && blocked_first(store, BLOCKED_DURABLE)) {
		durability->sync_is_asked = true;
		actor_post(store->actor, aof, AOF_SYNC, bus_sequence(store->bus.bus), NULL);
	}
	if (!durability->figures_are_asked && blocked_first(store, BLOCKED_AOF_FIGURES)) {
		durability->figures_are_asked = true;
		actor_post(store->actor, aof, AOF_DESCRIBE, 0, NULL);
	}
}

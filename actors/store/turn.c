/*
 * A turn of the store: one message, and the phases behind it. Only here, and in what is called from here, are commands executed; everybody
 * else wakes.
 */
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/store/backlog.h"
#include "actors/store/blocked.h"
#include "actors/store/execute.h"
#include "actors/store/state.h"
#include "actors/store/turn_limits.h"

/* Counts go to the observer at least this often while there are any. */
#define TALLY_MS 100
/* Connections that were set aside get half a turn at least this often, however many messages wait. */
#define SET_ASIDE_WAIT_MS 20

/* ---- those who wait before their command begins ---- */

static bool is_unpaused(struct store *store)
{
	return !store_is_paused(store);
}

static bool has_credit(struct store *store)
{
	return store_has_credit(store);
}

/* The first has waited longest, and its text has room at its reactor. */
static struct session *next_on(const struct store *store, enum blocked_topic topic)
{
	struct session *first = blocked_first(store, topic);
	return first && turn_has_output_space(store, first->connection.reactor) ? first : NULL;
}

/* As many as there is time for, and as long as what they wait for holds: one of them may take it away again. */
static void execute_while(struct store *store, enum blocked_topic topic, bool (*holds)(struct store *store))
{
	struct session *first;
	while ((first = next_on(store, topic)) && store_is_free(store) && turn_has_time(store) && (!holds || holds(store)))
		execute_blocked(store, first);
}

bool store_is_behind(struct store *store)
{
	bool has_credited = next_on(store, BLOCKED_BUS_CREDIT) && store_has_credit(store);
	bool has_unpaused = next_on(store, BLOCKED_PAUSE) && !store_is_paused(store);
	return store_is_free(store) && (backlog_is_ready(store) || next_on(store, BLOCKED_TURN) || has_credited || has_unpaused);
}

/* ---- phases ---- */

static void execute_woken(struct store *store)
{
	struct session *first;
	while ((first = blocked_first(store, BLOCKED_WOKEN)))
		execute_blocked(store, first);
	blocked_forget_answer(store);
}

/*
 * Slow commands wait while messages wait, each of which is a turn: else every tick and every credit would let another one begin before the
 * requests behind them. But not for ever.
 */
static bool is_time_for_set_aside(const struct store *store)
{
	return blocked_first(store, BLOCKED_TURN) &&
	       (actor_mailbox_depth(store->actor) == 0 ||
		store->turn.monotonic_ms - store->execution.set_aside_ran_ms >= SET_ASIDE_WAIT_MS);
}

static void execute_released(struct store *store)
{
	store->turn.some_are_set_aside = is_time_for_set_aside(store);
	if (store->turn.some_are_set_aside)
		turn_limit_to_half(store);
	execute_while(store, BLOCKED_PAUSE, is_unpaused);
	execute_while(store, BLOCKED_BUS_CREDIT, has_credit);
}

static void execute_set_aside(struct store *store)
{
	if (!store->turn.some_are_set_aside)
		return;
	store_post_pushes(store); /* what others are owed by now */
	turn_grant_half(store);
	execute_while(store, BLOCKED_TURN, NULL);
	store->execution.set_aside_ran_ms = monotonic_ms();
}

static void execute_due(struct store *store)
{
	blocked_wake_due(store);
	execute_woken(store);
}

/* Those for whom there is room below maxmemory, as long as the slice for eviction lasts. */
static void execute_blocked_on_memory(struct store *store)
{
	struct session *first;
	enum memory_outcome outcome = store_evict(store, (struct args_size){ 0 });
	while ((first = blocked_first(store, BLOCKED_MEMORY)) &&
	       (outcome = store_evict(store, blocked_args_size(first))) != MEMORY_LATER) {
		execute_blocked(store, first);
		if (store_eviction_slice_is_over(store)) {
			outcome = MEMORY_LATER;
			break;
		}
	}
	store_plan_eviction(store, outcome);
}

/* Several changes while one message is under way become one. */
static void post_settings(struct store *store)
{
	for (uint32_t i = 0; i < store->reactor_count; i++) {
		struct reactor_side *side = &store->reactors[i];
		if (!side->settings_have_changed || (side->out & OUT_BIT(REACTOR_SETTINGS)))
			continue;
		struct settings *settings = malloc(sizeof(*settings));
		if (!settings)
			crash_out_of_memory("the settings of a reactor");
		*settings = store_settings(&store->config);
		side->settings_have_changed = false;
		side->out |= OUT_BIT(REACTOR_SETTINGS);
		actor_post(store->actor, side->actor, REACTOR_SETTINGS, 0, settings);
	}
}

static void give_tally_if_due(struct store *store)
{
	if (store->turn.monotonic_ms - store->stats.tally_given_ms < TALLY_MS || !store->stats.tally_has_news)
		return;
	if (bus_credit_bytes(store->bus.bus, store->bus.observer) <= 0)
		return;
	store->stats.tally_given_ms = store->turn.monotonic_ms;
	store->stats.tally_has_news = false;
	store_give_tally(store);
}

/* In this order. Those that are not for a frozen store are left out while it is (DEBUG SLEEP). */
static const struct {
	void (*run)(struct store *store);
	bool is_for_frozen;
} phases[] = {
	{ execute_woken, true },       /* what the message has answered began before everything that waits here */
	{ execute_released, true },    /* has waited longer than the backlog */
	{ backlog_execute, true },     /* quick commands do not wait for slow ones: */
	{ execute_set_aside, true },   /* connections whose commands have used up a turn; half of this one is theirs */
	{ execute_due, false },        /* a command that came in time is served before a deadline of the same moment */
	{ store_cron, false },         /* what left by itself in this turn makes room */
	{ execute_blocked_on_memory, false }, /* before memory is counted */
	{ store_update_memory, true }, /* all that changes memory has been done */
	{ give_tally_if_due, true },   /* counts what was executed, in the turn's message */
	{ store_publish, true },       /* all effects of the turn, in one message, before anybody learns of them */
	{ store_post_questions, true }, /* behind frames and counts: the answers include them */
	{ store_post_pushes, true },   /* what was not sent home with a batch */
	{ post_settings, true },       /* what was written under the former ones has left */
	{ store_arm_timer, true },     /* all deadlines are known */
};

static void begin(struct store *store)
{
	store->turn.now_ms = wall_clock_ms();
	store->turn.monotonic_ms = monotonic_ms();
	store_begin_eviction_slice(store);
	eviction_tick(&store->memory.eviction, &store->databases, store->turn.monotonic_ms);
	store_roll_rates(store);
	turn_limits_begin(store);
}

void store_turn(void *state, struct message message)
{
	struct store *store = state;
	begin(store);
	store_take(store, message);
	if (store->is_stopping && message.type != STORE_STOP)
		return; /* the subscribers may have stopped by now: nothing follows what STORE_STOP gave them */
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (phases[i].is_for_frozen || store_is_free(store))
			phases[i].run(store);
	if (message.type == STORE_STOP)
		actor_post(store->actor, store->supervisor, STORE_STOP_DONE, 0, NULL);
}

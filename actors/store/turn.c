/*
 * A turn of the store: handling one message, then the phases. Commands are executed only by the phases. Other code wakes sessions, and the
 * phases execute them.
 */
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/store/backlog.h"
#include "actors/store/blocked.h"
#include "actors/store/execute.h"
#include "actors/store/state.h"
#include "actors/store/turn_limits.h"

/* While there are new counts, the observer gets them this often. */
#define TALLY_MS 100
/* Connections that were set aside get half a turn at least this often, however many messages wait. */
#define SET_ASIDE_WAIT_MS 20

/* ---- sessions blocked before their command begins ---- */

static bool is_unpaused(struct store *store)
{
	return store_pause_is_over(store);
}

static bool has_room_for_former_states(struct store *store)
{
	return !store_snapshot_is_full(store);
}

static bool has_credit(struct store *store)
{
	return store_has_credit(store) || durability_refuses_writes(store); /* these commands are to be refused, not to wait */
}

/* The session that has waited longest, if its reactor can take more reply text now. */
static struct session *next_on(const struct store *store, enum blocked_topic topic)
{
	struct session *first = blocked_first(store, topic);
	return first && turn_has_output_space(store, first->connection.reactor) ? first : NULL;
}

/* Executes sessions while there is time and the condition holds; each command may end the condition. */
static void execute_while(struct store *store, enum blocked_topic topic, bool (*holds)(struct store *store))
{
	struct session *first;
	while ((first = next_on(store, topic)) && !store_is_frozen(store) && turn_has_time(store) && (!holds || holds(store)))
		execute_blocked(store, first);
}

/* Commands wait for nothing but the next turn. */
static bool is_behind(struct store *store)
{
	bool has_credited = next_on(store, BLOCKED_BUS_CREDIT) && has_credit(store);
	bool has_room = next_on(store, BLOCKED_SNAPSHOT) && !store_snapshot_is_full(store);
	bool has_unpaused = next_on(store, BLOCKED_PAUSE) && store_pause_is_over(store);
	return !store_is_frozen(store) && (blocked_first(store, BLOCKED_WOKEN) || backlog_is_ready(store) || next_on(store, BLOCKED_TURN) ||
					   has_credited || has_room || has_unpaused);
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
	execute_while(store, BLOCKED_SNAPSHOT, has_room_for_former_states);
}

static void execute_set_aside(struct store *store)
{
	if (!store->turn.some_are_set_aside)
		return;
	store_post_pushes(store); /* the replies written so far need not wait for the slow commands */
	turn_grant_half(store);
	execute_while(store, BLOCKED_TURN, NULL);
	store->execution.set_aside_ran_ms = monotonic_ms();
}

static void execute_due(struct store *store)
{
	blocked_wake_due(store);
	execute_woken(store);
}

static enum memory_outcome evict_for(struct store *store, struct session *blocked)
{
	struct call call = blocked_call(store, blocked, blocked->blocked_request);
	return store_evict(store, &call);
}

/* Executes the sessions for which there is enough memory, until the eviction slice is over. */
static void execute_blocked_on_memory(struct store *store)
{
	struct session *first;
	enum memory_outcome outcome = store_evict(store, NULL);
	while ((first = blocked_first(store, BLOCKED_MEMORY)) && (outcome = evict_for(store, first)) != MEMORY_LATER) {
		execute_blocked(store, first);
		if (store_eviction_slice_is_over(store)) {
			outcome = MEMORY_LATER;
			break;
		}
	}
	store_plan_eviction(store, outcome);
}

/* Changes made while a message is in flight are sent together when it has been acknowledged. */
static void post_settings(struct store *store)
{
	for (uint32_t i = 0; i < store->reactor_count; i++) {
		struct reactor_side *side = &store->reactors[i];
		if (!side->settings_have_changed || side->is_out[REACTOR_SETTINGS])
			continue;
		struct settings *settings = malloc(sizeof(*settings));
		if (!settings)
			crash_out_of_memory("the settings of a reactor");
		*settings = store_settings(&store->config);
		side->settings_have_changed = false;
		side->is_out[REACTOR_SETTINGS] = true;
		actor_post(store->actor, side->actor, REACTOR_SETTINGS, 0, settings);
	}
}

static void give_tally_if_due(struct store *store)
{
	if (store->turn.monotonic_ms - store->stats.tally_given_ms < TALLY_MS || !store->stats.tally_has_news)
		return;
	if (!bus_has_credit(store->bus.bus, BUS_TALLY))
		return;
	store->stats.tally_given_ms = store->turn.monotonic_ms;
	store->stats.tally_has_news = false;
	store_give_tally(store);
}

static void arm_timer(struct store *store)
{
	store_arm_timer(store, is_behind(store));
}

/* The phases in order. While the store is frozen (DEBUG SLEEP), only those marked for it run. */
static const struct {
	void (*run)(struct store *store);
	bool is_for_frozen;
} phases[] = {
	{ execute_woken, true },              /* first: these commands began before all others */
	{ execute_released, true },           /* these commands arrived before the backlog */
	{ backlog_execute, true },            /* before slow clients, so that quick commands do not wait for slow ones */
	{ execute_set_aside, true },          /* slow clients have half of the turn */
	{ execute_due, false },               /* after the backlog: a command that arrived in time wins over a deadline */
	{ store_cron, false },                /* expiry frees memory before eviction needs to */
	{ execute_blocked_on_memory, false }, /* before memory is measured */
	{ rewriting_go_on, false },           /* it may want a snapshot */
	{ store_go_on_saving, false },        /* after eviction, which may add to a snapshot; before the frames leave */
	{ store_update_memory, true },        /* nothing later in the turn changes memory */
	{ give_tally_if_due, true },          /* into the same message as the frames */
	{ store_publish, true },              /* all effects of the turn in one message, before replies are sent */
	{ store_post_reload, true },          /* after the frames, which the log is to have first */
	{ replication_go_on, true },          /* what replicas get leaves with the replies */
	{ store_post_questions, true },       /* after frames and counts, so that the answers include them */
	{ store_post_pushes, true },          /* replies that did not leave with a request batch */
	{ durability_post, true },            /* after frames and replies: they belong to the settings before */
	{ post_settings, true },              /* after the replies written under the old settings */
	{ arm_timer, true },                  /* all deadlines are known now */
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
		return; /* the subscribers may have stopped: publish nothing after STORE_STOP */
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (phases[i].is_for_frozen || !store_is_frozen(store))
			phases[i].run(store);
	if (message.type != STORE_STOP)
		return;
	bus_finish(store->bus.bus);
	actor_post(store->actor, store->supervisor, STORE_STOP_DONE, 0, NULL);
}

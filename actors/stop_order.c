#include "actors/stop_order.h"

#include "actors/runtime/actor.h"

/*
 * The steps of each kind, put together in the order of topology.def: a kind without steps doesn't compile. A step waits until all earlier ones
 * have been answered, unless it goes with the one before.
 */
struct step {
	post_order *post;
	enum actor_kind kind;
	bool is_answered, goes_with_former;
};
#define STOPS(name) { .post = post_##name##_STOP, .kind = ACTOR_##name, .is_answered = true },
#define STOPS_TOO(name) { .post = post_##name##_STOP, .kind = ACTOR_##name, .is_answered = true, .goes_with_former = true },

#define STEPS_OF_SUPERVISOR
#define STEPS_OF_REACTOR { .post = post_STORE_THAW, .kind = ACTOR_STORE }, STOPS(REACTOR)
#define STEPS_OF_STORE STOPS(STORE)
/* The AOF posts to reactors to the end. */
#define STEPS_OF_AOF STOPS(AOF) { .post = post_REACTOR_LEAVE, .kind = ACTOR_REACTOR },
#define STEPS_OF_SYNCER STOPS(SYNCER)
#define STEPS_OF_SNAPSHOT STOPS(SNAPSHOT)
#define STEPS_OF_OBSERVER STOPS(OBSERVER)
#define STEPS_OF_REPLICATION STOPS(REPLICATION)
#define STEPS_OF_SUBSCRIBER STOPS(SUBSCRIBER)
#define STEPS_OF_BLOCKING_SUBSCRIBER STOPS(BLOCKING_SUBSCRIBER)
/* the helpers */
#define STEPS_OF_REAPER STOPS(REAPER)
#define STEPS_OF_WORKER STOPS_TOO(WORKER)

static const struct step steps[] = {
#define ACTOR(name, ...) STEPS_OF_##name
#define EDGE(...)
#include "actors/runtime/topology.def"
#undef ACTOR
#undef EDGE
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

void stop_order_init(struct stop_order *order, struct actor *supervisor)
{
	*order = (struct stop_order){ .supervisor = supervisor };
}

static void take_step(struct stop_order *order)
{
	struct runtime *runtime = order->supervisor->runtime;
	enum actor_kind kind = steps[order->step].kind;
	uint32_t count = runtime_count(runtime, kind);
	for (uint32_t i = 0; i < count; i++)
		steps[order->step].post(order->supervisor, runtime_actor(runtime, kind, i), order->is_now, NULL);
	if (steps[order->step].is_answered)
		order->answers_missing += count;
	order->step++;
}

static void go_on(struct stop_order *order)
{
	while (order->step < STEPS && (order->answers_missing == 0 || steps[order->step].goes_with_former))
		take_step(order);
}

void stop_order_begin(struct stop_order *order, bool is_now)
{
	if (order->has_begun)
		return;
	order->has_begun = true;
	order->is_now = is_now;
	go_on(order);
}

bool stop_order_take_answer(struct stop_order *order)
{
	if (--order->answers_missing > 0)
		return false;
	go_on(order);
	return order->step == STEPS;
}

bool stop_order_cut(struct stop_order *order)
{
	if (order->is_cut)
		return false;
	order->is_cut = true;
	actor_post(order->supervisor, runtime_actor(order->supervisor->runtime, ACTOR_STORE, 0), STORE_DROP, 0, NULL);
	return true;
}

bool stop_order_is_over(const struct stop_order *order)
{
	return order->step == STEPS && order->answers_missing == 0;
}

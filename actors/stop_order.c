#include "actors/stop_order.h"

#include "actors/runtime/actor.h"

static const struct {
	post_order *post;
	enum actor_kind kind;
	bool is_answered;
} steps[] = {
	{ post_STORE_THAW, ACTOR_STORE, false },
	{ post_REACTOR_STOP, ACTOR_REACTOR, true },
	{ post_STORE_STOP, ACTOR_STORE, true },
	{ post_REACTOR_LEAVE, ACTOR_REACTOR, false },
	{ post_OBSERVER_STOP, ACTOR_OBSERVER, true },
	{ post_SUBSCRIBER_STOP, ACTOR_SUBSCRIBER, true },
	{ post_BLOCKING_SUBSCRIBER_STOP, ACTOR_BLOCKING_SUBSCRIBER, true },
	/* the helpers */
	{ post_REAPER_STOP, ACTOR_REAPER, true },
	{ post_WORKER_STOP, ACTOR_WORKER, true },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))
#define STEPS_OF_SERVICE (STEPS - 2)

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
	while (order->answers_missing == 0 && order->step < STEPS_OF_SERVICE)
		take_step(order);
	if (order->answers_missing > 0)
		return;
	while (order->step < STEPS)
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

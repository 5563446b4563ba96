/*
 * A LOOP actor's mailbox callback runs on a pool thread: it stores the message in `arrived` and wakes the loop. The mailbox
 * is rearmed only after the turn, so one message is all that can arrive.
 */
#include "actors/runtime/host.h"

#include <ev.h>
#include <sched.h>
#include <stdlib.h>

#include "actors/runtime/cpus.h"
#include "actors/runtime/crash.h"

struct loop_host {
	ev_async wake;
	ev_prepare before_wait;
	ev_check after_wait;
	struct message arrived;
	_Atomic bool has_arrived;
	struct moment iteration_began;
	bool has_posted; /* since the loop last waited */
	bool has_one_cpu;
};

static void on_pool_message(void *context, struct message message)
{
	struct actor *actor = context;
	crash_prepare_thread(); /* NNG starts these threads, so they are prepared here */
	actor_take_turn(actor, message);
	actor_exit();
	mailbox_rearm(actor->mailbox);
}

static void on_loop_message(void *context, struct message message)
{
	struct actor *actor = context;
	actor->host->arrived = message;
	/* Release, pairs with the acquire in on_wake(): the loop's thread sees the whole message. */
	atomic_store_explicit(&actor->host->has_arrived, true, memory_order_release);
	ev_async_send(actor->loop, &actor->host->wake);
}

static void on_wake(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct actor *actor = watcher->data;
	if (!atomic_exchange_explicit(&actor->host->has_arrived, false, memory_order_acquire))
		return;
	actor_take_turn(actor, actor->host->arrived);
	actor_enter(actor);
	mailbox_rearm(actor->mailbox);
}

static void on_after_wait(struct ev_loop *loop, ev_check *watcher, int events)
{
	struct actor *actor = watcher->data;
	actor->host->iteration_began = moment_now();
}

static void on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct actor *actor = watcher->data;
	if (actor->host->iteration_began.ns)
		count_turn(&actor->loop_count, actor->host->iteration_began);
	actor->host->iteration_began.ns = 0;
	/* The receivers share this CPU: let them answer first, so that the loop then finds several events at once. */
	if (actor->host->has_posted && actor->host->has_one_cpu)
		sched_yield();
	actor->host->has_posted = false;
}

static void host_on_loop(struct actor *actor)
{
	actor->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_SIGNALFD); /* signals arrive by a descriptor and interrupt no system call */
	actor->host = calloc(1, sizeof(*actor->host));
	if (!actor->loop || !actor->host)
		crash_out_of_memory("an event loop");
	actor->host->has_one_cpu = cpus_are_one();
	ev_async_init(&actor->host->wake, on_wake);
	ev_prepare_init(&actor->host->before_wait, on_before_wait);
	ev_check_init(&actor->host->after_wait, on_after_wait);
	/* An iteration is timed from before its first callback to after its last one. */
	ev_set_priority(&actor->host->after_wait, EV_MAXPRI);
	ev_set_priority(&actor->host->before_wait, EV_MINPRI);
	actor->host->wake.data = actor->host->before_wait.data = actor->host->after_wait.data = actor;
	ev_async_start(actor->loop, &actor->host->wake);
	ev_prepare_start(actor->loop, &actor->host->before_wait);
	ev_check_start(actor->loop, &actor->host->after_wait);
}

void host_init(struct actor *actor, enum host_kind kind)
{
	if (kind == HOST_LOOP)
		host_on_loop(actor);
}

void host_fini(struct actor *actor)
{
	if (!actor->loop)
		return;
	ev_async_stop(actor->loop, &actor->host->wake);
	ev_prepare_stop(actor->loop, &actor->host->before_wait);
	ev_check_stop(actor->loop, &actor->host->after_wait);
	ev_loop_destroy(actor->loop);
	free(actor->host);
}

mailbox_receive *host_receive(const struct actor *actor)
{
	return actor->loop ? on_loop_message : on_pool_message;
}

void host_note_post(struct actor *actor)
{
	if (actor->host)
		actor->host->has_posted = true;
}

bool host_take_arrived(struct actor *actor, struct message *out_message)
{
	/* Acquire: as in on_wake(). */
	if (!actor->host || !atomic_exchange_explicit(&actor->host->has_arrived, false, memory_order_acquire))
		return false;
	*out_message = actor->host->arrived;
	return true;
}

void actor_run(struct actor *actor)
{
	actor_enter(actor);
	ev_run(actor->loop, 0);
	actor_exit();
}

void actor_leave(struct actor *actor)
{
	ev_break(actor->loop, EVBREAK_ALL);
}

/*
 * A LOOP actor's mailbox callback runs on a pool thread: it stores the message in `arrived` and wakes the loop. The mailbox
 * is rearmed only after the turn, so one message is all that can arrive.
 *
 * An actor's timer is a timerfd: libev rounds its own timers up to a millisecond. Arming and disarming clear an expiry that the loop has
 * seen and not yet handled: its callback then reads nothing.
 */
#include "actors/runtime/host.h"

#include <ev.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "actors/runtime/cpus.h"
#include "actors/runtime/crash.h"

struct loop_host {
	ev_async wake;
	ev_prepare before_wait;
	ev_check after_wait;
	ev_io timer;         /* started when the timer is first armed */
	uint32_t timer_type;
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

static void on_timer(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct actor *actor = watcher->data;
	uint64_t expiries;
	if (read(watcher->fd, &expiries, sizeof(expiries)) != sizeof(expiries))
		return;
	actor_take_timer_turn(actor, actor->host->timer_type);
	actor_enter(actor);
}

static void open_timer(struct actor *actor)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd < 0)
		crash_out_of_memory("a timer");
	ev_io_init(&actor->host->timer, on_timer, fd, EV_READ);
	actor->host->timer.data = actor;
	ev_io_start(actor->loop, &actor->host->timer);
}

static void set_timer(struct actor *actor, uint64_t at_ns)
{
	const struct itimerspec when = { .it_value = { .tv_sec = (time_t)(at_ns / 1000000000), .tv_nsec = (long)(at_ns % 1000000000) } };
	if (timerfd_settime(actor->host->timer.fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		crash_broken_invariant("%s can't set its timer to %llu ns", actor->name, (unsigned long long)at_ns);
}

void host_arm_timer(struct actor *actor, uint32_t type, uint64_t at_ns)
{
	if (!ev_is_active(&actor->host->timer))
		open_timer(actor);
	actor->host->timer_type = type;
	set_timer(actor, at_ns ? at_ns : 1); /* 0 would disarm it */
}

void host_disarm_timer(struct actor *actor)
{
	if (ev_is_active(&actor->host->timer))
		set_timer(actor, 0);
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
	if (ev_is_active(&actor->host->timer)) {
		ev_io_stop(actor->loop, &actor->host->timer);
		close(actor->host->timer.fd);
	}
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

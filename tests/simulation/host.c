/*
 * The simulated host: every turn runs where the scheduler delivers its message, for pool and loop actors alike. Actors that need a loop
 * for more than messages and their timer have doubles. A timer is a source that is ready when the simulated clock has reached its time.
 */
#include "simulation/host.h"

#include <stdlib.h>

#include "simulation/fiber.h"
#include "simulation/scheduler.h"

struct loop_host {
	struct source timer;
	bool is_armed;
	uint32_t type;
	uint64_t at_ns;
	struct fiber *fiber;    /* NULL: its turns run where the scheduler does */
	struct message message; /* of the turn on the fiber */
};


static bool is_due(void *context)
{
	const struct actor *actor = context;
	const struct loop_host *host = actor->host;
	return host->is_armed && host->at_ns <= scheduler_now_ns() && !(host->fiber && fiber_is_busy(host->fiber));
}

static void take_timer_turn(void *context)
{
	struct actor *actor = context;
	actor_take_timer_turn(actor, actor->host->type);
	actor_exit();
}

static void on_timer(void *context)
{
	struct actor *actor = context;
	scheduler_note("timer %s", actor->name);
	actor->host->is_armed = false;
	if (actor->host->fiber)
		fiber_run(actor->host->fiber, take_timer_turn, actor);
	else
		take_timer_turn(actor);
}

void host_init(struct actor *actor, enum host_kind kind)
{
	if (kind != HOST_LOOP)
		return;
	if (!(actor->host = calloc(1, sizeof(*actor->host))))
		abort();
	actor->host->timer = (struct source){ .is_ready = is_due, .run = on_timer, .context = actor, .pace = 100 };
	scheduler_add(&actor->host->timer);
}

void host_fini(struct actor *actor)
{
	if (!actor->host)
		return;
	scheduler_remove(&actor->host->timer);
	if (actor->host->fiber)
		fiber_destroy(&actor->host->fiber);
	free(actor->host);
}

void host_arm_timer(struct actor *actor, uint32_t type, uint64_t at_ns)
{
	actor->host->is_armed = true;
	actor->host->type = type;
	actor->host->at_ns = at_ns;
}

void host_disarm_timer(struct actor *actor)
{
	actor->host->is_armed = false;
}

void host_use_fiber(struct actor *actor)
{
	actor->host->fiber = fiber_create();
}

static void take_turn(struct actor *actor, struct message message)
{
	actor_take_turn(actor, message);
	actor_exit();
	mailbox_rearm(actor->mailbox);
}

static void take_turn_on_fiber(void *context)
{
	struct actor *actor = context;
	take_turn(actor, actor->host->message);
}

static void on_message(void *context, struct message message)
{
	struct actor *actor = context;
	if (!actor->host || !actor->host->fiber) {
		take_turn(actor, message);
		return;
	}
	actor->host->message = message;
	fiber_run(actor->host->fiber, take_turn_on_fiber, actor);
}

mailbox_receive *host_receive(const struct actor *actor)
{
	return on_message;
}

void host_note_post(struct actor *actor)
{
}

bool host_take_arrived(struct actor *actor, struct message *out_message)
{
	return false;
}

/* No actor has a thread. */
void actor_run(struct actor *actor)
{
	abort();
}

void actor_leave(struct actor *actor)
{
}

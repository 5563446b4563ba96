/*
 * The simulated host: every turn runs where the scheduler delivers its message, for pool and loop actors alike. Actors that need a loop
 * for more than messages and their timer have doubles. A timer is a source that is ready when the simulated clock has reached its time.
 */
#include "actors/runtime/host.h"

#include <stdlib.h>

#include "simulation/scheduler.h"

struct loop_host {
	struct source timer;
	bool is_armed;
	uint32_t type;
	uint64_t at_ns;
};

static bool is_due(void *context)
{
	const struct actor *actor = context;
	return actor->host->is_armed && actor->host->at_ns <= scheduler_now_ns();
}

static void on_timer(void *context)
{
	struct actor *actor = context;
	scheduler_note("timer %s", actor->name);
	actor->host->is_armed = false;
	actor_take_timer_turn(actor, actor->host->type);
	actor_exit();
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

static void on_message(void *context, struct message message)
{
	struct actor *actor = context;
	actor_take_turn(actor, message);
	actor_exit();
	mailbox_rearm(actor->mailbox);
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

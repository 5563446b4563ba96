/*
 * The simulated host: every turn runs where the scheduler delivers its message, for pool and loop actors alike. Actors that need a loop
 * for more than messages have doubles.
 */
#include "actors/runtime/host.h"

#include <stdlib.h>

void host_init(struct actor *actor, enum host_kind kind)
{
}

void host_fini(struct actor *actor)
{
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

/*
 * What the simulated implementation of transport/channel.h offers to tests beside that interface.
 */
#ifndef TESTS_SIMULATION_CHANNEL_H
#define TESTS_SIMULATION_CHANNEL_H

#include "transport/channel.h"

/* How many of 100 chances to take a message the mailbox takes (scheduler.h); 100 at first, 0 holds it. */
void mailbox_set_pace(struct mailbox *mailbox, unsigned pace);

/* Is told of every message as it is posted, and again just before its receiver, the context of a mailbox, has it. NULL: nobody. */
enum channel_event { CHANNEL_POSTED, CHANNEL_RECEIVED };
typedef void channel_watch(void *context, enum channel_event event, void *receiver, const struct message *message);
void channel_set_watch(channel_watch *watch, void *context);

#endif

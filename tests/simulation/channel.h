/*
 * What the simulated transport/channel.h offers to tests beyond that interface.
 */
#ifndef TESTS_SIMULATION_CHANNEL_H
#define TESTS_SIMULATION_CHANNEL_H

#include "transport/channel.h"

/* In how many of 100 chances the mailbox takes a message (scheduler.h); at first 100, 0 holds it. */
void mailbox_set_pace(struct mailbox *mailbox, unsigned pace);

/* Called for every message when it is posted, and again just before its receiver (the context of a mailbox) gets it; may be NULL. */
enum channel_event { CHANNEL_POSTED, CHANNEL_RECEIVED };
typedef void channel_watch(void *context, enum channel_event event, void *receiver, const struct message *message);
void channel_set_watch(channel_watch *watch, void *context);

#endif

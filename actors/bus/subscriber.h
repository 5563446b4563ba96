/*
 * What every subscriber of the command bus does alike: it checks the sequence, gives credit back, and stops when told and empty.
 *
 * A subscriber's own state embeds this and calls subscriber_turn() first; what that doesn't take is its own.
 */
#ifndef ACTORS_SUBSCRIBER_H
#define ACTORS_SUBSCRIBER_H

#include "actors/runtime/actor.h"
#include "transport/bus.h"

struct subscriber {
	struct actor *actor, *store;
	struct bus_cursor cursor;
	uint32_t interest;    /* enum bus_interest: what it may be given; a message may hold more */
	uint64_t owed_bytes;  /* of credit, not yet given back */
	uint64_t give_back_at_bytes;
	bool is_stopping;
	/* Takes a message of the bus in; borrowed for the call. */
	void (*take)(void *context, const struct bus_message *message);
	void *context;
};

/* `credit_bytes` is what the store was told; 0: BUS_CREDIT_BYTES. */
void subscriber_init(struct subscriber *subscriber, struct runtime *runtime, uint32_t index, uint32_t interest, int64_t credit_bytes,
		     void (*take)(void *context, const struct bus_message *message), void *context);

/* False: the message is one for the observer, and is not dealt with. */
bool subscriber_turn(struct subscriber *subscriber, struct message message);

/* Credit owed, to be sent along with another message; nothing is owed afterwards. */
uint64_t subscriber_take_credit(struct subscriber *subscriber);

#endif

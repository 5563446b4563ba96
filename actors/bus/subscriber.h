/*
 * What every subscriber of the command bus does alike: it checks the sequence, gives credit back, and stops when told and empty.
 *
 * A subscriber is an actor of any kind and host, with messages of its own: NAME_FRAMES, NAME_STOP, NAME_STOP_DONE, STORE_NAME_CREDIT,
 * and NAME_ATTACH if it takes frames; its line in `subscriber_kinds` names them. Its state embeds this; its inbox hands these messages over
 * with subscriber_on_frames() and the like. SUBSCRIBER and BLOCKING_SUBSCRIBER have no more messages than these: subscriber_bind() is all
 * that they need.
 *
 * A required subscriber sees every frame from the one on at which it was attached; a gap is a broken invariant. An optional one that has no
 * credit is passed over, and attached anew when it has some: it is told how many frames it has not seen.
 */
#ifndef ACTORS_BUS_SUBSCRIBER_H
#define ACTORS_BUS_SUBSCRIBER_H

#include "actors/runtime/actor.h"
#include "transport/bus.h"

/* How a kind of subscriber and the store speak to each other. */
struct subscriber_kind {
	void (*post_frames)(struct actor *store, struct actor *subscriber, uint64_t number, struct bus_message *message);
	post_order *post_attach; /* NULL: takes no frames */
	post_order *post_credit, *post_wants; /* to the store; post_wants may be NULL */
	post_order *post_stop_done;
};
/* NULL: actors of that kind don't subscribe. */
const struct subscriber_kind *subscriber_kind(enum actor_kind kind);

struct subscriber {
	const struct subscriber_kind *kind;
	struct actor *actor, *store;
	struct bus_cursor cursor;
	uint32_t interest;    /* enum bus_interest: what it may be given; a message may hold more */
	uint64_t owed_bytes;  /* of credit, not yet given back */
	uint64_t give_back_at_bytes;
	uint64_t missed;      /* frames that it was passed over with */
	bool is_stopping;
	/* Takes a message of the bus in; borrowed for the call. */
	void (*take)(void *context, const struct bus_message *message);
	void *context;
};

/* What a subscriber is made from. */
struct subscriber_options {
	uint32_t interest;    /* enum bus_interest */
	int64_t credit_bytes; /* what the store was told; 0: BUS_CREDIT_BYTES */
	void (*take)(void *context, const struct bus_message *message);
	void *context;
};
void subscriber_init(struct subscriber *subscriber, struct actor *actor, const struct subscriber_options *options);
/* The same for SUBSCRIBER and BLOCKING_SUBSCRIBER, whose turns are wholly here. */
void subscriber_bind(struct subscriber *subscriber, struct actor *actor, const struct subscriber_options *options);

/* In a turn of the subscriber, with what its message brings. The last one answers when everything has been taken in. */
void subscriber_on_frames(struct subscriber *subscriber, struct bus_message *message);
void subscriber_on_attach(struct subscriber *subscriber, uint64_t sequence);
void subscriber_on_stop(struct subscriber *subscriber);

/* In its own turn: asks for other things from the store's next turn on. Frames begin with an ATTACH. */
void subscriber_want(struct subscriber *subscriber, uint32_t interest);

/* Credit owed, to be sent along with another message; nothing is owed afterwards. */
uint64_t subscriber_take_credit(struct subscriber *subscriber);

#endif

/*
 * The common part of all subscribers of the command bus: it checks the sequence, returns credit, and stops when told to and the mailbox is
 * empty.
 *
 * A subscriber is an actor of any kind and host, with its own messages: NAME_FRAMES, NAME_STOP, NAME_STOP_DONE, STORE_NAME_CREDIT,
 * and NAME_ATTACH if it reads frames; its line in `subscriber_kinds` names them. Its state embeds this struct; its turn passes these
 * messages to subscriber_on_frames() and the like. SUBSCRIBER and BLOCKING_SUBSCRIBER have no other messages, so subscriber_bind() is all
 * that they need.
 *
 * A required subscriber sees every frame after the one at which it was attached; a gap is a broken invariant. An optional one without
 * credit is skipped and attached again when it has credit; `missed` counts the frames in between.
 */
#ifndef ACTORS_BUS_SUBSCRIBER_H
#define ACTORS_BUS_SUBSCRIBER_H

#include "actors/runtime/actor.h"
#include "transport/bus.h"

/* The messages between a kind of subscriber and the store. */
struct subscriber_kind {
	void (*post_frames)(struct actor *store, struct actor *subscriber, uint64_t number, struct bus_message *message);
	post_order *post_attach; /* NULL: reads no frames */
	post_order *post_credit, *post_wants; /* to the store; post_wants may be NULL */
	post_order *post_stop_done;
	/* For the check of its edges: how many questions of the store may be unanswered, and whether it answers each bus message. */
	uint32_t questions;
	bool answers_each_message;
};
/* NULL: actors of that kind can't subscribe. */
const struct subscriber_kind *subscriber_kind(enum actor_kind kind);

struct subscriber {
	const struct subscriber_kind *kind;
	struct actor *actor, *store;
	struct bus_cursor cursor;
	uint32_t interest;    /* enum bus_interest: what it asked for last; a message may hold more */
	bool has_frames;      /* frames have begun: each must follow on the one before */
	uint64_t owed_bytes;  /* credit not yet returned */
	uint64_t give_back_at_bytes;
	uint64_t missed;      /* frames that it was not given */
	bool is_stopping;
	bool owes_later;
	uint64_t message_max_bytes;
	/* Handles a bus message, borrowed for the call. */
	void (*take)(void *context, const struct bus_message *message);
	void *context;
};

struct subscriber_options {
	uint32_t interest;    /* enum bus_interest */
	int64_t credit_bytes; /* as the store was told; 0: BUS_CREDIT_BYTES */
	uint64_t message_max_bytes; /* as the store was told; 0: no limit */
	bool joins_later;     /* the store was told no interest in frames: they begin with an ATTACH */
	bool owes_later;      /* a message's credit is owed when the subscriber calls subscriber_owe(), not when it has taken it */
	void (*take)(void *context, const struct bus_message *message);
	void *context;
};
void subscriber_init(struct subscriber *subscriber, struct actor *actor, const struct subscriber_options *options);
/* For SUBSCRIBER and BLOCKING_SUBSCRIBER: also binds their turn. */
void subscriber_bind(struct subscriber *subscriber, struct actor *actor, const struct subscriber_options *options);

/* In the subscriber's turn, one for each message. subscriber_on_stop() answers STOP_DONE once the mailbox is empty. */
void subscriber_on_frames(struct subscriber *subscriber, struct bus_message *message);
void subscriber_on_attach(struct subscriber *subscriber, uint64_t sequence);
void subscriber_on_stop(struct subscriber *subscriber);

/* In the subscriber's turn: changes its interest from the store's next turn on. Frames begin with an ATTACH. */
void subscriber_want(struct subscriber *subscriber, uint32_t interest);

/* The credit that a message took. */
uint64_t subscriber_charge(const struct subscriber *subscriber, const struct bus_message *message);
/* With owes_later, in the subscriber's turn: it has done with messages of so many `bytes`. */
void subscriber_owe(struct subscriber *subscriber, uint64_t bytes);

/* The credit owed, for the caller to return with another message; nothing is owed afterwards. */
uint64_t subscriber_take_credit(struct subscriber *subscriber);

#endif

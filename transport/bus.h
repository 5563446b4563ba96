/*
 * The command bus: what the store did, in order, to whoever subscribed.
 *
 * The publisher hands one message per turn to every subscriber that asked for what it holds. A message is shared
 * and immutable; each subscriber gives back its hold and, by message, the credit it took. Nobody waits: a message may go out
 * while credit is positive, even if it overshoots, and bus_has_credit() tells the publisher whether it may make more. A required
 * subscriber gets everything. An optional one without credit is passed over, and marked as behind; once it has credit it is attached
 * anew, at the sequence of that moment.
 *
 * Frames carry one dense sequence. A subscriber runs each message past its cursor; a gap means that something was lost, which
 * is a broken invariant of its own edge: it stops and says so.
 *
 * The publisher's calls belong to its own turns; bus_message_release() and the cursor to any thread that holds a message.
 */
#ifndef TRANSPORT_BUS_H
#define TRANSPORT_BUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_SUBSCRIBERS_MAX 16

/* The most credit that a subscriber may have, and what even the smallest message takes of it: their ratio bounds the messages under way. */
#define BUS_CREDIT_BYTES (4 * 1024 * 1024)
#define BUS_MESSAGE_MIN_BYTES 4096
/* What it takes of it to be attached, so that this is bounded likewise. */
#define BUS_ATTACH_BYTES BUS_MESSAGE_MIN_BYTES

enum bus_interest {
	BUS_FRAMES = 1,   /* every effect */
	BUS_COMMANDS = 2, /* every command as it was sent, for MONITOR */
	BUS_TALLY = 4,    /* counts, now and then */
};

/* The head of what is published; the publisher's own content stands behind it. */
struct bus_message {
	_Atomic uint32_t holders;
	uint32_t holds;                          /* enum bus_interest: what is inside */
	uint64_t first_sequence, last_sequence;  /* of its frames; 0 without frames */
	size_t bytes;                            /* what it takes of a subscriber's credit */
	void (*destroy)(struct bus_message *);   /* called by the last holder */
};

void bus_message_release(struct bus_message *message);

struct bus;

struct bus *bus_create(void);
void bus_destroy(struct bus **bus);

struct bus_subscription {
	uint32_t interest;      /* enum bus_interest */
	bool is_required;       /* without its credit nothing may be made that it wants; else it is passed over */
	int64_t credit_bytes;
	void (*post)(void *context, struct bus_message *message); /* gives one hold away */
	void (*attach)(void *context, uint64_t sequence);         /* frames follow from behind this one; NULL without BUS_FRAMES */
	void *context;
};

/*
 * Returns the subscriber's number. It will see the frames behind bus_sequence(), which it knows: it is not told by attach(). At most
 * BUS_SUBSCRIBERS_MAX.
 */
uint32_t bus_subscribe(struct bus *bus, const struct bus_subscription *subscription);
/* One that did not want frames and does now is attached. */
void bus_set_interest(struct bus *bus, uint32_t subscriber, uint32_t interest);
/* Messages that it has been passed over with. */
uint64_t bus_passed_over(const struct bus *bus, uint32_t subscriber);

/* Does anyone want this? */
bool bus_is_wanted(const struct bus *bus, enum bus_interest interest);
/* May more of this be made? Every required subscriber that wants it has credit. */
bool bus_has_credit(const struct bus *bus, enum bus_interest interest);
int64_t bus_credit_bytes(const struct bus *bus, uint32_t subscriber);

/* The sequence of the last frame made; bus_next_sequence() takes the next. */
uint64_t bus_sequence(const struct bus *bus);
uint64_t bus_next_sequence(struct bus *bus);

/* Takes the one hold that the message was made with. */
void bus_publish(struct bus *bus, struct bus_message *message);
/* `bytes` of credit come back from a subscriber. */
void bus_return_credit(struct bus *bus, uint32_t subscriber, uint64_t bytes);

/* A subscriber's place in the sequence. */
struct bus_cursor {
	uint64_t last;
};

/* False: the message does not follow on what the cursor has seen. */
bool bus_cursor_accept(struct bus_cursor *cursor, const struct bus_message *message);

#endif

/*
 * The command bus: delivers what the store did, in order, to all subscribers.
 *
 * The publisher posts one message per turn to every subscriber that is interested in its content. A message is shared
 * and immutable. Each subscriber releases its hold and returns, by message, the credit that the message took. No side waits: a message may
 * be sent while credit is positive, even if it exceeds the credit; bus_has_credit() tells the publisher whether it may produce more. A
 * required subscriber gets every message. An optional subscriber without credit is skipped and marked as behind; with credit again it
 * is attached at the current sequence, at the latest by bus_finish().
 *
 * Frames have one dense sequence. A subscriber checks each message with its cursor. A gap means that frames were lost, which
 * is a broken invariant: the subscriber stops the server and says so.
 *
 * Only the publisher calls, in its turns; any thread that holds a message may call bus_message_release() and bus_cursor_accept().
 */
#ifndef TRANSPORT_BUS_H
#define TRANSPORT_BUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_SUBSCRIBERS_MAX 16

/* The most credit of a subscriber, and the least that a message takes: their ratio bounds the messages in flight. */
#define BUS_CREDIT_BYTES (4 * 1024 * 1024)
#define BUS_MESSAGE_MIN_BYTES 4096
/* The credit that an attach takes, so that attaches are bounded likewise. */
#define BUS_ATTACH_BYTES BUS_MESSAGE_MIN_BYTES

enum bus_interest {
	BUS_FRAMES = 1,   /* every effect */
	BUS_COMMANDS = 2, /* every command as it was sent, for MONITOR */
	BUS_TALLY = 4,    /* counts, from time to time */
};

/* The head of a message; the publisher's content follows it. */
struct bus_message {
	_Atomic uint32_t holders;
	uint32_t holds;                          /* enum bus_interest: the parts that it contains */
	uint64_t first_sequence, last_sequence;  /* of its frames; 0 if it has none */
	size_t bytes;                            /* the credit that it takes from each subscriber */
	void (*destroy)(struct bus_message *);   /* called by the last holder */
};

void bus_message_release(struct bus_message *message);
/* Another hold, for one who has one; returns the message. */
struct bus_message *bus_message_hold(const struct bus_message *message);

/* The credit that it takes from a subscriber with this message_max_bytes. */
static inline uint64_t bus_charge_bytes(const struct bus_message *message, uint64_t message_max_bytes)
{
	return message_max_bytes && message_max_bytes < message->bytes ? message_max_bytes : message->bytes;
}

struct bus;

struct bus *bus_create(void);
void bus_destroy(struct bus **bus);

struct bus_subscription {
	uint32_t interest;      /* enum bus_interest */
	bool is_required;       /* without credit the publisher must wait; an optional one is skipped */
	int64_t credit_bytes;
	uint64_t message_max_bytes; /* the most credit that a message takes, however large it is; 0: no limit */
	void (*post)(void *context, struct bus_message *message); /* gives one hold away */
	void (*attach)(void *context, uint64_t sequence);         /* the next frame is sequence + 1; NULL without BUS_FRAMES */
	void *context;
};

/*
 * Returns the subscriber's number. It gets the frames after bus_sequence(), which the caller knows: attach() is not called. At most
 * BUS_SUBSCRIBERS_MAX.
 */
uint32_t bus_subscribe(struct bus *bus, const struct bus_subscription *subscription);
/* A subscriber that adds BUS_FRAMES is attached. */
void bus_set_interest(struct bus *bus, uint32_t subscriber, uint32_t interest);

/* True if any subscriber has this interest. */
bool bus_is_wanted(const struct bus *bus, enum bus_interest interest);
/*
 * The least credit of the required subscribers with this interest; INT64_MAX without one. While it is positive the publisher may produce more
 * of it: frames, commands and counts alike.
 */
int64_t bus_least_credit_bytes(const struct bus *bus, enum bus_interest interest);
bool bus_has_credit(const struct bus *bus, enum bus_interest interest);
int64_t bus_credit_bytes(const struct bus *bus, uint32_t subscriber);

/* Before the first frame: the sequence goes on behind `sequence`. Every subscriber that wants frames is attached there. */
void bus_resume(struct bus *bus, uint64_t sequence);
/* The sequence of the last frame; bus_next_sequence() increments and returns it. */
uint64_t bus_sequence(const struct bus *bus);
uint64_t bus_next_sequence(struct bus *bus);

/* Takes over the hold with which the message was created. */
void bus_publish(struct bus *bus, struct bus_message *message);
/* A subscriber has returned `bytes` of credit. */
void bus_return_credit(struct bus *bus, uint32_t subscriber, uint64_t bytes);

/* After the last message: attaches each subscriber that is behind, even without credit, so that it learns what it has missed. */
void bus_finish(struct bus *bus);

/* A subscriber's position in the sequence. */
struct bus_cursor {
	uint64_t last;
};

/* False: the message's frames don't follow directly after `last`. */
bool bus_cursor_accept(struct bus_cursor *cursor, const struct bus_message *message);

#endif

/*
 * Mailboxes over NNG inproc: the only way by which actors reach each other.
 *
 * A mailbox is one PULL socket; each sender has a channel, one PUSH socket, of its own. A message is a header
 * of 24 bytes; what it points to is given away by posting it. Each mailbox keeps exactly one preallocated receive
 * outstanding. `receive` is called on a pool thread with the message and *no* further receive armed: nothing else
 * arrives until mailbox_rearm(), which must be the last thing that the turn does. That is what makes a turn a turn.
 *
 * A channel has `slots` places. Posting into a full channel is a broken invariant and aborts: senders hold credit
 * (topology.def gives each edge its slots) and never wait. Posting is for one thread at a time per channel.
 *
 * Order of calls: all mailboxes are opened, then all channels; at the end all mailboxes are stopped, which waits for their
 * callbacks, then all are closed, then all channels. Nobody posts any more by then; what has been posted and not received is
 * handed out to be freed.
 */
#ifndef TRANSPORT_CHANNEL_H
#define TRANSPORT_CHANNEL_H

#include <stdint.h>

struct message {
	uint32_t type;   /* what it is, from the actors' catalogue */
	uint32_t sender; /* who posted it: an actor's number */
	uint64_t number; /* a small operand: credit in bytes, a deadline, an index; 0 when unused */
	struct payload *payload; /* owned by whoever holds the message; NULL when unused. The type is never defined: actors have typed access (runtime/messages.h) */
};

struct payload;
struct mailbox;
struct channel;

/* Runs on a pool thread of NNG; must not block. */
typedef void mailbox_receive(void *context, struct message message);

/* `name` is unique in the process. Fatal (abort with a text) when NNG can't. */
struct mailbox *mailbox_open(const char *name, mailbox_receive *receive, void *context);
/* Arms the receive: the first time to start the mailbox, then at the end of every turn. */
void mailbox_rearm(struct mailbox *mailbox);
/* Ends the outstanding receive and waits for a callback that runs; then no more come. */
void mailbox_stop(struct mailbox *mailbox);
/* `left` messages have been posted to it and not received: each goes to `discard`. */
typedef void mailbox_discard(struct message message);
void mailbox_close(struct mailbox **mailbox, uint64_t left, mailbox_discard *discard);

struct channel *channel_open(const char *mailbox_name, uint32_t slots);
void channel_post(struct channel *channel, struct message message);
void channel_close(struct channel **channel);

/* Bounds of NNG's own thread pool in this process, for the start-up line. */
unsigned channel_pool_threads(void);

#endif

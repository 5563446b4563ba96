/*
 * Mailboxes over NNG inproc: the only means by which actors communicate.
 *
 * A mailbox is one PULL socket; each sender has its own channel to it, one PUSH socket. A message has
 * 24 bytes; posting it gives its payload away. Each mailbox keeps exactly one preallocated receive
 * outstanding. `receive` is called on a pool thread with the message while *no* receive is armed: nothing else
 * arrives until mailbox_rearm(), which must be the last act of a turn. So turns never overlap.
 *
 * A channel holds up to `slots` messages. Posting into a full channel is a broken invariant and aborts: topology.def gives each edge
 * enough slots, and senders never wait. One thread at a time may post to a channel.
 *
 * Order of calls: open all mailboxes, then all channels. At the end stop all mailboxes, which waits for their
 * callbacks; then close all mailboxes, then all channels. No actor may post by then; messages posted and not received go
 * to `discard`.
 */
#ifndef TRANSPORT_CHANNEL_H
#define TRANSPORT_CHANNEL_H

#include <stdint.h>

struct message {
	uint32_t type;   /* from the actors' list, messages.def */
	uint32_t sender; /* the number of the actor that posted it */
	uint64_t number; /* a small operand: credit in bytes, a deadline, an index; 0 when unused */
	struct payload *payload; /* owned by the message's holder; NULL when unused. Its type: PAYLOAD() in runtime/messages.h */
};

struct payload;
struct mailbox;
struct channel;

/* Runs on a pool thread of NNG; must not block. */
typedef void mailbox_receive(void *context, struct message message);

/* `name` must be unique in the process. Fatal (abort with a text) if NNG fails. */
struct mailbox *mailbox_open(const char *name, mailbox_receive *receive, void *context);
/* Arms the receive: once to start the mailbox, then at the end of every turn. */
void mailbox_rearm(struct mailbox *mailbox);
/* Cancels the outstanding receive and waits for a running callback; no callback follows. */
void mailbox_stop(struct mailbox *mailbox);
/* `left` is the number of messages posted and not received: each goes to `discard`. */
typedef void mailbox_discard(struct message message);
void mailbox_close(struct mailbox **mailbox, uint64_t left, mailbox_discard *discard);

struct channel *channel_open(const char *mailbox_name, uint32_t slots);
void channel_post(struct channel *channel, struct message message);
void channel_close(struct channel **channel);

/* The size of NNG's thread pool, for the log line at start. */
unsigned channel_pool_threads(void);

#endif

/*
 * The inside of a subscription. A thread reads its own connection and puts messages into a ring, from which callers take them. When the
 * ring is full, the thread waits, and the server has to buffer.
 *
 * `names` holds all subscriptions. A change is applied to it and added to `outbox`, and the thread is interrupted to send it. After a lost
 * connection the thread dials again, with back-off, and subscribes to all names.
 */
#ifndef CLIENT_SUBSCRIPTION_H
#define CLIENT_SUBSCRIPTION_H

#include <pthread.h>

#include "client/client.h"

enum kind { CHANNELS, PATTERNS, SHARDS, KINDS };

static const char *const subscribe_words[KINDS] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"};

struct name {
	struct name *next;
	enum kind kind;
	size_t len;
	char text[];
};

struct subscription {
	qc_subscription handle;
	struct pool *pool;
	unsigned generation; /* of the pool: a forked child has no thread */
	int slot;          /* of all shards, in a cluster; SLOT_ANY without shards */
	struct conn *conn; /* the thread's connection; NULL while there is none */
	struct pool *node; /* of the server of `conn`, which borrows from it; held while there is a connection */
	qc_context *life;  /* ends with the subscription */
	pthread_t thread;
	bool has_thread; /* otherwise the subscription is unusable, because of handle.err */
	int64_t health_ms; /* after this silence a PING is sent; after as much again the connection is given up */
	int fd; /* an eventfd: 1 while the ring is not empty */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* the ring has become non-empty or non-full, or a context has ended */
	/* protected by the lock: */
	qc_context *reading; /* of the current read: cancelled to interrupt it */
	struct name *names;
	struct buffer outbox;
	qc_message *ring;
	size_t first, count, size;
};

/* subscription.c, for the thread */

/* Takes ownership of the message. Waits while the ring is full. */
void subscription_put(struct subscription *s, qc_message message);
qc_message subscription_no_message(qc_error err);
qc_message subscription_disconnected(qc_error cause);
/* Where the name is, or where to add it; under the lock. */
struct name **subscription_find_name(struct subscription *s, enum kind kind, const qc_arg *arg);

/* subscription_thread.c */

void *subscription_run(void *subscription);
/* If it fails, there is no connection. */
qc_error subscription_dial(struct subscription *s, qc_context *context);
void subscription_hang_up(struct subscription *s);

#endif

/*
 * The connections of a client: idle ones, and how many there are in all. Any thread; the lock is never held while a byte
 * travels. Shared by all handles made from one client: the last to let go frees it.
 *
 * Who finds neither an idle connection nor a place for a new one waits in a line, and is handed in turn what others give back.
 */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

#include <pthread.h>

#include "client/conn.h"

struct pool_waiter;

struct pool {
	struct settings settings;
	struct tls_context *tls; /* NULL without */
	/* private */
	pthread_mutex_t lock;
	struct conn *newest, *oldest; /* idle */
	size_t total, idle;
	struct pool_waiter *first, **last; /* the line; empty whenever anything is free */
	size_t address_index;         /* of the server in use */
	bool closed;
	size_t holders;
	qc_stats stats;
};

/* Takes the settings over, also on failure. */
qc_error pool_create(struct settings *settings, struct pool **out_pool);
void pool_hold(struct pool *pool);
void pool_let_go(struct pool *pool);
/* Closes what is idle; from then on nothing is taken. */
void pool_close(struct pool *pool);

/* An idle connection, or a new one, or after a wait, of pool_timeout_ms at most, one of either kind. */
qc_error pool_take(struct pool *pool, qc_context *context, struct conn **out_conn);
/* Back: to be used again, or to be closed when it is broken or dirty. */
void pool_give(struct pool *pool, struct conn *conn);

/* A connection outside of the pool, for conn_close(): every address is tried, from the one in use on. */
qc_error pool_dial(struct pool *pool, qc_context *context, struct conn **out_conn);

/* The server at `from` can't serve: the one at `to` is used from now on, if nobody has seen to it before. */
void pool_fail_over(struct pool *pool, size_t from, size_t to);
void pool_count_retry(struct pool *pool);
qc_stats pool_stats(struct pool *pool);

#endif

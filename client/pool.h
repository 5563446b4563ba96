/*
 * The connections of a client: idle ones, and how many there are in all. Any thread; the lock is never held while a byte
 * travels. Shared by all handles made from one client: the last to let go frees it.
 *
 * Who finds neither an idle connection nor a place for a new one waits in a line, and is handed in turn what others give back.
 *
 * A dial outlives the call that wanted it: who gives up parks it, and the next that wants a connection goes on with it. While no
 * connection can be made (an outage), one call at a time tries, after a pause that doubles; all others fail with what it met.
 *
 * A forked child starts with an empty pool: whatever it calls first drops what was the parent's.
 */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

#include <pthread.h>

#include "client/conn.h"
#include "client/dial.h"
#include "client/origin.h"

struct pool_waiter;
struct sentinels;

/* Since when no connection could be made. */
struct outage {
	unsigned failures; /* one after the other; 0: there is none */
	qc_error err;      /* the last */
	bool is_probed;    /* somebody tries, or a dial for it is parked */
	int64_t probe_ns;  /* not to be tried again before */
};

struct pool {
	struct settings settings;
	struct tls_context *tls; /* NULL without */
	struct sentinels *sentinels; /* NULL without */
	/* private */
	pthread_mutex_t lock;
	struct conn *newest, *oldest; /* idle */
	struct dial *parked;          /* each has a place */
	struct outage outage;
	size_t total, idle;           /* total: places, with a connection or a dial in each */
	struct pool_waiter *first, **last; /* the line; empty whenever anything is free */
	size_t address_index;         /* of the server in use; with Sentinels, the master's number, or 0 when it isn't known */
	bool has_had_master;          /* with Sentinels: another is a failover */
	bool closed;
	size_t holders;
	struct origin origin;
	unsigned generation;          /* how often fork() has led here: connections of another are the parent's */
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

/* A connection outside of the pool, for conn_close(). */
qc_error pool_dial(struct pool *pool, qc_context *context, struct conn **out_conn);

/* Has an outage lasted for longer than a call's retries? Then there is no use in another. */
bool pool_is_down(struct pool *pool);
/* In a forked child, for the first that comes: see above. To be called ahead of everything else. */
void pool_enter(struct pool *pool);
/* QC_INVALID when it is of the parent process. */
qc_error pool_check_generation(struct pool *pool, unsigned generation, const char *what);

/* pool_dial.c, for pool.c */

/*
 * A connection for a place that was taken: goes on with `dial` (NULL: a new one), until the context ends. The place is given up,
 * or keeps a dial that is parked, when there is none.
 */
qc_error pool_connect(struct pool *pool, qc_context *context, struct dial *dial, struct conn **out_conn);
/* The first parked dial, if any, whose place becomes the caller's; under the lock. */
struct dial *pool_unpark(struct pool *pool);
/* Under the lock; true when it was taken over. */
bool pool_park(struct pool *pool, struct dial *dial);
void pool_give_place(struct pool *pool);
/* To be called, under the lock, after anything has become free. */
void pool_serve_line(struct pool *pool, int64_t now_ns);

/* The server at `from` can't serve: the one at `to` is used from now on, if nobody has seen to it before. */
void pool_fail_over(struct pool *pool, size_t from, size_t to);
/* The server at `from` refuses to serve: the next one is, or the Sentinels are asked. */
void pool_leave(struct pool *pool, size_t from);
void pool_count_retry(struct pool *pool);
qc_stats pool_stats(struct pool *pool);

#endif

/*
 * The connections of a client: the idle ones, and the number of all. Any thread; the lock is never held during I/O. All handles made from
 * one client share the pool, and the last one to let go frees it.
 *
 * A call that finds neither an idle connection nor room for a new one waits in line for what other calls give back.
 *
 * A dial outlives the call that began it: a call that gives up parks the dial, and the next call that needs a connection continues it.
 * While no connection can be made (an outage), one call at a time tries, after a pause that doubles; all others fail with the last error.
 *
 * A forked child starts with an empty pool: its first call drops everything of the parent.
 */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "client/conn.h"
#include "client/dial.h"
#include "client/origin.h"

struct cluster;
struct pool_waiter;
struct sentinels;

/* A time during which no connection can be made. */
struct outage {
	unsigned failures; /* consecutive failures; 0: no outage */
	qc_error err;      /* the last error */
	bool is_probed;    /* a call is trying, or its dial is parked */
	int64_t probe_ns;  /* no attempt before this time */
};

struct pool {
	struct settings settings;
	struct tls_context *tls; /* NULL without TLS */
	struct sentinels *sentinels; /* NULL without Sentinels */
	struct cluster *cluster; /* NULL without a cluster; else this pool is only used to find the nodes */
	struct pool *parent;     /* in the pool of a cluster's node: the pool that owns the texts of the settings, and `tls`; else NULL */
	/* private */
	pthread_mutex_t lock;
	struct conn *newest, *oldest; /* idle connections */
	struct dial *parked;          /* each has a place */
	struct outage outage;
	size_t total, idle;           /* total: the places, each with a connection or a dial */
	struct pool_waiter *first, **last; /* the waiters; empty whenever anything is free */
	size_t address_index;         /* of the server in use; with Sentinels, the master's number, or 0 if unknown */
	bool has_had_master;          /* with Sentinels: another master is a failover */
	bool closed;
	atomic_size_t holders;
	struct origin origin;
	unsigned generation;          /* counts the forks; connections of another generation belong to a parent */
	qc_stats stats;
};

/* Takes ownership of the settings, even on failure. */
qc_error pool_create(struct settings *settings, struct pool **out_pool);
/* Makes the pool of a node of a cluster. `parent` is the pool of the client. */
qc_error pool_create_for_node(struct pool *parent, const char *host, const char *port, struct pool **out_pool);
void pool_hold(struct pool *pool);
void pool_let_go(struct pool *pool);
/* Closes idle connections. Afterwards nothing can be taken. */
void pool_close(struct pool *pool);

/* Returns an idle connection or a new one; if there is neither, waits for up to pool_timeout_ms. */
qc_error pool_take(struct pool *pool, qc_context *context, struct conn **out_conn);
/* Gives a connection back: for reuse, or to be closed if it is broken or dirty. */
void pool_give(struct pool *pool, struct conn *conn);

/* Makes a connection outside the pool. Close it with conn_close(). */
qc_error pool_dial(struct pool *pool, qc_context *context, struct conn **out_conn);

/* Whether the outage has lasted longer than a call's retries. Then another retry is useless. */
bool pool_is_down(struct pool *pool);
/* Whether a dial would start now. If not, the last one failed a moment ago. */
bool pool_is_reachable(struct pool *pool);
/* Call before anything else. In a forked child, the first call drops everything of the parent. */
void pool_enter(struct pool *pool);
/* QC_INVALID if the connection belongs to the parent process. */
qc_error pool_check_generation(struct pool *pool, unsigned generation, const char *what);

/* pool_dial.c, for pool.c */

/*
 * Makes a connection for a place that was taken: continues `dial` (NULL: begins one) until the context ends. On failure the place is given
 * back, or keeps the parked dial.
 */
qc_error pool_connect(struct pool *pool, qc_context *context, struct dial *dial, struct conn **out_conn);
/* Takes the first parked dial, if any, with its place. Under the lock. */
struct dial *pool_unpark(struct pool *pool);
/* Under the lock. True if the dial was parked. */
bool pool_park(struct pool *pool, struct dial *dial);
void pool_give_place(struct pool *pool);
/* Call, under the lock, whenever anything has become free. */
void pool_serve_line(struct pool *pool, int64_t now_ns);

/* The server at `from` failed: from now on use the one at `to`, unless that was done already. */
void pool_fail_over(struct pool *pool, size_t from, size_t to);
/* The server at `from` refuses to serve: use the next one, or ask the Sentinels. */
void pool_leave(struct pool *pool, size_t from);
void pool_count_retry(struct pool *pool);
qc_stats pool_stats(struct pool *pool);

#endif

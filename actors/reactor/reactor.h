/*
 * A reactor hosts connection actors: one thread, one libev loop. It reads and parses whatever its sockets hold into one
 * batch, posts the batch to the store, and writes out what comes back.
 *
 * Batches grow by themselves under load: one is posted when none is under way; while one is, the next gathers. A full
 * one goes at once, up to REACTOR_BATCHES_MAX; beyond that sockets are not read until one comes home. The first reactor
 * owns the listening sockets and deals accepted connections out in turn; it also keeps the store's timer.
 *
 * reactor.c's functions are the reactor's; connection.c's are the connection actors'; acceptor.c has the listening sockets. All run on
 * the reactor's thread, but for create and destroy.
 */
#ifndef ACTORS_REACTOR_H
#define ACTORS_REACTOR_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/runtime/actor.h"
#include "actors/store/batch.h"
#include "actors/reactor/connection.h"
#include "actors/reactor/output.h"
#include "actors/store/settings.h"

/* Under way at once. Four keep a store busy while replies are written; more only wait in its mailbox. */
#define REACTOR_BATCHES_MAX 8
/* A batch is full at this many requests: it bounds the store's turn. */
#define BATCH_REQUESTS_MAX 1024
/* ... or when less than this is left of its bytes: a read should be worth its system call. */
#define BATCH_BYTES (256u * 1024)
#define BATCH_ROOM_MIN (16u * 1024)
/* ... or when it has taken over this much in large arguments and requests that came in pieces, whatever the last one's size. */
#define BATCH_TAKEN_MAX (1024u * 1024)
/* With this much of that under way no other batch is begun: what no eviction can free must stay small. */
#define REACTOR_TAKEN_MAX (4u * 1024 * 1024)
/* One read takes at most this much, so that connections get their turns. */
#define READ_BYTES_MAX (64u * 1024)
/* When what the store knows of output or input is off by this much it is told, even if nothing else is to be said. */
#define TOLD_STEP_BYTES (1024u * 1024)

struct listening {
	ev_io watcher;
	int fd;
};

/* What REACTOR_LISTEN brings. */
struct descriptors {
	uint32_t count;
	int items[];
};

struct reactor {
	struct actor *actor;
	struct ev_loop *loop;
	struct actor *store;
	struct settings settings;

	struct connection **slots; /* by connection_ref.slot; NULL when free */
	uint32_t *free_slots;
	uint32_t slot_count, slot_capacity, free_count;
	uint32_t connections;

	struct request_batch *filling;
	struct request_batch *pool;
	uint32_t pool_count, pool_least;  /* now; the fewest since the last look */
	uint32_t batches_out;             /* posted and not home */
	size_t taken_out;                 /* bytes of large arguments in them */
	struct connection *starved;       /* not read for want of a batch */
	struct connection *doomed;        /* to be freed before the next wait */
	struct connection *first_lingering, *last_lingering; /* that have a deadline, the first to come first */
	size_t output_bytes;              /* waiting in all connections */
	size_t output_taken_bytes;        /* memory for it, without blobs */
	size_t output_told_bytes;         /* what the store knows of that */
	size_t input_taken_bytes;         /* memory for requests that are not whole, without blobs */
	size_t strangers_bytes;           /* of that, of clients that have not authenticated */
	size_t input_told_bytes;          /* what the store knows of input_bytes() */
	size_t batch_bytes;               /* memory for batches, here and under way */
	struct connection_reports *reports; /* for the store, not posted yet; NULL when there are none */
	bool reports_are_out;             /* others are, and not taken */

	ev_prepare flush;
	ev_timer tick;
	ev_timer pool_look;               /* while the pool holds more than it keeps */
	ev_timer linger;                  /* the time of the first one that lingers */
	ev_timer drain;                   /* while stopping: how long clients are answered */
	bool is_stopping, stop_is_answered, may_leave;

	/* the first reactor's */
	struct listening *listening;
	uint32_t listening_count;
	uint64_t next_connection_id;
	uint32_t next_reactor;
	ev_timer shortage;                /* nobody is accepted before it is over */
	int64_t shortage_told_ms;         /* monotonic; 0: never */

	struct output_counts written;
	uint64_t reads, bytes_read;
};

struct reactor *reactor_create(struct runtime *runtime, uint32_t index, const struct settings *settings);
void reactor_destroy(struct reactor **reactor);

/* For the acceptor: takes the peer's descriptor, which is closed where there is no room or the reactor stops. */
void reactor_open_connection(struct reactor *reactor, uint64_t id, const struct peer *peer);

/* For connections: the batch that a read may fill, NULL when there is none to be had now. */
struct request_batch *reactor_batch(struct reactor *reactor);
/* The same for records without bytes, which always find room. */
struct request *reactor_record(struct reactor *reactor, struct connection_ref connection, enum request_kind kind);
/* Tells the store about the connection before it executes another of its requests, as a rule. */
void reactor_report(struct reactor *reactor, const struct connection *connection, enum report_state state);
void reactor_starve(struct reactor *reactor, struct connection *connection);
/* The connection is broken off if it is still there after LINGER_MS from now on. */
void reactor_linger(struct reactor *reactor, struct connection *connection);
void reactor_linger_no_more(struct reactor *reactor, struct connection *connection);
/* Gives a slot; what was in the connection's output no longer counts. The struct is freed before the loop waits again. */
void reactor_forget(struct reactor *reactor, struct connection *connection);

#endif

/*
 * The state of a reactor, for the files of this room only.
 *
 * reactor.c has batches and messages, connection.c and connection_input.c the connection actors, acceptor.c the listening sockets. All
 * of it runs on the reactor's thread.
 *
 * Batches grow by themselves under load. While no batch is under way, the next one is posted before the loop waits. While one is, the
 * next one gathers, and goes at once when it is full. With REACTOR_BATCHES_MAX under way, sockets are not read until one comes home.
 */
#ifndef ACTORS_REACTOR_STATE_H
#define ACTORS_REACTOR_STATE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/runtime/actor.h"
#include "actors/store/batch.h"
#include "actors/reactor/connection.h"
#include "actors/reactor/output.h"
#include "actors/reactor/reactor.h"
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

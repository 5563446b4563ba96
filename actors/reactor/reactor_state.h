/*
 * The state of a reactor, for the files of this room only.
 *
 * reactor.c has the turn and the messages, batches.c the batches, connection.c and connection_input.c the connection actors, acceptor.c the listening sockets. All
 * of it runs on the reactor's thread.
 *
 * Batches grow by themselves under load. While no batch is under way, the next one is posted before the loop waits. While one is, the
 * next one gathers, and goes at once when it is full. With REACTOR_BATCHES_MAX under way, sockets are not read until one comes home.
 */
#ifndef ACTORS_REACTOR_REACTOR_STATE_H
#define ACTORS_REACTOR_REACTOR_STATE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/runtime/actor.h"
#include "actors/runtime/process.h"
#include "actors/store/batch.h"
#include "actors/reactor/connection.h"
#include "actors/reactor/gate.h"
#include "actors/reactor/output.h"
#include "actors/reactor/reactor.h"
#include "actors/store/settings.h"

/* Batches under way. Four keep the store busy while replies are written; more only wait in its mailbox. */
#define REACTOR_BATCHES_MAX 8
/* A batch is full with this many requests, which bounds the store's turn, */
#define BATCH_REQUESTS_MAX 1024
/* or with less than BATCH_ROOM_MIN of its bytes free, since a smaller read isn't worth its system call, */
#define BATCH_BYTES (256u * 1024)
#define BATCH_ROOM_MIN (16u * 1024)
/* or once it has taken over more than this in large arguments and requests that came in pieces. The last one may be of any size. */
#define BATCH_TAKEN_MAX (1024u * 1024)
/* With this much of that under way no other batch is begun: eviction can't free it, so it must stay small. */
#define REACTOR_TAKEN_MAX (4u * 1024 * 1024)
/* One read takes at most this much, so that all connections get their turns. */
#define READ_BYTES_MAX (64u * 1024)
/* The store is told how much memory output and input take when that has changed by this much, even if there is nothing else to post. */
#define REPORT_STEP_BYTES (1024u * 1024)

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
	uint32_t slot_count, free_count;
	size_t slot_capacity, free_capacity;
	uint32_t connections;

	struct request_batch *filling;
	struct request_batch *pool;
	uint32_t pool_count, pool_least;  /* now; the fewest since the last trim */
	uint32_t batches_out;             /* posted and not home */
	size_t taken_out;                 /* bytes of large arguments in them */
	struct gate gate;                 /* replies that wait until what they tell is durable */
	struct connection *starved;       /* not read because no batch has room */
	struct connection *doomed;        /* to be freed before the next wait */
	struct connection *first_lingering, *last_lingering; /* those with a deadline, the earliest first */
	size_t output_bytes;              /* waiting in all connections and at the gate */
	size_t output_taken_bytes;        /* memory for what waits in connections, without blobs */
	size_t output_reported_bytes;         /* that and the gate's, as last reported to the store */
	size_t input_taken_bytes;         /* memory for incomplete requests, without blobs */
	size_t unauthenticated_bytes;           /* the share of unauthenticated clients in that */
	size_t input_reported_bytes;          /* input_bytes(), as last reported to the store */
	size_t batch_bytes;               /* memory for batches, here and under way */
	struct connection_reports *reports; /* not posted yet; NULL when there are none */
	bool reports_are_out;             /* reports were posted and not taken yet */

	ev_prepare flush;
	ev_timer tick;
	ev_timer pool_trim;               /* while the pool holds more than it keeps */
	ev_timer linger;                  /* the deadline of first_lingering */
	ev_timer drain;                   /* while stopping: the end of shutdown-timeout */
	bool is_stopping, stop_is_answered, may_leave;

	/* of the first reactor */
	struct listening *listening;
	uint32_t listening_count;
	uint64_t next_connection_id;
	uint32_t next_reactor;
	uint64_t clients;                 /* open connections of all reactors, without excess ones */
	struct connection_ref excess[PROCESS_EXCESS_CONNECTIONS]; /* the latest excess ones, open or not; a ring */
	uint32_t next_excess;
	ev_timer shortage;                /* no connection is accepted before it ends */
	int64_t shortage_logged_ms;         /* monotonic; 0: never */

	/* of the others */
	uint64_t closed_clients;          /* not reported to the first reactor yet */
	bool closed_are_out;              /* reported and not taken yet */

	struct output_counts written;
	uint64_t reads, bytes_read;
};

/*
 * For the acceptor. Takes the peer's descriptor, and closes it without memory or while the reactor stops: then NULL. An excess connection
 * does not count as a client.
 */
struct connection *reactor_open_connection(struct reactor *reactor, uint64_t id, const struct peer *peer, enum connection_share share);
/* NULL when it is closed. */
struct connection *reactor_find(const struct reactor *reactor, struct connection_ref connection);

/* batches.c */
void batches_init(struct reactor *reactor);
void batches_fini(struct reactor *reactor);
/* Posts the reports, and the batch if none is under way. */
void batches_flush(struct reactor *reactor);
/* The request batch keeps the reply batch, unless that is NULL, for its next use. */
void batches_take_home(struct reactor *reactor, struct request_batch *home, struct reply_batch *replies);
/* For connections: the batch that a read may fill, or NULL when too much is under way. */
struct request_batch *reactor_batch(struct reactor *reactor);
/* Adds a record without bytes, for which there is always room. */
struct request *reactor_record(struct reactor *reactor, struct connection_ref connection, enum request_kind kind);
/* Tells the store about the connection, usually before the store executes another of its requests. */
void reactor_report(struct reactor *reactor, const struct connection *connection, enum report_state state);

/* reactor.c */
/* The connection is not read until a batch comes home. */
void reactor_starve(struct reactor *reactor, struct connection *connection);
/* Breaks the connection off if it is still there in LINGER_MS. */
void reactor_linger(struct reactor *reactor, struct connection *connection);
void reactor_stop_lingering(struct reactor *reactor, struct connection *connection);
/* Frees the connection's slot. The struct is freed before the loop waits again. */
void reactor_forget(struct reactor *reactor, struct connection *connection);

#endif

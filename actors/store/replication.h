/*
 * Replicas: connections that follow this server by PSYNC or SYNC, as those of Redis and Valkey do.
 *
 * The replication actor renders what the store did (STORE_REPLICATION_STREAM), and the store keeps the stream for all replicas. Each replica
 * has an offset in it and gets the next pieces as its socket takes them, so a slow one takes no memory of its own. One that is too far behind
 * (client-output-buffer-limit replica) is closed. It comes back and synchronises anew.
 *
 *   PSYNC, offset still in the stream:  ONLINE
 *   else:  WAITS - the snapshot begins -> AT_CUT - the stream shows where -> RECEIVES - all is sent -> LOADS - it acknowledges -> ONLINE
 *
 * The offset of a snapshot's cut is known when the stream has reached the frame with which it began. Replicas that wait when a snapshot begins
 * share its bytes, and the slowest sets the pace.
 *
 * Frames are taken only while there are replicas, or while a lost one may come back (repl-backlog-ttl).
 *
 * Private to the store's runtime.
 */
#ifndef ACTORS_STORE_REPLICATION_H
#define ACTORS_STORE_REPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/store/replica_stream.h"
#include "storage/slice.h"

struct blob;
struct rdb_history;
struct replication_stream;
struct session;
struct store;
struct subscriber_link;

#define REPLICATION_ID_LENGTH 40

enum replica_state {
	REPLICA_TOLD,      /* REPLCONF has told about it, but it has not asked for anything */
	REPLICA_WAITS,     /* for the next snapshot */
	REPLICA_AT_CUT,    /* for the offset of its snapshot's cut */
	REPLICA_RECEIVES,  /* the snapshot */
	REPLICA_LOADS,     /* the snapshot; its acknowledgement begins the stream */
	REPLICA_ONLINE,    /* gets the stream */
};

/* Of a session, from its first REPLCONF on. */
struct replica {
	struct session *session;
	struct replica *next;        /* of those that have asked */
	enum replica_state state;
	uint64_t offset;             /* in the stream: from RECEIVES on, the next byte to send */
	uint64_t acknowledged;       /* offset up to which it has executed the stream */
	int64_t since_ms;            /* when it asked */
	int64_t heard_ms;            /* when it acknowledged last, or its socket took something */
	uint64_t taken_bytes;        /* of the session, at that time */
	uint64_t report_at_bytes;    /* the reactor will report when the socket has taken so many; 0: it was not asked to */
	int64_t over_soft_limit_since_ms; /* 0: it isn't */
	char address[64];            /* as it told; "" if it did not */
	uint16_t port;               /* where it listens; 0 if it did not tell */
	bool knows_eof;              /* capability: a snapshot of unknown length */
	bool knows_psync2;           /* capability: another id with +CONTINUE */
	bool wants_only_snapshot;
	bool asked_by_sync;          /* the old command, which has no reply of its own */
};

/* Where a snapshot begins in the stream. */
struct snapshot_place {
	uint64_t number;             /* of the snapshot; 0: none yet */
	uint64_t offset;
};

struct replication {
	struct subscriber_link *link; /* the replication actor's; NULL: there is none */
	bool is_on;                  /* frames are taken */
	struct replica *first;
	struct replica_stream stream;
	uint64_t sequence;           /* the stream has all frames up to here */
	char former_id[REPLICATION_ID_LENGTH + 1]; /* also valid, up to former_end; "" without one */
	uint64_t former_end;
	struct snapshot_place cut;   /* of the last snapshot that the stream has shown */
	char end_mark[REPLICATION_ID_LENGTH + 1]; /* of the snapshot that is sent */
	bool wants_acknowledgements; /* the replicas are to be asked in this turn */
	int64_t cron_due_ms, ping_due_ms;
	int64_t alone_since_ms;      /* since when there is no replica */
	uint64_t full_syncs, partial_syncs, refused_partial_syncs;
};

/* At creation, after the bus. */
void replication_begin(struct store *store);
void replication_end(struct store *store);

/* ---- replication.c: the stream and time ---- */

/* Takes the stream. */
void replication_on_stream(struct store *store, struct replication_stream *stream);
/* The phase, after the frames of this turn were published. */
void replication_go_on(struct store *store);
/* When the phase has something to do (monotonic); INT64_MAX for never. */
int64_t replication_next_ms(const struct store *store);
/* Blobs that the stream holds. */
size_t replication_bytes(const struct store *store);
/* The data that were loaded belong to this history: replicas of it may go on. */
void replication_resume(struct store *store, const struct rdb_history *history);
/* Takes no new frames and drops all replicas that follow: what they have leads to nothing any more. */
void replication_break(struct store *store, const char *reason);

/* ---- replicas.c: single replicas ---- */

/* Creates it if the session has none. NULL without memory. */
struct replica *replica_of(struct session *session);
/* Begins a partial synchronisation. False: the stream does not have what follows that offset of that history. */
bool replica_continue(struct store *store, struct replica *replica, struct slice id, int64_t offset);
/* It waits for a snapshot. */
void replica_await_snapshot(struct store *store, struct replica *replica);
void replica_acknowledge(struct store *store, struct replica *replica, uint64_t offset);
/* Sends what its socket can take, and closes it if it is too far behind. May free it. */
void replica_go_on(struct store *store, struct replica *replica);
/* Once a second: keeps it alive while it waits, closes it if it was not heard of for too long. May free it. */
void replica_check(struct store *store, struct replica *replica);
/* Closes its connection, and logs why. Frees it. */
void replica_drop(struct store *store, struct replica *replica, const char *reason);
/* The session ends. */
void replica_forget(struct store *store, struct session *session);
bool replica_is_alive(const struct replica *replica);

/* Its address without the port, and the port where it listens. */
void replica_get_address(const struct replica *replica, char *out_address, size_t size);
const char *replica_state_name(const struct replica *replica);
/* How many have acknowledged the offset. */
uint32_t replicas_at(const struct store *store, uint64_t offset);
/* How many are online and were heard of in the last min-replicas-max-lag seconds. */
uint32_t replicas_good(const struct store *store);
uint32_t replicas_count(const struct store *store);
const char *replication_refusal(const struct store *store);

/* ---- replicas.c: their snapshot, for saving.c ---- */

/* A replica waits for one. */
bool replicas_await_snapshot(const struct store *store);
/* The snapshot with this number begins: it is for those that wait. */
void replicas_on_snapshot_begun(struct store *store);
/* The stream shows where. */
void replicas_on_cut(struct store *store);
/* Can the sockets take more of it? */
bool replicas_take_records(const struct store *store);
/* Takes the bytes. */
void replicas_on_snapshot_bytes(struct store *store, struct blob *bytes);
void replicas_on_snapshot_done(struct store *store);
void replicas_on_snapshot_failed(struct store *store, const char *reason);

#endif

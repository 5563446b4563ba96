/*
 * A snapshot: all data as they were at one moment, the cut, copied while they change.
 *
 * Records come from two places. Before an entry of the cut changes for the first time, its former state is copied (storage/change.h). A walk
 * copies the others, one slice in each turn, in the order of a scan. Both mark the entry as emitted, so each is copied once, and entries
 * created after the cut never are. A keyspace is known by its address, and its database by the number that it had at the cut, whatever is
 * swapped or moved since. A flushed keyspace stays until it has been walked through.
 *
 * Records wait in a queue of batches, which the owner takes and gives to a writer. Small values are copied, large ones are held.
 *
 * Two bits in each entry tell whether it was emitted. They are enough because each walk comes to its end before the next snapshot begins. A
 * snapshot that is aborted, or fails, drops its queue, and its walk only marks.
 *
 * Order of calls: snapshot_begin(); snapshot_walk() while snapshot_is_walking(); snapshot_take() until it gives nothing; snapshot_end(). Private to the
 * store's runtime.
 */
#ifndef ACTORS_STORE_SNAPSHOT_H
#define ACTORS_STORE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/snapshot_batch.h"
#include "actors/reaper/reaper.h"
#include "storage/databases.h"

struct snapshot_options {
	int64_t now_ms, monotonic_ms;        /* the time of the cut */
	bool keeps_expired;                  /* what has expired, but was not removed yet: logs and replicas go on with its removal */
	enum rdb_usage usage;                /* what to note of each key's use */
};

/* A keyspace of the cut. */
struct snapshot_table {
	struct keyspace *keyspace; /* NULL: nothing of it is needed any more */
	struct garbage *flushed;   /* its record if it was flushed since, else NULL */
	struct snapshot_count count;
};

struct snapshot {
	struct databases *databases;
	struct snapshot_table *tables;
	uint32_t table_count;
	uint32_t at;                         /* the table that the walk is in */
	uint64_t cursor;                     /* where in it */
	bool is_emitting;                    /* records are wanted: it was not aborted */
	bool has_failed;                     /* there was no memory for a record */
	struct snapshot_options options;
	struct snapshot_batch *first, *last; /* the queue; records are added to the last */
	struct snapshot_bytes queued;
	uint64_t keys;                       /* emitted since the cut */
	struct snapshot_batch *spare;        /* empty ones, for reuse */
	struct garbage *garbage;             /* flushed keyspaces that it no longer needs */
};

/* Watches the databases, which must live as long. The snapshot must not be moved. */
void snapshot_init(struct snapshot *snapshot, struct databases *databases);
void snapshot_fini(struct snapshot *snapshot);

/* Makes the cut. The last walk must be over. False without memory: nothing has changed. */
bool snapshot_begin(struct snapshot *snapshot, const struct snapshot_options *options);

static inline bool snapshot_is_walking(const struct snapshot *snapshot)
{
	return snapshot->at < snapshot->table_count;
}

static inline size_t snapshot_queued_bytes(const struct snapshot *snapshot)
{
	return snapshot->queued.copied + snapshot->queued.held;
}

/* Goes on until the walk is over, the queue has `most_bytes`, or the monotonic clock has reached `until_ns`. */
void snapshot_walk(struct snapshot *snapshot, size_t most_bytes, uint64_t until_ns);

/* Takes the oldest batch. One that may still grow is taken only when the walk is over, or when asked for. NULL if there is none. */
enum snapshot_want { SNAPSHOT_WANTS_FULL, SNAPSHOT_WANTS_ANY };
struct snapshot_batch *snapshot_take(struct snapshot *snapshot, enum snapshot_want want);
/* Gives back an empty batch for reuse. */
void snapshot_give(struct snapshot *snapshot, struct snapshot_batch *batch);
/* Frees the queue, and emits nothing more: at the end, or to abort it. */
void snapshot_end(struct snapshot *snapshot);

/*
 * Offers a keyspace that databases_give() has given away. True: the snapshot takes the record, and needs the keyspace for a while. In the
 * end snapshot_take_garbage() returns it.
 */
bool snapshot_keep(struct snapshot *snapshot, struct garbage *garbage);
struct garbage *snapshot_take_garbage(struct snapshot *snapshot);

#endif

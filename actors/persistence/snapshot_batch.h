/*
 * What the store and the snapshot writer exchange: the plan of a file, the records for it, and what came of it.
 */
#ifndef ACTORS_PERSISTENCE_SNAPSHOT_BATCH_H
#define ACTORS_PERSISTENCE_SNAPSHOT_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/formats/rdb_pieces.h"

enum snapshot_purpose {
	SNAPSHOT_TO_FILE, /* an RDB file for the next start */
	SNAPSHOT_TO_BASE, /* the base of a log */
	SNAPSHOT_TO_REPLICAS, /* no file: the bytes go back to the store, which sends them */
};

/* How many keys a database had at the cut. */
struct snapshot_count {
	uint32_t database;
	uint64_t keys, expiring;
};

struct snapshot_plan {
	enum snapshot_purpose purpose;
	uint64_t number;        /* of the snapshot: its answer has it too */
	uint64_t sequence;      /* of the last frame before the cut */
	int64_t cut_ms;         /* wall clock */
	char *directory, *name; /* of the file */
	uint64_t used_bytes;    /* memory at the cut */
	char history_id[41];    /* that replicas follow; "": none. SNAPSHOT_END tells the offset in it */
	bool compresses, has_checksum;
	bool writes_back;       /* tells the disk to begin writing every few megabytes */
	uint32_t count;
	struct snapshot_count counts[]; /* of the databases with keys */
};

/* Space for `count` counts; takes copies of the texts. Fatal without memory. */
struct snapshot_plan *snapshot_plan_create(const char *directory, const char *name, uint32_t count);
void snapshot_plan_destroy(struct snapshot_plan **plan);

/* A batch of about this size is full. */
#define SNAPSHOT_BATCH_BYTES ((size_t)256 << 10)

/* What records take. */
struct snapshot_bytes {
	size_t copied, held;    /* memory of their own; blobs that others may hold too */
};

struct snapshot_batch {
	struct rdb_pieces pieces;
	struct snapshot_bytes bytes; /* when it was given to the writer; they stay when it is emptied */
	bool is_urgent;         /* many wait: write it without compressing */
	struct snapshot_batch *next;
};

/* NULL without memory. */
struct snapshot_batch *snapshot_batch_create(void);
void snapshot_batch_destroy(struct snapshot_batch **batch);
static inline size_t snapshot_batch_bytes(const struct snapshot_batch *batch)
{
	return batch->pieces.bytes + batch->pieces.blob_bytes;
}

/* How a snapshot ended. */
struct snapshot_result {
	uint64_t number;        /* the plan's */
	uint64_t keys, bytes;   /* in the file */
	char error[256];        /* why there is no file; "" if there is one */
};

#endif

/*
 * What the replication actor gives to the store: the next bytes of the replication stream, as blobs, which all replicas share. It ends
 * between two commands, outside of MULTI and EXEC.
 */
#ifndef ACTORS_REPLICATION_STREAM_H
#define ACTORS_REPLICATION_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/blob.h"

struct replication_stream {
	bool has_gap;              /* frames are missing before its first byte */
	uint64_t last_sequence;    /* of the frames that it and all before it hold */
	uint64_t snapshot;         /* the last snapshot that begins in it; 0: none */
	size_t snapshot_at;        /* it begins before this blob */
	struct blob **blobs;       /* held */
	size_t count, capacity;
};

/* Fatal without memory. */
struct replication_stream *replication_stream_create(void);
void replication_stream_destroy(struct replication_stream **stream);
/* Takes over a hold of the blob. Fatal without memory. */
void replication_stream_add(struct replication_stream *stream, struct blob *blob);

#endif

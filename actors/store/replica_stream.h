/*
 * The replication stream: the commands that replicas get, as a ring of blobs that all of them share. An offset is the number of bytes
 * before a place, from the beginning of the replication id's history.
 *
 *   begin                                        end
 *     v                                           v
 *     [ piece ][ piece ][    piece    ][  piece  ]
 *         ^ each replica has an offset between the two
 *
 * Its owner trims it: what no replica needs any more stays for those that come back (repl-backlog-size).
 */
#ifndef ACTORS_STORE_REPLICA_STREAM_H
#define ACTORS_STORE_REPLICA_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "storage/blob.h"

struct stream_piece {
	uint64_t begin;
	struct blob *blob; /* held */
};

struct replica_stream {
	struct stream_piece *pieces; /* those from `first` on are in use */
	size_t first, count, capacity;
	uint64_t begin, end;
	size_t blob_bytes;           /* memory of the blobs */
};

/* Empties it. It goes on at the offset. */
void replica_stream_reset(struct replica_stream *stream, uint64_t offset);
void replica_stream_fini(struct replica_stream *stream);

/* Takes over a hold of the blob. Fatal without memory. */
void replica_stream_append(struct replica_stream *stream, struct blob *blob);
/* Removes the pieces that end at the offset or before it. */
void replica_stream_trim(struct replica_stream *stream, uint64_t offset);
/* The piece with the byte behind the offset, which lies from begin to before end. Borrowed. */
const struct stream_piece *replica_stream_find(const struct replica_stream *stream, uint64_t offset);

#endif

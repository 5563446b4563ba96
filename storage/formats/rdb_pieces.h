/*
 * Entries on their way into an RDB file: copied quickly by the owner of the data, encoded later by another thread.
 *
 * An entry becomes a record. Its value becomes pieces: raw bytes, strings as they are (encoding and compressing them is left to the reader),
 * and blobs by reference. Adding a record costs a copy of the key and of small strings.
 *
 * The memory is the struct's own, so the struct may be given to another thread with everything in it. Records are trusted: they never leave
 * the process.
 */
#ifndef STORAGE_FORMATS_RDB_PIECES_H
#define STORAGE_FORMATS_RDB_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rdb.h"
#include "storage/blob.h"
#include "storage/slice.h"

struct entry;

/* How recently or how often a key was used. At most one of the two is known. */
enum rdb_usage { RDB_USAGE_UNKNOWN, RDB_IDLE_SECONDS, RDB_FREQUENCY };

/* A key in an RDB file, with everything but its value. */
struct rdb_record {
	struct slice key;
	int64_t expiry_ms;      /* Unix time, or NO_EXPIRY */
	uint32_t database;
	uint32_t usage_value;   /* a frequency is at most 255 */
	uint8_t usage;          /* enum rdb_usage */
	uint8_t type;           /* enum rdb_type */
};

/* All zero: empty. */
struct rdb_pieces {
	uint8_t *data;
	size_t bytes, capacity; /* of all records */
	struct blob **blobs;    /* held */
	size_t blob_count, blob_capacity;
	size_t blob_bytes;      /* the length of all blobs */
	uint32_t records;
};

/* Adds an entry; its type replaces record->type. False without memory; then nothing has changed. */
bool rdb_pieces_add(struct rdb_pieces *pieces, const struct rdb_record *record, const struct entry *entry);
/* Removes all records and releases their blobs, but keeps the memory for others. */
void rdb_pieces_clear(struct rdb_pieces *pieces);
void rdb_pieces_fini(struct rdb_pieces *pieces);

/* Reads the records in the order in which they were added. Borrows the pieces, which must not change meanwhile. */
struct rdb_pieces_reader {
	const struct rdb_pieces *pieces;
	size_t at;              /* the next piece of the current record */
	size_t next;            /* the next record */
};

void rdb_pieces_reader_init(struct rdb_pieces_reader *reader, const struct rdb_pieces *pieces);
/* Moves to the next record, whose key stays valid as long as the pieces. False at the end. */
bool rdb_pieces_next(struct rdb_pieces_reader *reader, struct rdb_record *out_record);
/* Writes the current record's value. */
void rdb_pieces_write_value(struct rdb_pieces_reader *reader, struct rdb_writer *writer);

#endif

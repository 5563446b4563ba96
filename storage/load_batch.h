/*
 * Entries that are being loaded: made by a thread that reads a file, taken into the keyspaces by the owner of the data.
 *
 * A batch has its own memory and owns the values in it until they are taken. One thread at a time uses it. A key that is in its database
 * already is an error.
 */
#ifndef STORAGE_LOAD_BATCH_H
#define STORAGE_LOAD_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "databases.h"
#include "storage/formats/rdb_pieces.h"
#include "value.h"

/* As many as the owner takes in well below a millisecond. */
#define LOAD_BATCH_ENTRIES 1024u
/* A batch with this many bytes takes no more entries. Its last entry may be as large as an entry can be. */
#define LOAD_BATCH_BYTES (128u * 1024)

struct load_entry {
	uint64_t hash;
	struct slice key;
	struct value value;
	int64_t expiry_ms;       /* or NO_EXPIRY */
	uint64_t offset;         /* in the file, for errors */
	uint32_t database;
	uint32_t usage_value;
	uint8_t usage;           /* enum rdb_usage */
};

struct load_batch {
	/* About so many keys will be in this database at the end. The owner sizes its table in advance, a bit with each batch. */
	uint32_t sized_database;
	uint64_t expected_keys;
	uint32_t count, taken;   /* entries */
	uint32_t expired_keys;   /* of the file, which were skipped */
	size_t bytes;            /* of keys and values */
	struct load_chunk *chunks;
	struct load_entry entries[LOAD_BATCH_ENTRIES];
};

/* NULL without memory. */
struct load_batch *load_batch_create(void);
/* Releases values that were not taken. */
void load_batch_destroy(struct load_batch **batch);

bool load_batch_is_full(const struct load_batch *batch);
/* Adds an entry to a batch that isn't full, and takes the value over. False without memory; then the caller still owns the value. */
bool load_batch_add(struct load_batch *batch, const struct rdb_record *record, uint64_t offset, const struct value *value);

enum load_status {
	LOAD_DONE,
	LOAD_NO_MEMORY,
	LOAD_DUPLICATE,   /* the key is there already */
	LOAD_NO_DATABASE, /* there are not so many */
};

/*
 * The owner takes all entries; the batch stays to be destroyed. If that fails, batch->entries[batch->taken] is the entry that could not
 * be taken.
 */
enum load_status load_batch_take(struct load_batch *batch, struct databases *databases, int64_t monotonic_ms);

#endif

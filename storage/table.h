/*
 * The hash table of a keyspace: linear hashing over small buckets. Private to storage/.
 *
 * The table grows and shrinks by one bucket at a time, within table_add() and table_remove(). Growing is best effort:
 * without memory the buckets only get fuller. Entries are found by keyspace_hash() of
 * the key. The table stores addresses of entries; it frees entries only in table_fini().
 *
 * A slot holds an entry's address; a `struct table_slot` is valid until the next table_add() or table_remove(). The
 * layout is drawn in table.c and bucket.h.
 */
#ifndef STORAGE_TABLE_H
#define STORAGE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "bucket.h"
#include "chunks.h"
#include "entry.h"
#include "keyspace.h"

/* Buckets per chunk of the directory: 8 KB. For ten million keys the list of chunks has 16 KB. */
#define DIRECTORY_CHUNK_BUCKETS 1024u
#define DIRECTORY_CHUNK_BYTES (DIRECTORY_CHUNK_BUCKETS * sizeof(uint64_t))

struct table {
	struct chunks directory;
	uint64_t buckets;
	uint64_t base;                /* power of two; base <= buckets < 2 * base */
	uint64_t count;               /* entries */
	uint64_t rooms[BUCKET_ROOMS]; /* buckets of each room, by the room's index */
};

/* Starts with one empty bucket. False without memory. */
bool table_init(struct table *table, struct memory *memory);
/* Frees all entries too. */
void table_fini(struct table *table, enum memory_freer freer);

/* As keyspace_reserve(). */
void table_reserve(struct table *table, uint64_t keys, uint64_t most);

void table_prefetch_directory(const struct table *table, uint64_t hash);
void table_prefetch_bucket(const struct table *table, uint64_t hash);
void table_prefetch_entry(const struct table *table, uint64_t hash);

struct table_slot {
	uint64_t *bucket; /* NULL when nothing was found */
	unsigned number;
};

struct table_slot table_find(const struct table *table, struct slice key, uint64_t hash);
/* The slot of an entry, which must be in the table. */
struct table_slot table_slot_of(const struct table *table, const struct entry *entry, uint64_t hash);

static inline struct entry *table_entry(struct table_slot slot)
{
	return bucket_entry(*slot.bucket, slot.number);
}

/* The key's entry has moved: updates its address. */
static inline void table_move(struct table_slot slot, const struct entry *entry)
{
	bucket_set_entry(*slot.bucket, slot.number, entry);
}

/* The key must be absent. False without memory; then nothing has changed. */
bool table_add(struct table *table, const struct entry *entry, uint64_t hash);
void table_remove(struct table *table, struct table_slot slot);

/* The bucket of a number below table->buckets. */
uint64_t *table_bucket(const struct table *table, uint64_t number);
/* The number of the bucket where a hash belongs. */
uint64_t table_bucket_number(const struct table *table, uint64_t hash);

/* As keyspace_scan(), keyspace_random() and keyspace_get_shape(). */
uint64_t table_scan(const struct table *table, uint64_t cursor, keyspace_visit *visit, void *context);
struct entry *table_random(const struct table *table, uint64_t (*random)(void *), void *context);
void table_get_shape(const struct table *table, struct keyspace_shape *out_shape);

#endif

/*
 * Keys and small values are copied once, into chunks of the batch, from where the entry of the keyspace is written.
 */
#include "load_batch.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"

/* Usually there is one chunk: what remains is enough for a last entry with a small key and value. */
#define CHUNK_BYTES (LOAD_BATCH_BYTES + 2 * BLOB_MIN_BYTES)

/* How many entries ahead the directory's word and the bucket are prefetched. */
#define DIRECTORY_AHEAD 16u
#define BUCKET_AHEAD 8u

/* Buckets that one batch may add to the table in advance: for more entries than the batch has, and in a fraction of a millisecond. */
#define RESERVE_STEPS 8192u

struct load_chunk {
	struct load_chunk *next;
	size_t used, capacity;
	uint8_t bytes[];
};

struct load_batch *load_batch_create(void)
{
	struct load_batch *batch = malloc(sizeof(*batch));
	if (batch)
		memset(batch, 0, offsetof(struct load_batch, entries));
	return batch;
}

void load_batch_destroy(struct load_batch **batch)
{
	if (!*batch)
		return;
	for (uint32_t i = (*batch)->taken; i < (*batch)->count; i++)
		value_release(&(*batch)->entries[i].value);
	for (struct load_chunk *chunk = (*batch)->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(*batch);
	*batch = NULL;
}

/* ---- the thread that reads ---- */

bool load_batch_is_full(const struct load_batch *batch)
{
	return batch->count == LOAD_BATCH_ENTRIES || batch->bytes >= LOAD_BATCH_BYTES;
}

static uint8_t *allocate(struct load_batch *batch, size_t len)
{
	struct load_chunk *chunk = batch->chunks;
	if (!chunk || chunk->capacity - chunk->used < len) {
		size_t capacity = len > CHUNK_BYTES ? len : CHUNK_BYTES;
		chunk = malloc(sizeof(*chunk) + capacity);
		if (!chunk)
			return NULL;
		*chunk = (struct load_chunk){ .next = batch->chunks, .capacity = capacity };
		batch->chunks = chunk;
	}
	chunk->used += len;
	return chunk->bytes + chunk->used - len;
}

/* Copies the value, with its part to `part` unless that is an address. */
static void move_value(const struct value *from, struct value *to, uint8_t *part)
{
	*to = *from;
	if (from->part.data == from->address) {
		to->part.data = to->address;
		return;
	}
	if (from->part.len)
		memcpy(part, from->part.data, from->part.len);
	to->part.data = part;
}

bool load_batch_add(struct load_batch *batch, const struct rdb_record *record, uint64_t offset, const struct value *value)
{
	size_t key_len = record->key.len, len = key_len + value->part.len;
	uint8_t *at = allocate(batch, len);
	if (!at)
		return false;
	struct load_entry *entry = &batch->entries[batch->count++];
	if (key_len)
		memcpy(at, record->key.data, key_len);
	move_value(value, &entry->value, at + key_len);
	entry->key = slice_of(at, key_len);
	entry->hash = keyspace_hash(entry->key);
	entry->expiry_ms = record->expiry_ms;
	entry->offset = offset;
	entry->database = record->database;
	entry->usage = record->usage;
	entry->usage_value = record->usage_value;
	batch->bytes += len + value_used_bytes(value);
	return true;
}

/* ---- the owner ---- */

static void prefetch(const struct load_batch *batch, const struct databases *databases)
{
	uint32_t directory = batch->taken + DIRECTORY_AHEAD, bucket = batch->taken + BUCKET_AHEAD;
	if (directory < batch->count && batch->entries[directory].database < databases->count)
		keyspace_prefetch_directory(databases_read(databases, batch->entries[directory].database), batch->entries[directory].hash);
	if (bucket < batch->count && batch->entries[bucket].database < databases->count)
		keyspace_prefetch_bucket(databases_read(databases, batch->entries[bucket].database), batch->entries[bucket].hash);
}

static void note_usage(struct access *access, const struct load_entry *loaded, struct entry *entry, int64_t monotonic_ms)
{
	switch ((enum rdb_usage)loaded->usage) {
	case RDB_USAGE_UNKNOWN: break;
	case RDB_IDLE_SECONDS: access_set_idle(access, entry, (int64_t)loaded->usage_value * 1000, monotonic_ms); break;
	case RDB_FREQUENCY: access_set_frequency(access, entry, loaded->usage_value); break;
	}
}

static enum load_status take(struct databases *databases, const struct load_entry *loaded, int64_t monotonic_ms)
{
	struct entry *entry;
	if (loaded->database >= databases->count)
		return LOAD_NO_DATABASE;
	struct keyspace *keyspace = databases_own(databases, loaded->database);
	if (!keyspace)
		return LOAD_NO_MEMORY;
	switch (keyspace_add_value(keyspace, loaded->key, loaded->hash, &loaded->value, loaded->expiry_ms, &entry)) {
	case KEYSPACE_NO_MEMORY: return LOAD_NO_MEMORY;
	case KEYSPACE_EXISTS: return LOAD_DUPLICATE;
	case KEYSPACE_OK: break;
	}
	note_usage(databases->storage.access, loaded, entry, monotonic_ms);
	return LOAD_DONE;
}

static void reserve(const struct load_batch *batch, struct databases *databases)
{
	if (batch->expected_keys == 0 || batch->sized_database >= databases->count)
		return;
	struct keyspace *keyspace = databases_own(databases, batch->sized_database);
	if (keyspace)
		keyspace_reserve(keyspace, batch->expected_keys, RESERVE_STEPS);
}

enum load_status load_batch_take(struct load_batch *batch, struct databases *databases, int64_t monotonic_ms)
{
	enum load_status status = LOAD_DONE;
	reserve(batch, databases);
	while (status == LOAD_DONE && batch->taken < batch->count) {
		prefetch(batch, databases);
		status = take(databases, &batch->entries[batch->taken], monotonic_ms);
		batch->taken += status == LOAD_DONE;
	}
	return status;
}

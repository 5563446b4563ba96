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

struct load_batch *load_batch_create(uint32_t database, uint64_t expected_keys)
{
	struct load_batch *batch = malloc(sizeof(*batch));
	if (!batch)
		return NULL;
	memset(batch, 0, offsetof(struct load_batch, entries));
	batch->database = database;
	batch->expected_keys = expected_keys;
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
	entry->usage = record->usage;
	entry->usage_value = record->usage_value;
	batch->bytes += len + value_used_bytes(value);
	return true;
}

/* ---- the owner ---- */

static void prefetch(const struct load_batch *batch, const struct keyspace *keyspace, uint32_t i)
{
	if (i + DIRECTORY_AHEAD < batch->count)
		keyspace_prefetch_directory(keyspace, batch->entries[i + DIRECTORY_AHEAD].hash);
	if (i + BUCKET_AHEAD < batch->count)
		keyspace_prefetch_bucket(keyspace, batch->entries[i + BUCKET_AHEAD].hash);
}

static void note_usage(struct access *access, const struct load_entry *loaded, struct entry *entry, int64_t monotonic_ms)
{
	switch ((enum rdb_usage)loaded->usage) {
	case RDB_USAGE_UNKNOWN: break;
	case RDB_IDLE_SECONDS: access_set_idle(access, entry, (int64_t)loaded->usage_value * 1000, monotonic_ms); break;
	case RDB_FREQUENCY: access_set_frequency(access, entry, loaded->usage_value); break;
	}
}

static enum load_status take(struct keyspace *keyspace, const struct load_entry *loaded, struct access *access, int64_t monotonic_ms)
{
	struct entry *entry;
	switch (keyspace_add_value(keyspace, loaded->key, loaded->hash, &loaded->value, loaded->expiry_ms, &entry)) {
	case KEYSPACE_NO_MEMORY: return LOAD_NO_MEMORY;
	case KEYSPACE_EXISTS: return LOAD_DUPLICATE;
	case KEYSPACE_OK: break;
	}
	note_usage(access, loaded, entry, monotonic_ms);
	return LOAD_DONE;
}

enum load_status load_batch_take(struct load_batch *batch, struct databases *databases, int64_t monotonic_ms)
{
	enum load_status status = LOAD_DONE;
	if (batch->database >= databases->count)
		return LOAD_NO_DATABASE;
	struct keyspace *keyspace = databases_own(databases, batch->database);
	if (!keyspace)
		return LOAD_NO_MEMORY;
	keyspace_reserve(keyspace, batch->expected_keys, RESERVE_STEPS);
	while (status == LOAD_DONE && batch->taken < batch->count) {
		prefetch(batch, keyspace, batch->taken);
		status = take(keyspace, &batch->entries[batch->taken], databases->storage.access, monotonic_ms);
		batch->taken += status == LOAD_DONE;
	}
	return status;
}

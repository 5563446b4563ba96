#include "support/keys.h"

#include <inttypes.h>
#include <stdio.h>

#include <CUnit/CUnit.h>

#include "storage/memory.h"
#include "support/random.h"

static size_t used_before;
static size_t blobs_before;

struct storage *keys_storage(void)
{
	static struct storage storage;
	static bool started;
	if (started)
		return &storage;
	memory_init();
	keyspace_seed_hash_repeatably(random_seed("hash"));
	started = storage_init(&storage);
	CU_ASSERT_FATAL(started);
	return &storage;
}

struct keyspace *keys_create(void)
{
	used_before = memory_used_bytes(&keys_storage()->memory);
	blobs_before = blob_used_bytes();
	return keyspace_create(keys_storage());
}

void keys_destroy(struct keyspace **keyspace)
{
	keyspace_destroy(keyspace);
	CU_ASSERT_PTR_NULL(*keyspace);
	CU_ASSERT_EQUAL(memory_used_bytes(&keys_storage()->memory), used_before);
	CU_ASSERT_EQUAL(blob_used_bytes(), blobs_before);
}

struct slice text(const char *bytes)
{
	return slice_of(bytes, strlen(bytes));
}

enum keyspace_status keys_set(struct keyspace *keyspace, struct slice key, struct slice value)
{
	struct entry *entry;
	return keyspace_set_string(keyspace, key, keyspace_hash(key), value, KEYSPACE_DROP_TTL, 0, &entry);
}

enum keyspace_status keys_set_expiring(struct keyspace *keyspace, struct slice key, struct slice value, int64_t when_ms)
{
	struct entry *entry;
	uint64_t hash = keyspace_hash(key);
	enum keyspace_status status = keyspace_set_string(keyspace, key, hash, value, KEYSPACE_DROP_TTL, 0, &entry);
	return status == KEYSPACE_OK ? keyspace_set_expiry(keyspace, &entry, when_ms) : status;
}

struct entry *keys_find(struct keyspace *keyspace, struct slice key, int64_t now_ms)
{
	return keyspace_find(keyspace, key, keyspace_hash(key), now_ms);
}

bool keys_remove(struct keyspace *keyspace, struct slice key)
{
	return keyspace_remove(keyspace, key, keyspace_hash(key));
}

bool keys_has(struct keyspace *keyspace, struct slice key, struct slice value, int64_t now_ms)
{
	const struct entry *entry = keys_find(keyspace, key, now_ms);
	return entry && slice_equal(entry_key(entry), key) && slice_equal(entry_string(entry), value);
}

struct slice keys_numbered(uint64_t number)
{
	static char buffers[8][24];
	static unsigned turn;
	char *buffer = buffers[turn++ % 8];
	snprintf(buffer, sizeof(buffers[0]), "%016" PRIu64, number);
	return slice_of(buffer, 16);
}

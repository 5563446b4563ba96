/*
 * Any bytes as the payload of RESTORE, with a footer that is right. A value that is decoded must be the same after DUMP and RESTORE.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/formats/crc64.h"
#include "storage/formats/dump.h"
#include "storage/storage.h"

static struct storage storage;
static struct rdb_reader reader;

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

/* The entry that RESTORE makes of the payload; NULL if it is refused. */
static struct entry *restore(struct keyspace *keyspace, struct slice payload)
{
	struct value value;
	struct entry *entry;
	struct slice key = slice_of("key", 3);
	enum dump_status status = dump_decode(&reader, payload, &value);
	check(status == DUMP_OK || status == DUMP_MALFORMED);
	if (status != DUMP_OK) {
		check(!reader.error || reader.error_offset <= payload.len);
		return NULL;
	}
	check(keyspace_put_value(keyspace, key, keyspace_hash(key), &value, NO_EXPIRY, &entry) == KEYSPACE_OK);
	return entry;
}

static void check_again(struct keyspace *keyspace, const struct entry *entry, bool compresses)
{
	struct blob *payload = dump_encode(entry, compresses);
	struct slice string = entry_string(entry), dumped = slice_of(payload->data, payload->len);
	check(dump_string_len(dumped) >= string.len);
	struct keyspace *other = keyspace_create(&storage);
	const struct entry *again = restore(other, dumped);
	check(again && slice_equal(entry_string(again), string));
	keyspace_destroy(&other);
	blob_release(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!storage.access) {
		memory_init();
		keyspace_seed_hash_repeatably(1);
		check(storage_init(&storage));
	}
	struct keyspace *keyspace = keyspace_create(&storage);
	uint8_t *payload = malloc(size + 10);
	memcpy(payload, data, size);
	payload[size] = RDB_VERSION;
	payload[size + 1] = 0;
	uint64_t sum = crc64(0, payload, size + 2);
	memcpy(payload + size + 2, &sum, sizeof(sum));
	(void)dump_string_len(slice_of(data, size));
	const struct entry *entry = restore(keyspace, slice_of(payload, size + 10));
	if (entry) {
		check_again(keyspace, entry, false);
		check_again(keyspace, entry, true);
	}
	free(payload);
	keyspace_destroy(&keyspace);
	return 0;
}

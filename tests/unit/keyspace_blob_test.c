#include "support/suite.h"

#include <string.h>

#include "storage/memory.h"
#include "support/keys.h"

#define LARGE BLOB_MIN_BYTES

static uint8_t bytes[2 * LARGE];

static struct entry *set_large(struct keyspace *keyspace)
{
	memset(bytes, 'v', sizeof(bytes));
	CU_ASSERT_EQUAL(keys_set(keyspace, text("key"), slice_of(bytes, LARGE)), KEYSPACE_OK);
	return keys_find(keyspace, text("key"), 0);
}

static void an_own_blob_is_written_where_it_lies(void)
{
	struct keyspace *keyspace = keys_create();
	struct entry *entry = set_large(keyspace);
	struct blob *before = entry_blob(entry);
	struct blob *blob = keyspace_own_blob(keyspace, entry, LARGE);
	CU_ASSERT_PTR_EQUAL(blob, before);
	blob->data[0] = 'w';
	CU_ASSERT_EQUAL(entry_string(entry).data[0], 'w');
	keys_destroy(&keyspace);
}

static void a_blob_grows_to_the_end_of_its_size_class_and_keeps_its_bytes(void)
{
	struct keyspace *keyspace = keys_create();
	struct entry *entry = set_large(keyspace);
	struct blob *blob = keyspace_own_blob(keyspace, entry, LARGE + 1);
	CU_ASSERT(blob->capacity > LARGE + 1);
	CU_ASSERT_EQUAL(sizeof(*blob) + blob->capacity, memory_size_class(sizeof(*blob) + LARGE + 1));
	CU_ASSERT_EQUAL(blob->len, LARGE);
	blob->data[blob->len++] = 'x';
	CU_ASSERT_PTR_EQUAL(keyspace_own_blob(keyspace, entry, LARGE + 2), blob);
	bytes[LARGE] = 'x';
	CU_ASSERT(keys_has(keyspace, text("key"), slice_of(bytes, LARGE + 1), 0));
	keys_destroy(&keyspace);
}

static void a_shared_blob_is_copied_and_its_other_holder_sees_no_change(void)
{
	struct keyspace *keyspace = keys_create();
	struct entry *entry = set_large(keyspace);
	struct blob *shared = blob_hold(entry_blob(entry));
	struct blob *blob = keyspace_own_blob(keyspace, entry, LARGE);
	CU_ASSERT_PTR_NOT_EQUAL(blob, shared);
	CU_ASSERT_PTR_EQUAL(entry_blob(entry), blob);
	CU_ASSERT_FALSE(blob_is_shared(shared));
	blob->data[0] = 'w';
	CU_ASSERT_EQUAL(shared->data[0], 'v');
	CU_ASSERT_EQUAL(blob->data[1], 'v');
	CU_ASSERT_EQUAL(blob->len, LARGE);
	blob_release(&shared);
	keys_destroy(&keyspace);
}

static void without_memory_the_entry_is_as_it_was(void)
{
	struct keyspace *keyspace = keys_create();
	struct entry *entry = set_large(keyspace);
	struct blob *before = entry_blob(entry);
	memory_fail_nth(1);
	CU_ASSERT_PTR_NULL(keyspace_own_blob(keyspace, entry, 2 * LARGE));
	struct blob *shared = blob_hold(before);
	memory_fail_nth(1);
	CU_ASSERT_PTR_NULL(keyspace_own_blob(keyspace, entry, LARGE));
	memory_fail_nth(0);
	blob_release(&shared);
	CU_ASSERT_PTR_EQUAL(entry_blob(entry), before);
	CU_ASSERT(keys_has(keyspace, text("key"), slice_of(bytes, LARGE), 0));
	keys_destroy(&keyspace);
}

static void an_expiring_entry_keeps_its_time(void)
{
	struct keyspace *keyspace = keys_create();
	struct entry *entry = set_large(keyspace);
	CU_ASSERT_EQUAL(keyspace_set_expiry(keyspace, &entry, 1000), KEYSPACE_OK);
	CU_ASSERT_PTR_NOT_NULL(keyspace_own_blob(keyspace, entry, 4 * LARGE));
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), 1000);
	CU_ASSERT(keys_has(keyspace, text("key"), slice_of(bytes, LARGE), 999));
	CU_ASSERT_PTR_NULL(keys_find(keyspace, text("key"), 1000));
	keys_destroy(&keyspace);
}

static void what_is_kept_follows_the_entries(void)
{
	size_t before = blob_kept_bytes();
	struct keyspace *keyspace = keys_create();
	struct entry *entry = set_large(keyspace), *copy;
	struct blob *passing = blob_hold(entry_blob(entry));
	size_t one = blob_kept_bytes() - before;
	CU_ASSERT(one >= LARGE);
	CU_ASSERT_EQUAL(keyspace_set_blob(keyspace, text("copy"), keyspace_hash(text("copy")), passing, KEYSPACE_DROP_TTL, 0, &copy),
			KEYSPACE_OK);
	CU_ASSERT_EQUAL(blob_kept_bytes() - before, one);
	CU_ASSERT_PTR_NOT_NULL(keyspace_own_blob(keyspace, copy, LARGE)); /* a copy of it */
	CU_ASSERT_EQUAL(blob_kept_bytes() - before, 2 * one);
	CU_ASSERT(keyspace_remove(keyspace, text("copy"), keyspace_hash(text("copy"))));
	CU_ASSERT_EQUAL(blob_kept_bytes() - before, one);
	CU_ASSERT_EQUAL(keys_set(keyspace, text("key"), text("small")), KEYSPACE_OK);
	CU_ASSERT_EQUAL(blob_kept_bytes(), before);
	set_large(keyspace);
	blob_release(&passing);
	keys_destroy(&keyspace);
	CU_ASSERT_EQUAL(blob_kept_bytes(), before);
}

static const struct suite_case cases[] = {
	CASE(an_own_blob_is_written_where_it_lies),
	CASE(a_blob_grows_to_the_end_of_its_size_class_and_keeps_its_bytes),
	CASE(a_shared_blob_is_copied_and_its_other_holder_sees_no_change),
	CASE(without_memory_the_entry_is_as_it_was),
	CASE(an_expiring_entry_keeps_its_time),
	CASE(what_is_kept_follows_the_entries),
};

SUITE_MAIN("keyspace_blob", cases)

#include "storage/keyspace.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/memory.h"
#include "storage/value.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

static void absent_key_is_not_found(void)
{
	struct keyspace *keyspace = keys_create();
	CU_ASSERT_PTR_NULL(keys_find(keyspace, text("nobody"), 0));
	CU_ASSERT_FALSE(keys_remove(keyspace, text("nobody")));
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 0);
	keys_destroy(&keyspace);
}

static void set_key_is_found_with_its_value(void)
{
	struct keyspace *keyspace = keys_create();
	struct entry *entry = NULL;
	uint64_t hash = keyspace_hash(text("name"));
	CU_ASSERT_EQUAL(keyspace_set_string(keyspace, text("name"), hash, text("John Doe"), KEYSPACE_DROP_TTL, 0, &entry),
			KEYSPACE_OK);
	CU_ASSERT_PTR_EQUAL(entry, keys_find(keyspace, text("name"), 0));
	CU_ASSERT_TRUE(keys_has(keyspace, text("name"), text("John Doe"), 0));
	CU_ASSERT_EQUAL(entry_type(entry), ENTRY_STRING);
	CU_ASSERT_PTR_NULL(entry_blob(entry));
	CU_ASSERT_FALSE(entry_has_expiry(entry));
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 1);
	keys_destroy(&keyspace);
}

static void origin_of_a_string_lasts_until_the_next_value(void)
{
	struct keyspace *keyspace = keys_create();
	keys_set(keyspace, text("k"), text("12"));
	struct entry *entry = keys_find(keyspace, text("k"), 0);
	CU_ASSERT_EQUAL(entry_string_origin(entry), STRING_GIVEN);
	entry_note_string_origin(entry, STRING_PATCHED);
	CU_ASSERT_EQUAL(keyspace_set_expiry(keyspace, &entry, 1000), KEYSPACE_OK);
	CU_ASSERT_EQUAL(entry_string_origin(entry), STRING_PATCHED);
	entry_note_string_origin(entry, STRING_COMPUTED);
	CU_ASSERT_EQUAL(keyspace_clear_expiry(keyspace, &entry), KEYSPACE_OK);
	CU_ASSERT_EQUAL(entry_string_origin(entry), STRING_COMPUTED);
	CU_ASSERT_TRUE(keys_has(keyspace, text("k"), text("12"), 0));
	keys_set(keyspace, text("k"), text("34"));
	CU_ASSERT_EQUAL(entry_string_origin(keys_find(keyspace, text("k"), 0)), STRING_GIVEN);
	keys_destroy(&keyspace);
}

static void removed_key_is_gone(void)
{
	struct keyspace *keyspace = keys_create();
	keys_set(keyspace, text("a"), text("1"));
	keys_set(keyspace, text("b"), text("2"));
	CU_ASSERT_TRUE(keys_remove(keyspace, text("a")));
	CU_ASSERT_FALSE(keys_remove(keyspace, text("a")));
	keyspace_remove_entry(keyspace, keys_find(keyspace, text("b"), 0));
	CU_ASSERT_PTR_NULL(keys_find(keyspace, text("a"), 0));
	CU_ASSERT_PTR_NULL(keys_find(keyspace, text("b"), 0));
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 0);
	keys_destroy(&keyspace);
}

static void keys_and_values_may_be_empty_and_hold_any_byte(void)
{
	struct keyspace *keyspace = keys_create();
	uint8_t all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	struct slice every = slice_of(all, sizeof(all)), none = slice_of(NULL, 0);
	keys_set(keyspace, every, none);
	keys_set(keyspace, none, every);
	CU_ASSERT_TRUE(keys_has(keyspace, every, none, 0));
	CU_ASSERT_TRUE(keys_has(keyspace, none, every, 0));
	keys_set(keyspace, none, none);
	CU_ASSERT_TRUE(keys_has(keyspace, none, none, 0));
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 2);
	keys_destroy(&keyspace);
}

/* At and around the bounds of the entry's layouts and of some size classes. */
static const uint32_t lengths[] = { 0,	 1,   10,  11,	26,  100, 253,	254,   255,   256,	     257,
				    300, 500, 501, 700, 800, 900, 16000, 16383, 16384, BLOB_MIN_BYTES + 1, 100000 };
#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

static struct slice patterned(uint8_t *buffer, uint32_t len, uint8_t salt)
{
	for (uint32_t i = 0; i < len; i++)
		buffer[i] = (uint8_t)(i * 31 + salt + len);
	return slice_of(buffer, len);
}

static void every_length_of_key_and_value_can_follow_every_other(void)
{
	static uint8_t key_bytes[100001], value_bytes[100001];
	struct keyspace *keyspace = keys_create();
	for (size_t k = 0; k < LENGTHS; k++) {
		struct slice key = patterned(key_bytes, lengths[k], 1);
		for (size_t v = 0; v < LENGTHS; v++)
			for (size_t w = 0; w < LENGTHS; w++) {
				CU_ASSERT_EQUAL(keys_set(keyspace, key, patterned(value_bytes, lengths[v], 2)), KEYSPACE_OK);
				CU_ASSERT_EQUAL(keys_set(keyspace, key, patterned(value_bytes, lengths[w], 3)), KEYSPACE_OK);
				CU_ASSERT_TRUE(keys_has(keyspace, key, slice_of(value_bytes, lengths[w]), 0));
			}
	}
	CU_ASSERT_EQUAL(keyspace_count(keyspace), LENGTHS);
	keys_destroy(&keyspace);
}

static void every_length_keeps_its_expiry_through_every_other(void)
{
	static uint8_t key_bytes[100001], value_bytes[100001];
	struct keyspace *keyspace = keys_create();
	struct entry *entry;
	for (size_t k = 0; k < LENGTHS; k++) {
		struct slice key = patterned(key_bytes, lengths[k], 1);
		uint64_t hash = keyspace_hash(key);
		int64_t when_ms = 1000 + (int64_t)k;
		CU_ASSERT_EQUAL(keys_set_expiring(keyspace, key, text("x"), when_ms), KEYSPACE_OK);
		for (size_t v = 0; v < LENGTHS; v++) {
			struct slice value = patterned(value_bytes, lengths[v], 2);
			CU_ASSERT_EQUAL(keyspace_set_string(keyspace, key, hash, value, KEYSPACE_KEEP_TTL, 0, &entry), KEYSPACE_OK);
			CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), when_ms);
			CU_ASSERT_EQUAL(keyspace_clear_expiry(keyspace, &entry), KEYSPACE_OK);
			CU_ASSERT_TRUE(keys_has(keyspace, key, value, 5000));
			CU_ASSERT_EQUAL(keyspace_set_expiry(keyspace, &entry, when_ms), KEYSPACE_OK);
			CU_ASSERT_TRUE(keys_has(keyspace, key, value, 0));
			CU_ASSERT_PTR_NULL(keys_find(keyspace, key, when_ms));
		}
	}
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), LENGTHS);
	keys_destroy(&keyspace);
}

static void overwriting_within_the_size_class_moves_nothing(void)
{
	struct keyspace *keyspace = keys_create();
	keys_set(keyspace, text("counter"), text("1000"));
	struct entry *before = keys_find(keyspace, text("counter"), 0);
	size_t used = memory_used_bytes(&keys_storage()->memory);
	memory_fail_nth(1);
	CU_ASSERT_EQUAL(keys_set(keyspace, text("counter"), text("999")), KEYSPACE_OK);
	memory_fail_nth(0);
	CU_ASSERT_PTR_EQUAL(keys_find(keyspace, text("counter"), 0), before);
	CU_ASSERT_TRUE(keys_has(keyspace, text("counter"), text("999"), 0));
	CU_ASSERT_EQUAL(memory_used_bytes(&keys_storage()->memory), used);
	keys_destroy(&keyspace);
}

static void large_value_is_kept_in_a_blob_of_its_own(void)
{
	struct keyspace *keyspace = keys_create();
	static uint8_t bytes[BLOB_MIN_BYTES];
	keys_set(keyspace, text("small"), slice_of(bytes, BLOB_MIN_BYTES - 1));
	keys_set(keyspace, text("large"), slice_of(bytes, BLOB_MIN_BYTES));
	CU_ASSERT_PTR_NULL(entry_blob(keys_find(keyspace, text("small"), 0)));
	struct blob *blob = entry_blob(keys_find(keyspace, text("large"), 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(blob);
	CU_ASSERT_EQUAL(blob->len, BLOB_MIN_BYTES);
	CU_ASSERT_EQUAL(blob->holders, 1);
	CU_ASSERT(blob->data != bytes);
	keys_destroy(&keyspace);
}

static void given_blob_is_held_and_let_go_when_overwritten(void)
{
	struct keyspace *keyspace = keys_create();
	struct blob *blob = blob_create(5);
	struct entry *entry;
	uint64_t hash = keyspace_hash(text("key"));
	memcpy(blob->data, "bytes", 5);
	blob->len = 5;
	CU_ASSERT_EQUAL(keyspace_set_blob(keyspace, text("key"), hash, blob, KEYSPACE_DROP_TTL, 0, &entry), KEYSPACE_OK);
	CU_ASSERT_PTR_EQUAL(entry_blob(entry), blob);
	CU_ASSERT_EQUAL(blob->holders, 2);
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("bytes"), 0));
	CU_ASSERT_EQUAL(keyspace_set_blob(keyspace, text("key"), hash, blob, KEYSPACE_DROP_TTL, 0, &entry), KEYSPACE_OK);
	CU_ASSERT_EQUAL(blob->holders, 2);
	keys_set(keyspace, text("key"), text("small"));
	CU_ASSERT_EQUAL(blob->holders, 1);
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("small"), 0));
	CU_ASSERT_EQUAL(keyspace_set_blob(keyspace, text("key"), hash, blob, KEYSPACE_DROP_TTL, 0, &entry), KEYSPACE_OK);
	keys_remove(keyspace, text("key"));
	CU_ASSERT_EQUAL(blob->holders, 1);
	blob_release(&blob);
	keys_destroy(&keyspace);
}

static void blob_outlives_the_keyspace_in_the_hands_of_another_holder(void)
{
	struct keyspace *keyspace = keys_create();
	size_t before = blob_used_bytes();
	static uint8_t bytes[20000];
	keys_set(keyspace, text("key"), slice_of(bytes, sizeof(bytes)));
	struct blob *reply = blob_hold(entry_blob(keys_find(keyspace, text("key"), 0)));
	keyspace_destroy(&keyspace);
	CU_ASSERT_EQUAL(reply->len, sizeof(bytes));
	blob_release(&reply);
	CU_ASSERT_EQUAL(blob_used_bytes(), before);
}

static void value_may_come_from_another_entry(void)
{
	struct keyspace *keyspace = keys_create();
	for (uint64_t i = 0; i < 1000; i++) {
		keys_set(keyspace, keys_numbered(i), i ? entry_string(keys_find(keyspace, keys_numbered(i - 1), 0)) : text("value"));
		struct entry *entry = keys_find(keyspace, keys_numbered(i), 0);
		CU_ASSERT_EQUAL(keys_set(keyspace, entry_key(entry), text("another value, longer than the one before")), KEYSPACE_OK);
		CU_ASSERT_EQUAL(keys_set(keyspace, entry_key(keys_find(keyspace, keys_numbered(i), 0)), text("value")), KEYSPACE_OK);
	}
	CU_ASSERT_TRUE(keys_has(keyspace, keys_numbered(999), text("value"), 0));
	keys_destroy(&keyspace);
}

static void all_keys_are_found_while_the_table_grows_and_shrinks(void)
{
	enum { KEYS = 200000 };
	struct keyspace *keyspace = keys_create();
	struct keyspace_shape shape;
	for (uint64_t i = 0; i < KEYS; i++) {
		CU_ASSERT_EQUAL(keys_set(keyspace, keys_numbered(i), keys_numbered(i * 7)), KEYSPACE_OK);
		CU_ASSERT_TRUE(keys_has(keyspace, keys_numbered(i / 2), keys_numbered(i / 2 * 7), 0));
	}
	keyspace_get_shape(keyspace, &shape);
	CU_ASSERT_EQUAL(keyspace_count(keyspace), KEYS);
	CU_ASSERT(shape.buckets >= KEYS / 16 && shape.buckets <= KEYS / 4);
	CU_ASSERT(shape.slots >= KEYS && shape.slots <= 2 * KEYS);
	CU_ASSERT(shape.index_bytes >= 8 * shape.slots);
	CU_ASSERT(shape.longest_bucket > 8 && shape.longest_bucket < 100);
	for (uint64_t i = 0; i < KEYS; i++) {
		CU_ASSERT_TRUE(keys_remove(keyspace, keys_numbered(i)));
		uint64_t other = i + (KEYS - i) / 2;
		CU_ASSERT_EQUAL(keys_has(keyspace, keys_numbered(other), keys_numbered(other * 7), 0), other != i);
	}
	keyspace_get_shape(keyspace, &shape);
	CU_ASSERT_EQUAL(shape.buckets, 1);
	CU_ASSERT_EQUAL(shape.slots, 0);
	keys_destroy(&keyspace);
}

/* From 2^16 buckets on, splits and merges use only the tags; this table has some 100,000. */
static void large_table_is_split_and_merged_by_tags_alone(void)
{
	enum { KEYS = 900000 };
	struct keyspace *keyspace = keys_create();
	uint64_t wrong = 0;
	for (uint64_t i = 0; i < KEYS; i++)
		wrong += keys_set(keyspace, keys_numbered(i), slice_of(NULL, 0)) != KEYSPACE_OK;
	struct keyspace_shape shape;
	keyspace_get_shape(keyspace, &shape);
	CU_ASSERT(shape.buckets > 65536);
	for (uint64_t i = 0; i < KEYS; i++)
		wrong += keys_find(keyspace, keys_numbered(i), 0) == NULL;
	for (uint64_t i = KEYS / 10; i < KEYS; i++)
		wrong += !keys_remove(keyspace, keys_numbered(i));
	for (uint64_t i = 0; i < KEYS; i++)
		wrong += (keys_find(keyspace, keys_numbered(i), 0) != NULL) != (i < KEYS / 10);
	keyspace_get_shape(keyspace, &shape);
	CU_ASSERT(shape.buckets < 65536);
	CU_ASSERT_EQUAL(wrong, 0);
	keys_destroy(&keyspace);
}

static void hints_are_harmless_whatever_is_there(void)
{
	struct keyspace *keyspace = keys_create();
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t hash = keyspace_hash(keys_numbered(i));
		keyspace_prefetch_bucket(keyspace, hash);
		keyspace_prefetch_entry(keyspace, hash);
		keys_set(keyspace, keys_numbered(i), text("value"));
		keyspace_prefetch_bucket(keyspace, hash);
		keyspace_prefetch_entry(keyspace, hash);
	}
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 1000);
	keys_destroy(&keyspace);
}

static void *destroy_elsewhere(void *given)
{
	struct keyspace *keyspace = (struct keyspace *)given;
	keyspace_destroy_elsewhere(&keyspace);
	return keyspace;
}

static void given_away_keyspace_is_destroyed_beside_its_successor(void)
{
	struct keyspace *old = keys_create();
	size_t used = 0;
	static uint8_t large[20000];
	for (uint64_t i = 0; i < 50000; i++)
		keys_set_expiring(old, keys_numbered(i), i % 100 ? text("value") : slice_of(large, sizeof(large)), 1000);
	used = memory_used_bytes(&keys_storage()->memory);
	pthread_t reaper;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&reaper, NULL, destroy_elsewhere, old), 0);
	struct keyspace *successor = keyspace_create(keys_storage());
	for (uint64_t i = 0; i < 50000; i++)
		keys_set(successor, keys_numbered(i), text("value"));
	void *left;
	pthread_join(reaper, &left);
	CU_ASSERT_PTR_NULL(left);
	CU_ASSERT(memory_used_bytes(&keys_storage()->memory) < used);
	CU_ASSERT_EQUAL(keyspace_count(successor), 50000);
	keys_destroy(&successor);
}

static uint64_t draw(void *context)
{
	return random_next((struct random *)context);
}

static void random_key_of_none_is_none(void)
{
	struct keyspace *keyspace = keys_create();
	struct random random = { 1 };
	CU_ASSERT_PTR_NULL(keyspace_random(keyspace, draw, &random));
	keys_set(keyspace, text("only"), text("1"));
	CU_ASSERT_PTR_EQUAL(keyspace_random(keyspace, draw, &random), keys_find(keyspace, text("only"), 0));
	keys_destroy(&keyspace);
}

/* 1,000 keys drawn 200 times each on average: chi-square has a mean of 999 and a deviation of 45. */
static void random_keys_have_equal_chances(void)
{
	enum { KEYS = 1000, MEAN = 200 };
	static uint32_t drawn[KEYS];
	struct keyspace *keyspace = keys_create();
	struct random random = { random_seed("draws") };
	for (uint64_t i = 0; i < KEYS; i++)
		keys_set(keyspace, keys_numbered(i), text("value"));
	for (int i = 0; i < KEYS * MEAN; i++)
		drawn[atoi((const char *)entry_key(keyspace_random(keyspace, draw, &random)).data)]++;
	double chi_square = 0;
	for (int i = 0; i < KEYS; i++)
		chi_square += ((double)drawn[i] - MEAN) * ((double)drawn[i] - MEAN) / MEAN;
	CU_ASSERT(chi_square > 999 - 6 * 45 && chi_square < 999 + 6 * 45);
	keys_destroy(&keyspace);
}

static uint64_t highest(void *unused)
{
	return UINT64_MAX;
}

static void random_key_is_found_though_all_draws_miss(void)
{
	/* Always the last slot of the last bucket, of maximal length: it is hardly ever in use. */
	struct keyspace *keyspace = keys_create();
	for (uint64_t i = 0; i < 1000; i++) {
		keys_set(keyspace, keys_numbered(i), text("value"));
		CU_ASSERT_PTR_NOT_NULL(keyspace_random(keyspace, highest, NULL));
	}
	keys_destroy(&keyspace);
}

static void reserved_space_is_used_and_given_back(void)
{
	struct keyspace *keyspace = keys_create();
	struct keyspace_shape before, after;
	for (uint64_t i = 0; i < 100; i++)
		keys_set(keyspace, keys_numbered(i), text("value"));
	keyspace_reserve(keyspace, 100000, 500);
	keyspace_get_shape(keyspace, &before);
	CU_ASSERT(before.buckets >= 500 && before.buckets < 600);
	for (int i = 0; i < 100; i++)
		keyspace_reserve(keyspace, 100000, 500);
	keyspace_get_shape(keyspace, &before);
	CU_ASSERT_EQUAL(before.buckets, 100000 / 8);
	for (uint64_t i = 0; i < 100000; i++)
		keys_set(keyspace, keys_numbered(i), text("value"));
	keyspace_get_shape(keyspace, &after);
	CU_ASSERT_EQUAL(after.buckets, before.buckets);
	for (uint64_t i = 0; i < 100000; i++)
		CU_ASSERT_TRUE(keys_has(keyspace, keys_numbered(i), text("value"), 0));
	for (uint64_t i = 0; i < 100000; i++)
		CU_ASSERT_TRUE(keys_remove(keyspace, keys_numbered(i)));
	keyspace_get_shape(keyspace, &after);
	CU_ASSERT_EQUAL(after.buckets, 1);
	keys_destroy(&keyspace);
}

static void a_value_is_added_only_where_the_key_is_absent(void)
{
	struct keyspace *keyspace = keys_create();
	struct value value = { .part = text("value") };
	struct entry *entry = NULL;
	uint64_t hash = keyspace_hash(text("key"));
	CU_ASSERT_EQUAL(keyspace_add_value(keyspace, text("key"), hash, &value, 1000, &entry), KEYSPACE_OK);
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), 1000);
	value.part = text("other");
	CU_ASSERT_EQUAL(keyspace_add_value(keyspace, text("key"), hash, &value, NO_EXPIRY, &entry), KEYSPACE_EXISTS);
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("value"), 0));
	CU_ASSERT_TRUE(keys_remove(keyspace, text("key")));
	CU_ASSERT_EQUAL(keyspace_add_value(keyspace, text("key"), hash, &value, NO_EXPIRY, &entry), KEYSPACE_OK);
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("other"), 2000));
	keys_destroy(&keyspace);
}

static const struct suite_case cases[] = {
	CASE(absent_key_is_not_found),
	CASE(set_key_is_found_with_its_value),
	CASE(origin_of_a_string_lasts_until_the_next_value),
	CASE(removed_key_is_gone),
	CASE(keys_and_values_may_be_empty_and_hold_any_byte),
	CASE(every_length_of_key_and_value_can_follow_every_other),
	CASE(every_length_keeps_its_expiry_through_every_other),
	CASE(overwriting_within_the_size_class_moves_nothing),
	CASE(large_value_is_kept_in_a_blob_of_its_own),
	CASE(given_blob_is_held_and_let_go_when_overwritten),
	CASE(blob_outlives_the_keyspace_in_the_hands_of_another_holder),
	CASE(value_may_come_from_another_entry),
	CASE(all_keys_are_found_while_the_table_grows_and_shrinks),
	CASE(large_table_is_split_and_merged_by_tags_alone),
	CASE(hints_are_harmless_whatever_is_there),
	CASE(given_away_keyspace_is_destroyed_beside_its_successor),
	CASE(random_key_of_none_is_none),
	CASE(random_keys_have_equal_chances),
	CASE(random_key_is_found_though_all_draws_miss),
	CASE(reserved_space_is_used_and_given_back),
	CASE(a_value_is_added_only_where_the_key_is_absent),
};

SUITE_MAIN("keyspace", cases)

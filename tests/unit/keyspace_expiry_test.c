#include "storage/keyspace.h"

#include <stdlib.h>

#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

static void key_is_hidden_from_its_millisecond_on_and_stays_in_the_table(void)
{
	struct keyspace *keyspace = keys_create();
	keys_set_expiring(keyspace, text("key"), text("value"), 1000);
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("value"), 999));
	CU_ASSERT_PTR_NULL(keys_find(keyspace, text("key"), 1000));
	CU_ASSERT_PTR_NOT_NULL(keyspace_find_any(keyspace, text("key"), keyspace_hash(text("key"))));
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 1);
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), 1);
	CU_ASSERT_TRUE(keys_remove(keyspace, text("key")));
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), 0);
	keys_destroy(&keyspace);
}

static void key_without_expiry_has_none(void)
{
	struct keyspace *keyspace = keys_create();
	keys_set(keyspace, text("key"), text("value"));
	struct entry *entry = keys_find(keyspace, text("key"), INT64_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), NO_EXPIRY);
	CU_ASSERT_EQUAL(keyspace_next_expiry_ms(keyspace), NO_EXPIRY);
	CU_ASSERT_PTR_NULL(keyspace_first_expired(keyspace, INT64_MAX));
	CU_ASSERT_EQUAL(keyspace_average_ttl_ms(keyspace, 0), 0);
	CU_ASSERT_EQUAL(keyspace_clear_expiry(keyspace, &entry), KEYSPACE_OK);
	keys_destroy(&keyspace);
}

static void expiry_can_be_set_changed_and_cleared(void)
{
	struct keyspace *keyspace = keys_create();
	keys_set_expiring(keyspace, text("key"), text("value"), 1000);
	struct entry *entry = keys_find(keyspace, text("key"), 0);
	CU_ASSERT_EQUAL(keyspace_set_expiry(keyspace, &entry, 500), KEYSPACE_OK);
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), 500);
	CU_ASSERT_EQUAL(keyspace_set_expiry(keyspace, &entry, INT64_MAX), KEYSPACE_OK);
	CU_ASSERT_EQUAL(keyspace_next_expiry_ms(keyspace), INT64_MAX);
	CU_ASSERT_EQUAL(keyspace_set_expiry(keyspace, &entry, -5), KEYSPACE_OK);
	CU_ASSERT_PTR_EQUAL(keyspace_first_expired(keyspace, 0), entry);
	CU_ASSERT_EQUAL(keyspace_clear_expiry(keyspace, &entry), KEYSPACE_OK);
	CU_ASSERT_FALSE(entry_has_expiry(entry));
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("value"), INT64_MAX));
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), 0);
	keys_destroy(&keyspace);
}

static void plain_set_drops_the_expiry_and_keepttl_keeps_it(void)
{
	struct keyspace *keyspace = keys_create();
	uint64_t hash = keyspace_hash(text("key"));
	struct entry *entry;
	keys_set_expiring(keyspace, text("key"), text("1"), 1000);
	keyspace_set_string(keyspace, text("key"), hash, text("2"), KEYSPACE_KEEP_TTL, 500, &entry);
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), 1000);
	keyspace_set_string(keyspace, text("key"), hash, text("3"), KEYSPACE_DROP_TTL, 500, &entry);
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), NO_EXPIRY);
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), 0);
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("3"), INT64_MAX));
	keys_destroy(&keyspace);
}

static void keepttl_does_not_keep_a_time_that_has_passed(void)
{
	struct keyspace *keyspace = keys_create();
	struct entry *entry;
	keys_set_expiring(keyspace, text("key"), text("1"), 1000);
	keyspace_set_string(keyspace, text("key"), keyspace_hash(text("key")), text("2"), KEYSPACE_KEEP_TTL, 1000, &entry);
	CU_ASSERT_FALSE(entry_has_expiry(entry));
	CU_ASSERT_TRUE(keys_has(keyspace, text("key"), text("2"), 1000));
	keys_destroy(&keyspace);
}

static void earliest_comes_first_whatever_the_order_of_setting(void)
{
	enum { KEYS = 20000 };
	struct keyspace *keyspace = keys_create();
	struct random random = { random_seed("expiries") };
	for (uint64_t i = 0; i < KEYS; i++)
		keys_set_expiring(keyspace, keys_numbered(i), text("v"), (int64_t)random_below(&random, 5000));
	for (uint64_t i = 0; i < KEYS; i += 3) {
		struct entry *entry = keys_find(keyspace, keys_numbered(i), -1);
		keyspace_set_expiry(keyspace, &entry, (int64_t)random_below(&random, 5000));
	}
	for (uint64_t i = 0; i < KEYS; i += 5)
		keys_remove(keyspace, keys_numbered(i));
	int64_t last = -1;
	uint64_t drained = 0;
	for (struct entry *entry; (entry = keyspace_first_expired(keyspace, INT64_MAX)); drained++) {
		int64_t when_ms = keyspace_expiry_ms(keyspace, entry);
		CU_ASSERT_EQUAL(when_ms, keyspace_next_expiry_ms(keyspace));
		CU_ASSERT(when_ms >= last);
		CU_ASSERT_PTR_NULL(keyspace_first_expired(keyspace, when_ms - 1));
		last = when_ms;
		keyspace_remove_entry(keyspace, entry);
	}
	CU_ASSERT_EQUAL(drained, KEYS - KEYS / 5);
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 0);
	keys_destroy(&keyspace);
}

static void average_of_times_to_live_is_near_the_mean(void)
{
	struct keyspace *keyspace = keys_create();
	for (uint64_t i = 0; i < 10000; i++)
		keys_set_expiring(keyspace, keys_numbered(i), text("v"), 1000 + (int64_t)(i * 7919 % 10000));
	int64_t average = keyspace_average_ttl_ms(keyspace, 1000);
	CU_ASSERT(average > 3500 && average < 6500);
	CU_ASSERT_EQUAL(keyspace_average_ttl_ms(keyspace, 20000), 0);
	keys_destroy(&keyspace);
}

static void average_of_the_longest_times_does_not_overflow(void)
{
	struct keyspace *keyspace = keys_create();
	for (uint64_t i = 0; i < 100; i++)
		keys_set_expiring(keyspace, keys_numbered(i), text("v"), INT64_MAX);
	CU_ASSERT_EQUAL(keyspace_average_ttl_ms(keyspace, 0), INT64_MAX);
	keys_destroy(&keyspace);
}

static void keys_come_and_go_about_the_end_of_a_chunk(void)
{
	/* The number of keys goes up and down around each of a few bounds. */
	struct keyspace *keyspace = keys_create();
	for (uint64_t i = 0; i < 20000; i++) {
		keys_set_expiring(keyspace, keys_numbered(i), text("v"), (int64_t)i);
		keys_set_expiring(keyspace, text("swing"), text("v"), 5);
		keys_remove(keyspace, text("swing"));
	}
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), 20000);
	for (uint64_t i = 20000; i-- > 0;) {
		keys_set_expiring(keyspace, text("swing"), text("v"), 5);
		keys_remove(keyspace, text("swing"));
		struct entry *entry = keys_find(keyspace, keys_numbered(i), -1);
		CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), (int64_t)i);
		keys_remove(keyspace, keys_numbered(i));
	}
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), 0);
	keys_destroy(&keyspace);
}

static const struct suite_case cases[] = {
	CASE(key_is_hidden_from_its_millisecond_on_and_stays_in_the_table),
	CASE(key_without_expiry_has_none),
	CASE(expiry_can_be_set_changed_and_cleared),
	CASE(plain_set_drops_the_expiry_and_keepttl_keeps_it),
	CASE(keepttl_does_not_keep_a_time_that_has_passed),
	CASE(earliest_comes_first_whatever_the_order_of_setting),
	CASE(average_of_times_to_live_is_near_the_mean),
	CASE(average_of_the_longest_times_does_not_overflow),
	CASE(keys_come_and_go_about_the_end_of_a_chunk),
};

SUITE_MAIN("keyspace expiry", cases)

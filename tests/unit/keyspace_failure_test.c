/* Runs each operation with its first, second, third... allocation refused, until it makes no more. */
#include "storage/keyspace.h"

#include "storage/memory.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

enum { KEYS = 40, NONE_LEFT = 20 };

static uint8_t long_bytes[300];
static uint8_t filler[BLOB_MIN_BYTES];

/* Some keys of each kind: plain, expiring, wide, blob. */
static struct keyspace *populated(void)
{
	struct keyspace *keyspace = keys_create();
	CU_ASSERT_PTR_NOT_NULL_FATAL(keyspace);
	for (uint64_t i = 0; i < KEYS; i++)
		keys_set(keyspace, keys_numbered(i), keys_numbered(i));
	keys_set_expiring(keyspace, text("expiring"), text("value"), 1000);
	keys_set(keyspace, text("wide"), slice_of(long_bytes, sizeof(long_bytes)));
	keys_set(keyspace, text("blob"), slice_of(filler, sizeof(filler)));
	return keyspace;
}

static void check_as_populated(struct keyspace *keyspace)
{
	CU_ASSERT_EQUAL(keyspace_count(keyspace), KEYS + 3);
	CU_ASSERT_EQUAL(keyspace_expiring_count(keyspace), 1);
	for (uint64_t i = 0; i < KEYS; i++)
		CU_ASSERT_TRUE(keys_has(keyspace, keys_numbered(i), keys_numbered(i), INT64_MAX));
	CU_ASSERT_TRUE(keys_has(keyspace, text("expiring"), text("value"), 999));
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, keys_find(keyspace, text("expiring"), 0)), 1000);
	CU_ASSERT_TRUE(keys_has(keyspace, text("wide"), slice_of(long_bytes, sizeof(long_bytes)), INT64_MAX));
	CU_ASSERT_TRUE(keys_has(keyspace, text("blob"), slice_of(filler, sizeof(filler)), INT64_MAX));
}

/* Returns how many allocations could be refused before the operation succeeded. */
static uint64_t refuse_each(enum keyspace_status (*operation)(struct keyspace *))
{
	for (uint64_t n = 1; n < NONE_LEFT; n++) {
		struct keyspace *keyspace = populated();
		size_t used = memory_used_bytes(&keys_storage()->memory), blobs = blob_used_bytes();
		memory_fail_nth(n);
		enum keyspace_status status = operation(keyspace);
		memory_fail_nth(0);
		if (status == KEYSPACE_NO_MEMORY) {
			check_as_populated(keyspace);
			CU_ASSERT_EQUAL(blob_used_bytes(), blobs);
			/* A chunk or list allocated before the refusal may stay for later use. */
			CU_ASSERT(memory_used_bytes(&keys_storage()->memory) - used < 100000);
		}
		keys_destroy(&keyspace);
		if (status == KEYSPACE_OK)
			return n - 1;
	}
	CU_FAIL("never went through");
	return 0;
}

static enum keyspace_status add_small(struct keyspace *keyspace)
{
	return keys_set(keyspace, text("new"), text("value"));
}

static enum keyspace_status add_blob(struct keyspace *keyspace)
{
	return keys_set(keyspace, text("new"), slice_of(filler, sizeof(filler)));
}

static enum keyspace_status lengthen(struct keyspace *keyspace)
{
	return keys_set(keyspace, keys_numbered(7), slice_of(long_bytes, sizeof(long_bytes)));
}

static enum keyspace_status shorten(struct keyspace *keyspace)
{
	return keys_set(keyspace, text("wide"), text("v"));
}

static enum keyspace_status make_blob(struct keyspace *keyspace)
{
	return keys_set(keyspace, text("wide"), slice_of(filler, sizeof(filler)));
}

static enum keyspace_status drop_blob(struct keyspace *keyspace)
{
	return keys_set(keyspace, text("blob"), slice_of(long_bytes, sizeof(long_bytes)));
}

static enum keyspace_status lengthen_expiring(struct keyspace *keyspace)
{
	struct slice key = text("expiring");
	struct entry *entry;
	return keyspace_set_string(keyspace, key, keyspace_hash(key), slice_of(long_bytes, sizeof(long_bytes)),
				   KEYSPACE_KEEP_TTL, 0, &entry);
}

/* Numbered keys take 5 + 16 + 16 bytes, of a class of 48; 41 with a place: they stay. A wide one moves. */
static enum keyspace_status expire_in_place(struct keyspace *keyspace)
{
	struct entry *entry = keys_find(keyspace, keys_numbered(3), 0);
	return keyspace_set_expiry(keyspace, &entry, 5);
}

static enum keyspace_status expire_first_of_all(struct keyspace *keyspace)
{
	/* The index has no chunk yet. */
	struct keyspace *empty = keyspace_create(keys_storage());
	enum keyspace_status status = KEYSPACE_NO_MEMORY;
	if (empty)
		status = keys_set_expiring(empty, text("key"), text("1234567"), 5);
	CU_ASSERT(!empty || keyspace_expiring_count(empty) == (status == KEYSPACE_OK));
	keyspace_destroy(&empty);
	return status;
}

static enum keyspace_status clear_expiry(struct keyspace *keyspace)
{
	/* 5 + 4 + 8 + 5 bytes are in the class of 32; 48 with a longer value, and 32 - 4 + 5 = 33 are not. */
	struct slice key = text("expiring");
	struct entry *entry = keys_find(keyspace, key, 0);
	size_t used = memory_used_bytes(&keys_storage()->memory);
	enum keyspace_status status = keyspace_clear_expiry(keyspace, &entry);
	CU_ASSERT(status != KEYSPACE_OK || memory_used_bytes(&keys_storage()->memory) <= used);
	return status;
}

static void refused_addition_leaves_everything_as_it_was(void)
{
	CU_ASSERT(refuse_each(add_small) >= 1);
	CU_ASSERT(refuse_each(add_blob) >= 2);
}

static void refused_overwriting_leaves_everything_as_it_was(void)
{
	CU_ASSERT_EQUAL(refuse_each(lengthen), 1);
	CU_ASSERT_EQUAL(refuse_each(shorten), 1);
	CU_ASSERT_EQUAL(refuse_each(make_blob), 2);
	CU_ASSERT_EQUAL(refuse_each(drop_blob), 1);
	CU_ASSERT_EQUAL(refuse_each(lengthen_expiring), 1);
}

static void refused_expiry_leaves_everything_as_it_was(void)
{
	CU_ASSERT_EQUAL(refuse_each(expire_in_place), 0);
	CU_ASSERT(refuse_each(expire_first_of_all) >= 6);
	CU_ASSERT_EQUAL(refuse_each(clear_expiry), 0);
}

static void clearing_an_expiry_may_be_refused_when_the_entry_must_move(void)
{
	struct keyspace *keyspace = keys_create();
	/* 5 + 4 + 4 + 4 = 17 bytes with a place, 13 without. */
	keys_set_expiring(keyspace, text("move"), text("1234"), 1000);
	struct entry *entry = keys_find(keyspace, text("move"), 0);
	struct entry *before = entry;
	memory_fail_nth(1);
	CU_ASSERT_EQUAL(keyspace_clear_expiry(keyspace, &entry), KEYSPACE_NO_MEMORY);
	CU_ASSERT_PTR_EQUAL(entry, before);
	CU_ASSERT_EQUAL(keyspace_expiry_ms(keyspace, entry), 1000);
	CU_ASSERT_EQUAL(keyspace_clear_expiry(keyspace, &entry), KEYSPACE_OK);
	CU_ASSERT_PTR_EQUAL(entry, keys_find(keyspace, text("move"), INT64_MAX));
	keys_destroy(&keyspace);
}

/* Removals allocate only to shrink, and must succeed whatever is refused. */
static void removal_never_fails(void)
{
	enum { MANY = 3000 };
	struct keyspace *keyspace = keys_create();
	uint64_t wrong = 0;
	for (uint64_t i = 0; i < MANY; i++)
		keys_set_expiring(keyspace, keys_numbered(i), text("value"), (int64_t)i);
	for (uint64_t i = 0; i < MANY; i++) {
		memory_fail_nth(1 + i % 2);
		wrong += !keys_remove(keyspace, keys_numbered(i));
		memory_fail_nth(0);
		for (uint64_t j = i; j < i + 20 && j < MANY; j++)
			wrong += keys_has(keyspace, keys_numbered(j), text("value"), -1) != (j != i);
		wrong += keyspace_count(keyspace) != MANY - i - 1;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	keys_destroy(&keyspace);
}

/* The entry is the first allocation, then comes a longer slot array if one is needed, then the split. */
static bool add_without_split(struct keyspace *keyspace, uint64_t number)
{
	bool stored = false;
	for (uint64_t n = 2; n <= 3 && !stored; n++) {
		memory_fail_nth(n);
		stored = keys_set(keyspace, keys_numbered(number), text("value")) == KEYSPACE_OK;
		memory_fail_nth(0);
	}
	return stored;
}

enum { LONGEST_BUCKET = 255 };

/* A number whose key moves to the new bucket in the first split, so that the split needs memory. */
static uint64_t number_that_a_split_moves(void)
{
	uint64_t number = 0;
	while ((keyspace_hash(keys_numbered(number)) & 1) == 0)
		number++;
	return number;
}

/* All keys in one bucket, which has no slot left: numbers from `first` on. */
static struct keyspace *with_full_bucket(uint64_t first)
{
	struct keyspace *keyspace = keys_create();
	struct keyspace_shape shape;
	uint64_t stored = 0;
	for (uint64_t i = 0; i < LONGEST_BUCKET; i++)
		stored += add_without_split(keyspace, first + i);
	keyspace_get_shape(keyspace, &shape);
	CU_ASSERT_EQUAL(stored, LONGEST_BUCKET);
	CU_ASSERT_EQUAL(shape.buckets, 1);
	return keyspace;
}

static void table_that_cannot_be_split_gets_fuller_until_it_can(void)
{
	enum { MANY = 5000 };
	uint64_t first = number_that_a_split_moves(), wrong = 0;
	struct keyspace *keyspace = with_full_bucket(first);
	struct keyspace_shape shape;
	memory_fail_nth(2);
	CU_ASSERT_EQUAL(keys_set(keyspace, keys_numbered(first + LONGEST_BUCKET), text("value")), KEYSPACE_NO_MEMORY);
	memory_fail_nth(0);
	CU_ASSERT_EQUAL(keyspace_count(keyspace), LONGEST_BUCKET);
	for (uint64_t i = LONGEST_BUCKET; i < MANY; i++)
		wrong += keys_set(keyspace, keys_numbered(first + i), text("value")) != KEYSPACE_OK;
	for (uint64_t i = 0; i < MANY; i++)
		wrong += !keys_has(keyspace, keys_numbered(first + i), text("value"), 0);
	keyspace_get_shape(keyspace, &shape);
	CU_ASSERT(shape.buckets > MANY / 16);
	CU_ASSERT_EQUAL(wrong, 0);
	keys_destroy(&keyspace);
}

/* Read behind the list of rooms. */
static void bucket_without_a_slot_left_lets_its_keys_go(void)
{
	uint64_t first = number_that_a_split_moves(), wrong = 0;
	struct keyspace *keyspace = with_full_bucket(first);
	for (uint64_t i = 0; i < LONGEST_BUCKET; i++) {
		wrong += !keys_remove(keyspace, keys_numbered(first + i));
		wrong += keys_has(keyspace, keys_numbered(first + i), text("value"), 0);
		wrong += i + 1 < LONGEST_BUCKET && !keys_has(keyspace, keys_numbered(first + i + 1), text("value"), 0);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(keyspace_count(keyspace), 0);
	keys_destroy(&keyspace);
}

/* Whatever is refused on the way, and however uneven the table becomes. */
static void keys_come_and_go_while_memory_is_refused_at_random(void)
{
	enum { NUMBERS = 2000, STEPS = 60000 };
	static bool is_there[NUMBERS];
	struct random random = { random_seed("refusals") };
	struct keyspace *keyspace = keys_create();
	uint64_t wrong = 0, count = 0;
	memset(is_there, 0, sizeof(is_there));
	for (int i = 0; i < STEPS; i++) {
		uint64_t number = random_below(&random, NUMBERS);
		bool adds = random_below(&random, 8) < (i / (STEPS / 4) % 2 ? 2u : 6u); /* grows, shrinks, grows, shrinks */
		memory_fail_nth(random_below(&random, 5));
		if (adds && keys_set(keyspace, keys_numbered(number), text("value")) == KEYSPACE_OK) {
			count += !is_there[number];
			is_there[number] = true;
		} else if (!adds) {
			wrong += keys_remove(keyspace, keys_numbered(number)) != is_there[number];
			count -= is_there[number];
			is_there[number] = false;
		}
		memory_fail_nth(0);
		wrong += keys_has(keyspace, keys_numbered(number), text("value"), 0) != is_there[number];
		wrong += keyspace_count(keyspace) != count;
	}
	for (uint64_t i = 0; i < NUMBERS; i++)
		wrong += keys_has(keyspace, keys_numbered(i), text("value"), 0) != is_there[i];
	CU_ASSERT_EQUAL(wrong, 0);
	keys_destroy(&keyspace);
}

static void refused_creation_leaves_nothing_behind(void)
{
	struct keyspace *keyspace = keys_create();
	keys_destroy(&keyspace);
	size_t used = memory_used_bytes(&keys_storage()->memory);
	int refused = 0;
	for (uint64_t n = 1; n < NONE_LEFT && !keyspace; n++) {
		memory_fail_nth(n);
		keyspace = keyspace_create(keys_storage());
		memory_fail_nth(0);
		refused += !keyspace;
		CU_ASSERT(keyspace || memory_used_bytes(&keys_storage()->memory) == used);
	}
	CU_ASSERT(refused >= 2);
	CU_ASSERT_PTR_NOT_NULL(keyspace);
	keyspace_destroy(&keyspace);
}

static const struct suite_case cases[] = {
	CASE(refused_addition_leaves_everything_as_it_was),
	CASE(refused_overwriting_leaves_everything_as_it_was),
	CASE(refused_expiry_leaves_everything_as_it_was),
	CASE(clearing_an_expiry_may_be_refused_when_the_entry_must_move),
	CASE(removal_never_fails),
	CASE(table_that_cannot_be_split_gets_fuller_until_it_can),
	CASE(bucket_without_a_slot_left_lets_its_keys_go),
	CASE(keys_come_and_go_while_memory_is_refused_at_random),
	CASE(refused_creation_leaves_nothing_behind),
};

SUITE_MAIN("keyspace failures", cases)

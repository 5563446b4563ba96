/* Random operations, each result compared with that of a naive model; then again with the n-th allocation failing. */
#include "storage/keyspace.h"

#include <stdio.h>

#include "storage/memory.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

enum { KEYS = 3000, OPERATIONS = 400000, MAX_VALUE = 40000 };

/* The model of a key: its value is `len` bytes counted up from `salt`. */
struct fact {
	bool present;
	uint32_t len;
	uint8_t salt;
	int64_t when_ms;
};

struct world {
	struct keyspace *keyspace;
	struct fact facts[KEYS];
	uint64_t count;
	uint64_t expiring;
	int64_t now_ms;
	uint64_t refused;
	struct random random;
};

static struct slice value_of(const struct fact *fact)
{
	static uint8_t bytes[MAX_VALUE];
	for (uint32_t i = 0; i < fact->len; i++)
		bytes[i] = (uint8_t)(fact->salt + i);
	return slice_of(bytes, fact->len);
}

/* Mostly small, sometimes wide, sometimes a blob. */
static uint32_t random_len(struct random *random)
{
	uint64_t kind = random_below(random, 40);
	return (uint32_t)random_below(random, kind == 0 ? MAX_VALUE : kind < 4 ? 3000 : kind < 10 ? 300 : 40);
}

/* Keys have up to 400 bytes, so that both layouts occur. */
static struct slice key_of(uint64_t number)
{
	static char bytes[512];
	int len = snprintf(bytes, sizeof(bytes), "%0*llu", (int)(number % 10 ? 4 + number % 20 : 200 + number % 200),
			   (unsigned long long)number);
	return slice_of(bytes, (size_t)len);
}

static bool is_live(const struct world *world, const struct fact *fact)
{
	return fact->present && (fact->when_ms == NO_EXPIRY || fact->when_ms > world->now_ms);
}

static void set_fact(struct world *world, struct fact *fact, struct fact now)
{
	world->count += (uint64_t)now.present - (uint64_t)fact->present;
	world->expiring += (uint64_t)(now.present && now.when_ms != NO_EXPIRY) -
			   (uint64_t)(fact->present && fact->when_ms != NO_EXPIRY);
	*fact = now;
}

static void check_key(struct world *world, uint64_t number)
{
	const struct fact *fact = &world->facts[number];
	struct slice key = key_of(number);
	uint64_t hash = keyspace_hash(key);
	const struct entry *any = keyspace_find_any(world->keyspace, key, hash);
	const struct entry *found = keyspace_find(world->keyspace, key, hash, world->now_ms);
	CU_ASSERT_EQUAL_FATAL(any != NULL, fact->present);
	CU_ASSERT_EQUAL_FATAL(found != NULL, is_live(world, fact));
	if (!any)
		return;
	CU_ASSERT_TRUE_FATAL(slice_equal(entry_key(any), key));
	CU_ASSERT_TRUE_FATAL(slice_equal(entry_string(any), value_of(fact)));
	CU_ASSERT_EQUAL_FATAL(keyspace_expiry_ms(world->keyspace, any), fact->when_ms);
	CU_ASSERT_EQUAL_FATAL(entry_blob(any) != NULL, fact->len >= BLOB_MIN_BYTES);
}

static void set_random(struct world *world, uint64_t number)
{
	struct fact *fact = &world->facts[number];
	struct fact now = { true, random_len(&world->random), (uint8_t)random_next(&world->random), NO_EXPIRY };
	enum keyspace_ttl ttl = random_below(&world->random, 2) ? KEYSPACE_KEEP_TTL : KEYSPACE_DROP_TTL;
	struct slice key = key_of(number);
	struct entry *entry = NULL;

	if (ttl == KEYSPACE_KEEP_TTL && is_live(world, fact))
		now.when_ms = fact->when_ms;
	if (keyspace_set_string(world->keyspace, key, keyspace_hash(key), value_of(&now), ttl, world->now_ms, &entry) !=
	    KEYSPACE_OK) {
		world->refused++;
		return;
	}
	CU_ASSERT_PTR_EQUAL_FATAL(entry, keyspace_find_any(world->keyspace, key, keyspace_hash(key)));
	set_fact(world, fact, now);
}

static void remove_random(struct world *world, uint64_t number)
{
	struct fact *fact = &world->facts[number];
	struct slice key = key_of(number);
	uint64_t hash = keyspace_hash(key);
	struct entry *entry = keyspace_find_any(world->keyspace, key, hash);

	if (entry && random_below(&world->random, 2))
		keyspace_remove_entry(world->keyspace, entry);
	else
		CU_ASSERT_EQUAL_FATAL(keyspace_remove(world->keyspace, key, hash), fact->present);
	set_fact(world, fact, (struct fact){ false, 0, 0, NO_EXPIRY });
}

static void expire_random(struct world *world, uint64_t number)
{
	struct fact now = world->facts[number];
	struct slice key = key_of(number);
	struct entry *entry = keyspace_find_any(world->keyspace, key, keyspace_hash(key));
	enum keyspace_status status;

	if (!entry)
		return;
	now.when_ms = random_below(&world->random, 3) ? world->now_ms + (int64_t)random_below(&world->random, 20000) : NO_EXPIRY;
	if (now.when_ms == NO_EXPIRY)
		status = keyspace_clear_expiry(world->keyspace, &entry);
	else
		status = keyspace_set_expiry(world->keyspace, &entry, now.when_ms);
	CU_ASSERT_PTR_EQUAL_FATAL(entry, keyspace_find_any(world->keyspace, key, keyspace_hash(key)));
	world->refused += status != KEYSPACE_OK;
	if (status == KEYSPACE_OK)
		set_fact(world, &world->facts[number], now);
}

static void drain_expired(struct world *world)
{
	for (struct entry *entry; (entry = keyspace_first_expired(world->keyspace, world->now_ms));) {
		uint64_t number = 0;
		struct slice key = entry_key(entry);
		for (size_t i = 0; i < key.len; i++)
			number = number * 10 + (uint64_t)(key.data[i] - '0');
		CU_ASSERT_EQUAL_FATAL(world->facts[number].when_ms, keyspace_next_expiry_ms(world->keyspace));
		keyspace_remove_entry(world->keyspace, entry);
		set_fact(world, &world->facts[number], (struct fact){ false, 0, 0, NO_EXPIRY });
	}
	for (uint64_t i = 0; i < KEYS; i++)
		CU_ASSERT_EQUAL_FATAL(is_live(world, &world->facts[i]), world->facts[i].present);
}

/* In waves of mostly sets, then mostly removals, so that the table grows and shrinks. */
static void do_something(struct world *world, bool growing)
{
	uint64_t number = random_below(&world->random, KEYS), kind = random_below(&world->random, 100);

	world->now_ms += (int64_t)random_below(&world->random, 2);
	if (kind < (growing ? 60u : 20u))
		set_random(world, number);
	else if (kind < 80)
		remove_random(world, number);
	else if (kind < 99)
		expire_random(world, number);
	else
		drain_expired(world);
	check_key(world, number);
	check_key(world, random_below(&world->random, KEYS));
	CU_ASSERT_EQUAL_FATAL(keyspace_count(world->keyspace), world->count);
	CU_ASSERT_EQUAL_FATAL(keyspace_expiring_count(world->keyspace), world->expiring);
}

static void live(struct world *world, uint64_t seed, int operations, bool with_failures)
{
	*world = (struct world){ .keyspace = keys_create(), .random = { seed } };
	for (uint64_t i = 0; i < KEYS; i++)
		world->facts[i].when_ms = NO_EXPIRY;
	for (int i = 0; i < operations; i++) {
		if (with_failures)
			memory_fail_nth(1 + random_below(&world->random, 4));
		do_something(world, i / 20000 % 2 == 0);
		memory_fail_nth(0);
	}
	for (uint64_t i = 0; i < KEYS; i++)
		check_key(world, i);
	keys_destroy(&world->keyspace);
}

static struct world world;

static void random_operations_agree_with_the_model(void)
{
	live(&world, random_seed("model"), OPERATIONS, false);
	CU_ASSERT_EQUAL(world.refused, 0);
}

static void refused_operations_change_nothing(void)
{
	live(&world, random_seed("failures"), OPERATIONS, true);
	CU_ASSERT(world.refused > 1000);
}

static const struct suite_case cases[] = {
	CASE(random_operations_agree_with_the_model),
	CASE(refused_operations_change_nothing),
};

SUITE_MAIN("keyspace model", cases)

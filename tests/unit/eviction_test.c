#include "storage/eviction.h"

#include <stdlib.h>
#include <string.h>

#include "storage/access.h"
#include "storage/memory.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

enum { MINUTE_MS = 60000 };

static struct eviction eviction;
static struct keyspace *all_before, **keyspaces; /* databases 0 and 1 */
static struct databases databases;
static struct random chance;
static int64_t now_ms;

static uint64_t random_bits(void *context)
{
	return random_next(context);
}

static void begin(enum eviction_policy policy)
{
	memset(&eviction, 0, sizeof(eviction));
	all_before = keys_create();
	CU_ASSERT_FATAL(databases_init(&databases, 2) && databases_own(&databases, 0) && databases_own(&databases, 1));
	keyspaces = databases.keyspaces;
	now_ms += 1000000;
	eviction_configure(&eviction, databases.storage.access, policy, 64, 0, 1);
	eviction_tick(&eviction, &databases, now_ms);
}

static void end(void)
{
	eviction_configure(&eviction, databases.storage.access, EVICT_NOTHING, 5, 10, 1); /* frees a history too */
	databases_fini(&databases);
	keys_destroy(&all_before);
}

/* Makes the next access later than those before. */
static void tick(void)
{
	now_ms += 20000;
	eviction_tick(&eviction, &databases, now_ms);
}

static void use(struct keyspace *keyspace, uint64_t number)
{
	struct entry *entry = keys_find(keyspace, keys_numbered(number), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	access_touch(databases.storage.access, entry);
}

static bool choose(struct eviction_victim *out_victim)
{
	return eviction_choose(&eviction, &databases, NULL, random_bits, &chance, out_victim);
}

static uint64_t number_of(const struct entry *entry)
{
	char digits[17] = "";
	memcpy(digits, entry_key(entry).data, 16);
	return strtoull(digits, NULL, 10);
}

/* Evicts a key and returns its number. */
static uint64_t evict(void)
{
	struct eviction_victim victim;
	CU_ASSERT_FATAL(choose(&victim));
	uint64_t number = number_of(victim.entry);
	keyspace_remove_entry(keyspaces[victim.database], victim.entry);
	return number;
}

static void nothing_is_evicted_without_a_policy_or_without_keys(void)
{
	struct eviction_victim victim;
	begin(EVICT_NOTHING);
	keys_set(keyspaces[0], text("key"), text("value"));
	CU_ASSERT_FALSE(choose(&victim));
	end();
	for (int policy = EVICT_VOLATILE_LRU; policy <= EVICT_ALLKEYS_LRFU; policy++) {
		begin((enum eviction_policy)policy);
		CU_ASSERT_FALSE(choose(&victim));
		end();
	}
}

static void volatile_policies_leave_keys_without_a_time_alone(void)
{
	for (int policy = EVICT_VOLATILE_LRU; policy <= EVICT_VOLATILE_TTL; policy++) {
		struct eviction_victim victim;
		begin((enum eviction_policy)policy);
		for (uint64_t i = 0; i < 200; i++) {
			keys_set(keyspaces[i % 2], keys_numbered(i), text("value"));
			keys_set_expiring(keyspaces[i % 2], keys_numbered(1000 + i), text("value"), (int64_t)i + 1);
		}
		for (int i = 0; i < 200; i++)
			CU_ASSERT(evict() >= 1000);
		CU_ASSERT_FALSE(choose(&victim));
		CU_ASSERT_EQUAL(keyspace_count(keyspaces[0]) + keyspace_count(keyspaces[1]), 200);
		end();
	}
}

static void a_key_whose_time_was_taken_away_is_spared(void)
{
	struct eviction_victim victim;
	begin(EVICT_VOLATILE_LRU);
	for (uint64_t i = 0; i < 20; i++)
		keys_set_expiring(keyspaces[0], keys_numbered(i), text("value"), 1000);
	evict(); /* the rest is in the pool now */
	while (keyspace_expiring_count(keyspaces[0]) > 1) {
		struct entry *entry = NULL;
		for (uint64_t i = 0; i < 20 && (!entry || !entry_has_expiry(entry)); i++)
			entry = keys_find(keyspaces[0], keys_numbered(i), 0);
		CU_ASSERT_EQUAL(keyspace_clear_expiry(keyspaces[0], &entry), KEYSPACE_OK);
	}
	evict();
	CU_ASSERT_FALSE(choose(&victim));
	CU_ASSERT_EQUAL(keyspace_count(keyspaces[0]), 18);
	end();
}

static void volatile_ttl_evicts_the_key_that_expires_first(void)
{
	begin(EVICT_VOLATILE_TTL);
	for (uint64_t i = 0; i < 500; i++)
		keys_set_expiring(keyspaces[i % 2], keys_numbered(i), text("value"), (int64_t)(i * 7919 % 500));
	for (uint64_t i = 0; i < 500; i++)
		CU_ASSERT_EQUAL(evict() * 7919 % 500, i);
	end();
}

/* So few keys that all are compared for each victim, which then is exactly the right one. */
static void lru_evicts_the_least_recently_used_key(void)
{
	enum { KEYS = 30, STEPS = 3000 };
	uint64_t used[KEYS], step = 1;
	chance.state = random_seed("lru");
	begin(EVICT_ALLKEYS_LRU);
	for (uint64_t i = 0; i < KEYS; i++, step++) {
		keys_set(keyspaces[i % 2], keys_numbered(i), text("value"));
		use(keyspaces[i % 2], i);
		used[i] = step;
		tick();
	}
	for (; step < STEPS; step++) {
		uint64_t key = random_below(&chance, KEYS);
		tick();
		if (random_below(&chance, 4) > 0) {
			use(keyspaces[key % 2], key);
			used[key] = step;
			continue;
		}
		uint64_t oldest = 0, evicted = evict();
		for (uint64_t i = 1; i < KEYS; i++)
			oldest = used[i] < used[oldest] ? i : oldest;
		CU_ASSERT_EQUAL(evicted, oldest);
		keys_set(keyspaces[evicted % 2], keys_numbered(evicted), text("again"));
		use(keyspaces[evicted % 2], evicted);
		used[evicted] = step;
	}
	end();
}

static void lru_evicts_a_key_never_used_before_a_used_one(void)
{
	begin(EVICT_ALLKEYS_LRU);
	for (uint64_t i = 0; i < 10; i++) {
		keys_set(keyspaces[0], keys_numbered(i), text("value"));
		if (i < 5)
			use(keyspaces[0], i);
	}
	for (int i = 0; i < 10; i++)
		tick();
	for (int i = 0; i < 5; i++)
		CU_ASSERT(evict() >= 5);
	end();
}

static void lru_of_many_keys_evicts_old_ones(void)
{
	enum { KEYS = 20000 };
	begin(EVICT_ALLKEYS_LRU);
	eviction_configure(&eviction, databases.storage.access, EVICT_ALLKEYS_LRU, 5, 10, 1);
	for (uint64_t i = 0; i < KEYS; i++) {
		keys_set(keyspaces[0], keys_numbered(i), text("value"));
		eviction_tick(&eviction, &databases, now_ms);
	}
	uint64_t old = 0;
	for (int i = 0; i < KEYS / 10; i++)
		old += evict() < KEYS / 5;
	CU_ASSERT(old >= KEYS / 10 * 95 / 100);
	end();
}

static void a_key_used_long_ago_stays_old_when_the_clock_wraps(void)
{
	for (int kind = 0; kind < 2; kind++) {
		begin(kind ? EVICT_ALLKEYS_LRFU : EVICT_ALLKEYS_LRU);
		keys_set(keyspaces[0], text("0000000000000001"), text("idle"));
		for (uint64_t i = 2; i < 50; i++)
			keys_set(keyspaces[0], keys_numbered(i), text("value"));
		/* At every value of the clock's bits, and some more. */
		for (uint32_t i = 0; i < 3 * 65536 / 1024; i++) {
			for (uint32_t t = 0; t < 1021; t++) {
				use(keyspaces[0], 2 + t % 48);
				use(keyspaces[0], 2 + t % 48);
				eviction_tick(&eviction, &databases, now_ms);
			}
			struct entry *idle = keys_find(keyspaces[0], text("0000000000000001"), 0);
			struct entry *busy = keys_find(keyspaces[0], keys_numbered(2), 0);
			CU_ASSERT(access_coldness(databases.storage.access, idle) > access_coldness(databases.storage.access, busy));
		}
		CU_ASSERT_EQUAL(evict(), 1);
		end();
	}
}

static void lfu_counts_uses_and_forgets_them_by_the_minute(void)
{
	begin(EVICT_ALLKEYS_LFU); /* log factor 0: every access counts */
	keys_set(keyspaces[0], keys_numbered(1), text("value"));
	struct entry *entry = keys_find(keyspaces[0], keys_numbered(1), 0);
	CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), 5);
	for (unsigned i = 0; i < 10; i++)
		access_touch(databases.storage.access, entry);
	CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), 15);
	now_ms += 3 * MINUTE_MS;
	eviction_tick(&eviction, &databases, now_ms);
	CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), 12);
	keys_set(keyspaces[0], keys_numbered(1), text("other")); /* an access, and the count stays */
	CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), 13);
	eviction_tick(&eviction, &databases, now_ms);
	access_touch(databases.storage.access, entry);
	keys_set(keyspaces[0], keys_numbered(1), text("third")); /* finding it to overwrite it is one access */
	CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), 14);
	for (int i = 0; i < 1000; i++)
		access_touch(databases.storage.access, entry);
	CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), 255);
	for (int i = 0; i < 300; i++) {
		now_ms += MINUTE_MS;
		eviction_tick(&eviction, &databases, now_ms);
		CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), i < 255 ? 254u - (unsigned)i : 0);
	}
	end();
}

/* A turn, and those that it asks for. None may sweep more than 64 buckets, and none may be asked for without need. */
static void turn_with_its_followers(void)
{
	struct keyspace_shape shapes[2];
	keyspace_get_shape(keyspaces[0], &shapes[0]);
	keyspace_get_shape(keyspaces[1], &shapes[1]);
	uint64_t turns = 0, most = (shapes[0].buckets + shapes[1].buckets) / 64 + 2;
	do
		eviction_tick(&eviction, &databases, now_ms);
	while (++turns < most && eviction_is_behind(&databases));
	CU_ASSERT(turns < most);
}

/* More than the clock's 256 periods: no count may come back because the clock wraps. */
static void fade(uint64_t keys, int64_t turn_minutes)
{
	begin(EVICT_ALLKEYS_LFU);
	for (uint64_t i = 0; i < keys; i++)
		keys_set(keyspaces[i % 2], keys_numbered(i), text("value"));
	for (int64_t minutes = turn_minutes; minutes < 600; minutes += turn_minutes) {
		now_ms += turn_minutes * MINUTE_MS;
		turn_with_its_followers();
		uint64_t unfaded = 0;
		for (uint64_t i = 0; i < keys; i += 97)
			unfaded += access_frequency(databases.storage.access, keys_find(keyspaces[i % 2], keys_numbered(i), 0)) > (minutes < 5 ? 5 - minutes : 0);
		CU_ASSERT_EQUAL(unfaded, 0);
	}
	end();
}

static void counts_fade_however_many_keys_there_are_and_however_rare_the_turns(void)
{
	fade(200000, 1);
	fade(5000, 50);
}

static void lfu_count_grows_with_the_logarithm_of_uses(void)
{
	begin(EVICT_ALLKEYS_LFU);
	eviction_configure(&eviction, databases.storage.access, EVICT_ALLKEYS_LFU, 5, 10, 0);
	keys_set(keyspaces[0], keys_numbered(1), text("value"));
	struct entry *entry = keys_find(keyspaces[0], keys_numbered(1), 0);
	for (int i = 0; i < 1000; i++)
		access_touch(databases.storage.access, entry);
	/* 5 + sqrt(2 * 1000 / 10), give or take. */
	CU_ASSERT(access_frequency(databases.storage.access, entry) >= 12 && access_frequency(databases.storage.access, entry) <= 28);
	end();
}

static void lfu_evicts_the_least_used_key(void)
{
	begin(EVICT_ALLKEYS_LFU);
	for (uint64_t i = 0; i < 30; i++) {
		keys_set(keyspaces[i % 2], keys_numbered(i), text("value"));
		for (uint64_t n = 0; n < i * 17 % 30; n++)
			use(keyspaces[i % 2], i);
	}
	for (uint64_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(evict() * 17 % 30, i);
	end();
}

/* Two hundred keys used several times, and fifty times as many used once. */
static uint64_t survivors_of_a_scan(enum eviction_policy policy)
{
	enum { HOT = 200, ROOM = 1000, SCAN = 10000 };
	uint64_t left = 0;
	begin(policy);
	for (int round = 0; round < 4; round++)
		for (uint64_t i = 0; i < HOT; i++) {
			if (round == 0)
				keys_set(keyspaces[0], keys_numbered(i), text("value"));
			else
				use(keyspaces[0], i);
			eviction_tick(&eviction, &databases, now_ms);
		}
	for (uint64_t i = 0; i < SCAN; i++) {
		keys_set(keyspaces[0], keys_numbered(HOT + i), text("value"));
		eviction_tick(&eviction, &databases, now_ms);
		if (keyspace_count(keyspaces[0]) > ROOM)
			evict();
	}
	for (uint64_t i = 0; i < HOT; i++)
		left += keys_find(keyspaces[0], keys_numbered(i), 0) != NULL;
	end();
	return left;
}

static void lrfu_keeps_what_is_used_through_a_scan(void)
{
	CU_ASSERT(survivors_of_a_scan(EVICT_ALLKEYS_LRFU) >= 190);
	CU_ASSERT(survivors_of_a_scan(EVICT_ALLKEYS_LRU) <= 10);
}

static void lrfu_remembers_evicted_keys(void)
{
	begin(EVICT_ALLKEYS_LRFU);
	for (uint64_t i = 0; i < 2000; i++) {
		keys_set(keyspaces[0], keys_numbered(i), text("value"));
		eviction_tick(&eviction, &databases, now_ms);
	}
	uint64_t remembered = 0, taken_for_another = 0;
	for (int i = 0; i < 500; i++) {
		uint64_t number = evict();
		keys_set(keyspaces[0], keys_numbered(number), text("again"));
		remembered += access_frequency(databases.storage.access, keys_find(keyspaces[0], keys_numbered(number), 0)) > 0;
	}
	for (uint64_t i = 5000; i < 5500; i++) {
		keys_set(keyspaces[0], keys_numbered(i), text("value"));
		taken_for_another += access_frequency(databases.storage.access, keys_find(keyspaces[0], keys_numbered(i), 0)) > 0;
	}
	CU_ASSERT(remembered >= 490);
	CU_ASSERT(taken_for_another <= 25);
	end();
}

static void lrfu_gives_its_history_back_when_all_keys_leave_at_once(void)
{
	enum { KEYS = 300000, TURNS = 100 };
	begin(EVICT_ALLKEYS_LRFU);
	size_t empty_bytes = memory_used_bytes(&databases.storage.memory);
	for (uint64_t i = 0; i < KEYS; i++)
		keys_set(keyspaces[0], keys_numbered(i), text("value"));
	size_t before_bytes = memory_used_bytes(&databases.storage.memory);
	for (int i = 0; i < TURNS; i++)
		eviction_tick(&eviction, &databases, now_ms);
	CU_ASSERT(memory_used_bytes(&databases.storage.memory) - before_bytes >= 3 * KEYS);
	keyspace_destroy(&keyspaces[0]);
	keyspaces[0] = keyspace_create(&databases.storage);
	for (int i = 0; i < TURNS; i++)
		eviction_tick(&eviction, &databases, now_ms);
	CU_ASSERT(memory_used_bytes(&databases.storage.memory) <= empty_bytes + KEYS / 8);
	end();
}

static void random_evicts_all_keys_with_equal_chances(void)
{
	enum { KEYS = 100, ROUNDS = 20000 };
	unsigned taken[KEYS] = { 0 };
	chance.state = random_seed("random");
	for (int policy = EVICT_VOLATILE_RANDOM; policy <= EVICT_ALLKEYS_RANDOM; policy += EVICT_ALLKEYS_RANDOM - EVICT_VOLATILE_RANDOM) {
		memset(taken, 0, sizeof(taken));
		begin((enum eviction_policy)policy);
		for (uint64_t i = 0; i < KEYS; i++) /* three quarters in one database */
			keys_set_expiring(keyspaces[i % 4 == 0], keys_numbered(i), text("value"), 1000);
		for (int i = 0; i < ROUNDS; i++) {
			struct eviction_victim victim;
			CU_ASSERT_FATAL(choose(&victim));
			taken[number_of(victim.entry)]++;
		}
		for (int i = 0; i < KEYS; i++) /* 200 each; six standard deviations are 84 */
			CU_ASSERT(taken[i] > 116 && taken[i] < 284);
		end();
	}
}

/* Keys in the pool may be removed, moved or replaced, and the whole database emptied. */
static void keys_come_and_go_while_others_are_evicted(void)
{
	enum { STEPS = 60000, NUMBERS = 3000 };
	chance.state = random_seed("come and go");
	for (int policy = EVICT_VOLATILE_LRU; policy <= EVICT_ALLKEYS_LRFU; policy++) {
		if (policy == EVICT_NOTHING)
			continue;
		begin((enum eviction_policy)policy);
		for (int i = 0; i < STEPS / 9; i++) {
			struct keyspace **keyspace = &keyspaces[random_below(&chance, 2)];
			uint64_t number = random_below(&chance, NUMBERS);
			struct eviction_victim victim;
			switch (random_below(&chance, 6)) {
			case 0: keys_set(*keyspace, keys_numbered(number), text("value")); break;
			case 1: keys_set_expiring(*keyspace, keys_numbered(number), text("a much longer value, of another size"), 1000); break;
			case 2: keys_remove(*keyspace, keys_numbered(number)); break;
			case 3:
				if (choose(&victim))
					keyspace_remove_entry(keyspaces[victim.database], victim.entry);
				break;
			case 4:
				if (number == 0) {
					keyspace_destroy(keyspace);
					*keyspace = keyspace_create(&databases.storage);
				}
				break;
			case 5: tick(); break;
			}
		}
		struct eviction_victim victim;
		uint64_t left = keyspace_expiring_count(keyspaces[0]) + keyspace_expiring_count(keyspaces[1]);
		if (policy > EVICT_VOLATILE_TTL)
			left = keyspace_count(keyspaces[0]) + keyspace_count(keyspaces[1]);
		for (; left > 0; left--)
			evict();
		CU_ASSERT_FALSE(choose(&victim));
		end();
	}
}

static void idle_time_is_known_to_the_second(void)
{
	begin(EVICT_NOTHING);
	keys_set(keyspaces[0], keys_numbered(1), text("value"));
	struct entry *entry = keys_find(keyspaces[0], keys_numbered(1), 0);
	for (int64_t idle = 0; idle < 100; idle++) {
		int64_t told = access_idle_ms(databases.storage.access, entry, now_ms);
		CU_ASSERT(told >= idle * 1000 && told <= idle * 1000 + 1000);
		now_ms += 1000;
		eviction_tick(&eviction, &databases, now_ms);
	}
	access_touch(databases.storage.access, entry);
	CU_ASSERT(access_idle_ms(databases.storage.access, entry, now_ms) <= 1000);
	end();
}

/* Also idle times that began before the server did. */
static void idle_time_can_be_set(void)
{
	static const int64_t seconds[] = { 0, 1, 5, 60, 1000, 7000, 20000, 864000 };
	static const enum eviction_policy policies[] = { EVICT_ALLKEYS_LRU, EVICT_ALLKEYS_LRFU };
	for (int p = 0; p < 2; p++) {
		begin(policies[p]);
		keys_set(keyspaces[0], keys_numbered(1), text("value"));
		struct entry *entry = keys_find(keyspaces[0], keys_numbered(1), 0);
		int64_t tick_ms = policies[p] == EVICT_ALLKEYS_LRU ? 1000 : 16000;
		for (int turns = 0; turns < 100; turns++, now_ms += 1000) {
			eviction_tick(&eviction, &databases, now_ms);
			for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
				int64_t idle_ms = seconds[i] * 1000, error_ms = i < 6 ? tick_ms + 1000 : 600 * tick_ms;
				access_set_idle(databases.storage.access, entry, idle_ms, now_ms);
				int64_t told = access_idle_ms(databases.storage.access, entry, now_ms);
				CU_ASSERT(told >= idle_ms && told <= idle_ms + error_ms);
			}
		}
		end();
	}
}

static void idle_times_that_are_set_order_the_victims(void)
{
	begin(EVICT_ALLKEYS_LRU);
	eviction_tick(&eviction, &databases, now_ms);
	for (uint64_t i = 0; i < 50; i++) {
		keys_set(keyspaces[0], keys_numbered(i), text("value"));
		struct entry *entry = keys_find(keyspaces[0], keys_numbered(i), 0);
		access_set_idle(databases.storage.access, entry, (int64_t)(i * i * i) * 1000, now_ms);
		CU_ASSERT(i == 0 || access_coldness(databases.storage.access, entry) >=
					    access_coldness(databases.storage.access, keys_find(keyspaces[0], keys_numbered(i - 1), 0)));
	}
	end();
}

static void a_frequency_can_be_set(void)
{
	static const struct {
		enum eviction_policy policy;
		unsigned set, told;
	} known[] = { { EVICT_ALLKEYS_LFU, 100, 100 }, { EVICT_ALLKEYS_LFU, 0, 0 }, { EVICT_ALLKEYS_LFU, 1000, 255 },
		      { EVICT_ALLKEYS_LRFU, 3, 3 }, { EVICT_ALLKEYS_LRFU, 255, 7 }, { EVICT_ALLKEYS_LRU, 5, 0 } };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		begin(known[i].policy);
		eviction_tick(&eviction, &databases, now_ms);
		keys_set(keyspaces[0], keys_numbered(1), text("value"));
		struct entry *entry = keys_find(keyspaces[0], keys_numbered(1), 0);
		access_set_frequency(databases.storage.access, entry, known[i].set);
		CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), known[i].told);
		end();
	}
}

/* Used and unused keys, so many that no turn converts them all; then the policy changes. */
static void change_policy(enum eviction_policy from, enum eviction_policy to, uint64_t keys)
{
	begin(from);
	for (uint64_t i = 0; i < keys; i++) {
		keys_set(keyspaces[i % 2], keys_numbered(i), text("value"));
		if (i % 3 == 0)
			use(keyspaces[i % 2], i);
		eviction_tick(&eviction, &databases, now_ms);
	}
	tick();
	eviction_configure(&eviction, databases.storage.access, to, 64, 0, 1);
}

static void await_conversion(void)
{
	int turns = 0;
	for (; access_is_converting(databases.storage.access) && turns < 1000; turns++)
		eviction_tick(&eviction, &databases, now_ms);
	CU_ASSERT(turns > 1 && turns < 1000);
}

/* The count of a new key. */
enum { NEW = 5 };

static void old_keys_count_as_new_ones_when_the_policy_becomes_lfu(void)
{
	enum { KEYS = 20000 };
	change_policy(EVICT_ALLKEYS_LRU, EVICT_ALLKEYS_LFU, KEYS);
	for (uint64_t i = 0; i < KEYS; i++)
		CU_ASSERT_EQUAL(access_frequency(databases.storage.access, keys_find(keyspaces[i % 2], keys_numbered(i), 0)), 0);
	await_conversion();
	for (uint64_t i = 0; i < KEYS; i++)
		CU_ASSERT_EQUAL(access_frequency(databases.storage.access, keys_find(keyspaces[i % 2], keys_numbered(i), 0)), NEW);
	use(keyspaces[1], 7);
	CU_ASSERT_EQUAL(access_frequency(databases.storage.access, keys_find(keyspaces[1], keys_numbered(7), 0)), NEW + 1);
	for (uint64_t i = KEYS; i < 2 * KEYS; i++) { /* as many arrive as leave, and they are no warmer */
		keys_set(keyspaces[0], keys_numbered(i), text("new"));
		CU_ASSERT_EQUAL(access_frequency(databases.storage.access, keys_find(keyspaces[0], keys_numbered(i), 0)), NEW);
		CU_ASSERT(evict() != 7);
	}
	end();
}

/* The database swapped into the place of the one being converted was not converted. */
static void databases_that_change_places_are_converted_both(void)
{
	enum { KEYS = 20000 };
	change_policy(EVICT_ALLKEYS_LRU, EVICT_ALLKEYS_LFU, KEYS);
	for (int turns = 0; access_is_converting(databases.storage.access) && turns < 1000; turns++) {
		eviction_tick(&eviction, &databases, now_ms);
		databases_swap(&databases, 0, 1);
	}
	CU_ASSERT_FALSE(access_is_converting(databases.storage.access));
	for (uint64_t i = 0; i < KEYS; i++) {
		const struct entry *entry = keys_find(keyspaces[0], keys_numbered(i), 0);
		if (!entry)
			entry = keys_find(keyspaces[1], keys_numbered(i), 0);
		CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), NEW);
	}
	end();
}

/* From a part not converted yet to one that is. */
static void keys_that_move_meanwhile_are_converted(void)
{
	enum { KEYS = 20000 };
	change_policy(EVICT_ALLKEYS_LRU, EVICT_ALLKEYS_LFU, KEYS);
	for (uint64_t i = KEYS - 1; access_is_converting(databases.storage.access) && i > 2; i -= 2) {
		struct slice key = keys_numbered(i);
		keyspace_move(keyspaces[1], keys_find(keyspaces[1], key, 0), keyspaces[0], key, keyspace_hash(key));
		eviction_tick(&eviction, &databases, now_ms);
	}
	CU_ASSERT(keyspace_count(keyspaces[0]) > KEYS / 2 + 20);
	for (uint64_t i = 0; i < KEYS; i++) {
		const struct entry *entry = keys_find(keyspaces[0], keys_numbered(i), 0);
		if (!entry)
			entry = keys_find(keyspaces[1], keys_numbered(i), 0);
		CU_ASSERT_EQUAL(access_frequency(databases.storage.access, entry), NEW);
	}
	end();
}

static void ages_begin_anew_when_the_policy_is_lfu_no_more(void)
{
	enum { KEYS = 20000 };
	change_policy(EVICT_ALLKEYS_LFU, EVICT_ALLKEYS_LRU, KEYS);
	await_conversion();
	for (uint64_t i = 0; i < KEYS; i++)
		CU_ASSERT(access_idle_ms(databases.storage.access, keys_find(keyspaces[i % 2], keys_numbered(i), 0), now_ms) <= 1000);
	tick();
	use(keyspaces[1], 7);
	for (uint64_t i = 0; i < KEYS - 1; i++)
		CU_ASSERT(evict() != 7);
	end();
}

/* Evictions shrink the table during the conversion. Each one evicts a key, and no key stays unconverted. */
static void any_key_may_be_evicted_while_the_policy_changes(void)
{
	enum { KEYS = 20000 };
	change_policy(EVICT_ALLKEYS_LRU, EVICT_ALLKEYS_LFU, KEYS);
	while (access_is_converting(databases.storage.access)) {
		for (int i = 0; i < 100; i++)
			evict();
		eviction_tick(&eviction, &databases, now_ms);
	}
	CU_ASSERT(keyspace_count(keyspaces[0]) > 0);
	for (uint64_t i = 0; i < KEYS; i++) {
		const struct entry *entry = keys_find(keyspaces[i % 2], keys_numbered(i), 0);
		CU_ASSERT(!entry || access_frequency(databases.storage.access, entry) == NEW);
	}
	end();
}

/* Ten keys, of which the coldest and first to expire is spared. */
static void a_spared_key_is_never_chosen_and_the_others_are(void)
{
	chance.state = random_seed("spared");
	for (int policy = EVICT_VOLATILE_LRU; policy <= EVICT_ALLKEYS_LRFU; policy++) {
		struct eviction_victim victim;
		if (policy == EVICT_NOTHING)
			continue;
		begin((enum eviction_policy)policy);
		for (uint64_t i = 0; i < 10; i++) {
			keys_set_expiring(keyspaces[i % 2], keys_numbered(i), text("value"), 1000 + (int64_t)i);
			tick();
		}
		const struct entry *spared = keys_find(keyspaces[0], keys_numbered(0), 0);
		for (int i = 0; i < 9; i++) {
			CU_ASSERT_FATAL(eviction_choose(&eviction, &databases, spared, random_bits, &chance, &victim));
			CU_ASSERT_PTR_NOT_EQUAL_FATAL(victim.entry, spared);
			keyspace_remove_entry(keyspaces[victim.database], victim.entry);
		}
		CU_ASSERT_FALSE(eviction_choose(&eviction, &databases, spared, random_bits, &chance, &victim));
		CU_ASSERT(choose(&victim) && victim.entry == spared);
		end();
	}
}

static void a_spared_key_that_never_expires_does_not_count_where_only_expiring_ones_leave(void)
{
	struct eviction_victim victim;
	for (int policy = EVICT_VOLATILE_LRU; policy <= EVICT_VOLATILE_TTL; policy++) {
		begin((enum eviction_policy)policy);
		keys_set(keyspaces[0], keys_numbered(0), text("value"));
		const struct entry *spared = keys_find(keyspaces[0], keys_numbered(0), 0);
		CU_ASSERT_FALSE(eviction_choose(&eviction, &databases, spared, random_bits, &chance, &victim));
		keys_set_expiring(keyspaces[1], keys_numbered(1), text("value"), 1000);
		CU_ASSERT(eviction_choose(&eviction, &databases, spared, random_bits, &chance, &victim) && victim.entry != spared);
		end();
	}
}

static const struct suite_case cases[] = {
	CASE(nothing_is_evicted_without_a_policy_or_without_keys),
	CASE(volatile_policies_leave_keys_without_a_time_alone),
	CASE(a_key_whose_time_was_taken_away_is_spared),
	CASE(a_spared_key_is_never_chosen_and_the_others_are),
	CASE(a_spared_key_that_never_expires_does_not_count_where_only_expiring_ones_leave),
	CASE(volatile_ttl_evicts_the_key_that_expires_first),
	CASE(lru_evicts_the_least_recently_used_key),
	CASE(lru_evicts_a_key_never_used_before_a_used_one),
	CASE(lru_of_many_keys_evicts_old_ones),
	CASE(a_key_used_long_ago_stays_old_when_the_clock_wraps),
	CASE(lfu_counts_uses_and_forgets_them_by_the_minute),
	CASE(counts_fade_however_many_keys_there_are_and_however_rare_the_turns),
	CASE(lfu_count_grows_with_the_logarithm_of_uses),
	CASE(lfu_evicts_the_least_used_key),
	CASE(lrfu_keeps_what_is_used_through_a_scan),
	CASE(lrfu_remembers_evicted_keys),
	CASE(lrfu_gives_its_history_back_when_all_keys_leave_at_once),
	CASE(random_evicts_all_keys_with_equal_chances),
	CASE(keys_come_and_go_while_others_are_evicted),
	CASE(idle_time_is_known_to_the_second),
	CASE(idle_time_can_be_set),
	CASE(idle_times_that_are_set_order_the_victims),
	CASE(a_frequency_can_be_set),
	CASE(old_keys_count_as_new_ones_when_the_policy_becomes_lfu),
	CASE(databases_that_change_places_are_converted_both),
	CASE(keys_that_move_meanwhile_are_converted),
	CASE(ages_begin_anew_when_the_policy_is_lfu_no_more),
	CASE(any_key_may_be_evicted_while_the_policy_changes),
};

SUITE_MAIN("eviction", cases)

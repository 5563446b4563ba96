#include "storage/keyspace.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

enum { RESIDENTS = 3000, VISITORS = 40000 };

/* Keys below RESIDENTS stay for the whole scan; those above come and go. */
struct census {
	uint32_t visits[RESIDENTS + VISITORS];
	uint64_t total;
};

static void count_visit(void *context, struct entry *entry)
{
	struct census *census = (struct census *)context;
	uint64_t number = strtoull((const char *)entry_key(entry).data, NULL, 10);
	CU_ASSERT_FATAL(number < RESIDENTS + VISITORS);
	census->visits[number]++;
	census->total++;
}

/* strtoull() reads past the key, up to the value, which doesn't begin with a digit. */
static void insert(struct keyspace *keyspace, uint64_t number)
{
	CU_ASSERT_EQUAL_FATAL(keys_set(keyspace, keys_numbered(number), text("v")), KEYSPACE_OK);
}

static void scan_of_an_empty_keyspace_ends_at_once(void)
{
	struct keyspace *keyspace = keys_create();
	static struct census census;
	CU_ASSERT_EQUAL(keyspace_scan(keyspace, 0, count_visit, &census), 0);
	CU_ASSERT_EQUAL(census.total, 0);
	keys_destroy(&keyspace);
}

static void scan_of_a_table_at_rest_visits_each_key_once(void)
{
	for (uint64_t keys = 1; keys < 4000; keys = keys * 3 / 2 + 1) {
		struct keyspace *keyspace = keys_create();
		static struct census census;
		memset(&census, 0, sizeof(census));
		for (uint64_t i = 0; i < keys; i++)
			insert(keyspace, i);
		struct keyspace_shape shape;
		keyspace_get_shape(keyspace, &shape);
		uint64_t cursor = 0, steps = 0;
		do {
			cursor = keyspace_scan(keyspace, cursor, count_visit, &census);
			steps++;
		} while (cursor != 0 && steps <= shape.buckets);
		CU_ASSERT_EQUAL(steps, shape.buckets);
		CU_ASSERT_EQUAL(census.total, keys);
		for (uint64_t i = 0; i < keys; i++)
			CU_ASSERT_EQUAL(census.visits[i], 1);
		keys_destroy(&keyspace);
	}
}

/* Changes the number of visitors towards a random goal, so that the table grows or shrinks a lot between steps. */
static uint64_t come_or_go(struct keyspace *keyspace, struct random *random, uint64_t visitors)
{
	uint64_t goal = random_below(random, 4) ? visitors + random_below(random, 200) : random_below(random, VISITORS);
	goal = random_below(random, 3) ? goal : goal / 50;
	goal = goal < VISITORS ? goal : VISITORS;
	for (; visitors < goal; visitors++)
		insert(keyspace, RESIDENTS + visitors);
	for (; visitors > goal; visitors--)
		CU_ASSERT_TRUE(keys_remove(keyspace, keys_numbered(RESIDENTS + visitors - 1)));
	return visitors;
}

static void key_that_stays_is_visited_though_the_table_grows_and_shrinks(void)
{
	struct random random = { random_seed("scan") };
	static struct census census;
	struct keyspace *keyspace = keys_create();
	uint64_t visitors = 0, grown = 0, shrunk = 0;
	for (uint64_t i = 0; i < RESIDENTS; i++)
		insert(keyspace, i);
	for (int round = 0; round < 15; round++) {
		uint64_t cursor = 0, missed = 0, steps = 0;
		/* Changes are rare in some rounds, or the scan would always meet the largest table. */
		uint64_t rarity = 1 + random_below(&random, 60);
		memset(&census, 0, sizeof(census));
		do {
			cursor = keyspace_scan(keyspace, cursor, count_visit, &census);
			if (random_below(&random, rarity) == 0) {
				uint64_t before = visitors;
				visitors = come_or_go(keyspace, &random, visitors);
				grown += visitors > before;
				shrunk += visitors < before;
			}
			steps++;
		} while (cursor != 0);
		for (uint64_t i = 0; i < RESIDENTS; i++)
			missed += census.visits[i] == 0;
		CU_ASSERT_EQUAL(missed, 0);
		CU_ASSERT(steps > 100);
	}
	CU_ASSERT(grown > 100 && shrunk > 100);
	keys_destroy(&keyspace);
}

static void any_cursor_leads_to_an_end(void)
{
	struct keyspace *keyspace = keys_create();
	struct random random = { random_seed("cursors") };
	static struct census census;
	for (uint64_t i = 0; i < 2000; i++)
		insert(keyspace, i);
	for (int i = 0; i < 1000; i++) {
		uint64_t cursor = random_next(&random) >> random_below(&random, 64), steps = 0;
		do
			cursor = keyspace_scan(keyspace, cursor, count_visit, &census);
		while (cursor != 0 && ++steps < 2000);
		CU_ASSERT_EQUAL(cursor, 0);
	}
	keys_destroy(&keyspace);
}

static const struct suite_case cases[] = {
	CASE(scan_of_an_empty_keyspace_ends_at_once),
	CASE(scan_of_a_table_at_rest_visits_each_key_once),
	CASE(key_that_stays_is_visited_though_the_table_grows_and_shrinks),
	CASE(any_cursor_leads_to_an_end),
};

SUITE_MAIN("keyspace scan", cases)

#include "storage/databases.h"

#include <string.h>

#include "storage/memory.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

enum { MANY = 65536 };

static struct keyspace *all_before;
static struct databases databases;

static void begin(uint32_t count)
{
	all_before = keys_create();
	CU_ASSERT_FATAL(databases_init(&databases, count));
}

static void end(void)
{
	databases_fini(&databases);
	keys_destroy(&all_before);
}

static void set(uint32_t number, uint64_t key)
{
	struct keyspace *keyspace = databases_own(&databases, number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(keyspace);
	CU_ASSERT_EQUAL(keys_set(keyspace, keys_numbered(key), text("value")), KEYSPACE_OK);
}

static uint64_t count_at(uint32_t number)
{
	return keyspace_count(databases_read(&databases, number));
}

/* The very numbers that are in use, in order. */
static bool only_in_use(const uint32_t *numbers, uint32_t count)
{
	return databases.in_use_count == count && memcmp(databases.in_use, numbers, count * sizeof(*numbers)) == 0;
}

static void numbers_that_nothing_was_written_to_take_no_memory(void)
{
	begin(MANY);
	size_t used = memory_used_bytes(&databases.storage.memory);
	for (uint32_t i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(count_at(i), 0);
	CU_ASSERT_EQUAL(memory_used_bytes(&databases.storage.memory), used);
	CU_ASSERT(used < 100000);
	CU_ASSERT_EQUAL(databases.in_use_count, 0);
	end();
}

static void numbers_come_into_use_in_order(void)
{
	begin(MANY);
	set(7, 1);
	set(MANY - 1, 2);
	set(0, 3);
	set(7, 4);
	CU_ASSERT(only_in_use((uint32_t[]){ 0, 7, MANY - 1 }, 3));
	CU_ASSERT_EQUAL(count_at(7), 2);
	CU_ASSERT_EQUAL(count_at(8), 0);
	CU_ASSERT_EQUAL(databases_place(&databases, 0), 0);
	CU_ASSERT_EQUAL(databases_place(&databases, 1), 1);
	CU_ASSERT_EQUAL(databases_place(&databases, 8), 2);
	CU_ASSERT_EQUAL(databases_place(&databases, MANY), 3);
	end();
}

static void number_that_gives_its_keys_away_is_empty(void)
{
	begin(16);
	set(3, 1);
	set(4, 2);
	struct keyspace *given = databases_give(&databases, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(given);
	CU_ASSERT_EQUAL(keyspace_count(given), 1);
	keyspace_destroy(&given);
	CU_ASSERT_PTR_NULL(databases_give(&databases, 3));
	CU_ASSERT_EQUAL(count_at(3), 0);
	CU_ASSERT(only_in_use((uint32_t[]){ 4 }, 1));
	end();
}

static void numbers_swap_whether_in_use_or_not(void)
{
	begin(16);
	set(3, 1);
	databases_swap(&databases, 3, 9);
	CU_ASSERT_EQUAL(count_at(3), 0);
	CU_ASSERT_EQUAL(count_at(9), 1);
	CU_ASSERT(only_in_use((uint32_t[]){ 9 }, 1));
	set(1, 2);
	set(1, 3);
	databases_swap(&databases, 1, 9);
	CU_ASSERT_EQUAL(count_at(1), 1);
	CU_ASSERT_EQUAL(count_at(9), 2);
	CU_ASSERT(only_in_use((uint32_t[]){ 1, 9 }, 2));
	databases_swap(&databases, 9, 9);
	databases_swap(&databases, 5, 6);
	CU_ASSERT_EQUAL(count_at(9), 2);
	CU_ASSERT(only_in_use((uint32_t[]){ 1, 9 }, 2));
	end();
}

static void keyspaces_without_keys_are_given_back(void)
{
	begin(MANY);
	size_t used = memory_used_bytes(&databases.storage.memory);
	for (uint32_t i = 0; i < 1000; i++)
		set(i * 65, 1);
	for (uint32_t i = 0; i < 1000; i++)
		if (i != 500)
			keys_remove(databases_own(&databases, i * 65), keys_numbered(1));
	databases_tidy(&databases, MANY);
	CU_ASSERT(only_in_use((uint32_t[]){ 500 * 65 }, 1));
	keys_remove(databases_own(&databases, 500 * 65), keys_numbered(1));
	databases_tidy(&databases, MANY);
	CU_ASSERT_EQUAL(databases.in_use_count, 0);
	CU_ASSERT_EQUAL(memory_used_bytes(&databases.storage.memory), used);
	end();
}

static void refused_memory_leaves_a_number_unused(void)
{
	begin(16);
	memory_fail_nth(1);
	CU_ASSERT_PTR_NULL(databases_own(&databases, 5));
	memory_fail_nth(0);
	CU_ASSERT_EQUAL(databases.in_use_count, 0);
	CU_ASSERT_EQUAL(count_at(5), 0);
	set(5, 1);
	end();
}

static void refused_memory_leaves_nothing_behind_at_the_start(void)
{
	struct keyspace *before = keys_create();
	bool is_made = false;
	for (uint64_t n = 1; n < 20 && !is_made; n++) {
		memory_fail_nth(n);
		is_made = databases_init(&databases, 16);
		memory_fail_nth(0);
		CU_ASSERT(is_made || n <= 3);
	}
	databases_fini(&databases);
	keys_destroy(&before);
}

static const struct suite_case cases[] = {
	CASE(numbers_that_nothing_was_written_to_take_no_memory),
	CASE(numbers_come_into_use_in_order),
	CASE(number_that_gives_its_keys_away_is_empty),
	CASE(numbers_swap_whether_in_use_or_not),
	CASE(keyspaces_without_keys_are_given_back),
	CASE(refused_memory_leaves_a_number_unused),
	CASE(refused_memory_leaves_nothing_behind_at_the_start),
};

SUITE_MAIN("databases", cases)

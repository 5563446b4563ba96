#include "transport/array.h"

#include <stdint.h>
#include <stdlib.h>

#include "support/allocation.h"
#include "support/suite.h"

static void an_array_begins_with_its_first_capacity_and_doubles(void)
{
	uint32_t *items = NULL;
	size_t capacity = 0;
	for (size_t count = 0; count < 1000; count++) {
		CU_ASSERT_FATAL(array_reserve(&items, &capacity, count + 1, sizeof(*items), 6));
		items[count] = (uint32_t)count;
		size_t expected = 6;
		while (expected < count + 1)
			expected *= 2;
		CU_ASSERT_EQUAL(capacity, expected);
	}
	for (uint32_t i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(items[i], i);
	free(items);
}

static void what_is_needed_at_once_is_there_at_once(void)
{
	char *items = NULL;
	size_t capacity = 0;
	CU_ASSERT(array_reserve(&items, &capacity, 0, 1, 8));
	CU_ASSERT_PTR_NULL(items);
	CU_ASSERT(array_reserve(&items, &capacity, 1000, 1, 8));
	CU_ASSERT_EQUAL(capacity, 1024);
	char *before = items;
	CU_ASSERT(array_reserve(&items, &capacity, 1024, 1, 8));
	CU_ASSERT_PTR_EQUAL(items, before);
	free(items);
}

static void without_memory_nothing_changes(void)
{
	uint64_t *items = NULL;
	size_t capacity = 0;
	CU_ASSERT(array_reserve(&items, &capacity, 1, sizeof(*items), 1));
	items[0] = 17;
	uint64_t *before = items;
	allocation_fail_nth(1, NULL);
	CU_ASSERT_FALSE(array_reserve(&items, &capacity, 2, sizeof(*items), 1));
	CU_ASSERT(allocation_has_failed());
	CU_ASSERT_FALSE(array_reserve(&items, &capacity, SIZE_MAX, sizeof(*items), 1));
	CU_ASSERT_FALSE(array_reserve(&items, &capacity, SIZE_MAX / sizeof(*items), sizeof(*items), 1));
	CU_ASSERT_PTR_EQUAL(items, before);
	CU_ASSERT_EQUAL(capacity, 1);
	CU_ASSERT_EQUAL(items[0], 17);
	free(items);
}

static const struct suite_case cases[] = {
	CASE(an_array_begins_with_its_first_capacity_and_doubles),
	CASE(what_is_needed_at_once_is_there_at_once),
	CASE(without_memory_nothing_changes),
};

SUITE_MAIN("array", cases)

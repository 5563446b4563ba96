#include "storage/memory.h"

#include <pthread.h>
#include <string.h>

#include "support/suite.h"

#ifndef QCACHE_SYSTEM_MALLOC
#include <jemalloc/jemalloc.h>
#endif

static struct memory memory;

static void start_once(void)
{
	static bool started;
	if (started)
		return;
	memory_init();
	memory_open(&memory);
	started = true;
}

static void owners_are_counted_apart(void)
{
	start_once();
	struct memory other;
	size_t before = memory_used_bytes(&memory);
	memory_open(&other);
	void *block = memory_alloc(&other, 1000);
	CU_ASSERT_EQUAL(memory_used_bytes(&other), memory_size_class(1000));
	CU_ASSERT_EQUAL(memory_used_bytes(&memory), before);
	memory_free_elsewhere(&other, block, 1000);
	CU_ASSERT_EQUAL(memory_used_bytes(&other), 0);
	memory_close(&other);
}

static void size_classes_are_those_of_the_allocator(void)
{
	start_once();
	for (size_t bytes = 1; bytes <= 70000; bytes++) {
		size_t rounded = memory_size_class(bytes);
		CU_ASSERT_FATAL(rounded >= bytes && memory_size_class(rounded) == rounded);
#ifndef QCACHE_SYSTEM_MALLOC
		CU_ASSERT_EQUAL_FATAL(rounded, nallocx(bytes, 0));
#endif
	}
}

static void settings_reach_the_allocator(void)
{
	start_once();
#ifndef QCACHE_SYSTEM_MALLOC
	bool on = false;
	size_t len = sizeof(on), threshold = 1;
	CU_ASSERT_EQUAL(mallctl("background_thread", &on, &len, NULL, 0), 0);
	CU_ASSERT_TRUE(on);
	len = sizeof(threshold);
	CU_ASSERT_EQUAL(mallctl("opt.oversize_threshold", &threshold, &len, NULL, 0), 0);
	CU_ASSERT_EQUAL(threshold, 0);
#endif
}

static void used_bytes_follow_every_block(void)
{
	start_once();
	size_t before = memory_used_bytes(&memory);
	void *a = memory_alloc(&memory, 1), *b = memory_alloc(&memory, 130), *c = memory_alloc(&memory, 1000000);
	CU_ASSERT_EQUAL(memory_used_bytes(&memory) - before,
			memory_size_class(1) + memory_size_class(130) + memory_size_class(1000000));
	memory_free(&memory, a, 1);
	memory_free(&memory, b, 130);
	CU_ASSERT_EQUAL(memory_used_bytes(&memory) - before, memory_size_class(1000000));
	memory_free_as(&memory, c, 1000000, FREED_ELSEWHERE);
	CU_ASSERT_EQUAL(memory_used_bytes(&memory), before);
}

static void blocks_are_aligned(void)
{
	start_once();
	for (size_t bytes = 1; bytes < 300; bytes++) {
		void *block = memory_alloc(&memory, bytes);
		CU_ASSERT_EQUAL((uintptr_t)block % (bytes <= 8 ? 8 : 16), 0);
		memory_free(&memory, block, bytes);
	}
}

static void only_the_nth_allocation_is_refused(void)
{
	start_once();
	size_t before = memory_used_bytes(&memory);
	memory_fail_nth(2);
	void *first = memory_alloc(&memory, 10), *second = memory_alloc(&memory, 10), *third = memory_alloc(&memory, 10);
	CU_ASSERT_PTR_NOT_NULL(first);
	CU_ASSERT_PTR_NULL(second);
	CU_ASSERT_PTR_NOT_NULL(third);
	memory_free(&memory, first, 10);
	memory_free(&memory, third, 10);
	CU_ASSERT_EQUAL(memory_used_bytes(&memory), before);
}

static void switched_off_nothing_is_refused(void)
{
	start_once();
	memory_fail_nth(1);
	memory_fail_nth(0);
	void *block = memory_alloc(&memory, 10);
	CU_ASSERT_PTR_NOT_NULL(block);
	memory_free(&memory, block, 10);
}

#define GIVEN 20000

static void *given[GIVEN];

static void *free_given(void *unused)
{
	for (int i = 0; i < GIVEN; i++)
		memory_free_elsewhere(&memory, given[i], (size_t)i % 500 + 1);
	return NULL;
}

static void another_thread_frees_while_the_owner_allocates(void)
{
	start_once();
	size_t before = memory_used_bytes(&memory);
	for (int i = 0; i < GIVEN; i++)
		given[i] = memory_alloc(&memory, (size_t)i % 500 + 1);
	pthread_t reaper;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&reaper, NULL, free_given, NULL), 0);
	for (int i = 0; i < GIVEN; i++) {
		void *block = memory_alloc(&memory, (size_t)i % 500 + 1);
		memset(block, i, (size_t)i % 500 + 1);
		memory_free(&memory, block, (size_t)i % 500 + 1);
	}
	pthread_join(reaper, NULL);
	CU_ASSERT_EQUAL(memory_used_bytes(&memory), before);
}

static const struct suite_case cases[] = {
	CASE(owners_are_counted_apart),
	CASE(size_classes_are_those_of_the_allocator),
	CASE(settings_reach_the_allocator),
	CASE(used_bytes_follow_every_block),
	CASE(blocks_are_aligned),
	CASE(only_the_nth_allocation_is_refused),
	CASE(switched_off_nothing_is_refused),
	CASE(another_thread_frees_while_the_owner_allocates),
};

SUITE_MAIN("memory", cases)

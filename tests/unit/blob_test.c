#include "storage/blob.h"

#include <pthread.h>
#include <string.h>

#include "storage/memory.h"
#include "support/suite.h"

static void new_blob_is_empty_and_has_one_holder(void)
{
	size_t before = blob_used_bytes();
	struct blob *blob = blob_create(100);
	CU_ASSERT_EQUAL(blob->len, 0);
	CU_ASSERT_EQUAL(blob->capacity, 100);
	CU_ASSERT_EQUAL(blob->holders, 1);
	CU_ASSERT(blob_used_bytes() >= before + 100);
	blob_release(&blob);
	CU_ASSERT_PTR_NULL(blob);
	CU_ASSERT_EQUAL(blob_used_bytes(), before);
}

static void blob_lives_until_its_last_holder_lets_go(void)
{
	size_t before = blob_used_bytes();
	struct blob *first = blob_create(10);
	struct blob *second = blob_hold(first);
	CU_ASSERT_PTR_EQUAL(first, second);
	memcpy(first->data, "0123456789", 10);
	first->len = 10;
	blob_release(&first);
	CU_ASSERT(blob_used_bytes() > before);
	CU_ASSERT_EQUAL(memcmp(second->data, "0123456789", 10), 0);
	blob_release(&second);
	CU_ASSERT_EQUAL(blob_used_bytes(), before);
}

static void releasing_nothing_does_nothing(void)
{
	struct blob *none = NULL;
	size_t before = blob_used_bytes();
	blob_release(&none);
	CU_ASSERT_PTR_NULL(none);
	CU_ASSERT_EQUAL(blob_used_bytes(), before);
}

static void resized_blob_keeps_its_bytes(void)
{
	size_t before = blob_used_bytes();
	struct blob *blob = blob_create(8);
	memcpy(blob->data, "abcdefgh", 8);
	blob->len = 8;
	blob = blob_resize(blob, 1000000);
	CU_ASSERT_EQUAL(blob->capacity, 1000000);
	CU_ASSERT_EQUAL(blob->len, 8);
	CU_ASSERT(blob_used_bytes() >= before + 1000000);
	blob = blob_resize(blob, 8);
	CU_ASSERT_EQUAL(memcmp(blob->data, "abcdefgh", 8), 0);
	blob_release(&blob);
	CU_ASSERT_EQUAL(blob_used_bytes(), before);
}

static void refused_resize_leaves_the_blob_as_it_was(void)
{
	struct blob *blob = blob_create(8);
	memory_fail_nth(1);
	CU_ASSERT_PTR_NULL(blob_resize(blob, 100));
	CU_ASSERT_EQUAL(blob->capacity, 8);
	memory_fail_nth(1);
	CU_ASSERT_PTR_NULL(blob_create(8));
	blob_release(&blob);
}

static void blob_is_found_by_its_data(void)
{
	struct blob *blob = blob_create(1);
	CU_ASSERT_PTR_EQUAL(blob_from_data(blob->data), blob);
	blob_release(&blob);
}

static void a_blob_counts_as_kept_while_the_data_hold_it(void)
{
	size_t before = blob_kept_bytes(), used_before = blob_used_bytes();
	struct blob *passing = blob_create(1000), *none = NULL;
	CU_ASSERT_EQUAL(blob_kept_bytes(), before);
	struct blob *first = blob_keep(passing), *second = blob_keep(passing);
	size_t once = blob_kept_bytes() - before;
	CU_ASSERT_EQUAL(once, blob_used_bytes() - used_before);
	blob_drop(&first);
	CU_ASSERT_PTR_NULL(first);
	CU_ASSERT_EQUAL(blob_kept_bytes() - before, once);
	blob_release(&passing);
	second = blob_resize(second, 100000);
	CU_ASSERT(blob_kept_bytes() - before > once);
	CU_ASSERT_EQUAL(blob_kept_bytes() - before, blob_used_bytes() - used_before);
	passing = blob_hold(second);
	blob_drop(&second);
	CU_ASSERT_EQUAL(blob_kept_bytes(), before);
	CU_ASSERT(blob_used_bytes() > used_before);
	blob_release(&passing);
	blob_drop(&none);
	CU_ASSERT_EQUAL(blob_used_bytes(), used_before);
}

static void *hold_and_release(void *shared)
{
	struct blob *mine = (struct blob *)shared;
	long sum = 0;
	for (int i = 0; i < 20000; i++) {
		struct blob *more = blob_hold(mine);
		sum += more->data[i % 64];
		blob_release(&more);
	}
	blob_release(&mine);
	return (void *)sum;
}

static void holders_on_several_threads_free_it_once(void)
{
	size_t before = blob_used_bytes();
	struct blob *blob = blob_create(64);
	pthread_t threads[4];
	memset(blob->data, 1, 64);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, hold_and_release, blob_hold(blob)), 0);
	blob_release(&blob);
	for (int i = 0; i < 4; i++) {
		void *sum;
		pthread_join(threads[i], &sum);
		CU_ASSERT_EQUAL((long)sum, 20000);
	}
	CU_ASSERT_EQUAL(blob_used_bytes(), before);
}

static const struct suite_case cases[] = {
	CASE(new_blob_is_empty_and_has_one_holder),
	CASE(blob_lives_until_its_last_holder_lets_go),
	CASE(releasing_nothing_does_nothing),
	CASE(resized_blob_keeps_its_bytes),
	CASE(refused_resize_leaves_the_blob_as_it_was),
	CASE(blob_is_found_by_its_data),
	CASE(a_blob_counts_as_kept_while_the_data_hold_it),
	CASE(holders_on_several_threads_free_it_once),
};

SUITE_MAIN("blob", cases)

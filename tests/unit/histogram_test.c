#include "actors/runtime/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/suite.h"

static void every_time_lies_in_its_bucket(void)
{
	for (uint32_t shift = 0; shift < HISTOGRAM_TOP_LOG; shift++) {
		for (int64_t off = -2; off <= 2; off++) {
			int64_t ns = ((int64_t)1 << shift) + off;
			if (ns < 0)
				continue;
			uint32_t bucket = histogram_bucket((uint64_t)ns);
			CU_ASSERT_FATAL(bucket < HISTOGRAM_BUCKETS);
			CU_ASSERT((uint64_t)ns <= histogram_bucket_top_ns(bucket));
			CU_ASSERT(bucket == 0 || (uint64_t)ns > histogram_bucket_top_ns(bucket - 1));
		}
	}
}

static void a_bucket_is_no_wider_than_a_part_in_sixty_four(void)
{
	for (uint32_t bucket = 1; bucket < HISTOGRAM_BUCKETS; bucket++) {
		uint64_t top = histogram_bucket_top_ns(bucket), below = histogram_bucket_top_ns(bucket - 1);
		CU_ASSERT(top > below);
		CU_ASSERT(top - below == 1 || (top - below) * HISTOGRAM_PARTS <= below + 1);
	}
}

static void what_is_too_long_goes_into_the_last_bucket(void)
{
	CU_ASSERT_EQUAL(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	CU_ASSERT_EQUAL(histogram_bucket((uint64_t)1 << HISTOGRAM_TOP_LOG), HISTOGRAM_BUCKETS - 1);
	CU_ASSERT_EQUAL(histogram_bucket(((uint64_t)1 << HISTOGRAM_TOP_LOG) - 1), HISTOGRAM_BUCKETS - 1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* Compared with the sorted times. */
static void percentiles_are_those_of_the_times_to_a_part_in_sixty_four(void)
{
	enum { COUNT = 5000 };
	static uint64_t times[COUNT];
	static struct histogram histogram;
	struct random random = { random_seed("histogram") };
	for (int i = 0; i < COUNT; i++) {
		times[i] = random_next(&random) >> (24 + random_next(&random) % 40);
		histogram_add(&histogram, times[i]);
	}
	qsort(times, COUNT, sizeof(times[0]), compare);
	static const double percents[] = { 0, 0.02, 1, 25, 50, 75, 99, 99.9, 100 };
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		size_t rank = (size_t)(COUNT * percents[i] / 100 + 0.999999);
		uint64_t exact = times[rank ? rank - 1 : 0], told = histogram_percentile_ns(&histogram, percents[i]);
		CU_ASSERT(told >= exact && told <= exact + exact / HISTOGRAM_PARTS);
	}
	for (uint64_t bound = HISTOGRAM_EXACT_NS; bound < (uint64_t)1 << 39; bound *= 2) {
		uint64_t below = 0;
		while (below < COUNT && times[below] < bound)
			below++;
		CU_ASSERT_EQUAL(histogram_count_below(&histogram, bound), below);
	}
}

static void an_empty_one_has_no_times(void)
{
	static const struct histogram empty;
	CU_ASSERT_EQUAL(histogram_count(&empty), 0);
	CU_ASSERT_EQUAL(histogram_percentile_ns(&empty, 50), 0);
}

static void merging_adds(void)
{
	static struct histogram a, b;
	histogram_add(&a, 5);
	histogram_add(&b, 5);
	histogram_add(&b, 1000000);
	histogram_merge(&a, &b);
	CU_ASSERT_EQUAL(histogram_count(&a), 3);
	CU_ASSERT_EQUAL(histogram_count_below(&a, 128), 2);
	CU_ASSERT_EQUAL(histogram_count(&b), 2);
}

static const struct suite_case cases[] = {
	CASE(every_time_lies_in_its_bucket),
	CASE(a_bucket_is_no_wider_than_a_part_in_sixty_four),
	CASE(what_is_too_long_goes_into_the_last_bucket),
	CASE(percentiles_are_those_of_the_times_to_a_part_in_sixty_four),
	CASE(an_empty_one_has_no_times),
	CASE(merging_adds),
};
SUITE_MAIN("histogram", cases)

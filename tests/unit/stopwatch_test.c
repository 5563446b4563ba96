#include "actors/store/stopwatch.h"

#include "support/suite.h"

/* The stopwatch's time lies between two times by the clock, one taken inside and one outside of it, up to the rate's error. */
static void it_goes_as_fast_as_the_clock(void)
{
	struct stopwatch watch;
	stopwatch_init(&watch);
	for (uint64_t span_ns = 1000; span_ns <= 50000000; span_ns *= 7) {
		uint64_t outer_begin = monotonic_ns(), begin = stopwatch_now(&watch), inner_begin = monotonic_ns();
		uint64_t inner_end;
		do {
			inner_end = monotonic_ns();
		} while (inner_end - inner_begin < span_ns);
		uint64_t end = stopwatch_now(&watch), outer_end = monotonic_ns();
		uint64_t told = stopwatch_ns(&watch, end - begin), outer = outer_end - outer_begin, inner = inner_end - inner_begin;
		CU_ASSERT(told <= outer + outer / 1000 + 100);
		CU_ASSERT(told + told / 1000 + 100 >= inner);
	}
}

static void a_long_time_does_not_overflow(void)
{
	struct stopwatch watch = { .rate = (uint64_t)1 << 31 }; /* half a nanosecond a tick */
	CU_ASSERT_EQUAL(stopwatch_ns(&watch, (uint64_t)1 << 62), (uint64_t)1 << 61);
}

static const struct suite_case cases[] = {
	CASE(it_goes_as_fast_as_the_clock),
	CASE(a_long_time_does_not_overflow),
};
SUITE_MAIN("stopwatch", cases)

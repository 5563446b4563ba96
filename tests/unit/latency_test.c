#include "actors/store/latency.h"

#include <string.h>

#include "support/suite.h"

static struct latency latency;

static const struct latency_series *fresh(void)
{
	memset(&latency, 0, sizeof(latency));
	return &latency.series[LATENCY_COMMAND];
}

static void a_second_keeps_its_longest(void)
{
	const struct latency_series *series = fresh();
	latency_add(&latency, LATENCY_COMMAND, 7, 7, 20);
	latency_add(&latency, LATENCY_COMMAND, 7, 7, 50);
	latency_add(&latency, LATENCY_COMMAND, 7, 7, 30);
	latency_add(&latency, LATENCY_COMMAND, 8, 8, 10);
	CU_ASSERT_EQUAL_FATAL(series->count, 2);
	CU_ASSERT_EQUAL(latency_at(series, 0)->when_s, 7);
	CU_ASSERT_EQUAL(latency_at(series, 0)->ms, 50);
	CU_ASSERT_EQUAL(latency_at(series, 1)->ms, 10);
	CU_ASSERT_EQUAL(series->all_time_max_ms, 50);
	CU_ASSERT_EQUAL(latency.series[LATENCY_FAST_COMMAND].count, 0);
}

static void the_last_samples_stay_in_order(void)
{
	const struct latency_series *series = fresh();
	for (int i = 0; i < 3 * LATENCY_SAMPLES + 5; i++)
		latency_add(&latency, LATENCY_COMMAND, i, i, (uint64_t)(1000 - i));
	CU_ASSERT_EQUAL_FATAL(series->count, LATENCY_SAMPLES);
	for (int i = 0; i < LATENCY_SAMPLES; i++)
		CU_ASSERT_EQUAL(latency_at(series, (uint32_t)i)->when_s, 2 * LATENCY_SAMPLES + 5 + i);
	CU_ASSERT_EQUAL(series->all_time_max_ms, 1000);
}

static void a_cleared_series_begins_anew(void)
{
	const struct latency_series *series = fresh();
	latency_add(&latency, LATENCY_COMMAND, 0, 0, 5);
	CU_ASSERT_EQUAL(series->count, 1);
	latency_clear(&latency.series[LATENCY_COMMAND]);
	CU_ASSERT_EQUAL(series->count, 0);
	CU_ASSERT_EQUAL(series->all_time_max_ms, 0);
	latency_add(&latency, LATENCY_COMMAND, 0, 0, 3);
	CU_ASSERT_EQUAL_FATAL(series->count, 1);
	CU_ASSERT_EQUAL(latency_at(series, 0)->ms, 3);
}

static void what_is_too_long_is_the_longest_there_is(void)
{
	const struct latency_series *series = fresh();
	latency_add(&latency, LATENCY_COMMAND, 1, 1, UINT64_MAX);
	CU_ASSERT_EQUAL(latency_at(series, 0)->ms, UINT32_MAX);
}

static void events_are_found_by_their_exact_names(void)
{
	for (int event = 0; event < LATENCY_EVENTS; event++) {
		const char *name = latency_event_name((enum latency_event)event);
		enum latency_event found;
		CU_ASSERT_FATAL(latency_event_find(slice_of(name, strlen(name)), &found));
		CU_ASSERT_EQUAL((int)found, event);
		CU_ASSERT_FALSE(latency_event_find(slice_of(name, strlen(name) - 1), &found));
	}
	enum latency_event found;
	CU_ASSERT_FALSE(latency_event_find(slice_of("", 0), &found));
	CU_ASSERT_FALSE(latency_event_find(slice_of("COMMAND", 7), &found));
}

static const struct suite_case cases[] = {
	CASE(a_second_keeps_its_longest),
	CASE(the_last_samples_stay_in_order),
	CASE(a_cleared_series_begins_anew),
	CASE(what_is_too_long_is_the_longest_there_is),
	CASE(events_are_found_by_their_exact_names),
};
SUITE_MAIN("latency", cases)

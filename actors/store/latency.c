#include "actors/store/latency.h"

#include <string.h>

static const char *const names[LATENCY_EVENTS] = {
	[LATENCY_COMMAND] = "command",
	[LATENCY_FAST_COMMAND] = "fast-command",
	[LATENCY_EXPIRE_CYCLE] = "expire-cycle",
	[LATENCY_EVICTION_CYCLE] = "eviction-cycle",
};

const char *latency_event_name(enum latency_event event)
{
	return names[event];
}

bool latency_event_find(struct slice name, enum latency_event *out_event)
{
	for (int event = 0; event < LATENCY_EVENTS; event++) {
		if (slice_equal(name, slice_of(names[event], strlen(names[event])))) {
			*out_event = (enum latency_event)event;
			return true;
		}
	}
	return false;
}

const struct latency_sample *latency_at(const struct latency_series *series, uint32_t index)
{
	return &series->samples[(series->next + LATENCY_SAMPLES - series->count + index) % LATENCY_SAMPLES];
}

void latency_add(struct latency *latency, enum latency_event event, int64_t when_s, int64_t at_s, uint64_t ms)
{
	struct latency_series *series = &latency->series[event];
	uint32_t bounded_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
	if (bounded_ms > series->all_time_max_ms)
		series->all_time_max_ms = bounded_ms;
	struct latency_sample *last = &series->samples[(series->next + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES];
	if (series->count && last->when_s == when_s) {
		if (bounded_ms > last->ms)
			last->ms = bounded_ms;
		return;
	}
	series->samples[series->next] = (struct latency_sample){ .when_s = when_s, .at_s = at_s, .ms = bounded_ms };
	series->next = (series->next + 1) % LATENCY_SAMPLES;
	if (series->count < LATENCY_SAMPLES)
		series->count++;
}

void latency_clear(struct latency_series *series)
{
	memset(series, 0, sizeof(*series));
}

/*
 * What took longer than latency-monitor-threshold, by kind of event: the last LATENCY_SAMPLES of each, at most one a second.
 * The store's own; only its turns call.
 */
#ifndef ACTORS_STORE_LATENCY_H
#define ACTORS_STORE_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/slice.h"

#define LATENCY_SAMPLES 160

enum latency_event {
	LATENCY_COMMAND,
	LATENCY_FAST_COMMAND, /* a command with the flag "fast" */
	LATENCY_EXPIRE_CYCLE, /* removing what has expired, a slice of it */
	LATENCY_EVICTION_CYCLE, /* making room, as much as a turn does */
	LATENCY_EVENTS
};

struct latency_sample {
	int64_t when_s; /* wall clock, to be shown */
	int64_t at_s;   /* monotonic, to tell how long ago */
	uint32_t ms;    /* the longest of that second */
};

/* A ring: `next` is where the next sample goes, and where the oldest is once all places are taken. */
struct latency_series {
	uint32_t next, count;
	uint32_t all_time_max_ms;
	struct latency_sample samples[LATENCY_SAMPLES];
};

struct latency {
	struct latency_series series[LATENCY_EVENTS];
};

const char *latency_event_name(enum latency_event event);
/* False when there is no event of this name. */
bool latency_event_find(struct slice name, enum latency_event *out_event);

/* `when_s` by the wall clock, `at_s` monotonic. */
void latency_add(struct latency *latency, enum latency_event event, int64_t when_s, int64_t at_s, uint64_t ms);
/* The sample `index`, 0 being the oldest. */
const struct latency_sample *latency_at(const struct latency_series *series, uint32_t index);
void latency_clear(struct latency_series *series);

#endif

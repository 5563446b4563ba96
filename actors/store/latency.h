/*
 * The latency monitor: events that took longer than latency-monitor-threshold. Keeps the last LATENCY_SAMPLES samples of each kind of event,
 * at most one per second. Only turns of the store call these functions.
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
	LATENCY_EXPIRE_CYCLE, /* a slice of active expiry */
	LATENCY_EVICTION_CYCLE, /* evicting before a command, or at the end of a turn */
	LATENCY_EVENTS
};

struct latency_sample {
	int64_t when_s; /* wall clock, for display */
	int64_t at_s;   /* monotonic, for the age */
	uint32_t ms;    /* maximum of that second */
};

/* A ring. `next` is the position of the next sample and, when the ring is full, of the oldest. */
struct latency_series {
	uint32_t next, count;
	uint32_t all_time_max_ms;
	struct latency_sample samples[LATENCY_SAMPLES];
};

struct latency {
	struct latency_series series[LATENCY_EVENTS];
};

const char *latency_event_name(enum latency_event event);
/* False if there is no event of this name. */
bool latency_event_find(struct slice name, enum latency_event *out_event);

/* `when_s` by the wall clock, `at_s` monotonic. */
void latency_add(struct latency *latency, enum latency_event event, int64_t when_s, int64_t at_s, uint64_t ms);
/* Sample 0 is the oldest. */
const struct latency_sample *latency_at(const struct latency_series *series, uint32_t index);
void latency_clear(struct latency_series *series);

#endif

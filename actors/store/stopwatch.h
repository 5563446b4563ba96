/*
 * A clock for durations of nanoseconds: the processor's cycle counter if it is steady (runtime/clock.h), CLOCK_MONOTONIC otherwise. A
 * reading costs about 8 ns instead of 25.
 *
 * Readings are in ticks. Only differences are meaningful; stopwatch_ns() converts them. The rate is measured once, with an error of about
 * 50 parts per million.
 */
#ifndef ACTORS_STORE_STOPWATCH_H
#define ACTORS_STORE_STOPWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/runtime/clock.h"

struct stopwatch {
	bool counts_cycles;
	uint64_t rate; /* nanoseconds per tick, times 2^32 */
};

/* Takes about a millisecond. */
void stopwatch_init(struct stopwatch *watch);

static inline uint64_t stopwatch_now(const struct stopwatch *watch)
{
#ifdef __x86_64__
	if (__builtin_expect(watch->counts_cycles, 1))
		return __builtin_ia32_rdtsc();
#endif
	return monotonic_ns();
}

static inline uint64_t stopwatch_ns(const struct stopwatch *watch, uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * watch->rate >> 32);
}

/* The inverse, rounded down. */
static inline uint64_t stopwatch_ticks(const struct stopwatch *watch, uint64_t ns)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / watch->rate);
}

#endif

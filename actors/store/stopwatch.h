/*
 * A clock for what takes nanoseconds: the processor's cycle counter where that is steady (runtime/clock.h),
 * CLOCK_MONOTONIC elsewhere. A reading costs some 8 ns rather than 25.
 *
 * Readings are ticks; only differences mean something, and stopwatch_ns() makes nanoseconds of them. The rate is measured
 * once, to about 50 parts in a million.
 */
#ifndef ACTORS_STORE_STOPWATCH_H
#define ACTORS_STORE_STOPWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/runtime/clock.h"

struct stopwatch {
	bool counts_cycles;
	uint64_t rate; /* nanoseconds a tick, times 2^32 */
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

/* The other way, rounded down. */
static inline uint64_t stopwatch_ticks(const struct stopwatch *watch, uint64_t ns)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / watch->rate);
}

#endif

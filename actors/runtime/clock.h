/*
 * All clocks that actors read. The simulation links its own implementation; its scheduler advances the time.
 * Any thread.
 */
#ifndef ACTORS_RUNTIME_CLOCK_H
#define ACTORS_RUNTIME_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

uint64_t monotonic_ns(void);
/* Since 1970. */
int64_t wall_clock_us(void);
/* CPU time of the calling thread. A system call. */
uint64_t thread_cpu_ns(void);
/*
 * Whether the CPU's cycle counter runs at one rate on all cores and the kernel uses it as its own clock. If so, it may be read
 * instead of monotonic_ns(), which costs three times as much (store/stopwatch.h).
 */
bool cycle_counter_is_steady(void);

static inline int64_t monotonic_ms(void)
{
	return (int64_t)(monotonic_ns() / 1000000);
}

static inline int64_t wall_clock_ms(void)
{
	return wall_clock_us() / 1000;
}

#endif

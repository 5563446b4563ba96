/*
 * All clocks that actors read. The simulation links an implementation of its own, whose time passes as the scheduler says.
 * Any thread.
 */
#ifndef ACTORS_CLOCK_H
#define ACTORS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

uint64_t monotonic_ns(void);
/* Since 1970. */
int64_t wall_clock_us(void);
/* That the calling thread has used. A system call. */
uint64_t thread_cpu_ns(void);
/*
 * Whether the processor's cycle counter runs at one rate on all cores, and the kernel itself trusts it: then it may be read in
 * place of monotonic_ns(), which costs three times as much (store/stopwatch.h).
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

#include "actors/runtime/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t wall_clock_us(void)
{
	return (int64_t)(read_ns(CLOCK_REALTIME) / 1000);
}

uint64_t thread_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

#ifdef __x86_64__
#include <cpuid.h>

#define INVARIANT_TSC (1u << 8) /* in EDX of leaf 0x80000007: the counter runs at one rate in every power state */

/* The kernel watches the counters of all cores and stops using them if they drift apart. */
static bool kernel_trusts_counter(void)
{
	char name[16] = "";
	FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
	if (!file)
		return false;
	bool is_trusted = fgets(name, sizeof(name), file) && strcmp(name, "tsc\n") == 0;
	fclose(file);
	return is_trusted;
}

bool cycle_counter_is_steady(void)
{
	unsigned a, b, c, d = 0;
	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & INVARIANT_TSC) && kernel_trusts_counter();
}

#else

bool cycle_counter_is_steady(void)
{
	return false;
}

#endif

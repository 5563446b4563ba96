#include "actors/store/stopwatch.h"

#include <stdio.h>
#include <string.h>

#define TICK_IS_A_NANOSECOND ((uint64_t)1 << 32)

#ifdef __x86_64__
#include <cpuid.h>

#define CALIBRATION_NS 1000000
#define CALIBRATION_TRIES 5
#define INVARIANT_TSC (1u << 8) /* of EDX in leaf 0x80000007: the counter runs on, at one rate, in every state */

/* Both clocks at one moment: of a few tries the one that was interrupted least. */
struct moment {
	uint64_t ns, ticks;
};

static struct moment read_both(void)
{
	struct moment best = { 0 };
	uint64_t best_gap = UINT64_MAX;
	for (int i = 0; i < CALIBRATION_TRIES; i++) {
		uint64_t before = __builtin_ia32_rdtsc();
		uint64_t ns = monotonic_ns();
		uint64_t gap = __builtin_ia32_rdtsc() - before;
		if (gap < best_gap) {
			best = (struct moment){ .ns = ns, .ticks = before + gap / 2 };
			best_gap = gap;
		}
	}
	return best;
}

/* The kernel watches the counters of all cores, and leaves them when they drift apart. */
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

static bool counter_is_steady(void)
{
	unsigned a, b, c, d = 0;
	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & INVARIANT_TSC) && kernel_trusts_counter();
}

void stopwatch_init(struct stopwatch *watch)
{
	*watch = (struct stopwatch){ .rate = TICK_IS_A_NANOSECOND };
	if (!counter_is_steady())
		return;
	struct moment begin = read_both(), end;
	do {
		end = read_both();
	} while (end.ns - begin.ns < CALIBRATION_NS);
	if (end.ticks <= begin.ticks)
		return;
	watch->counts_cycles = true;
	watch->rate = (uint64_t)(((unsigned __int128)(end.ns - begin.ns) << 32) / (end.ticks - begin.ticks));
}

#else

void stopwatch_init(struct stopwatch *watch)
{
	*watch = (struct stopwatch){ .rate = TICK_IS_A_NANOSECOND };
}

#endif

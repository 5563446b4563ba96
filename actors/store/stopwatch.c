#include "actors/store/stopwatch.h"

#define TICK_IS_A_NANOSECOND ((uint64_t)1 << 32)

#ifdef __x86_64__
#define CALIBRATION_NS 1000000
#define CALIBRATION_TRIES 5

/* Readings of both clocks at one moment. */
struct moment {
	uint64_t ns, ticks;
};

/* Of a few tries, takes the one with the shortest interruption. */
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

void stopwatch_init(struct stopwatch *watch)
{
	*watch = (struct stopwatch){ .rate = TICK_IS_A_NANOSECOND };
	if (!cycle_counter_is_steady())
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

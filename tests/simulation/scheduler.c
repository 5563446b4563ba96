#include "simulation/scheduler.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/random.h"
#include "support/random.h"

/* Any start time would do that is far enough from 0 for subtractions. */
#define FIRST_NS 1000000000000u
#define FIRST_WALL_US 1700000000000000
#define SOURCES_MAX 256

static struct {
	uint64_t seed;
	struct random random;
	uint64_t now_ns, reading_ns;
	uint64_t (*reading_cost_ns)(void *context); /* in addition; NULL for none */
	void *reading_context;
	int64_t wall_is_off_us; /* how far it has been set */
	uint64_t digest;
	enum tracing tracing;
	struct source *first, **last;
} scheduler = { .last = &scheduler.first };

void scheduler_begin(uint64_t seed, enum tracing tracing)
{
	if (scheduler.first)
		abort();
	scheduler.seed = seed;
	scheduler.random.state = seed;
	scheduler.now_ns = FIRST_NS;
	scheduler.reading_ns = 0;
	scheduler.reading_cost_ns = NULL;
	scheduler.wall_is_off_us = 0;
	scheduler.digest = 0xcbf29ce484222325u;
	scheduler.tracing = tracing;
}

uint64_t scheduler_seed(void)
{
	return scheduler.seed;
}

uint64_t scheduler_draw(uint64_t end)
{
	return random_below(&scheduler.random, end);
}

/* ---- notes ---- */

uint64_t scheduler_digest(void)
{
	return scheduler.digest;
}

/* FNV-1a. */
static void digest(const char *text)
{
	for (; *text; text++)
		scheduler.digest = (scheduler.digest ^ (uint8_t)*text) * 0x100000001b3u;
}

void scheduler_note(const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	digest(line);
	if (scheduler.tracing == TRACE_ALOUD)
		printf("%10.3f ms  %s\n", (double)(scheduler.now_ns - FIRST_NS) / 1e6, line);
}

/* ---- sources ---- */

void scheduler_add(struct source *source)
{
	source->next = NULL;
	*scheduler.last = source;
	scheduler.last = &source->next;
}

void scheduler_remove(struct source *source)
{
	struct source **at = &scheduler.first;
	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	if (!*at)
		scheduler.last = at;
}

bool scheduler_step(void)
{
	struct source *ready[SOURCES_MAX];
	uint32_t count = 0;
	for (struct source *source = scheduler.first; source; source = source->next)
		if (source->pace > 0 && source->is_ready(source->context) && count < SOURCES_MAX)
			ready[count++] = source;
	if (count == 0)
		return false;
	struct source *chosen = ready[scheduler_draw(count)];
	if (scheduler_draw(100) < chosen->pace)
		chosen->run(chosen->context);
	return true;
}

void scheduler_settle(void)
{
	while (scheduler_step())
		;
}

/* ---- time and chance, as the actors see them ---- */

uint64_t scheduler_now_ns(void)
{
	return scheduler.now_ns;
}

void scheduler_advance_ms(int64_t ms)
{
	scheduler.now_ns += (uint64_t)ms * 1000000;
	scheduler_note("time passes: %lld ms", (long long)ms);
}

void scheduler_set_wall_clock_ms(int64_t ms)
{
	scheduler.wall_is_off_us += ms * 1000;
	scheduler_note("the wall clock is set: %lld ms", (long long)ms);
}

void scheduler_set_reading_ns(uint64_t ns)
{
	scheduler.reading_ns = ns;
}

void scheduler_set_reading_cost(uint64_t (*cost_ns)(void *context), void *context)
{
	scheduler.reading_cost_ns = cost_ns;
	scheduler.reading_context = context;
}

uint64_t monotonic_ns(void)
{
	if (scheduler.reading_cost_ns)
		scheduler.now_ns += scheduler.reading_cost_ns(scheduler.reading_context);
	return scheduler.now_ns += scheduler.reading_ns;
}

int64_t wall_clock_us(void)
{
	return FIRST_WALL_US + (int64_t)((scheduler.now_ns - FIRST_NS) / 1000) + scheduler.wall_is_off_us;
}

uint64_t thread_cpu_ns(void)
{
	return scheduler.now_ns;
}

bool cycle_counter_is_steady(void)
{
	return false;
}

void random_fill(void *out, size_t bytes)
{
	uint8_t *at = out;
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)scheduler_draw(256);
}

/*
 * Simulated time and chance: what happens next, and when, follows from one seed.
 *
 * Whatever can happen is a *source*: a mailbox with a message, a timer that is due, a reactor that has something to post. A step
 * chooses one of the sources that are ready and runs it. Time stands still but for scheduler_advance_ms(), and for
 * what each reading of the clock is said to take, so that turns can be too long.
 *
 * Everything that happens is noted; the digest of the notes tells whether two runs were the same, and a traced run prints
 * them. One scheduler, as the implementations of clock, random bytes and channels that are linked with it have no other place to
 * find it; one thread.
 */
#ifndef TESTS_SIMULATION_SCHEDULER_H
#define TESTS_SIMULATION_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

enum tracing { TRACE_QUIETLY, TRACE_ALOUD };

/* Time begins anew. All sources of the run before have been removed. */
void scheduler_begin(uint64_t seed, enum tracing tracing);
/* Of all notes since scheduler_begin(). */
uint64_t scheduler_digest(void);
uint64_t scheduler_seed(void);

/* A number below `end`, which is not 0. */
uint64_t scheduler_draw(uint64_t end);
void scheduler_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct source {
	bool (*is_ready)(void *context);
	void (*run)(void *context);
	void *context;
	unsigned pace; /* how many of 100 chances it takes; 0: it is held and takes none */
	struct source *next; /* the scheduler's own */
};

/* The source stays where it is until it is removed. */
void scheduler_add(struct source *source);
void scheduler_remove(struct source *source);

/* One source that is ready has its chance; false when there is none that would ever take it. */
bool scheduler_step(void);
/* Steps until nothing is left to happen at this time. */
void scheduler_settle(void);
void scheduler_advance_ms(int64_t ms);
/* Somebody sets the wall clock, by so much; the monotonic one goes on. */
void scheduler_set_wall_clock_ms(int64_t ms);
/* Each reading of the monotonic clock takes so long from now on. */
void scheduler_set_reading_ns(uint64_t ns);

#endif

/*
 * Simulated time and randomness: one seed determines what happens next, and when.
 *
 * A *source* is something that can happen: a mailbox with a message, a timer that is due, a reactor with something to post. A step chooses
 * one of the ready sources and runs it. Time passes only in scheduler_advance_ms(), and by scheduler_set_reading_ns() with each reading of
 * the clock, which makes turns long.
 *
 * Everything that happens is noted. A traced run prints the notes, and their digest tells whether two runs were the same. There is one
 * scheduler per process, because clock, random bytes and channels have no argument to find it by. One thread.
 */
#ifndef TESTS_SIMULATION_SCHEDULER_H
#define TESTS_SIMULATION_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

enum tracing { TRACE_QUIETLY, TRACE_ALOUD };

/* Starts a run. All sources of the previous run must have been removed. */
void scheduler_begin(uint64_t seed, enum tracing tracing);
/* The digest of all notes since scheduler_begin(). */
uint64_t scheduler_digest(void);
uint64_t scheduler_seed(void);

/* A number below `end`, which is not 0. */
uint64_t scheduler_draw(uint64_t end);
void scheduler_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct source {
	bool (*is_ready)(void *context);
	void (*run)(void *context);
	void *context;
	unsigned pace; /* how many of 100 chances it takes; 0 holds it */
	struct source *next; /* for the scheduler */
};

/* The source must not move until it is removed. */
void scheduler_add(struct source *source);
void scheduler_remove(struct source *source);

/* Gives one ready source its chance; false when no source would ever take one. */
bool scheduler_step(void);
/* Steps until nothing more can happen at this time. */
void scheduler_settle(void);
/* The monotonic clock, without the time that reading it may take. */
uint64_t scheduler_now_ns(void);
void scheduler_advance_ms(int64_t ms);
/* Shifts the wall clock; the monotonic clock goes on. */
void scheduler_set_wall_clock_ms(int64_t ms);
/* From now on each reading of the monotonic clock takes this long. */
void scheduler_set_reading_ns(uint64_t ns);
/* The same, where each reading takes what the function returns: by it a test gives each command a time of its own. NULL: none. */
void scheduler_set_reading_cost(uint64_t (*cost_ns)(void *context), void *context);

#endif

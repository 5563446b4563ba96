/*
 * A fiber lets a turn stand still in the middle while others go on: in a call of the simulated disk that hangs. It is a thread that runs only
 * while the thread of the scheduler waits for it, so there is still one thing at a time and one order for one seed.
 */
#ifndef TESTS_SIMULATION_FIBER_H
#define TESTS_SIMULATION_FIBER_H

#include <stdbool.h>

struct fiber;

struct fiber *fiber_create(void);
/* It must not be busy: let everything that stands still go on first. */
void fiber_destroy(struct fiber **fiber);

/* Runs the function on the fiber; returns when it has ended or stands still. The fiber must not be busy. */
void fiber_run(struct fiber *fiber, void (*run)(void *context), void *context);
/* A function on it stands still. */
bool fiber_is_busy(const struct fiber *fiber);

/* On a fiber: stands still until is_ready() and the scheduler chooses it. Elsewhere it stops the test. */
void fiber_wait(bool (*is_ready)(void *context), void *context);

#endif

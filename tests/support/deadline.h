/*
 * Deadlines of tests: how long to wait for an event that must come. Only a failing test reaches one.
 * QCACHE_TEST_PATIENCE multiplies them all, for builds with sanitizers and for slow machines.
 */
#ifndef TESTS_SUPPORT_DEADLINE_H
#define TESTS_SUPPORT_DEADLINE_H

#include <stdint.h>

/* Enough for anything that a working server does, on a busy machine. */
#define PATIENCE_MS 60000

/* The factor, normally 1. */
int64_t patience(void);

/* The monotonic clock. */
int64_t monotonic_ms(void);

/* The time `within_ms` * patience() from now. */
int64_t deadline_after(int64_t within_ms);

/* The time left, for poll(2); 0 when it has passed. */
int deadline_left_ms(int64_t deadline);

#endif

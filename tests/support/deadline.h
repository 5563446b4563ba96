/*
 * Time limits of tests: how long to wait for an event that must come. They bound a failure; a test that passes never
 * waits for one. QCACHE_TEST_PATIENCE multiplies them all, for builds with sanitizers and for slow machines.
 */
#ifndef TESTS_SUPPORT_DEADLINE_H
#define TESTS_SUPPORT_DEADLINE_H

#include <stdint.h>

/* For anything that a healthy server does without being asked twice, on a machine that has other things to do. */
#define PATIENCE_MS 60000

/* The factor: 1 as a rule. */
int64_t patience(void);

/* The monotonic clock. */
int64_t monotonic_ms(void);

/* The moment `within_ms`, times the patience, from now. */
int64_t deadline_after(int64_t within_ms);

/* What is left, for poll(2): 0 when it has passed. */
int deadline_left_ms(int64_t deadline);

#endif

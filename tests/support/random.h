/*
 * Repeatable random numbers for tests. random_seed() prints the seed; set QCACHE_SEED to it to repeat the run.
 */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

/* QCACHE_SEED, or a seed from the clock. Prints it with the name. */
uint64_t random_seed(const char *name);

uint64_t random_next(struct random *random);

/* Below `end`, which is not 0. */
uint64_t random_below(struct random *random, uint64_t end);

#endif

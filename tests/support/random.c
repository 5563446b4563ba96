#include "support/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t random_seed(const char *name)
{
	const char *given = getenv("QCACHE_SEED");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	printf("%s: QCACHE_SEED=%" PRIu64 "\n", name, seed);
	fflush(stdout);
	return seed;
}

/* A Weyl sequence through a mixer of two multiplications (the constants of splitmix64). */
uint64_t random_next(struct random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

uint64_t random_below(struct random *random, uint64_t end)
{
	return (uint64_t)((unsigned __int128)random_next(random) * end >> 64);
}

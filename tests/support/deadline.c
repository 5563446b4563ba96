#include "support/deadline.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t patience(void)
{
	const char *text = getenv("QCACHE_TEST_PATIENCE");
	int factor = text ? atoi(text) : 1;
	return factor > 0 ? factor : 1;
}

int64_t deadline_after(int64_t within_ms)
{
	return monotonic_ms() + within_ms * patience();
}

int deadline_left_ms(int64_t deadline)
{
	int64_t left = deadline - monotonic_ms();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

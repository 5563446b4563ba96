#include "actors/runtime/random.h"

#include <sys/random.h>

#include "actors/runtime/crash.h"

void random_fill(void *out, size_t bytes)
{
	/* getrandom() returns up to 256 bytes completely or fails. */
	if (getrandom(out, bytes, 0) != (ssize_t)bytes)
		crash_broken_invariant("the system gives no random numbers");
}

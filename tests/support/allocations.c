#include "support/allocations.h"

#include <stddef.h>

/* The linker's --wrap gives the callers ours, and us theirs. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static _Thread_local uint64_t refuse_in;
static _Thread_local bool has_failed;

void allocations_fail_nth(uint64_t n)
{
	refuse_in = n;
	has_failed = false;
}

bool allocations_have_failed(void)
{
	return has_failed;
}

static bool refuses(void)
{
	if (refuse_in == 0 || --refuse_in > 0)
		return false;
	has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refuses() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	return refuses() ? NULL : __real_realloc(block, size);
}

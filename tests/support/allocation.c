#include "support/allocation.h"

#include <stddef.h>

static _Thread_local uint64_t left;
static _Thread_local bool (*counts_now)(void);
static _Thread_local bool has_failed;

void allocation_fail_nth(uint64_t n, bool (*counts)(void))
{
	left = n;
	counts_now = counts;
	has_failed = false;
}

bool allocation_has_failed(void)
{
	return has_failed;
}

static bool refuses(void)
{
	if (left == 0 || (counts_now && !counts_now()) || --left > 0)
		return false;
	has_failed = true;
	return true;
}

/* The names that the linker's --wrap makes: malloc() calls __wrap_malloc(), and __real_malloc() is the real one. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
	return refuses() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return refuses() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	return refuses() ? NULL : __real_realloc(memory, bytes);
}

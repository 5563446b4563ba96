/*
 * Allocations that fail when a test wants them to: malloc(), calloc() and realloc() as the code under test calls them, in this
 * thread. Test programs are linked so that those calls come here; what the C library allocates for itself does not.
 */
#ifndef TESTS_SUPPORT_ALLOCATION_H
#define TESTS_SUPPORT_ALLOCATION_H

#include <stdbool.h>
#include <stdint.h>

/* The n-th one from now on is refused, once; 0: none. Those only count for which `counts` says so, NULL: all do. */
void allocation_fail_nth(uint64_t n, bool (*counts)(void));
/* The one asked for has been refused. */
bool allocation_has_failed(void);

#endif

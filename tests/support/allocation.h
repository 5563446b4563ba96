/*
 * Makes malloc(), calloc() and realloc() fail on request, in calls of the code under test on this thread. The linker redirects those calls
 * here. The C library's own allocations are not redirected.
 */
#ifndef TESTS_SUPPORT_ALLOCATION_H
#define TESTS_SUPPORT_ALLOCATION_H

#include <stdbool.h>
#include <stdint.h>

/* Refuses the n-th allocation from now on, once; 0: none. Only allocations for which counts() is true are counted; NULL: all are. */
void allocation_fail_nth(uint64_t n, bool (*counts)(void));
/* Whether that allocation has been refused. */
bool allocation_has_failed(void);

#endif

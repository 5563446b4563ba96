/*
 * Allocations of the program under test, of which one can be refused: malloc(), calloc() and realloc() as our own code calls them,
 * whatever a library allocates for itself. Only in unit tests, which are linked so (tests/SConscript).
 *
 * What comes from the keyspace's arena is refused by memory_fail_nth().
 */
#ifndef TESTS_SUPPORT_ALLOCATIONS_H
#define TESTS_SUPPORT_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

/* The n-th from now on (1 = the next) and none other returns NULL; 0 switches it off. Of one thread. */
void allocations_fail_nth(uint64_t n);
/* One has been refused since. */
bool allocations_have_failed(void);

#endif

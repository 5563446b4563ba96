/*
 * A history of what has been evicted: of each key a few bits of its hash and how often it had been used. Private to storage/.
 *
 *      line of 64 bytes     15                 3 2     0
 *      | cell | cell | ... | fingerprint, 13 bits | count |    32 cells, the oldest overwritten first
 *
 * Two cells for each key that is there, four bytes a key: as long again as the keys have been in memory, twice. Lines are
 * numbered like the buckets of a linear hash table, so that growing by a line moves nothing; what was remembered there may
 * then not be found any more, which costs a guess. Keys may be taken for each other: once in 250.
 *
 * Without memory it remembers less.
 */
#ifndef STORAGE_GHOSTS_H
#define STORAGE_GHOSTS_H

#include <stdint.h>

#include "chunks.h"

#define GHOST_COUNT_MAX 7u

struct ghosts {
	struct chunks chunks;
	uint64_t lines;
};

void ghosts_init(struct ghosts *ghosts, struct memory *memory);
/* Makes room for the history of so many keys, or gives some back; a few chunks at each call: to be called again and again. */
void ghosts_fit(struct ghosts *ghosts, uint64_t keys);
/* `count` is 1 to GHOST_COUNT_MAX. */
void ghosts_put(struct ghosts *ghosts, uint64_t hash, unsigned count);
/* The count that was put, and forgets it; 0 when the key isn't remembered. */
unsigned ghosts_take(struct ghosts *ghosts, uint64_t hash);
void ghosts_fini(struct ghosts *ghosts);

#endif

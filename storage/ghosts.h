/*
 * A history of evicted keys: for each, a few bits of its hash and its use count. Private to storage/.
 *
 *      line of 64 bytes     15                 3 2     0
 *      | cell | cell | ... | fingerprint, 13 bits | count |    32 cells, the oldest overwritten first
 *
 * Two cells (four bytes) for each key in memory, so the history covers twice as many keys as the keyspace holds. Lines are
 * numbered like the buckets of a linear hash table, so growing by a line moves nothing; some remembered keys are then
 * not found any more, which is harmless. One lookup in 250 finds another key's cell by mistake.
 *
 * Without memory the history is shorter.
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
/* Grows or shrinks the history for this number of keys, by a few chunks per call: call it every turn. */
void ghosts_fit(struct ghosts *ghosts, uint64_t keys);
/* `count` is 1 to GHOST_COUNT_MAX. */
void ghosts_put(struct ghosts *ghosts, uint64_t hash, unsigned count);
/* Removes the key and returns its count; 0 if it isn't found. */
unsigned ghosts_take(struct ghosts *ghosts, uint64_t hash);
void ghosts_fini(struct ghosts *ghosts);

#endif

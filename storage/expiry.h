/*
 * The expiry index: all entries with a time to live, ordered by time.
 *
 * A heap with four children per node, in chunks. The node holds the time; the entry holds only the node's place,
 * which the index updates when nodes move. Private to storage/: each keyspace owns one index.
 *
 * expiry_reserve() returns false without memory; nothing else allocates.
 */
#ifndef STORAGE_EXPIRY_H
#define STORAGE_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "chunks.h"
#include "entry.h"

struct expiry_node {
	int64_t when_ms;
	struct entry *entry;
};

struct expiry_index {
	struct chunks chunks;
	uint32_t count;
};

void expiry_init(struct expiry_index *index, struct memory *memory);

/* Reserves memory for one expiry_add(). */
bool expiry_reserve(struct expiry_index *index);

/* Adds an entry, which must have a place in its layout. Call expiry_reserve() first. */
void expiry_add(struct expiry_index *index, struct entry *entry, int64_t when_ms);
void expiry_remove(struct expiry_index *index, uint32_t place);
void expiry_change(struct expiry_index *index, uint32_t place, int64_t when_ms);

/* The node at a place. The caller may set `entry` when the entry has moved, but changes the time only by expiry_change(). */
struct expiry_node *expiry_at(const struct expiry_index *index, uint32_t place);

/* The earliest node; NULL when there is none. */
struct expiry_node *expiry_first(const struct expiry_index *index);
/* The earliest node of another entry than `entry`, which may be NULL. */
struct expiry_node *expiry_first_but(const struct expiry_index *index, const struct entry *entry);

/* The n-th node, n < count, in heap order: for sampling. */
struct expiry_node *expiry_nth(const struct expiry_index *index, uint32_t n);

void expiry_fini(struct expiry_index *index, enum memory_freer freer);
size_t expiry_used_bytes(const struct expiry_index *index);

#endif

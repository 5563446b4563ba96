/*
 * The expiry index: which entry expires when, the earliest first.
 *
 * A heap with four children to a node, in chunks. The node holds the time; the entry holds only the node's place,
 * which the index keeps up to date as nodes move. Private to storage/: the keyspace owns one index.
 *
 * Outcomes: expiry_reserve() is false when there is no memory; nothing else allocates.
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

/* Makes sure that one expiry_add() will find room. */
bool expiry_reserve(struct expiry_index *index);

/* Adds an entry, which must have room for a place. Room must have been reserved. */
void expiry_add(struct expiry_index *index, struct entry *entry, int64_t when_ms);
void expiry_remove(struct expiry_index *index, uint32_t place);
void expiry_change(struct expiry_index *index, uint32_t place, int64_t when_ms);

/* The node at a place; its entry may be replaced by one that has moved, its time only by expiry_change(). */
struct expiry_node *expiry_at(const struct expiry_index *index, uint32_t place);

/* The earliest node; NULL when there is none. */
struct expiry_node *expiry_first(const struct expiry_index *index);

/* The n-th node, n < count, in no order that means anything: for samples. */
struct expiry_node *expiry_nth(const struct expiry_index *index, uint32_t n);

void expiry_fini(struct expiry_index *index, enum memory_freer freer);
size_t expiry_used_bytes(const struct expiry_index *index);

#endif

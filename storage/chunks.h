/*
 * An array that grows and shrinks at its end by chunks of one size, so that what is in it never moves.
 *
 * Only the list of the chunks' addresses is reallocated: eight bytes a chunk, doubled when it is full. With
 * chunks of some thousand elements, a billion elements move a few hundred kilobytes now and then.
 *
 * Outcomes: chunks_grow() is false when there is no memory, and then nothing has changed.
 */
#ifndef STORAGE_CHUNKS_H
#define STORAGE_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct chunks {
	struct memory *memory; /* that they come from */
	void **list;
	uint32_t count;    /* chunks */
	uint32_t capacity; /* of the list */
};

void chunks_init(struct chunks *chunks, struct memory *memory);

/* Adds a chunk of uninitialised bytes. All chunks of an array have the same size. */
bool chunks_grow(struct chunks *chunks, size_t chunk_bytes);

/* Frees the last chunk. */
void chunks_shrink(struct chunks *chunks, size_t chunk_bytes);

/* Frees all: it is empty, as after chunks_init(). */
void chunks_fini(struct chunks *chunks, size_t chunk_bytes, enum memory_freer freer);

size_t chunks_used_bytes(const struct chunks *chunks, size_t chunk_bytes);

#endif

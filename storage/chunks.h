/*
 * An array that grows and shrinks by chunks of one size, so that its elements never move.
 *
 * Only the list of chunk addresses is reallocated: eight bytes per chunk, doubled when it is full. With
 * chunks of some thousand elements, the list for a billion elements has a few hundred kilobytes.
 *
 * chunks_grow() returns false without memory; then nothing has changed.
 */
#ifndef STORAGE_CHUNKS_H
#define STORAGE_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct chunks {
	struct memory *memory; /* from which chunks are allocated */
	void **list;
	uint32_t count;    /* chunks */
	uint32_t capacity; /* of the list */
};

void chunks_init(struct chunks *chunks, struct memory *memory);

/* Adds a chunk of uninitialised bytes. All chunks of an array have the same size. */
bool chunks_grow(struct chunks *chunks, size_t chunk_bytes);

/* Frees the last chunk. */
void chunks_shrink(struct chunks *chunks, size_t chunk_bytes);

/* Frees all chunks; the array is empty, as after chunks_init(). */
void chunks_fini(struct chunks *chunks, size_t chunk_bytes, enum memory_freer freer);

size_t chunks_used_bytes(const struct chunks *chunks, size_t chunk_bytes);

#endif

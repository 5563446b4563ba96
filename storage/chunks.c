#include "chunks.h"

#include <string.h>

/* A first list of 64 bytes; it doubles from there. */
#define FIRST_CAPACITY 8u

static size_t list_bytes(uint32_t capacity)
{
	return capacity * sizeof(void *);
}

void chunks_init(struct chunks *chunks, struct memory *memory)
{
	*chunks = (struct chunks){ .memory = memory };
}

static bool grow_list(struct chunks *chunks)
{
	uint32_t capacity = chunks->capacity ? 2 * chunks->capacity : FIRST_CAPACITY;
	void **list = (void **)memory_alloc(chunks->memory, list_bytes(capacity));
	if (!list)
		return false;
	if (chunks->list) {
		memcpy(list, chunks->list, list_bytes(chunks->count));
		memory_free(chunks->memory, chunks->list, list_bytes(chunks->capacity));
	}
	chunks->list = list;
	chunks->capacity = capacity;
	return true;
}

bool chunks_grow(struct chunks *chunks, size_t chunk_bytes)
{
	if (chunks->count == chunks->capacity && !grow_list(chunks))
		return false;
	void *chunk = memory_alloc(chunks->memory, chunk_bytes);
	if (!chunk)
		return false;
	chunks->list[chunks->count++] = chunk;
	return true;
}

void chunks_shrink(struct chunks *chunks, size_t chunk_bytes)
{
	memory_free(chunks->memory, chunks->list[--chunks->count], chunk_bytes);
}

void chunks_fini(struct chunks *chunks, size_t chunk_bytes, enum memory_freer freer)
{
	for (uint32_t i = 0; i < chunks->count; i++)
		memory_free_as(chunks->memory, chunks->list[i], chunk_bytes, freer);
	if (chunks->list)
		memory_free_as(chunks->memory, chunks->list, list_bytes(chunks->capacity), freer);
	chunks_init(chunks, chunks->memory);
}

size_t chunks_used_bytes(const struct chunks *chunks, size_t chunk_bytes)
{
	size_t list = chunks->list ? memory_size_class(list_bytes(chunks->capacity)) : 0;
	return list + chunks->count * memory_size_class(chunk_bytes);
}

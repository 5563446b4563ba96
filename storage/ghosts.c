#include "ghosts.h"

#include <string.h>

#define LINE_CELLS 32u
#define KEYS_A_LINE (LINE_CELLS / 2)
#define CHUNK_LINES 256u
#define CHUNK_BYTES (CHUNK_LINES * LINE_CELLS * sizeof(uint16_t))
/* Chunks of 16 KB added or freed per call: clearing one takes a microsecond. */
#define CHUNKS_A_CALL 4

static uint16_t *line_at(const struct ghosts *ghosts, uint64_t number)
{
	uint16_t *chunk = (uint16_t *)ghosts->chunks.list[number / CHUNK_LINES];
	return &chunk[number % CHUNK_LINES * LINE_CELLS];
}

static uint16_t *line_of(const struct ghosts *ghosts, uint64_t hash)
{
	uint64_t base = UINT64_C(1) << (63 - __builtin_clzll(ghosts->lines));
	uint64_t number = hash & (2 * base - 1);
	return line_at(ghosts, number < ghosts->lines ? number : number & (base - 1));
}

/* The highest bits, since the lowest ones select the line. */
static unsigned fingerprint_of(uint64_t hash)
{
	return (unsigned)(hash >> 51);
}

static uint64_t room_of(const struct ghosts *ghosts)
{
	return (uint64_t)ghosts->chunks.count * CHUNK_LINES;
}

void ghosts_init(struct ghosts *ghosts, struct memory *memory)
{
	*ghosts = (struct ghosts){ 0 };
	chunks_init(&ghosts->chunks, memory);
}

static bool add_chunk(struct ghosts *ghosts)
{
	if (!chunks_grow(&ghosts->chunks, CHUNK_BYTES))
		return false;
	memset(ghosts->chunks.list[ghosts->chunks.count - 1], 0, CHUNK_BYTES);
	return true;
}

/* False: nothing to do, or no memory. */
static bool fit_by_a_chunk(struct ghosts *ghosts, uint64_t wanted)
{
	if (room_of(ghosts) < wanted)
		return add_chunk(ghosts);
	/* Keep one spare chunk, so that a varying number of keys doesn't free and clear it each time. */
	if (room_of(ghosts) < wanted + 2 * CHUNK_LINES)
		return false;
	chunks_shrink(&ghosts->chunks, CHUNK_BYTES);
	return true;
}

void ghosts_fit(struct ghosts *ghosts, uint64_t keys)
{
	uint64_t wanted = keys / KEYS_A_LINE + 1;
	for (int i = 0; i < CHUNKS_A_CALL && fit_by_a_chunk(ghosts, wanted); i++)
		continue;
	ghosts->lines = room_of(ghosts) < wanted ? room_of(ghosts) : wanted;
}

/* The newest stands first. */
void ghosts_put(struct ghosts *ghosts, uint64_t hash, unsigned count)
{
	if (ghosts->lines == 0)
		return;
	uint16_t *line = line_of(ghosts, hash);
	memmove(line + 1, line, (LINE_CELLS - 1) * sizeof(*line));
	line[0] = (uint16_t)(fingerprint_of(hash) << 3 | count);
}

unsigned ghosts_take(struct ghosts *ghosts, uint64_t hash)
{
	if (ghosts->lines == 0)
		return 0;
	uint16_t *line = line_of(ghosts, hash);
	for (unsigned i = 0; i < LINE_CELLS; i++) {
		unsigned count = line[i] & 7;
		if (count == 0 || line[i] >> 3 != (int)fingerprint_of(hash))
			continue;
		line[i] = 0;
		return count;
	}
	return 0;
}

void ghosts_fini(struct ghosts *ghosts)
{
	chunks_fini(&ghosts->chunks, CHUNK_BYTES, FREED_BY_OWNER);
	ghosts->lines = 0;
}

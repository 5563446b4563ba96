/*
 * Text of the append-only file before it is written: bytes of its own, and large values by reference. Nothing of a large value is
 * copied: the text holds its blob, and aof_text_vector() points at it.
 *
 * Offsets count the bytes of the whole text, large values included. Without memory the process stops, since what was executed must
 * reach the file.
 */
#ifndef ACTORS_PERSISTENCE_AOF_TEXT_H
#define ACTORS_PERSISTENCE_AOF_TEXT_H

#include <stdint.h>
#include <sys/uio.h>

#include "storage/blob.h"
#include "transport/buffer.h"

/* A blob between two bytes of the text. */
struct aof_reference {
	size_t at;                 /* index in `bytes` of the byte that follows it */
	uint64_t offset;           /* where it begins in the text */
	struct blob *blob;         /* held */
};

/* All zero: an empty text. */
struct aof_text {
	struct buffer bytes;
	struct aof_reference *references; /* in order */
	size_t reference_count, reference_capacity;
	uint64_t referenced_bytes; /* of all blobs */
};

static inline uint64_t aof_text_len(const struct aof_text *text)
{
	return text->bytes.len + text->referenced_bytes;
}

/* Appends in two steps: reserve, write at most so many bytes there, and say where they end. */
uint8_t *aof_text_reserve(struct aof_text *text, size_t bytes);
static inline void aof_text_written_to(struct aof_text *text, const uint8_t *end)
{
	text->bytes.len = (size_t)(end - text->bytes.data);
}
/* Appends a blob's content; takes a hold of it. */
void aof_text_refer(struct aof_text *text, struct blob *blob);

/*
 * Points up to `max` vectors at the text from `offset` on, and returns their number: 0 at the end. To go on, or after a short
 * write, call again with the offset reached. Valid until the text is changed.
 */
int aof_text_vector(const struct aof_text *text, uint64_t offset, struct iovec *out, int max);

/* Empties the text. Keeps its memory, unless that is far more than usual. */
void aof_text_clear(struct aof_text *text);
void aof_text_fini(struct aof_text *text);

#endif

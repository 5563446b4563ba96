#include "actors/persistence/aof_text.h"

#include <stdlib.h>

#include "actors/runtime/crash.h"
#include "transport/array.h"

/* A group ends at 1 MiB; more memory than this is left over from an unusually large frame. */
#define KEPT_BYTES_MAX ((size_t)4 << 20)
#define KEPT_REFERENCES_MAX 4096

uint8_t *aof_text_reserve(struct aof_text *text, size_t bytes)
{
	if (!buffer_reserve(&text->bytes, bytes))
		crash_out_of_memory("the append-only file");
	return text->bytes.data + text->bytes.len;
}

void aof_text_refer(struct aof_text *text, struct blob *blob)
{
	if (!array_reserve(&text->references, &text->reference_capacity, text->reference_count + 1, sizeof(*text->references), 16))
		crash_out_of_memory("the append-only file");
	text->references[text->reference_count++] =
		(struct aof_reference){ .at = text->bytes.len, .offset = aof_text_len(text), .blob = blob_hold(blob) };
	text->referenced_bytes += blob->len;
}

/* The first reference that ends behind the offset. */
static size_t find_reference(const struct aof_text *text, uint64_t offset)
{
	size_t low = 0, high = text->reference_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct aof_reference *reference = &text->references[middle];
		if (reference->offset + reference->blob->len > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The piece that begins at the offset: up to the next reference, or the rest of the one that the offset is in. */
static struct iovec piece_at(const struct aof_text *text, size_t next, uint64_t offset)
{
	const struct aof_reference *reference = next < text->reference_count ? &text->references[next] : NULL;
	if (reference && reference->offset <= offset) {
		size_t begin = (size_t)(offset - reference->offset);
		return (struct iovec){ reference->blob->data + begin, reference->blob->len - begin };
	}
	const struct aof_reference *before = next > 0 ? &text->references[next - 1] : NULL;
	uint64_t bytes_from = before ? before->offset + before->blob->len : 0;
	size_t begin = (before ? before->at : 0) + (size_t)(offset - bytes_from);
	size_t end = reference ? reference->at : text->bytes.len;
	return (struct iovec){ text->bytes.data + begin, end - begin };
}

int aof_text_vector(const struct aof_text *text, uint64_t offset, struct iovec *out, int max)
{
	size_t next = find_reference(text, offset);
	int count = 0;
	while (count < max && offset < aof_text_len(text)) {
		out[count] = piece_at(text, next, offset);
		offset += out[count++].iov_len;
		if (next < text->reference_count && text->references[next].offset < offset)
			next++;
	}
	return count;
}

void aof_text_clear(struct aof_text *text)
{
	for (size_t i = 0; i < text->reference_count; i++)
		blob_release(&text->references[i].blob);
	text->reference_count = 0;
	text->referenced_bytes = 0;
	text->bytes.len = 0;
	if (text->bytes.capacity > KEPT_BYTES_MAX || text->reference_capacity > KEPT_REFERENCES_MAX)
		aof_text_fini(text);
}

void aof_text_fini(struct aof_text *text)
{
	for (size_t i = 0; i < text->reference_count; i++)
		blob_release(&text->references[i].blob);
	free(text->references);
	buffer_fini(&text->bytes);
	*text = (struct aof_text){ 0 };
}

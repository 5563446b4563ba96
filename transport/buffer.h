/*
 * A growing byte buffer. Its capacity doubles, so appending is cheap. Running out of memory is sticky: `failed` is
 * set, later appends do nothing, and the caller checks it once, before it uses the content.
 */
#ifndef TRANSPORT_BUFFER_H
#define TRANSPORT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
	uint8_t *data;
	size_t len, capacity; /* bytes */
	bool failed;
};

void buffer_fini(struct buffer *buffer);

/* Reserves `more` bytes after len; false (and failed) without memory. */
bool buffer_grow(struct buffer *buffer, size_t more);

static inline bool buffer_reserve(struct buffer *buffer, size_t more)
{
	return buffer->capacity - buffer->len >= more || buffer_grow(buffer, more);
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t len)
{
	if (len == 0 || !buffer_reserve(buffer, len))
		return;
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
}

void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The first allocation: enough for a small reply. */
#define SMALLEST_CAPACITY 64
/* No object is larger than half of the address space; up to here a capacity can be doubled. */
#define LARGEST_CAPACITY (SIZE_MAX / 2)

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}

/* Without free capacity, every later append calls buffer_grow(), which fails. */
static bool fail(struct buffer *buffer)
{
	buffer->failed = true;
	buffer->capacity = buffer->len;
	return false;
}

bool buffer_grow(struct buffer *buffer, size_t more)
{
	if (buffer->failed || more > LARGEST_CAPACITY - buffer->len)
		return fail(buffer);
	size_t needed = buffer->len + more;
	size_t capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;
	while (capacity < needed)
		capacity *= 2;
	uint8_t *data = realloc(buffer->data, capacity);
	if (!data)
		return fail(buffer);
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	/* vsnprintf() also writes a NUL, which is not part of the text. */
	if (len < 0)
		fail(buffer);
	else if (buffer_reserve(buffer, (size_t)len + 1)) {
		vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format, again);
		buffer->len += (size_t)len;
	}
	va_end(again);
}

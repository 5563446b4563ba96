#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "array.h"

/* The first allocation: enough for a small reply. */
#define SMALLEST_CAPACITY 64

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
	size_t needed;
	if (buffer->failed || __builtin_add_overflow(buffer->len, more, &needed) ||
	    !array_reserve(&buffer->data, &buffer->capacity, needed, 1, SMALLEST_CAPACITY))
		return fail(buffer);
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

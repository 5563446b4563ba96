/*
 * Borrowed bytes: a pointer and a length. A slice is valid as long as the memory that it
 * points to is neither changed nor freed. It may contain any bytes and is not NUL-terminated.
 */
#ifndef STORAGE_SLICE_H
#define STORAGE_SLICE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;
	size_t len; /* bytes */
};

static inline struct slice slice_of(const void *data, size_t len)
{
	return (struct slice){ (const uint8_t *)data, len };
}

static inline int slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif

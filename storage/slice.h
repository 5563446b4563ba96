/*
 * Borrowed bytes: a pointer and a length, owned by somebody else. A slice is valid as long as what it
 * was taken from is neither changed nor freed. Any byte may occur in it; it is not NUL-terminated.
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

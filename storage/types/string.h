/*
 * Strings: changing a part of one. To read one: entry.h; to set one as a whole: keyspace.h.
 */
#ifndef STORAGE_TYPES_STRING_H
#define STORAGE_TYPES_STRING_H

#include "storage/keyspace.h"

/* Bytes that are written into a string from `offset` on; zeros fill a gap between its end and them. */
struct string_patch {
	struct slice bytes;
	size_t offset;
	enum string_origin origin; /* of what comes of it */
};

/* The length of the string, `old_len` bytes long, when the patch is applied. */
size_t string_patched_len(const struct string_patch *patch, size_t old_len);

/*
 * Applies a patch to `entry`, the unexpired string at `key`, or NULL where there is none. The time to live stays. The string must not
 * become longer than 512 MB. The entry may have moved.
 */
enum keyspace_status string_apply_patch(struct keyspace *keyspace, struct slice key, uint64_t hash, struct entry *entry,
					const struct string_patch *patch);

#endif

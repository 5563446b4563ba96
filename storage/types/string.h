/*
 * Strings: changing a part of one. entry.h reads strings; keyspace.h sets whole strings.
 */
#ifndef STORAGE_TYPES_STRING_H
#define STORAGE_TYPES_STRING_H

#include "storage/keyspace.h"
#include "storage/value.h"

/* The longest string. */
#define STRING_MAX_BYTES ((size_t)512 << 20)

/* Bytes to write into a string at `offset`; zeros fill a gap after the string's end. */
struct string_patch {
	struct slice bytes;
	size_t offset;
	enum string_origin origin; /* of the result */
};

/* The length that a string of `old_len` bytes has after the patch. */
size_t string_patched_len(const struct string_patch *patch, size_t old_len);

/* The memory that the patch adds to that of `entry`, the string to which it will be applied (NULL if there is none): 0 for a small one. */
size_t string_patch_growth(const struct string_patch *patch, const struct entry *entry);

/*
 * Applies a patch to `entry`, the unexpired string at `key`, or NULL if the key is absent. The time to live stays. The result must not
 * exceed 512 MB. The call may move the entry.
 */
enum keyspace_status string_apply_patch(struct keyspace *keyspace, struct slice key, uint64_t hash, struct entry *entry,
					const struct string_patch *patch);

/* The bytes of a value that is not in an entry yet, and the blob that holds them or NULL. False if it is no string. */
bool string_of_value(const struct value *value, struct slice *out_string, struct blob **out_blob);

#endif

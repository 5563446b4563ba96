#include "storage/types/string.h"

#include <string.h>

/* Nothing expires at this time: whether the key has, the caller has asked. */
#define BEFORE_ALL_TIMES INT64_MIN

size_t string_patched_len(const struct string_patch *patch, size_t old_len)
{
	size_t end = patch->offset + patch->bytes.len;
	return end > old_len ? end : old_len;
}

static void write_patch(const struct string_patch *patch, uint8_t *data, size_t old_len)
{
	if (patch->offset > old_len)
		memset(data + old_len, 0, patch->offset - old_len);
	if (patch->bytes.len)
		memcpy(data + patch->offset, patch->bytes.data, patch->bytes.len);
}

/* What the string is to be, beside the old one: `data` has room for it. */
static void compose(const struct string_patch *patch, struct slice old, uint8_t *data)
{
	if (old.len)
		memcpy(data, old.data, old.len);
	write_patch(patch, data, old.len);
}

/* A small string is put together beside the old one and stored anew. */
static enum keyspace_status patch_small(struct keyspace *keyspace, struct slice key, uint64_t hash, struct slice old,
					const struct string_patch *patch)
{
	uint8_t text[BLOB_MIN_BYTES];
	struct entry *stored;
	compose(patch, old, text);
	struct slice value = slice_of(text, string_patched_len(patch, old.len));
	enum keyspace_status status =
		keyspace_set_string(keyspace, key, hash, value, KEYSPACE_KEEP_TTL, BEFORE_ALL_TIMES, &stored);
	if (status == KEYSPACE_OK)
		entry_note_string_origin(stored, patch->origin);
	return status;
}

/* A string that becomes large moves into a blob. */
static enum keyspace_status patch_into_blob(struct keyspace *keyspace, struct slice key, uint64_t hash, struct slice old,
					    const struct string_patch *patch)
{
	uint32_t len = (uint32_t)string_patched_len(patch, old.len);
	struct blob *blob = blob_create(len);
	struct entry *stored;
	if (!blob)
		return KEYSPACE_NO_MEMORY;
	compose(patch, old, blob->data);
	blob->len = len;
	enum keyspace_status status =
		keyspace_set_blob(keyspace, key, hash, blob, KEYSPACE_KEEP_TTL, BEFORE_ALL_TIMES, &stored);
	blob_release(&blob);
	return status;
}

/* A blob is changed where it lies, unless somebody else holds it. */
static enum keyspace_status patch_blob(struct keyspace *keyspace, struct entry *entry, const struct string_patch *patch)
{
	uint32_t len = (uint32_t)string_patched_len(patch, entry_string(entry).len);
	struct blob *blob = keyspace_own_blob(keyspace, entry, len);
	if (!blob)
		return KEYSPACE_NO_MEMORY;
	write_patch(patch, blob->data, blob->len);
	blob->len = len;
	return KEYSPACE_OK;
}

enum keyspace_status string_apply_patch(struct keyspace *keyspace, struct slice key, uint64_t hash, struct entry *entry,
					const struct string_patch *patch)
{
	struct slice old = entry ? entry_string(entry) : slice_of(NULL, 0);
	if (entry && entry_blob(entry))
		return patch_blob(keyspace, entry, patch);
	if (string_patched_len(patch, old.len) < BLOB_MIN_BYTES)
		return patch_small(keyspace, key, hash, old, patch);
	return patch_into_blob(keyspace, key, hash, old, patch);
}

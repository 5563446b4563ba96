#include "storage/types/string.h"

#include <string.h>

#include "storage/number.h"
#include "storage/value_forms.h"

/* ---- forms ---- */

/* The longest string that Redis embeds in its object. */
#define EMBEDDED_MAX 44
static const char *encoding_of_given(struct slice text)
{
	int64_t number;
	if (number_is_text_of(text, &number))
		return "int";
	return text.len <= EMBEDDED_MAX ? "embstr" : "raw";
}

static const char *encoding_of_patched(struct slice text)
{
	return "raw";
}

static const char *encoding_of_computed(struct slice text)
{
	return text.len <= EMBEDDED_MAX ? "embstr" : "raw";
}

static void digest_bytes(struct slice text, const struct digest_sink *sink)
{
	sink->mix(sink->context, text);
}

static struct blob *blob_of(struct slice part)
{
	struct blob *blob;
	memcpy(&blob, part.data, sizeof(blob));
	return blob;
}

static void digest_blob(struct slice part, const struct digest_sink *sink)
{
	digest_bytes(slice_of(blob_of(part)->data, blob_of(part)->len), sink);
}

static void encode_bytes(struct slice text, struct rdb_writer *writer)
{
	rdb_write_string(writer, text);
}

static void encode_blob(struct slice part, struct rdb_writer *writer)
{
	rdb_write_blob(writer, blob_of(part));
}

bool string_of_value(const struct value *value, struct slice *out_string, struct blob **out_blob)
{
	if (value->form > FORM_STRING_BLOB)
		return false;
	*out_blob = value->form == FORM_STRING_BLOB ? blob_of(value->part) : NULL;
	*out_string = *out_blob ? slice_of((*out_blob)->data, (*out_blob)->len) : value->part;
	return true;
}

bool string_decode(struct rdb_reader *reader, struct value *out_value)
{
	struct slice text;
	struct blob *blob;
	if (!rdb_read_string(reader, &text, &blob))
		return false;
	*out_value = (struct value){ .form = blob ? FORM_STRING_BLOB : FORM_STRING, .part = text };
	if (blob)
		value_set_address(out_value, blob_keep(blob));
	blob_release(&blob);
	return true;
}

static size_t bytes_of_blob(struct slice part)
{
	return blob_bytes(blob_of(part));
}

static void release_blob(struct slice part, enum memory_freer freer)
{
	struct blob *blob = blob_of(part);
	blob_drop(&blob);
}

/* The copy shares the blob until either value is changed. */
static bool share_blob(struct slice part, uint8_t *out_part)
{
	struct blob *blob = blob_keep(blob_of(part));
	memcpy(out_part, &blob, sizeof(blob));
	return true;
}

#define EMBEDDED_STRING(names) \
	{ .type = ENTRY_STRING, .rdb_type = RDB_STRING, .encoding_name = names, .digest = digest_bytes, .encode = encode_bytes }

const struct value_form string_given = EMBEDDED_STRING(encoding_of_given);
const struct value_form string_patched = EMBEDDED_STRING(encoding_of_patched);
const struct value_form string_computed = EMBEDDED_STRING(encoding_of_computed);
const struct value_form string_in_blob = {
	.type = ENTRY_STRING,
	.rdb_type = RDB_STRING,
	.encoding_name = encoding_of_patched, /* too long for the other encodings */
	.digest = digest_blob,
	.encode = encode_blob,
	.used_bytes = bytes_of_blob,
	.release = release_blob,
	.copy = share_blob,
};

/* ---- patches ---- */

/* A time at which no key has expired: the caller has checked expiry. */
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

/* Writes the patched string to `data`, which has the space. */
static void compose(const struct string_patch *patch, struct slice old, uint8_t *data)
{
	if (old.len)
		memcpy(data, old.data, old.len);
	write_patch(patch, data, old.len);
}

/* A small result is composed on the stack and stored as a new value. */
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

/* A large result moves into a blob. */
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

/* A blob is changed in place; keyspace_own_blob() copies it first if it is shared. */
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

/* What keyspace_own_blob() adds, and patch_into_blob(). The old blob stays if another entry holds it. */
size_t string_patch_growth(const struct string_patch *patch, const struct entry *entry)
{
	size_t len = string_patched_len(patch, entry ? entry_string(entry).len : 0);
	const struct blob *old = entry ? entry_blob(entry) : NULL;
	if (!old && len < BLOB_MIN_BYTES)
		return 0;
	size_t bytes = sizeof(struct blob) + (old && len <= old->capacity ? old->capacity : len);
	return memory_size_class(bytes) - (entry ? entry_freed_bytes(entry) : 0);
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

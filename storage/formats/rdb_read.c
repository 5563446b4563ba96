#include <liblzf/lzf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb.h"
#include "rdb_layout.h"

/* The first allocation for a large string; it doubles as bytes arrive. */
#define FIRST_BYTES (256u * 1024)
/* LZF's best compression: three bytes for 264. */
#define LZF_BEST_RATIO 88

bool rdb_refuse(struct rdb_reader *reader, uint64_t offset, const char *error)
{
	if (!reader->error) {
		reader->error = error;
		reader->error_offset = offset;
	}
	return false;
}

static bool refuse_without_memory(struct rdb_reader *reader)
{
	reader->has_no_memory = true;
	return rdb_refuse(reader, reader->offset, "no memory");
}

bool rdb_read(struct rdb_reader *reader, void *data, size_t len)
{
	uint64_t began = reader->offset;
	if (reader->error)
		return false;
	for (size_t done = 0; done < len;) {
		size_t n = reader->read(reader->context, (uint8_t *)data + done, len - done);
		if (n == 0)
			return rdb_refuse(reader, began, "unexpected end of input");
		done += n;
		reader->offset += n;
	}
	return true;
}

static bool read_big_endian(struct rdb_reader *reader, unsigned width, uint64_t *out_value)
{
	uint8_t bytes[8];
	uint64_t value = 0;
	if (!rdb_read(reader, bytes, width))
		return false;
	for (unsigned i = 0; i < width; i++)
		value = value << 8 | bytes[i];
	*out_value = value;
	return true;
}

static bool read_little_endian(struct rdb_reader *reader, unsigned width, uint64_t *out_value)
{
	uint8_t bytes[8];
	uint64_t value = 0;
	if (!rdb_read(reader, bytes, width))
		return false;
	for (unsigned i = width; i-- > 0;)
		value = value << 8 | bytes[i];
	*out_value = value;
	return true;
}

/* Reads a length, or with `*out_is_form` the number of a string's form. */
static bool read_length_or_form(struct rdb_reader *reader, uint64_t *out_length, bool *out_is_form)
{
	uint64_t began = reader->offset;
	uint8_t first, second;
	if (!rdb_read(reader, &first, 1))
		return false;
	*out_is_form = false;
	switch (first & LENGTH_KIND) {
	case LENGTH_6:
		*out_length = first & 0x3f;
		return true;
	case LENGTH_14:
		*out_length = (uint64_t)(first & 0x3f) << 8;
		if (!rdb_read(reader, &second, 1))
			return false;
		*out_length |= second;
		return true;
	case LENGTH_IS_FORM:
		*out_is_form = true;
		*out_length = first & 0x3f;
		return true;
	}
	if (first == LENGTH_32)
		return read_big_endian(reader, 4, out_length);
	if (first == LENGTH_64)
		return read_big_endian(reader, 8, out_length);
	return rdb_refuse(reader, began, "a length of an unknown form");
}

bool rdb_read_length(struct rdb_reader *reader, uint64_t *out_length)
{
	uint64_t began = reader->offset;
	bool is_form;
	if (!read_length_or_form(reader, out_length, &is_form))
		return false;
	return !is_form || rdb_refuse(reader, began, "a string form in place of a length");
}

static bool read_number(struct rdb_reader *reader, uint64_t form, struct slice *out_string)
{
	uint64_t bits;
	unsigned width = form == FORM_INT8 ? 1 : form == FORM_INT16 ? 2 : 4;
	if (!read_little_endian(reader, width, &bits))
		return false;
	int64_t value = width == 1 ? (int8_t)bits : width == 2 ? (int16_t)bits : (int32_t)bits;
	int len = snprintf((char *)reader->text, sizeof(reader->text), "%lld", (long long)value);
	*out_string = slice_of(reader->text, (size_t)len);
	return true;
}

static bool read_into_blob(struct rdb_reader *reader, uint64_t len, struct blob **blob)
{
	while ((*blob)->len < len) {
		if ((*blob)->len == (*blob)->capacity) {
			uint64_t capacity = 2 * (uint64_t)(*blob)->capacity;
			struct blob *grown = blob_resize(*blob, (uint32_t)(capacity < len ? capacity : len));
			if (!grown)
				return refuse_without_memory(reader);
			*blob = grown;
		}
		uint32_t room = (*blob)->capacity - (*blob)->len;
		if (!rdb_read(reader, (*blob)->data + (*blob)->len, room))
			return false;
		(*blob)->len += room;
	}
	return true;
}

/* Reads an uncompressed string. */
static bool read_plain(struct rdb_reader *reader, uint64_t len, struct slice *out_string, struct blob **out_blob)
{
	if (len < sizeof(reader->text)) {
		*out_string = slice_of(reader->text, len);
		return rdb_read(reader, reader->text, len);
	}
	struct blob *blob = blob_create(len < FIRST_BYTES ? (uint32_t)len : FIRST_BYTES);
	if (!blob)
		return refuse_without_memory(reader);
	if (!read_into_blob(reader, len, &blob)) {
		blob_release(&blob);
		return false;
	}
	*out_blob = blob;
	*out_string = slice_of(blob->data, blob->len);
	return true;
}

static bool unpack(struct rdb_reader *reader, uint64_t began, struct slice packed, uint64_t len, struct slice *out_string,
		   struct blob **out_blob)
{
	struct blob *blob = NULL;
	uint8_t small[sizeof(reader->text)], *into = small;
	if (len >= sizeof(reader->text)) {
		blob = blob_create((uint32_t)len);
		if (!blob)
			return refuse_without_memory(reader);
		blob->len = (uint32_t)len;
		into = blob->data;
	}
	if (lzf_decompress(packed.data, (unsigned)packed.len, into, (unsigned)len) != len) {
		blob_release(&blob);
		return rdb_refuse(reader, began, "a compressed string is damaged");
	}
	if (!blob)
		memcpy(reader->text, small, len);
	*out_blob = blob;
	*out_string = slice_of(blob ? blob->data : reader->text, len);
	return true;
}

static bool read_compressed(struct rdb_reader *reader, uint64_t began, struct slice *out_string, struct blob **out_blob)
{
	uint64_t packed_len, len;
	struct slice packed;
	struct blob *packed_blob = NULL;
	if (!rdb_read_length(reader, &packed_len) || !rdb_read_length(reader, &len))
		return false;
	/* lzf_decompress() can't tell an empty string from a failure; nobody compresses one. */
	if (packed_len > RDB_STRING_MAX_BYTES || len > RDB_STRING_MAX_BYTES || len == 0 || len > packed_len * LZF_BEST_RATIO)
		return rdb_refuse(reader, began, "a compressed string has an impossible length");
	if (!read_plain(reader, packed_len, &packed, &packed_blob))
		return false;
	bool is_read = unpack(reader, began, packed, len, out_string, out_blob);
	blob_release(&packed_blob);
	return is_read;
}

bool rdb_read_string(struct rdb_reader *reader, struct slice *out_string, struct blob **out_blob)
{
	uint64_t began = reader->offset, length;
	bool is_form;
	*out_blob = NULL;
	if (!read_length_or_form(reader, &length, &is_form))
		return false;
	if (is_form && length <= FORM_INT32)
		return read_number(reader, length, out_string);
	if (is_form && length == FORM_LZF)
		return read_compressed(reader, began, out_string, out_blob);
	if (is_form)
		return rdb_refuse(reader, began, "a string of an unknown form");
	if (length > RDB_STRING_MAX_BYTES)
		return rdb_refuse(reader, began, "a string is longer than 512 MB");
	return read_plain(reader, length, out_string, out_blob);
}

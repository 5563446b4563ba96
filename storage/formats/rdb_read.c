/*
 * Small strings are returned where they lie in the buffer. What a read needs at once is made contiguous: the bytes left in the buffer move to
 * its front and it is filled behind them. Large strings go past the buffer into their blob.
 */
#include <liblzf/lzf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc64.h"
#include "rdb.h"
#include "rdb_layout.h"
#include "storage/number.h"

/* The first allocation for a large string that has not arrived; it doubles as bytes arrive. */
#define FIRST_BYTES (256u * 1024)
/* LZF's best compression: three bytes for 264. */
#define LZF_BEST_RATIO 88

void rdb_reader_init(struct rdb_reader *reader, struct slice input)
{
	memset(reader, 0, offsetof(struct rdb_reader, text));
	reader->at = reader->summed = input.data;
	reader->end = input.data + input.len;
	reader->end_offset = input.len;
}

void rdb_reader_init_from(struct rdb_reader *reader, int (*read)(void *context, void *data, size_t len, size_t *out_len), void *context,
			  uint8_t *buffer, size_t buffer_bytes)
{
	rdb_reader_init(reader, slice_of(buffer, 0));
	reader->read = read;
	reader->context = context;
	reader->buffer = buffer;
	reader->buffer_bytes = buffer_bytes;
}

/* ---- errors ---- */

static bool refuse(struct rdb_reader *reader, uint64_t offset, const char *error)
{
	reader->error = error;
	reader->error_offset = offset;
	/* Nothing is left to read, so reads need no check for an error. */
	reader->end_offset = rdb_offset(reader);
	reader->end = reader->at;
	return false;
}

bool rdb_refuse(struct rdb_reader *reader, uint64_t offset, const char *error)
{
	return !reader->error && refuse(reader, offset, error);
}

bool rdb_refusef(struct rdb_reader *reader, uint64_t offset, const char *format, ...)
{
	va_list args;
	if (reader->error)
		return false;
	va_start(args, format);
	vsnprintf(reader->error_text, sizeof(reader->error_text), format, args);
	va_end(args);
	return refuse(reader, offset, reader->error_text);
}

static bool refuse_without_memory(struct rdb_reader *reader)
{
	reader->has_no_memory = true;
	return rdb_refuse(reader, rdb_offset(reader), "no memory");
}

/* ---- bytes ---- */

uint64_t rdb_checksum(struct rdb_reader *reader)
{
	reader->sum = crc64(reader->sum, reader->summed, (size_t)(reader->at - reader->summed));
	reader->summed = reader->at;
	return reader->sum;
}

/* Reads once, at least one byte; false at the end. */
static bool read_some(struct rdb_reader *reader, void *data, size_t len, size_t *out_len)
{
	if (reader->error)
		return false;
	*out_len = 0;
	int code = reader->read(reader->context, data, len, out_len);
	if (code)
		return rdb_refusef(reader, rdb_offset(reader), "it can't be read: %s", strerror(code));
	if (*out_len == 0)
		return rdb_refuse(reader, rdb_offset(reader), "unexpected end of input");
	reader->end_offset += *out_len;
	return true;
}

/* Reads on until `len` bytes, at most as many as the buffer holds, are in memory. */
static bool fill(struct rdb_reader *reader, size_t len)
{
	size_t left = (size_t)(reader->end - reader->at), more;
	if (!reader->read)
		return rdb_refuse(reader, rdb_offset(reader), "unexpected end of input");
	if (reader->is_summed)
		rdb_checksum(reader);
	memmove(reader->buffer, reader->at, left);
	reader->at = reader->summed = reader->buffer;
	reader->end = reader->buffer + left;
	for (; left < len; left += more, reader->end += more)
		if (!read_some(reader, reader->buffer + left, reader->buffer_bytes - left, &more))
			return false;
	return true;
}

/* The next `len` bytes, at most BLOB_MIN_BYTES; NULL if they are not there. */
static inline const uint8_t *take(struct rdb_reader *reader, size_t len)
{
	if ((size_t)(reader->end - reader->at) < len && !fill(reader, len))
		return NULL;
	const uint8_t *bytes = reader->at;
	reader->at += len;
	return bytes;
}

/* Reads bytes that don't pass through the buffer, which is empty. */
static bool read_past_buffer(struct rdb_reader *reader, uint8_t *data, size_t len)
{
	size_t more;
	if (reader->is_summed)
		rdb_checksum(reader);
	for (; len > 0; data += more, len -= more) {
		if (!read_some(reader, data, len, &more))
			return false;
		if (reader->is_summed)
			reader->sum = crc64(reader->sum, data, more);
	}
	return true;
}

bool rdb_read(struct rdb_reader *reader, void *data, size_t len)
{
	size_t there = (size_t)(reader->end - reader->at);
	size_t first = len < there ? len : there, rest = len - first;
	uint8_t *after = (uint8_t *)data + first;
	if (first)
		memcpy(data, reader->at, first);
	reader->at += first;
	if (rest == 0)
		return true;
	if (reader->read && rest >= reader->buffer_bytes)
		return read_past_buffer(reader, after, rest);
	return fill(reader, rest) && rdb_read(reader, after, rest);
}

/* ---- lengths ---- */

static bool read_big_endian(struct rdb_reader *reader, unsigned width, uint64_t *out_value)
{
	const uint8_t *bytes = take(reader, width);
	uint64_t value = 0;
	for (unsigned i = 0; bytes && i < width; i++)
		value = value << 8 | bytes[i];
	*out_value = value;
	return bytes != NULL;
}

bool rdb_read_number(struct rdb_reader *reader, unsigned width, uint64_t *out_value)
{
	const uint8_t *bytes = take(reader, width);
	uint64_t value = 0;
	for (unsigned i = width; bytes && i-- > 0;)
		value = value << 8 | bytes[i];
	*out_value = value;
	return bytes != NULL;
}

/* Reads a length, or with `*out_is_form` the number of a string's form. */
static bool read_length_or_form(struct rdb_reader *reader, uint64_t *out_length, bool *out_is_form)
{
	uint64_t began = rdb_offset(reader);
	const uint8_t *byte = take(reader, 1);
	if (!byte)
		return false;
	uint8_t first = *byte;
	*out_is_form = (first & LENGTH_KIND) == LENGTH_IS_FORM;
	*out_length = first & ~LENGTH_KIND;
	if (*out_is_form || (first & LENGTH_KIND) == LENGTH_6)
		return true;
	if ((first & LENGTH_KIND) == LENGTH_14) {
		byte = take(reader, 1);
		*out_length = *out_length << 8 | (byte ? *byte : 0);
		return byte != NULL;
	}
	if (first == LENGTH_32)
		return read_big_endian(reader, 4, out_length);
	if (first == LENGTH_64)
		return read_big_endian(reader, 8, out_length);
	return rdb_refuse(reader, began, "a length of an unknown form");
}

bool rdb_read_length(struct rdb_reader *reader, uint64_t *out_length)
{
	uint64_t began = rdb_offset(reader);
	bool is_form;
	if (!read_length_or_form(reader, out_length, &is_form))
		return false;
	return !is_form || rdb_refuse(reader, began, "a string form in place of a length");
}

/* ---- strings ---- */

static bool read_number(struct rdb_reader *reader, uint64_t form, struct slice *out_string)
{
	uint64_t bits;
	unsigned width = form == FORM_INT8 ? 1 : form == FORM_INT16 ? 2 : 4;
	if (!rdb_read_number(reader, width, &bits))
		return false;
	int64_t value = width == 1 ? (int8_t)bits : width == 2 ? (int16_t)bits : (int32_t)bits;
	*out_string = slice_of(reader->text, number_as_text(value, reader->text));
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
	if (len < BLOB_MIN_BYTES) {
		const uint8_t *bytes = take(reader, len);
		*out_string = slice_of(bytes, len);
		return bytes != NULL;
	}
	bool is_there = len <= (size_t)(reader->end - reader->at);
	struct blob *blob = blob_create(is_there || len < FIRST_BYTES ? (uint32_t)len : FIRST_BYTES);
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
	if (len >= BLOB_MIN_BYTES) {
		blob = blob_create((uint32_t)len);
		if (!blob)
			return refuse_without_memory(reader);
		blob->len = (uint32_t)len;
	}
	uint8_t *into = blob ? blob->data : reader->text;
	if (lzf_decompress(packed.data, (unsigned)packed.len, into, (unsigned)len) != len) {
		blob_release(&blob);
		return rdb_refuse(reader, began, "a compressed string is damaged");
	}
	*out_blob = blob;
	*out_string = slice_of(into, len);
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
	uint64_t began = rdb_offset(reader), length;
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

bool rdb_read_string_length(struct rdb_reader *reader, uint64_t *out_length)
{
	uint64_t form, packed_len;
	bool is_form;
	if (!read_length_or_form(reader, &form, &is_form))
		return false;
	*out_length = is_form ? NUMBER_TEXT_MAX : form;
	return !is_form || form != FORM_LZF || (rdb_read_length(reader, &packed_len) && rdb_read_length(reader, out_length));
}

/* ---- modules ---- */

/* Nine characters of 6 bits each, the first one highest; below them is the module's version in 10 bits. */
#define MODULE_NAME_CHARS 9
#define MODULE_VERSION_BITS 10

bool rdb_refuse_module(struct rdb_reader *reader, uint64_t offset, const char *what)
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char name[MODULE_NAME_CHARS + 1] = "";
	uint64_t number;
	if (!rdb_read_length(reader, &number))
		return false;
	number >>= MODULE_VERSION_BITS;
	for (int i = MODULE_NAME_CHARS; i-- > 0; number >>= 6)
		name[i] = characters[number & 63];
	return rdb_refusef(reader, offset, "%s of the module %s, which is not supported", what, name);
}

#include <liblzf/lzf.h>
#include <stdlib.h>
#include <string.h>

#include "rdb.h"
#include "rdb_layout.h"
#include "storage/number.h"

/* Shorter strings are not compressed, as in Redis. */
#define COMPRESS_MIN_BYTES 21
/* The output of larger strings goes into allocated memory. */
#define COMPRESS_ON_STACK_BYTES 4096
/* LZF takes 32-bit lengths. */
#define COMPRESS_MAX_BYTES UINT32_MAX

void rdb_write(struct rdb_writer *writer, const void *data, size_t len)
{
	if (writer->has_failed || len == 0)
		return;
	if (!writer->write(writer->context, data, len))
		writer->has_failed = true;
	writer->bytes += len;
}

void rdb_write_byte(struct rdb_writer *writer, uint8_t byte)
{
	rdb_write(writer, &byte, 1);
}

void rdb_write_length(struct rdb_writer *writer, uint64_t length)
{
	uint8_t bytes[9];
	size_t count = 0;
	if (length < 1u << 6) {
		bytes[count++] = (uint8_t)length;
	} else if (length < 1u << 14) {
		bytes[count++] = (uint8_t)(LENGTH_14 | length >> 8);
		bytes[count++] = (uint8_t)length;
	} else {
		unsigned width = length <= UINT32_MAX ? 4 : 8;
		bytes[count++] = width == 4 ? LENGTH_32 : LENGTH_64;
		for (unsigned i = width; i-- > 0;)
			bytes[count++] = (uint8_t)(length >> 8 * i);
	}
	rdb_write(writer, bytes, count);
}

static void write_number(struct rdb_writer *writer, int64_t value)
{
	unsigned width = value >= INT8_MIN && value <= INT8_MAX ? 1 : value >= INT16_MIN && value <= INT16_MAX ? 2 : 4;
	uint8_t form = width == 1 ? FORM_INT8 : width == 2 ? FORM_INT16 : FORM_INT32;
	uint8_t bytes[5] = { (uint8_t)(LENGTH_IS_FORM | form) };
	for (unsigned i = 0; i < width; i++)
		bytes[1 + i] = (uint8_t)((uint64_t)value >> 8 * i);
	rdb_write(writer, bytes, 1 + width);
}

/* False if the string doesn't get shorter, or without memory. */
static bool write_compressed(struct rdb_writer *writer, struct slice string)
{
	uint8_t small[COMPRESS_ON_STACK_BYTES];
	size_t room = string.len - 4;
	uint8_t *packed = room <= sizeof(small) ? small : malloc(room);
	unsigned len = packed ? lzf_compress(string.data, (unsigned)string.len, packed, (unsigned)room) : 0;
	if (len) {
		rdb_write_byte(writer, LENGTH_IS_FORM | FORM_LZF);
		rdb_write_length(writer, len);
		rdb_write_length(writer, string.len);
		rdb_write(writer, packed, len);
	}
	if (packed != small)
		free(packed);
	return len > 0;
}

static bool is_compressible(const struct rdb_writer *writer, struct slice string)
{
	return writer->compresses && string.len >= COMPRESS_MIN_BYTES && string.len <= COMPRESS_MAX_BYTES &&
	       (writer->compress_below == 0 || string.len < writer->compress_below);
}

static void encode_string(struct rdb_writer *writer, struct slice string)
{
	int64_t number;
	if (number_is_text_of(string, &number) && number >= INT32_MIN && number <= INT32_MAX) {
		write_number(writer, number);
		return;
	}
	if (is_compressible(writer, string) && write_compressed(writer, string))
		return;
	rdb_write_length(writer, string.len);
	rdb_write(writer, string.data, string.len);
}

static void write_string(struct rdb_writer *writer, struct slice string, struct blob *blob)
{
	if (!writer->write_string)
		encode_string(writer, string);
	else if (!writer->has_failed)
		writer->has_failed = !writer->write_string(writer->context, string, blob);
}

void rdb_write_string(struct rdb_writer *writer, struct slice string)
{
	write_string(writer, string, NULL);
}

void rdb_write_blob(struct rdb_writer *writer, struct blob *blob)
{
	write_string(writer, slice_of(blob->data, blob->len), blob);
}

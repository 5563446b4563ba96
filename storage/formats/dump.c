#include "dump.h"

#include <string.h>

#include "crc64.h"

#define VERSION_BYTES 2u
#define CHECKSUM_BYTES 8u
#define FOOTER_BYTES (VERSION_BYTES + CHECKSUM_BYTES)
#define FIRST_BYTES 256u

/* ---- encoding ---- */

/* A quarter more than needed, so that a large string's footer needs no second allocation. */
static bool grow(struct blob **blob, size_t needed)
{
	size_t capacity = needed + needed / 4;
	if (needed > UINT32_MAX)
		return false;
	struct blob *grown = blob_resize(*blob, capacity < UINT32_MAX ? (uint32_t)capacity : UINT32_MAX);
	if (grown)
		*blob = grown;
	return grown != NULL;
}

static bool append(void *context, const void *data, size_t len)
{
	struct blob **blob = context;
	size_t needed = (*blob)->len + len;
	if (needed > (*blob)->capacity && !grow(blob, needed))
		return false;
	memcpy((*blob)->data + (*blob)->len, data, len);
	(*blob)->len += (uint32_t)len;
	return true;
}

static void write_footer(struct rdb_writer *writer, struct blob **blob)
{
	uint8_t footer[FOOTER_BYTES] = { RDB_VERSION & 0xff, RDB_VERSION >> 8 };
	rdb_write(writer, footer, VERSION_BYTES);
	uint64_t sum = crc64(0, (*blob)->data, (*blob)->len);
	for (unsigned i = 0; i < CHECKSUM_BYTES; i++)
		footer[VERSION_BYTES + i] = (uint8_t)(sum >> 8 * i);
	rdb_write(writer, footer + VERSION_BYTES, CHECKSUM_BYTES);
}

struct blob *dump_encode(const struct entry *entry, bool compresses)
{
	struct blob *blob = blob_create(FIRST_BYTES);
	if (!blob)
		return NULL;
	struct rdb_writer writer = { .write = append, .context = &blob, .compresses = compresses, .compress_below = BLOB_MIN_BYTES };
	rdb_write_byte(&writer, (uint8_t)entry_rdb_type(entry));
	entry_encode(entry, &writer);
	write_footer(&writer, &blob);
	if (writer.has_failed)
		blob_release(&blob);
	return blob;
}

/* ---- decoding ---- */

static bool is_verified(struct slice payload)
{
	if (payload.len < FOOTER_BYTES)
		return false;
	const uint8_t *footer = payload.data + payload.len - FOOTER_BYTES;
	unsigned version = footer[0] | (unsigned)footer[1] << 8;
	uint64_t sum = 0;
	for (unsigned i = CHECKSUM_BYTES; i-- > 0;)
		sum = sum << 8 | footer[VERSION_BYTES + i];
	return version <= RDB_VERSION && sum == crc64(0, payload.data, payload.len - CHECKSUM_BYTES);
}

enum dump_status dump_decode(struct rdb_reader *reader, struct slice payload, struct value *out_value)
{
	uint8_t type;
	if (!is_verified(payload))
		return DUMP_UNVERIFIED;
	rdb_reader_init(reader, slice_of(payload.data, payload.len - FOOTER_BYTES));
	if (!rdb_read(reader, &type, 1) || !value_decode(reader, type, out_value))
		return reader->has_no_memory ? DUMP_NO_MEMORY : DUMP_MALFORMED;
	if (reader->at == reader->end)
		return DUMP_OK;
	value_release(out_value);
	return DUMP_MALFORMED;
}

size_t dump_string_len(struct slice payload)
{
	struct rdb_reader reader;
	uint8_t type;
	uint64_t len;
	rdb_reader_init(&reader, payload);
	return rdb_read(&reader, &type, 1) && type == RDB_STRING && rdb_read_string_length(&reader, &len) ? (size_t)len : 0;
}

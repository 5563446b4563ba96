/*
 * One opcode after the other. Those before a record (its expiry, how much it is used) are gathered for it; hints that don't matter here are
 * read and dropped; what would be lost is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "rdb_file.h"
#include "rdb_file_layout.h"
#include "storage/keyspace.h"
#include "storage/value.h"

/* Large enough that the cost of reading from a file is small beside that of its bytes, small enough for the CPU's cache. */
#define BUFFER_BYTES (128u * 1024)

struct rdb_file_reader *rdb_file_reader_create(int (*read)(void *context, void *data, size_t len, size_t *out_len), void *context)
{
	struct rdb_file_reader *reader = malloc(sizeof(*reader));
	uint8_t *buffer = malloc(BUFFER_BYTES);
	if (!reader || !buffer) {
		free(reader);
		free(buffer);
		return NULL;
	}
	memset(reader, 0, offsetof(struct rdb_file_reader, kept));
	reader->buffer = buffer;
	rdb_reader_init_from(&reader->values, read, context, buffer, BUFFER_BYTES);
	reader->values.is_summed = true;
	return reader;
}

void rdb_file_reader_destroy(struct rdb_file_reader **reader)
{
	if (!*reader)
		return;
	blob_release(&(*reader)->kept_blob);
	blob_release(&(*reader)->value_blob);
	free((*reader)->buffer);
	free(*reader);
	*reader = NULL;
}

/* ---- parts of items ---- */

/* Reads a string that stays valid while more is read. */
static bool read_kept(struct rdb_file_reader *reader, struct slice *out_string)
{
	if (!rdb_read_string(&reader->values, out_string, &reader->kept_blob))
		return false;
	if (!reader->kept_blob) {
		memcpy(reader->kept, out_string->data, out_string->len);
		out_string->data = reader->kept;
	}
	return true;
}

static bool read_magic(struct rdb_file_reader *reader)
{
	char magic[RDB_MAGIC_BYTES];
	if (!rdb_read(&reader->values, magic, sizeof(magic)))
		return false;
	bool is_valkey = memcmp(magic, VALKEY_MAGIC, strlen(VALKEY_MAGIC)) == 0;
	bool is_known = is_valkey || memcmp(magic, RDB_MAGIC, strlen(RDB_MAGIC)) == 0;
	for (size_t i = strlen(is_valkey ? VALKEY_MAGIC : RDB_MAGIC); is_known && i < sizeof(magic); i++) {
		is_known = magic[i] >= '0' && magic[i] <= '9';
		reader->version = reader->version * 10 + (unsigned)(magic[i] - '0');
	}
	return (is_known && reader->version > 0) || rdb_refuse(&reader->values, 0, "not an RDB file");
}

/* ---- opcodes: false for an error ---- */

static bool read_field(struct rdb_file_reader *reader, struct rdb_item *item)
{
	return read_kept(reader, &item->name) && rdb_read_string(&reader->values, &item->value, &reader->value_blob);
}

static bool read_database(struct rdb_file_reader *reader, struct rdb_item *item)
{
	if (!rdb_read_length(&reader->values, &item->number))
		return false;
	if (item->number > INT32_MAX)
		return rdb_refuse(&reader->values, item->offset, "a database's number is impossible");
	reader->database = (uint32_t)item->number;
	return true;
}

static bool read_size(struct rdb_file_reader *reader, struct rdb_item *item)
{
	uint64_t expiring;
	item->record.database = reader->database;
	return rdb_read_length(&reader->values, &item->number) && rdb_read_length(&reader->values, &expiring);
}

static bool read_expiry(struct rdb_file_reader *reader, struct rdb_item *item)
{
	uint64_t ms;
	if (!rdb_read_number(&reader->values, 8, &ms))
		return false;
	/* A time that means "never" here is as long ago as any time can be. */
	item->record.expiry_ms = (int64_t)ms == NO_EXPIRY ? NO_EXPIRY + 1 : (int64_t)ms;
	return true;
}

static bool read_expiry_in_seconds(struct rdb_file_reader *reader, struct rdb_item *item)
{
	uint64_t seconds;
	if (!rdb_read_number(&reader->values, 4, &seconds))
		return false;
	item->record.expiry_ms = (int64_t)(int32_t)seconds * 1000;
	return true;
}

static bool read_idle(struct rdb_file_reader *reader, struct rdb_item *item)
{
	uint64_t seconds;
	if (!rdb_read_length(&reader->values, &seconds))
		return false;
	item->record.usage = RDB_IDLE_SECONDS;
	item->record.usage_value = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
	return true;
}

static bool read_frequency(struct rdb_file_reader *reader, struct rdb_item *item)
{
	uint64_t frequency;
	if (!rdb_read_number(&reader->values, 1, &frequency))
		return false;
	item->record.usage = RDB_FREQUENCY;
	item->record.usage_value = (uint32_t)frequency;
	return true;
}

static bool skip_slot(struct rdb_file_reader *reader, struct rdb_item *item)
{
	uint64_t slot, keys, expiring;
	return rdb_read_length(&reader->values, &slot) && rdb_read_length(&reader->values, &keys) &&
	       rdb_read_length(&reader->values, &expiring);
}

/* A library begins with a line like "#!lua name=mylib". */
static bool refuse_library(struct rdb_file_reader *reader, struct rdb_item *item)
{
	static const char before[] = "name=";
	struct slice code;
	if (!read_kept(reader, &code))
		return false;
	const uint8_t *end = memchr(code.data, '\n', code.len);
	size_t line = end ? (size_t)(end - code.data) : code.len, len = 0;
	const uint8_t *name = memmem(code.data, line, before, strlen(before));
	name = name ? name + strlen(before) : code.data + line;
	while (name + len < code.data + line && name[len] > ' ' && name[len] < 0x7f)
		len++;
	return rdb_refusef(&reader->values, item->offset, "the function library \"%.*s\", which is not supported",
			   (int)(len < 64 ? len : 64), (const char *)name);
}

static bool refuse_old_function(struct rdb_file_reader *reader, struct rdb_item *item)
{
	return rdb_refuse(&reader->values, item->offset, "a function of a release candidate of Redis 7.0, which is not supported");
}

static bool refuse_module_aux(struct rdb_file_reader *reader, struct rdb_item *item)
{
	return rdb_refuse_module(&reader->values, item->offset, "data");
}

static bool refuse_meta_or_slots(struct rdb_file_reader *reader, struct rdb_item *item)
{
	return rdb_refuse(&reader->values, item->offset,
			  "a key's metadata by a module (Redis) or a moving slot (Valkey), which are not supported");
}

static bool read_end(struct rdb_file_reader *reader, struct rdb_item *item)
{
	uint64_t offset = rdb_offset(&reader->values), sum = rdb_checksum(&reader->values), expected;
	if (reader->version < RDB_CHECKSUM_SINCE)
		return true;
	if (!rdb_read_number(&reader->values, RDB_CHECKSUM_BYTES, &expected))
		return false;
	item->has_checksum = expected != 0;
	if (expected == 0 || expected == sum || reader->ignores_checksum)
		return true;
	return rdb_refusef(&reader->values, offset, "the checksum is %016llx, but that of the content is %016llx",
			   (unsigned long long)expected, (unsigned long long)sum);
}

/* What the bytes from OPCODE_META_OR_SLOT_IMPORT on mean. */
static const struct {
	bool (*read)(struct rdb_file_reader *reader, struct rdb_item *item);
	bool is_item;             /* an item for the caller; else the next opcode follows */
	enum rdb_item_kind kind;
} opcodes[256 - OPCODE_META_OR_SLOT_IMPORT] = {
#define GATHERED(opcode, function) [opcode - OPCODE_META_OR_SLOT_IMPORT] = { .read = function }
#define ITEM(opcode, function, item_kind) \
	[opcode - OPCODE_META_OR_SLOT_IMPORT] = { .read = function, .is_item = true, .kind = item_kind }
	GATHERED(OPCODE_META_OR_SLOT_IMPORT, refuse_meta_or_slots),
	GATHERED(OPCODE_SLOT_INFO, skip_slot),
	GATHERED(OPCODE_FUNCTION2, refuse_library),
	GATHERED(OPCODE_FUNCTION_PRE_GA, refuse_old_function),
	GATHERED(OPCODE_MODULE_AUX, refuse_module_aux),
	GATHERED(OPCODE_IDLE, read_idle),
	GATHERED(OPCODE_FREQ, read_frequency),
	ITEM(OPCODE_AUX, read_field, RDB_ITEM_FIELD),
	ITEM(OPCODE_RESIZEDB, read_size, RDB_ITEM_SIZE),
	GATHERED(OPCODE_EXPIRETIME_MS, read_expiry),
	GATHERED(OPCODE_EXPIRETIME, read_expiry_in_seconds),
	ITEM(OPCODE_SELECTDB, read_database, RDB_ITEM_DATABASE),
	ITEM(OPCODE_EOF, read_end, RDB_ITEM_END),
};

static bool read_record(struct rdb_file_reader *reader, uint8_t type, struct rdb_item *item)
{
	item->record.type = type;
	item->record.database = reader->database;
	return value_accepts(&reader->values, item->offset, type) && read_kept(reader, &item->record.key);
}

/* Reads until there is an item for the caller. */
static enum rdb_item_kind next(struct rdb_file_reader *reader, struct rdb_item *item)
{
	for (;;) {
		uint8_t byte;
		item->offset = rdb_offset(&reader->values);
		if (!rdb_read(&reader->values, &byte, 1))
			return RDB_ITEM_ERROR;
		if (byte < OPCODE_META_OR_SLOT_IMPORT)
			return read_record(reader, byte, item) ? RDB_ITEM_RECORD : RDB_ITEM_ERROR;
		unsigned opcode = byte - OPCODE_META_OR_SLOT_IMPORT;
		if (!opcodes[opcode].read(reader, item))
			return RDB_ITEM_ERROR;
		if (opcodes[opcode].is_item)
			return opcodes[opcode].kind;
	}
}

enum rdb_item_kind rdb_file_next(struct rdb_file_reader *reader, struct rdb_item *out_item)
{
	*out_item = (struct rdb_item){ .record.expiry_ms = NO_EXPIRY };
	blob_release(&reader->kept_blob);
	blob_release(&reader->value_blob);
	if (reader->version == 0 && !read_magic(reader))
		return RDB_ITEM_ERROR;
	return next(reader, out_item);
}

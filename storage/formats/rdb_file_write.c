#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc64.h"
#include "rdb_file.h"
#include "rdb_file_layout.h"
#include "storage/keyspace.h"
#include "storage/number.h"

/* Large enough that the cost of a write to a file is small beside that of its bytes. */
#define BUFFER_BYTES (256u * 1024)
#define NO_DATABASE UINT64_MAX

struct rdb_file_writer {
	struct rdb_file_options options;
	struct rdb_writer out;    /* into the buffer */
	uint64_t sum;
	uint64_t database;        /* of the last record */
	uint64_t records;
	size_t used;
	uint8_t buffer[BUFFER_BYTES];
};

static bool give(struct rdb_file_writer *writer, const void *data, size_t len)
{
	if (writer->options.is_summed)
		writer->sum = crc64(writer->sum, data, len);
	return writer->options.write(writer->options.context, data, len);
}

static bool flush(struct rdb_file_writer *writer)
{
	size_t len = writer->used;
	writer->used = 0;
	return len == 0 || give(writer, writer->buffer, len);
}

static bool put(void *context, const void *data, size_t len)
{
	struct rdb_file_writer *writer = context;
	if (len > BUFFER_BYTES - writer->used && !flush(writer))
		return false;
	if (len > BUFFER_BYTES)
		return give(writer, data, len);
	memcpy(writer->buffer + writer->used, data, len);
	writer->used += len;
	return true;
}

struct rdb_file_writer *rdb_file_writer_create(const struct rdb_file_options *options)
{
	struct rdb_file_writer *writer = malloc(sizeof(*writer));
	if (!writer)
		return NULL;
	memset(writer, 0, offsetof(struct rdb_file_writer, buffer));
	writer->options = *options;
	writer->out = (struct rdb_writer){ .write = put, .context = writer, .compresses = options->compresses };
	writer->database = NO_DATABASE;
	return writer;
}

void rdb_file_writer_destroy(struct rdb_file_writer **writer)
{
	free(*writer);
	*writer = NULL;
}

void rdb_file_field(struct rdb_file_writer *writer, const char *name, struct slice value)
{
	rdb_write_byte(&writer->out, OPCODE_AUX);
	rdb_write_string(&writer->out, slice_of(name, strlen(name)));
	rdb_write_string(&writer->out, value);
}

static void add_number(struct rdb_file_writer *writer, const char *name, int64_t number)
{
	uint8_t text[NUMBER_TEXT_MAX];
	rdb_file_field(writer, name, slice_of(text, number_as_text(number, text)));
}

void rdb_file_begin(struct rdb_file_writer *writer, const struct rdb_file_head *head)
{
	char magic[RDB_MAGIC_BYTES + 1];
	snprintf(magic, sizeof(magic), RDB_MAGIC "%04d", RDB_VERSION);
	rdb_write(&writer->out, magic, RDB_MAGIC_BYTES);
	rdb_file_field(writer, "redis-ver", slice_of(head->redis_version, strlen(head->redis_version)));
	add_number(writer, "redis-bits", 8 * (int64_t)sizeof(void *));
	add_number(writer, "ctime", head->created_s);
	add_number(writer, "used-mem", (int64_t)head->used_memory);
	add_number(writer, "aof-base", head->is_aof_base);
	add_number(writer, "qcache-sequence", (int64_t)head->sequence);
	if (!head->history_id || !head->history_id[0])
		return;
	add_number(writer, "repl-stream-db", 0); /* the stream goes on with SELECT; Redis ignores the others without it */
	rdb_file_field(writer, "repl-id", slice_of(head->history_id, strlen(head->history_id)));
}

void rdb_file_place(struct rdb_file_writer *writer, uint64_t offset)
{
	add_number(writer, "repl-offset", (int64_t)offset);
}

static void select_database(struct rdb_file_writer *writer, uint32_t database)
{
	if (writer->database == database)
		return;
	rdb_write_byte(&writer->out, OPCODE_SELECTDB);
	rdb_write_length(&writer->out, database);
	writer->database = database;
}

void rdb_file_select(struct rdb_file_writer *writer, uint32_t database, uint64_t keys, uint64_t expiring_keys)
{
	select_database(writer, database);
	rdb_write_byte(&writer->out, OPCODE_RESIZEDB);
	rdb_write_length(&writer->out, keys);
	rdb_write_length(&writer->out, expiring_keys);
}

/* 64 bits, little-endian. */
static void write_u64(struct rdb_file_writer *writer, uint64_t value)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	rdb_write(&writer->out, bytes, sizeof(bytes));
}

static void write_usage(struct rdb_file_writer *writer, const struct rdb_record *record)
{
	switch ((enum rdb_usage)record->usage) {
	case RDB_USAGE_UNKNOWN: break;
	case RDB_IDLE_SECONDS:
		rdb_write_byte(&writer->out, OPCODE_IDLE);
		rdb_write_length(&writer->out, record->usage_value);
		break;
	case RDB_FREQUENCY:
		rdb_write_byte(&writer->out, OPCODE_FREQ);
		rdb_write_byte(&writer->out, (uint8_t)record->usage_value);
		break;
	}
}

static void write_record(struct rdb_file_writer *writer, const struct rdb_record *record)
{
	select_database(writer, record->database);
	if (record->expiry_ms != NO_EXPIRY) {
		rdb_write_byte(&writer->out, OPCODE_EXPIRETIME_MS);
		write_u64(writer, (uint64_t)record->expiry_ms);
	}
	write_usage(writer, record);
	rdb_write_byte(&writer->out, record->type);
	rdb_write_string(&writer->out, record->key);
	writer->records++;
}

void rdb_file_add(struct rdb_file_writer *writer, const struct rdb_pieces *pieces)
{
	struct rdb_pieces_reader reader;
	struct rdb_record record;
	rdb_pieces_reader_init(&reader, pieces);
	while (rdb_pieces_next(&reader, &record)) {
		write_record(writer, &record);
		rdb_pieces_write_value(&reader, &writer->out);
	}
}

static void flush_all(struct rdb_file_writer *writer)
{
	if (!writer->out.has_failed)
		writer->out.has_failed = !flush(writer);
}

bool rdb_file_end(struct rdb_file_writer *writer)
{
	rdb_write_byte(&writer->out, OPCODE_EOF);
	flush_all(writer);
	write_u64(writer, writer->sum);
	flush_all(writer);
	return !writer->out.has_failed;
}

void rdb_file_set_compression(struct rdb_file_writer *writer, bool compresses)
{
	writer->out.compresses = compresses;
}

bool rdb_file_has_failed(const struct rdb_file_writer *writer)
{
	return writer->out.has_failed;
}

uint64_t rdb_file_bytes(const struct rdb_file_writer *writer)
{
	return writer->out.bytes;
}

uint64_t rdb_file_records(const struct rdb_file_writer *writer)
{
	return writer->records;
}

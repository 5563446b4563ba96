/*
 * A record on the wire of the bus:
 *
 *   +------+----------+---------+-----------+--------+--------+------+-----+-------+---------+
 *   | type | database | key len | value len | number | result | blob | key | value | padding |
 *   | u32  | u32      | u32     | u32       | i64    | i64    | ptr  |     |       | to 8    |
 *   +------+----------+---------+-----------+--------+--------+------+-----+-------+---------+
 *
 * Frames stay within the process, so numbers are in the machine's order and a blob is a pointer, held by the run.
 */
#include "effect.h"

#include <stdlib.h>

#include "actors/runtime/crash.h"

struct record {
	uint32_t type, database, key_len, value_len;
	int64_t number, result;
	struct blob *blob;
};

static const char *const events[EFFECT_TYPES] = {
#define EFFECT(name, event, fields) event,
#include "effects.def"
#undef EFFECT
};

const char *effect_event(enum effect_type type)
{
	return events[type];
}

static size_t padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static void hold_blob(struct frame_writer *writer, struct blob *blob)
{
	if (writer->blob_count == writer->blob_capacity) {
		size_t capacity = writer->blob_capacity ? 2 * writer->blob_capacity : 8;
		struct blob **grown = realloc(writer->blobs, capacity * sizeof(struct blob *));
		if (!grown)
			crash_broken_invariant("no memory for the command bus");
		writer->blobs = grown;
		writer->blob_capacity = capacity;
	}
	writer->blobs[writer->blob_count++] = blob_hold(blob);
}

/* What has been executed must reach the bus: without memory for it the server can't go on truthfully. */
static void *reserve(struct frame_writer *writer, size_t bytes)
{
	if (!buffer_reserve(&writer->bytes, bytes))
		crash_broken_invariant("no memory for the command bus");
	void *at = writer->bytes.data + writer->bytes.len;
	writer->bytes.len += bytes;
	return at;
}

void frame_begin(struct frame_writer *writer)
{
	writer->frame_at = writer->bytes.len;
	writer->effects = 0;
	reserve(writer, sizeof(struct frame));
}

void frame_append(struct frame_writer *writer, const struct effect *effect)
{
	size_t bytes = padded(sizeof(struct record) + effect->key.len + (effect->blob ? 0 : effect->value.len));
	uint8_t *at = reserve(writer, bytes);
	struct record record = {
		.type = effect->type,
		.database = effect->database,
		.key_len = (uint32_t)effect->key.len,
		.value_len = effect->blob ? 0 : (uint32_t)effect->value.len,
		.number = effect->number,
		.result = effect->result,
		.blob = effect->blob,
	};
	memset(at + bytes - 8, 0, 8);
	memcpy(at, &record, sizeof(record));
	if (record.key_len)
		memcpy(at + sizeof(record), effect->key.data, record.key_len);
	if (record.value_len)
		memcpy(at + sizeof(record) + record.key_len, effect->value.data, record.value_len);
	if (effect->blob)
		hold_blob(writer, effect->blob);
	writer->effects++;
}

bool frame_end(struct frame_writer *writer, uint64_t sequence, int64_t time_ms)
{
	if (writer->effects == 0) {
		writer->bytes.len = writer->frame_at;
		return false;
	}
	struct frame frame = {
		.sequence = sequence,
		.time_ms = time_ms,
		.effects = writer->effects,
		.bytes = writer->bytes.len - writer->frame_at,
	};
	memcpy(writer->bytes.data + writer->frame_at, &frame, sizeof(frame));
	writer->frames++;
	return true;
}

void frame_writer_fini(struct frame_writer *writer)
{
	for (size_t i = 0; i < writer->blob_count; i++)
		blob_release(&writer->blobs[i]);
	free(writer->blobs);
	buffer_fini(&writer->bytes);
	*writer = (struct frame_writer){ 0 };
}

void frame_reader_init(struct frame_reader *reader, struct slice run)
{
	reader->at = reader->frame_end = run.data;
	reader->end = run.data + run.len;
}

bool frame_next(struct frame_reader *reader, struct frame *out_frame)
{
	reader->at = reader->frame_end;
	if (reader->at == reader->end)
		return false;
	memcpy(out_frame, reader->at, sizeof(*out_frame));
	reader->frame_end = reader->at + out_frame->bytes;
	reader->at += sizeof(*out_frame);
	return true;
}

bool frame_next_effect(struct frame_reader *reader, struct effect *out_effect)
{
	struct record record;
	if (reader->at == reader->frame_end)
		return false;
	memcpy(&record, reader->at, sizeof(record));
	const uint8_t *key = reader->at + sizeof(record);
	*out_effect = (struct effect){
		.type = (enum effect_type)record.type,
		.database = record.database,
		.key = slice_of(key, record.key_len),
		.value = slice_of(key + record.key_len, record.value_len),
		.blob = record.blob,
		.number = record.number,
		.result = record.result,
	};
	if (record.blob)
		out_effect->value = slice_of(record.blob->data, record.blob->len);
	reader->at += padded(sizeof(record) + record.key_len + record.value_len);
	return true;
}

/*
 * The bytes of a turn's frames:
 *
 *   frame    +-----------+-------------+--------+ - - - - +--------+
 *            | bytes u64 | effects u32 | origin |  origin | effect | ...
 *            |           |             | u8     |         | effect |
 *            +-----------+-------------+--------+ - - - - +--------+
 *   effect   +---------+-----------+----------+-----+ - - - - - - - - - - - - - - - - - - - - - - - - - - - - +
 *            | type u8 | fields u8 | database | key | other key | value | number | result | amount | elements |
 *            +---------+-----------+----------+-----+ - - - - - - - - - - - - - - - - - - - - - - - - - - - - +
 *
 * `fields` says which fields follow the key. The value is bytes, or the address of a blob that the writer holds. Numbers have
 * 8 bytes in the machine's order. A string follows its length. Lengths, counts and the database are varints: 7 bits per
 * byte, lowest first, the top bit set in all but the last byte. Nothing is aligned. A SET with a key of 16 and a value of 64 bytes takes
 * 106 bytes. Frames never leave the process.
 */
#include "actors/bus/effect.h"

#include <stddef.h>
#include <stdlib.h>

#include "actors/runtime/crash.h"
#include "transport/array.h"

#define FRAME_HEAD_BYTES (sizeof(uint64_t) + sizeof(uint32_t) + 1)
#define VARINT_MAX_BYTES 10
/* The largest size of a record without its strings. */
#define RECORD_OVERHEAD_MAX (2 + 6 * VARINT_MAX_BYTES + 4 * sizeof(uint64_t))
/* The value is the address of a blob. */
#define VALUE_IS_BLOB 128

static const struct {
	const char *event;
	uint32_t fields;
} types[EFFECT_TYPES] = {
#define EFFECT(name, event, fields, meaning) { event, fields },
#include "actors/bus/effects.def"
#undef EFFECT
};

/* The fields of 8 bytes, in their order in the record. */
static const struct {
	uint32_t field;
	size_t offset;
} numbers[] = {
	{ HAS_NUMBER, offsetof(struct effect, number) },
	{ HAS_RESULT, offsetof(struct effect, result) },
	{ HAS_AMOUNT, offsetof(struct effect, amount) },
};
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

const char *effect_event(enum effect_type type)
{
	return types[type].event;
}

/* ---- writing: each function returns the end of what it wrote; the caller has reserved memory ---- */

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put_fixed(uint8_t *at, const void *value, size_t bytes)
{
	memcpy(at, value, bytes);
	return at + bytes;
}

static uint8_t *put_string(uint8_t *at, struct slice string)
{
	at = put_varint(at, string.len);
	return string.len ? put_fixed(at, string.data, string.len) : at;
}

/* ---- reading ---- */

static uint64_t take_varint(const uint8_t **at)
{
	uint64_t value = 0;
	for (unsigned shift = 0;; shift += 7) {
		uint8_t byte = *(*at)++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
}

static void take_fixed(const uint8_t **at, void *out, size_t bytes)
{
	memcpy(out, *at, bytes);
	*at += bytes;
}

static struct slice take_string(const uint8_t **at)
{
	size_t len = take_varint(at);
	struct slice string = slice_of(*at, len);
	*at += len;
	return string;
}

/* ---- elements ---- */

void elements_append(struct buffer *packed, struct slice element)
{
	if (!buffer_reserve(packed, VARINT_MAX_BYTES + element.len))
		return;
	packed->len = (size_t)(put_string(packed->data + packed->len, element) - packed->data);
}

void elements_append_scored(struct buffer *packed, struct slice element, double score)
{
	elements_append(packed, element);
	buffer_append(packed, &score, sizeof(score));
}

bool elements_next(struct elements *elements, struct slice *out_element)
{
	if (elements->count == 0)
		return false;
	const uint8_t *at = elements->packed.data, *end = at + elements->packed.len;
	elements->count--;
	*out_element = take_string(&at);
	elements->packed = slice_of(at, (size_t)(end - at));
	return true;
}

bool elements_next_scored(struct elements *elements, struct slice *out_element, double *out_score)
{
	if (!elements_next(elements, out_element))
		return false;
	const uint8_t *at = elements->packed.data, *end = at + elements->packed.len;
	take_fixed(&at, out_score, sizeof(*out_score));
	elements->packed = slice_of(at, (size_t)(end - at));
	return true;
}

/* ---- frames ---- */

static void hold_blob(struct frame_writer *writer, struct blob *blob)
{
	if (!array_reserve(&writer->blobs, &writer->blob_capacity, writer->blob_count + 1, sizeof(*writer->blobs), 8))
		crash_out_of_memory("the command bus");
	writer->blobs[writer->blob_count++] = blob_hold(blob);
}

static uint8_t *reserve(struct frame_writer *writer, size_t bytes)
{
	if (!buffer_reserve(&writer->bytes, bytes))
		crash_out_of_memory("the command bus");
	return writer->bytes.data + writer->bytes.len;
}

static void written_to(struct frame_writer *writer, const uint8_t *at)
{
	writer->bytes.len = (size_t)(at - writer->bytes.data);
}

void frame_begin(struct frame_writer *writer, const struct frame_origin *origin)
{
	writer->frame_at = writer->bytes.len;
	writer->effects = 0;
	size_t more = origin ? 4 * sizeof(uint64_t) + VARINT_MAX_BYTES + origin->dependencies.len : 0;
	uint8_t *at = reserve(writer, FRAME_HEAD_BYTES + more) + FRAME_HEAD_BYTES;
	at[-1] = origin != NULL;
	if (origin) {
		const uint64_t made[] = { origin->node, origin->incarnation, origin->sequence, origin->clock };
		at = put_string(put_fixed(at, made, sizeof(made)), origin->dependencies);
	}
	written_to(writer, at);
}

static uint32_t fields_of(const struct effect *effect)
{
	uint32_t fields = 0;
	fields |= effect->other_key.len ? HAS_OTHER_KEY : 0;
	fields |= effect->blob ? HAS_VALUE | VALUE_IS_BLOB : effect->value.len ? HAS_VALUE : 0;
	fields |= effect->number ? HAS_NUMBER : 0;
	fields |= effect->result ? HAS_RESULT : 0;
	fields |= effect->amount != 0 ? HAS_AMOUNT : 0;
	fields |= effect->elements.count ? HAS_ELEMENTS : 0;
	return fields;
}

void frame_append(struct frame_writer *writer, const struct effect *effect)
{
	uint32_t fields = fields_of(effect);
	if ((fields & ~(uint32_t)VALUE_IS_BLOB) & ~types[effect->type].fields)
		crash_broken_invariant("an effect %s has a field that effects.def does not give it", types[effect->type].event);
	size_t strings = effect->key.len + effect->other_key.len + (effect->blob ? 0 : effect->value.len) +
			 effect->elements.packed.len;
	uint8_t *at = reserve(writer, RECORD_OVERHEAD_MAX + strings);
	*at++ = (uint8_t)effect->type;
	*at++ = (uint8_t)fields;
	at = put_string(put_varint(at, effect->database), effect->key);
	if (fields & HAS_OTHER_KEY)
		at = put_string(at, effect->other_key);
	if (fields & VALUE_IS_BLOB)
		at = put_fixed(at, &effect->blob, sizeof(effect->blob));
	else if (fields & HAS_VALUE)
		at = put_string(at, effect->value);
	for (size_t i = 0; i < NUMBERS; i++)
		if (fields & numbers[i].field)
			at = put_fixed(at, (const uint8_t *)effect + numbers[i].offset, sizeof(uint64_t));
	if (fields & HAS_ELEMENTS)
		at = put_string(put_varint(at, effect->elements.count), effect->elements.packed);
	written_to(writer, at);
	if (effect->blob)
		hold_blob(writer, effect->blob);
	writer->effects++;
}

bool frame_end(struct frame_writer *writer)
{
	if (writer->effects == 0) {
		writer->bytes.len = writer->frame_at;
		return false;
	}
	uint64_t bytes = writer->bytes.len - writer->frame_at;
	put_fixed(put_fixed(writer->bytes.data + writer->frame_at, &bytes, sizeof(bytes)), &writer->effects, sizeof(writer->effects));
	writer->frames++;
	return true;
}

struct frame_mark frame_writer_mark(const struct frame_writer *writer)
{
	return (struct frame_mark){ .bytes = writer->bytes.len, .blobs = writer->blob_count, .frames = writer->frames };
}

void frame_writer_cut(struct frame_writer *writer, struct frame_mark mark)
{
	while (writer->blob_count > mark.blobs)
		blob_release(&writer->blobs[--writer->blob_count]);
	writer->bytes.len = mark.bytes;
	writer->frames = mark.frames;
}

void frame_writer_fini(struct frame_writer *writer)
{
	frame_writer_cut(writer, (struct frame_mark){ 0 });
	free(writer->blobs);
	buffer_fini(&writer->bytes);
	*writer = (struct frame_writer){ 0 };
}

void frame_reader_init(struct frame_reader *reader, const struct frame_writer *writer)
{
	reader->at = reader->frame_end = writer->bytes.data;
	reader->end = writer->bytes.len ? writer->bytes.data + writer->bytes.len : reader->at;
	reader->next_sequence = writer->first_sequence;
}

bool frame_next(struct frame_reader *reader, struct frame *out_frame)
{
	uint64_t bytes, made[4];
	reader->at = reader->frame_end;
	if (reader->at == reader->end)
		return false;
	*out_frame = (struct frame){ .sequence = reader->next_sequence++ };
	take_fixed(&reader->at, &bytes, sizeof(bytes));
	reader->frame_end += bytes;
	take_fixed(&reader->at, &out_frame->effects, sizeof(out_frame->effects));
	out_frame->has_origin = *reader->at++;
	if (out_frame->has_origin) {
		take_fixed(&reader->at, made, sizeof(made));
		out_frame->origin = (struct frame_origin){ made[0], made[1], made[2], made[3], take_string(&reader->at) };
	}
	return true;
}

bool frame_next_effect(struct frame_reader *reader, struct effect *out_effect)
{
	const uint8_t **at = &reader->at;
	if (*at == reader->frame_end)
		return false;
	*out_effect = (struct effect){ .type = (enum effect_type) * (*at)++ };
	uint32_t fields = *(*at)++;
	out_effect->database = (uint32_t)take_varint(at);
	out_effect->key = take_string(at);
	if (fields & HAS_OTHER_KEY)
		out_effect->other_key = take_string(at);
	if (fields & VALUE_IS_BLOB) {
		take_fixed(at, &out_effect->blob, sizeof(out_effect->blob));
		out_effect->value = slice_of(out_effect->blob->data, out_effect->blob->len);
	} else if (fields & HAS_VALUE) {
		out_effect->value = take_string(at);
	}
	for (size_t i = 0; i < NUMBERS; i++)
		if (fields & numbers[i].field)
			take_fixed(at, (uint8_t *)out_effect + numbers[i].offset, sizeof(uint64_t));
	if (fields & HAS_ELEMENTS) {
		out_effect->elements.count = (uint32_t)take_varint(at);
		out_effect->elements.packed = take_string(at);
	}
	return true;
}

bool frame_begins_snapshot(const struct frame_reader *reader, const struct frame *frame, struct effect *out_effect)
{
	struct frame_reader ahead = *reader;
	return frame->effects == 1 && *reader->at == EFFECT_SNAPSHOT && frame_next_effect(&ahead, out_effect);
}

bool frame_begins_base(const struct frame_reader *reader, const struct frame *frame)
{
	struct effect begun;
	return frame_begins_snapshot(reader, frame, &begun) && begun.result;
}

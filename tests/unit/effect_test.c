#include "actors/bus/effect.h"

#include "support/suite.h"

static struct slice text(const char *words)
{
	return slice_of(words, strlen(words));
}

static void what_is_written_is_read(void)
{
	struct frame_writer writer = { 0 };
	struct blob *blob = blob_create(BLOB_MIN_BYTES);
	blob->len = BLOB_MIN_BYTES;
	memset(blob->data, 'x', blob->len);

	frame_begin(&writer);
	frame_append(&writer, &(struct effect){ .type = EFFECT_SET, .database = 3, .key = text("key"), .value = text("v"), .number = 7 });
	frame_append(&writer, &(struct effect){ .type = EFFECT_SET, .key = text(""), .blob = blob });
	CU_ASSERT_TRUE(frame_end(&writer, 41, 1000));
	frame_begin(&writer);
	frame_append(&writer, &(struct effect){ .type = EFFECT_INCRBY, .key = text("n"), .number = -5, .result = INT64_MIN });
	CU_ASSERT_TRUE(frame_end(&writer, 42, 1000));

	struct frame_reader reader;
	struct frame frame;
	struct effect effect;
	frame_reader_init(&reader, slice_of(writer.bytes.data, writer.bytes.len));
	CU_ASSERT_TRUE(frame_next(&reader, &frame));
	CU_ASSERT_EQUAL(frame.sequence, 41);
	CU_ASSERT_EQUAL(frame.effects, 2);
	CU_ASSERT_EQUAL(frame.time_ms, 1000);
	CU_ASSERT_TRUE(frame_next_effect(&reader, &effect));
	CU_ASSERT_EQUAL(effect.type, EFFECT_SET);
	CU_ASSERT_EQUAL(effect.database, 3);
	CU_ASSERT_TRUE(slice_equal(effect.key, text("key")) && slice_equal(effect.value, text("v")));
	CU_ASSERT_EQUAL(effect.number, 7);
	CU_ASSERT_TRUE(frame_next_effect(&reader, &effect));
	CU_ASSERT_PTR_EQUAL(effect.blob, blob);
	CU_ASSERT_TRUE(slice_equal(effect.value, slice_of(blob->data, blob->len)));
	CU_ASSERT_FALSE(frame_next_effect(&reader, &effect));
	CU_ASSERT_TRUE(frame_next(&reader, &frame));
	CU_ASSERT_EQUAL(frame.sequence, 42);
	CU_ASSERT_TRUE(frame_next_effect(&reader, &effect));
	CU_ASSERT_EQUAL(effect.number, -5);
	CU_ASSERT_EQUAL(effect.result, INT64_MIN);
	CU_ASSERT_FALSE(frame_next(&reader, &frame));
	frame_writer_fini(&writer);
	blob_release(&blob);
}

static void a_frame_without_effects_leaves_no_trace(void)
{
	struct frame_writer writer = { 0 };
	frame_begin(&writer);
	CU_ASSERT_FALSE(frame_end(&writer, 1, 0));
	CU_ASSERT_EQUAL(writer.bytes.len, 0);
	CU_ASSERT_EQUAL(writer.frames, 0);
	frame_writer_fini(&writer);
}

static void frames_can_be_skipped_without_reading_their_effects(void)
{
	struct frame_writer writer = { 0 };
	struct frame_reader reader;
	struct frame frame;
	for (uint64_t sequence = 1; sequence <= 100; sequence++) {
		frame_begin(&writer);
		for (uint64_t i = 0; i < sequence; i++)
			frame_append(&writer, &(struct effect){ .type = EFFECT_DEL, .key = slice_of("abcdefghijk", i % 12) });
		frame_end(&writer, sequence, 0);
	}
	frame_reader_init(&reader, slice_of(writer.bytes.data, writer.bytes.len));
	for (uint64_t sequence = 1; sequence <= 100; sequence++) {
		CU_ASSERT_TRUE(frame_next(&reader, &frame));
		CU_ASSERT_EQUAL(frame.sequence, sequence);
		CU_ASSERT_EQUAL(frame.effects, sequence);
	}
	CU_ASSERT_FALSE(frame_next(&reader, &frame));
	frame_writer_fini(&writer);
}

static const struct suite_case cases[] = {
	CASE(what_is_written_is_read),
	CASE(a_frame_without_effects_leaves_no_trace),
	CASE(frames_can_be_skipped_without_reading_their_effects),
};

SUITE_MAIN("effect", cases)

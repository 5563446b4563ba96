#include "actors/bus/effect.h"

#include "support/suite.h"

static struct slice text(const char *words)
{
	return slice_of(words, strlen(words));
}

static void what_is_written_is_read(void)
{
	struct frame_writer writer = { .first_sequence = 41 };
	struct blob *blob = blob_create(BLOB_MIN_BYTES);
	blob->len = BLOB_MIN_BYTES;
	memset(blob->data, 'x', blob->len);

	frame_begin(&writer, NULL);
	frame_append(&writer, &(struct effect){ .type = EFFECT_SET, .database = 3, .key = text("key"), .value = text("v"), .number = 7 });
	frame_append(&writer, &(struct effect){ .type = EFFECT_SET, .key = text(""), .blob = blob });
	CU_ASSERT_TRUE(frame_end(&writer));
	frame_begin(&writer, NULL);
	frame_append(&writer, &(struct effect){ .type = EFFECT_INCRBY, .key = text("n"), .number = -5, .result = INT64_MIN });
	CU_ASSERT_TRUE(frame_end(&writer));

	struct frame_reader reader;
	struct frame frame;
	struct effect effect;
	frame_reader_init(&reader, &writer);
	CU_ASSERT_TRUE(frame_next(&reader, &frame));
	CU_ASSERT_EQUAL(frame.sequence, 41);
	CU_ASSERT_EQUAL(frame.effects, 2);
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
	frame_begin(&writer, NULL);
	CU_ASSERT_FALSE(frame_end(&writer));
	CU_ASSERT_EQUAL(writer.bytes.len, 0);
	CU_ASSERT_EQUAL(writer.frames, 0);
	frame_writer_fini(&writer);
}

static void frames_can_be_skipped_without_reading_their_effects(void)
{
	struct frame_writer writer = { .first_sequence = 1 };
	struct frame_reader reader;
	struct frame frame;
	for (uint64_t sequence = 1; sequence <= 100; sequence++) {
		frame_begin(&writer, NULL);
		for (uint64_t i = 0; i < sequence; i++)
			frame_append(&writer, &(struct effect){ .type = EFFECT_DEL, .key = slice_of("abcdefghijk", i % 12) });
		frame_end(&writer);
	}
	frame_reader_init(&reader, &writer);
	for (uint64_t sequence = 1; sequence <= 100; sequence++) {
		CU_ASSERT_TRUE(frame_next(&reader, &frame));
		CU_ASSERT_EQUAL(frame.sequence, sequence);
		CU_ASSERT_EQUAL(frame.effects, sequence);
	}
	CU_ASSERT_FALSE(frame_next(&reader, &frame));
	frame_writer_fini(&writer);
}

static void a_small_set_takes_112_bytes_at_most(void)
{
	struct frame_writer writer = { .first_sequence = 1 };
	uint8_t key[16] = { 0 }, value[64] = { 0 };
	frame_begin(&writer, NULL);
	frame_append(&writer, &(struct effect){ .type = EFFECT_SET, .key = slice_of(key, sizeof(key)),
						.value = slice_of(value, sizeof(value)), .number = INT64_MIN });
	frame_end(&writer);
	CU_ASSERT_TRUE(writer.bytes.len <= 112);
	frame_writer_fini(&writer);
}

static void an_origin_goes_with_its_frame_only(void)
{
	struct frame_origin origin = { .node = 1, .incarnation = UINT64_MAX, .sequence = 3, .clock = 4, .dependencies = text("bytes") };
	struct frame_writer writer = { .first_sequence = 9 };
	struct frame_reader reader;
	struct frame frame;
	struct effect effect;
	for (int i = 0; i < 2; i++) {
		frame_begin(&writer, i == 0 ? &origin : NULL);
		frame_append(&writer, &(struct effect){ .type = EFFECT_DEL, .database = 70000, .key = text("k") });
		frame_end(&writer);
	}
	frame_reader_init(&reader, &writer);
	CU_ASSERT_TRUE(frame_next(&reader, &frame));
	CU_ASSERT_TRUE(frame.has_origin);
	CU_ASSERT_EQUAL(frame.origin.node, 1);
	CU_ASSERT_EQUAL(frame.origin.incarnation, UINT64_MAX);
	CU_ASSERT_EQUAL(frame.origin.sequence, 3);
	CU_ASSERT_EQUAL(frame.origin.clock, 4);
	CU_ASSERT_TRUE(slice_equal(frame.origin.dependencies, text("bytes")));
	CU_ASSERT_TRUE(frame_next_effect(&reader, &effect));
	CU_ASSERT_EQUAL(effect.database, 70000);
	CU_ASSERT_TRUE(slice_equal(effect.key, text("k")));
	CU_ASSERT_TRUE(frame_next(&reader, &frame));
	CU_ASSERT_FALSE(frame.has_origin);
	CU_ASSERT_EQUAL(frame.sequence, 10);
	CU_ASSERT_FALSE(frame_next(&reader, &frame));
	frame_writer_fini(&writer);
}

/* As commands on collections will write them. */
static void elements_are_read_as_they_were_written(void)
{
	struct buffer plain = { 0 }, scored = { 0 };
	uint8_t longer[300] = { 7 };
	struct slice element;
	double score;
	elements_append(&plain, text(""));
	elements_append(&plain, slice_of(longer, sizeof(longer)));
	elements_append_scored(&scored, text("member"), -0.5);
	struct elements list = { slice_of(plain.data, plain.len), 2 }, members = { slice_of(scored.data, scored.len), 1 };
	CU_ASSERT_TRUE(elements_next(&list, &element));
	CU_ASSERT_EQUAL(element.len, 0);
	CU_ASSERT_TRUE(elements_next(&list, &element));
	CU_ASSERT_TRUE(slice_equal(element, slice_of(longer, sizeof(longer))));
	CU_ASSERT_FALSE(elements_next(&list, &element));
	CU_ASSERT_TRUE(elements_next_scored(&members, &element, &score));
	CU_ASSERT_TRUE(slice_equal(element, text("member")));
	CU_ASSERT_EQUAL(score, -0.5);
	CU_ASSERT_FALSE(elements_next_scored(&members, &element, &score));
	buffer_fini(&plain);
	buffer_fini(&scored);
}

static const struct suite_case cases[] = {
	CASE(a_small_set_takes_112_bytes_at_most),
	CASE(an_origin_goes_with_its_frame_only),
	CASE(elements_are_read_as_they_were_written),
	CASE(what_is_written_is_read),
	CASE(a_frame_without_effects_leaves_no_trace),
	CASE(frames_can_be_skipped_without_reading_their_effects),
};

SUITE_MAIN("effect", cases)

/*
 * The text of every effect, and how frames, databases and large values appear in it.
 */
#include "actors/persistence/aof_render.h"

#include <stdio.h>

#include "storage/keyspace.h"
#include "support/suite.h"

static struct frame_writer frames;
static struct aof_renderer renderer;
static struct aof_text rendered;

static struct slice text(const char *words)
{
	return slice_of(words, strlen(words));
}

static void begin(void)
{
	aof_renderer_init(&renderer);
	aof_text_clear(&rendered);
}

/* Writes the effects as one frame. */
static void add_frame(const struct effect *effects, size_t count)
{
	frame_begin(&frames, NULL);
	for (size_t i = 0; i < count; i++)
		frame_append(&frames, &effects[i]);
	frame_end(&frames);
}

static void render_frames(void)
{
	struct frame_reader reader;
	struct frame frame;
	frame_reader_init(&reader, &frames);
	while (frame_next(&reader, &frame))
		aof_render_frame(&renderer, &reader, &frame, &rendered);
	frame_writer_fini(&frames);
}

/* All of the text from an offset on, read with so many vectors at a time. */
static struct buffer gather(uint64_t offset, int max)
{
	struct buffer all = { 0 };
	struct iovec pieces[8];
	int count;
	while ((count = aof_text_vector(&rendered, offset, pieces, max)) > 0) {
		for (int i = 0; i < count; i++) {
			buffer_append(&all, pieces[i].iov_base, pieces[i].iov_len);
			offset += pieces[i].iov_len;
		}
	}
	return all;
}

static bool is(struct buffer gathered, const char *expected, size_t len)
{
	bool same = gathered.len == len && (len == 0 || memcmp(gathered.data, expected, len) == 0);
	if (!same)
		fprintf(stderr, "\nexpected %.*s\nrendered %.*s\n", (int)len, expected, (int)gathered.len, (char *)gathered.data);
	buffer_fini(&gathered);
	return same;
}

static bool frame_gives(const struct effect *effects, size_t count, const char *expected)
{
	begin();
	renderer.database = 0;
	add_frame(effects, count);
	render_frames();
	return is(gather(0, 8), expected, strlen(expected));
}
#define GIVES(expected, ...) \
	CU_ASSERT_TRUE(frame_gives((const struct effect[]){ __VA_ARGS__ }, \
				   sizeof((const struct effect[]){ __VA_ARGS__ }) / sizeof(struct effect), expected))

static void values_are_written_as_commands_that_change_them(void)
{
	GIVES("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n", { .type = EFFECT_SET, .key = text("a"), .number = NO_EXPIRY });
	GIVES("*5\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\nvw\r\n$4\r\nPXAT\r\n$13\r\n1700000000001\r\n",
	      { .type = EFFECT_SET, .key = text("a"), .value = text("vw"), .number = 1700000000001 });
	GIVES("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\n1.5\r\n",
	      { .type = EFFECT_INCRBYFLOAT, .key = text("a"), .value = text("1.5"), .number = NO_EXPIRY });
	GIVES("*5\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\n1.5\r\n$4\r\nPXAT\r\n$1\r\n7\r\n",
	      { .type = EFFECT_INCRBYFLOAT, .key = text("a"), .value = text("1.5"), .number = 7 });
	GIVES("*3\r\n$6\r\nINCRBY\r\n$1\r\na\r\n$20\r\n-9223372036854775808\r\n",
	      { .type = EFFECT_INCRBY, .key = text("a"), .number = INT64_MIN, .result = 1 });
	GIVES("*3\r\n$6\r\nAPPEND\r\n$1\r\na\r\n$2\r\nbc\r\n", { .type = EFFECT_APPEND, .key = text("a"), .value = text("bc"), .result = 2 });
	GIVES("*4\r\n$8\r\nSETRANGE\r\n$1\r\na\r\n$1\r\n0\r\n$2\r\nbc\r\n",
	      { .type = EFFECT_SETRANGE, .key = text("a"), .value = text("bc"), .result = 2 });
}

static void keys_are_removed_and_moved(void)
{
	static const enum effect_type removals[] = { EFFECT_DEL, EFFECT_EXPIRED, EFFECT_EVICTED };
	for (size_t i = 0; i < 3; i++)
		GIVES("*2\r\n$3\r\nDEL\r\n$1\r\na\r\n", { .type = removals[i], .key = text("a") });
	GIVES("*3\r\n$6\r\nRENAME\r\n$1\r\na\r\n$0\r\n\r\n", { .type = EFFECT_RENAME, .key = text("a") });
	GIVES("*3\r\n$4\r\nMOVE\r\n$1\r\na\r\n$2\r\n12\r\n", { .type = EFFECT_MOVE, .key = text("a"), .number = 12 });
	GIVES("*6\r\n$4\r\nCOPY\r\n$1\r\na\r\n$1\r\nb\r\n$2\r\nDB\r\n$1\r\n1\r\n$7\r\nREPLACE\r\n",
	      { .type = EFFECT_COPY, .key = text("a"), .other_key = text("b"), .number = 1 });
	GIVES("*3\r\n$9\r\nPEXPIREAT\r\n$1\r\na\r\n$3\r\n500\r\n", { .type = EFFECT_EXPIRE, .key = text("a"), .number = 500 });
	GIVES("*2\r\n$7\r\nPERSIST\r\n$1\r\na\r\n", { .type = EFFECT_PERSIST, .key = text("a") });
}

static void databases_are_emptied_and_exchanged(void)
{
	GIVES("*1\r\n$7\r\nFLUSHDB\r\n", { .type = EFFECT_FLUSHDB });
	GIVES("*1\r\n$8\r\nFLUSHALL\r\n", { .type = EFFECT_FLUSHALL });
	GIVES("*3\r\n$6\r\nSWAPDB\r\n$1\r\n0\r\n$2\r\n15\r\n", { .type = EFFECT_SWAPDB, .number = 15 });
}

static void of_what_the_store_makes_only_a_snapshot_has_no_text(void)
{
	for (uint32_t type = 0; type < EFFECT_TYPES; type++) {
		if (!effect_event((enum effect_type)type))
			continue;
		begin();
		add_frame(&(struct effect){ .type = (enum effect_type)type }, 1);
		render_frames();
		CU_ASSERT_EQUAL(aof_text_len(&rendered) == 0, type == EFFECT_SNAPSHOT);
	}
}

static void several_effects_are_one_transaction(void)
{
	GIVES("*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*1\r\n$4\r\nEXEC\r\n",
	      { .type = EFFECT_EXPIRED, .key = text("a") }, { .type = EFFECT_DEL, .database = 3, .key = text("a") });
}

static void a_database_is_selected_where_it_differs(void)
{
	const char *expected = "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$7\r\nFLUSHDB\r\n*1\r\n$7\r\nFLUSHDB\r\n"
			       "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$7\r\nFLUSHDB\r\n";
	static const uint32_t databases[] = { 2, 2, 0 };
	begin();
	for (size_t i = 0; i < 3; i++)
		add_frame(&(struct effect){ .type = EFFECT_FLUSHDB, .database = databases[i] }, 1);
	render_frames();
	CU_ASSERT_TRUE(is(gather(0, 8), expected, strlen(expected)));
	begin();
	add_frame(&(struct effect){ .type = EFFECT_FLUSHDB }, 1);
	render_frames();
	const char *first = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$7\r\nFLUSHDB\r\n";
	CU_ASSERT_TRUE(is(gather(0, 8), first, strlen(first)));
}

static void a_timestamp_is_written_once_a_second(void)
{
	begin();
	aof_render_timestamp(&renderer, 1700000000999, &rendered);
	aof_render_timestamp(&renderer, 1700000000000, &rendered);
	CU_ASSERT_TRUE(is(gather(0, 8), "#TS:1700000000\r\n", 16));
	aof_render_timestamp(&renderer, 1700000001000, &rendered);
	CU_ASSERT_EQUAL(aof_text_len(&rendered), 32);
}

/* ---- large values ---- */

static struct blob *large(char fill)
{
	struct blob *blob = blob_create(BLOB_MIN_BYTES);
	blob->len = BLOB_MIN_BYTES;
	memset(blob->data, fill, blob->len);
	return blob;
}

/* Frames with large values in between; `expected` is their text. */
static void render_large(struct blob *blobs[3], struct buffer *expected)
{
	begin();
	renderer.database = 0;
	for (int i = 0; i < 3; i++) {
		const struct effect effects[] = {
			{ .type = EFFECT_SET, .key = text("a"), .blob = blobs[i], .number = NO_EXPIRY },
			{ .type = EFFECT_DEL, .key = text("b") },
		};
		add_frame(effects, i == 1 ? 2 : 1);
		buffer_printf(expected, "%s*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%u\r\n", i == 1 ? "*1\r\n$5\r\nMULTI\r\n" : "", blobs[i]->len);
		buffer_append(expected, blobs[i]->data, blobs[i]->len);
		buffer_printf(expected, "\r\n%s", i == 1 ? "*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n" : "");
	}
	render_frames();
}

static void a_large_value_is_referred_to_and_not_copied(void)
{
	struct blob *blobs[3] = { large('x'), large('y'), large('z') };
	struct buffer expected = { 0 };
	struct iovec pieces[8];
	render_large(blobs, &expected);
	CU_ASSERT_TRUE(rendered.bytes.len < BLOB_MIN_BYTES);
	CU_ASSERT_EQUAL(aof_text_vector(&rendered, 0, pieces, 8), 7);
	CU_ASSERT_PTR_EQUAL(pieces[1].iov_base, blobs[0]->data);
	CU_ASSERT_TRUE(is(gather(0, 8), (char *)expected.data, expected.len));
	aof_text_clear(&rendered);
	CU_ASSERT_EQUAL(aof_text_len(&rendered), 0);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_FALSE(blob_is_shared(blobs[i]));
		blob_release(&blobs[i]);
	}
	buffer_fini(&expected);
}

/* As after short writes. */
static void the_text_can_be_read_from_every_offset(void)
{
	struct blob *blobs[3] = { large('x'), large('y'), large('z') };
	struct buffer expected = { 0 };
	render_large(blobs, &expected);
	bool all_same = true;
	for (uint64_t offset = 0; offset <= expected.len; offset += offset % 1000 > 100 ? 97 : 1) {
		struct buffer gathered = gather(offset, 1 + (int)(offset % 3));
		all_same &= gathered.len == expected.len - offset &&
			    (gathered.len == 0 || memcmp(gathered.data, expected.data + offset, gathered.len) == 0);
		buffer_fini(&gathered);
	}
	CU_ASSERT_TRUE(all_same);
	aof_text_fini(&rendered);
	for (int i = 0; i < 3; i++)
		blob_release(&blobs[i]);
	buffer_fini(&expected);
}

static void memory_of_an_unusually_large_text_is_given_back(void)
{
	aof_text_written_to(&rendered, aof_text_reserve(&rendered, 8 << 20) + 1);
	aof_text_clear(&rendered);
	CU_ASSERT_EQUAL(rendered.bytes.capacity, 0);
	aof_text_written_to(&rendered, aof_text_reserve(&rendered, 1 << 20) + 1);
	aof_text_clear(&rendered);
	CU_ASSERT_TRUE(rendered.bytes.capacity >= 1 << 20);
	aof_text_fini(&rendered);
}

static const struct suite_case cases[] = {
	CASE(values_are_written_as_commands_that_change_them),
	CASE(keys_are_removed_and_moved),
	CASE(databases_are_emptied_and_exchanged),
	CASE(of_what_the_store_makes_only_a_snapshot_has_no_text),
	CASE(several_effects_are_one_transaction),
	CASE(a_database_is_selected_where_it_differs),
	CASE(a_timestamp_is_written_once_a_second),
	CASE(a_large_value_is_referred_to_and_not_copied),
	CASE(the_text_can_be_read_from_every_offset),
	CASE(memory_of_an_unusually_large_text_is_given_back),
};

SUITE_MAIN("aof_render", cases)

/*
 * Parts of the log: whole, cut anywhere, damaged anywhere, and those of other servers.
 */
#include "actors/persistence/aof_read.h"

#include <stdio.h>

#include "actors/persistence/crc32c.h"
#include "storage/memory.h"
#include "support/log_part.h"
#include "support/suite.h"

#define ID 0x0123456789abcdefu
#define SEQUENCE 41
#define GROUPS 8

static struct slice text(const char *words)
{
	return slice_of(words, strlen(words));
}

static struct slice bytes_of(const struct buffer *buffer)
{
	return slice_of(buffer->data, buffer->len);
}

/* ---- parts of ours ---- */

static const struct aof_read_options strict = { .is_ours = true, .id = ID, .sequence = SEQUENCE, .is_last = true, .until_s = AOF_READ_ALL };

static struct aof_read_options truncating(void)
{
	struct aof_read_options options = strict;
	options.loads_truncated = true;
	return options;
}

/* A part of random groups, and what it is after each of them. */
struct sample {
	struct log_part part;
	size_t ends[GROUPS + 1];       /* ends[i]: of i groups */
	uint64_t sequences[GROUPS + 1];
	char digests[GROUPS + 1][LOG_DIGEST_BYTES];
};

static void sample_init(struct sample *sample, struct random *random, uint64_t frames_max)
{
	struct log_data model;
	log_data_init(&model, true);
	log_part_init(&sample->part, ID, SEQUENCE);
	for (int i = 0; i <= GROUPS; i++) {
		struct frame_writer frames = { .first_sequence = 1 };
		for (uint64_t wanted = i == 0 ? 0 : 1 + random_below(random, frames_max); wanted > 0; wanted--)
			log_draw_frame(random, &model, &frames);
		if (i > 0)
			log_part_add(&sample->part, &frames);
		sample->ends[i] = sample->part.bytes.len;
		sample->sequences[i] = sample->part.sequence;
		log_data_digest(&model, sample->digests[i]);
		frame_writer_fini(&frames);
	}
	log_data_fini(&model);
}

/* The number of groups that lie before an offset. */
static int groups_before(const struct sample *sample, size_t offset)
{
	int groups = 0;
	while (groups < GROUPS && sample->ends[groups + 1] <= offset)
		groups++;
	return groups;
}

static bool is_near_end(const struct sample *sample, size_t offset)
{
	int groups = groups_before(sample, offset);
	return offset - sample->ends[groups] < 400 || (groups < GROUPS && sample->ends[groups + 1] - offset < 500);
}

static bool has_groups(const struct log_result *result, const struct sample *sample, int groups)
{
	return result->status == AOF_READ_END && result->fits && result->offsets_are_good && result->figures.end == sample->ends[groups] &&
	       result->figures.last_sequence == sample->sequences[groups] && strcmp(result->digest, sample->digests[groups]) == 0;
}

static bool is_refused_at(const struct log_result *result, size_t offset, const char *reason)
{
	char expected[700];
	snprintf(expected, sizeof(expected), "part: offset %zu: %s", offset, reason);
	bool as_expected = result->status == AOF_READ_REFUSED && strcmp(result->error, expected) == 0;
	if (!as_expected)
		fprintf(stderr, "\nexpected: %s\nstatus %d: %s\n", expected, result->status, result->error);
	return as_expected;
}

static void groups_are_read_back(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	for (int round = 0; round < 30; round++) {
		struct sample sample;
		sample_init(&sample, &random, 100);
		struct log_result result = log_read(bytes_of(&sample.part.bytes), &strict);
		CU_ASSERT_TRUE(has_groups(&result, &sample, GROUPS));
		CU_ASSERT_EQUAL(result.figures.tail, AOF_TAIL_NONE);
		CU_ASSERT_EQUAL(result.figures.groups, GROUPS);
		CU_ASSERT_EQUAL(result.figures.frames, result.frames);
		CU_ASSERT_EQUAL(result.figures.group.last, sample.part.sequence);
		CU_ASSERT_EQUAL(result.figures.group_at, sample.ends[GROUPS - 1]);
		log_part_fini(&sample.part);
	}
}

static void an_empty_part_is_a_whole_one(void)
{
	struct log_result result = log_read(text(""), &strict);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_EQUAL(result.figures.last_sequence, SEQUENCE);
	CU_ASSERT_EQUAL(result.figures.tail, AOF_TAIL_NONE);
}

/* A group of a frame without text: that of a snapshot. */
static void add_without_text(struct log_part *part)
{
	struct frame_writer frames = { .first_sequence = 1 };
	frame_begin(&frames, NULL);
	frame_append(&frames, &(struct effect){ .type = EFFECT_SNAPSHOT, .number = 1 });
	frame_end(&frames);
	log_part_add(part, &frames);
	frame_writer_fini(&frames);
}

static void a_group_may_be_without_text(void)
{
	struct log_part part;
	log_part_init(&part, ID, SEQUENCE);
	add_without_text(&part);
	add_without_text(&part);
	struct log_result result = log_read(bytes_of(&part.bytes), &strict);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_EQUAL(result.figures.groups, 2);
	CU_ASSERT_EQUAL(result.figures.frames, 0);
	CU_ASSERT_EQUAL(result.figures.last_sequence, SEQUENCE + 2);
	log_part_fini(&part);
}

static void a_part_cut_at_any_byte_gives_the_groups_before(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct sample sample;
	struct aof_read_options truncates = truncating(), in_the_middle = truncating();
	in_the_middle.is_last = false;
	sample_init(&sample, &random, 4);
	/* Inside of large values, not every byte. */
	for (size_t len = sample.ends[GROUPS - 3]; len <= sample.part.bytes.len; len += is_near_end(&sample, len) ? 1 : 97) {
		struct slice cut = slice_of(sample.part.bytes.data, len);
		int groups = groups_before(&sample, len);
		bool is_torn = sample.ends[groups] != len;
		struct log_result result = log_read(cut, &truncates);
		CU_ASSERT_TRUE(has_groups(&result, &sample, groups));
		CU_ASSERT_EQUAL(result.figures.tail, is_torn ? AOF_TAIL_TORN : AOF_TAIL_NONE);
		result = log_read(cut, &in_the_middle);
		CU_ASSERT_EQUAL(result.status, is_torn ? AOF_READ_REFUSED : AOF_READ_END);
		result = log_read(cut, &strict);
		CU_ASSERT_EQUAL(result.status, is_torn ? AOF_READ_REFUSED : AOF_READ_END);
	}
	struct log_result result = log_read(slice_of(sample.part.bytes.data, sample.part.bytes.len - 1), &strict);
	CU_ASSERT_TRUE(is_refused_at(&result, sample.ends[GROUPS - 1],
				     "the file ends inside of a group. With aof-load-truncated, it is cut there"));
	result = log_read(slice_of(sample.part.bytes.data, sample.part.bytes.len - 1), &in_the_middle);
	CU_ASSERT_TRUE(is_refused_at(&result, sample.ends[GROUPS - 1], "the file ends inside of a group, and other files follow it"));
	log_part_fini(&sample.part);
}

/* Also in the length of a group, so that it seems torn. */
static void any_flipped_bit_is_found(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct aof_read_options truncates = truncating();
	for (int round = 0; round < 2; round++) {
		struct sample sample;
		sample_init(&sample, &random, 3);
		struct buffer *bytes = &sample.part.bytes;
		if (round == 1)
			add_without_text(&sample.part);
		/* Every bit of the first and last bytes, and some of those in between. */
		for (size_t at = 0; at < bytes->len; at += at < 500 || at + 500 > bytes->len ? 1 : 1 + random_below(&random, 200)) {
			for (int bit = 0; bit < 8; bit++) {
				bytes->data[at] ^= (uint8_t)(1 << bit);
				struct log_result result = log_read(bytes_of(bytes), &truncates);
				bytes->data[at] ^= (uint8_t)(1 << bit);
				if (result.status != AOF_READ_REFUSED)
					fprintf(stderr, "\nbit %d at %zu of %zu was not found\n", bit, at, bytes->len);
				CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
			}
		}
		log_part_fini(&sample.part);
	}
}

/* Copies groups of a sample in another order; -1 ends it. */
static struct buffer arrange(const struct sample *sample, const int *groups)
{
	struct buffer bytes = { 0 };
	for (; *groups >= 0; groups++)
		buffer_append(&bytes, sample->part.bytes.data + sample->ends[*groups], sample->ends[*groups + 1] - sample->ends[*groups]);
	return bytes;
}

static void missing_doubled_and_swapped_groups_are_found(void)
{
	static const int orders[][GROUPS + 2] = {
		{ 1, 2, 3, 4, 5, 6, 7, -1 }, { 0, 1, 3, 4, 5, 6, 7, -1 }, { 0, 1, 2, 3, 4, 5, 7, -1 },
		{ 0, 0, 1, 2, 3, 4, 5, 6, 7, -1 }, { 0, 1, 2, 3, 4, 5, 6, 7, 7, -1 }, { 0, 2, 1, 3, 4, 5, 6, 7, -1 }, { 0, 1, 2, 3, 4, 5, 7, 6, -1 },
	};
	struct random random = { .state = random_seed("aof_read_test") };
	struct sample sample;
	struct aof_read_options truncates = truncating();
	sample_init(&sample, &random, 3);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct buffer bytes = arrange(&sample, orders[i]);
		struct log_result result = log_read(bytes_of(&bytes), &truncates);
		CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
		buffer_fini(&bytes);
	}
	log_part_fini(&sample.part);
}

/* The same sequences, so that only the chain tells. */
static void a_group_of_another_history_is_found(void)
{
	struct log_part ours, theirs;
	struct frame_writer frames[2] = { { .first_sequence = 1 }, { .first_sequence = 1 } };
	for (int i = 0; i < 2; i++) {
		frame_begin(&frames[i], NULL);
		frame_append(&frames[i], &(struct effect){ .type = EFFECT_SET, .key = text("a"), .value = text(i ? "x" : "y"), .number = NO_EXPIRY });
		frame_end(&frames[i]);
	}
	log_part_init(&ours, ID, SEQUENCE);
	log_part_init(&theirs, ID, SEQUENCE);
	log_part_add(&ours, &frames[0]);
	log_part_add(&theirs, &frames[1]);
	size_t first = ours.bytes.len;
	log_part_add(&theirs, &frames[0]);
	buffer_append(&ours.bytes, theirs.bytes.data + first, theirs.bytes.len - first);
	struct log_result result = log_read(bytes_of(&ours.bytes), &strict);
	CU_ASSERT_TRUE(is_refused_at(&result, first, "the checksum of the group of frames 43 to 43 is wrong"));
	log_part_fini(&ours);
	log_part_fini(&theirs);
	frame_writer_fini(&frames[0]);
	frame_writer_fini(&frames[1]);
}

static void the_file_of_another_directory_is_found(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct sample sample;
	struct aof_read_options other_id = truncating(), other_sequence = truncating();
	sample_init(&sample, &random, 3);
	other_id.id = ID + 1;
	other_sequence.sequence = SEQUENCE + 1;
	struct log_result result = log_read(bytes_of(&sample.part.bytes), &other_id);
	CU_ASSERT_TRUE(is_refused_at(&result, 0, "the group is of the part with the id 0123456789abcdef, and this part's id is 0123456789abcdf0"));
	result = log_read(bytes_of(&sample.part.bytes), &other_sequence);
	CU_ASSERT_TRUE(is_refused_at(&result, 0, "the group begins with frame 42, and the frame before it is 42"));
	result = log_read(text("REDIS0010"), &strict);
	CU_ASSERT_TRUE(is_refused_at(&result, 0, "expected the annotation of a group"));
	log_part_fini(&sample.part);
}

static void a_damaged_tail_is_given_up_as_far_as_the_directive_allows(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct sample sample;
	struct aof_read_options options = strict;
	sample_init(&sample, &random, 3);
	size_t tail = sample.part.bytes.len - sample.ends[GROUPS - 2];
	sample.part.bytes.data[sample.ends[GROUPS - 1] - 3] ^= 1; /* in the last group but one */
	options.corrupt_tail_max_bytes = tail - 1;
	struct log_result result = log_read(bytes_of(&sample.part.bytes), &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	options.corrupt_tail_max_bytes = tail;
	result = log_read(bytes_of(&sample.part.bytes), &options);
	CU_ASSERT_TRUE(has_groups(&result, &sample, GROUPS - 2));
	CU_ASSERT_EQUAL(result.figures.tail, AOF_TAIL_DAMAGED);
	options.is_last = false;
	result = log_read(bytes_of(&sample.part.bytes), &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	/* After a power cut the end may be zeros. */
	options = truncating();
	memset(sample.part.bytes.data + sample.ends[GROUPS - 1], 0, sample.part.bytes.len - sample.ends[GROUPS - 1]);
	sample.part.bytes.data[sample.ends[GROUPS - 1] - 3] ^= 1;
	result = log_read(bytes_of(&sample.part.bytes), &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	options.corrupt_tail_max_bytes = 1 << 20;
	result = log_read(bytes_of(&sample.part.bytes), &options);
	CU_ASSERT_TRUE(has_groups(&result, &sample, GROUPS - 1));
	log_part_fini(&sample.part);
}

/* What has the right checksum, and yet is not what this program writes. */
static void a_group_with_other_contents_is_refused(void)
{
	static const struct {
		const char *contents, *reason;
	} examples[] = {
		{ "PING\r\n", "expected a command" },
		{ "*1\r\n$4\r\nPING\r\n", "unknown command 'PING'" },
		{ "*1\r\n$8\r\nFLUSHALL\r\n*1\r\n$8\r\nFLUSHALL\r\n", "the group has more frames than its annotation says" },
		{ "*1\r\n$5\r\nMULTI\r\n*1\r\n$8\r\nFLUSHALL\r\n", "the group ends inside of a transaction" },
		{ "*1\r\n$8\r\nFLUSH", "the group ends inside of a command" },
		{ "*1\r\n$20000\r\nFLUSH", "the group ends inside of a command" },
		{ "*1\r\n$x\r\n", "expected a command: invalid bulk length" },
		{ "*0\r\n", "expected a command: it has no words" },
		{ "#TS:1", "the group ends inside of an annotation" },
	};
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct buffer bytes = { 0 };
		char line[ANNOTATION_MAX_BYTES + 1], shown[300];
		struct slice contents = text(examples[i].contents);
		struct annotation group = { .id = ID, .first = SEQUENCE + 1, .last = SEQUENCE + 1, .bytes = contents.len };
		struct aof_read_options options = truncating();
		options.corrupt_tail_max_bytes = UINT64_MAX;
		group.crc = crc32c(annotation_chain(annotation_seed(ID), &group), contents.data, contents.len);
		buffer_append(&bytes, line, annotation_print(&group, line));
		buffer_append(&bytes, contents.data, contents.len);
		struct log_result result = log_read(bytes_of(&bytes), &options);
		CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
		snprintf(shown, sizeof(shown), ": %s", examples[i].reason);
		CU_ASSERT_PTR_NOT_NULL(strstr(result.error, shown));
		if (!strstr(result.error, shown))
			fprintf(stderr, "\n%s: %s\n", examples[i].reason, result.error);
		buffer_fini(&bytes);
	}
}

/* ---- sizes ---- */

static struct blob *large(size_t bytes, char fill)
{
	struct blob *blob = blob_create((uint32_t)bytes);
	blob->len = (uint32_t)bytes;
	memset(blob->data, fill, bytes);
	return blob;
}

/* Values that lie across the ends of what is read at once, in groups that do; one group is too large to be kept in memory. */
static void large_values_and_groups_are_read(void)
{
	static const size_t sizes[] = { BLOB_MIN_BYTES, 200000, 300000, 1 << 20, 7 << 20, BLOB_MIN_BYTES, 100000, 5 << 20 };
	struct log_part part;
	struct log_data model;
	char expected[LOG_DIGEST_BYTES];
	log_data_init(&model, true);
	log_part_init(&part, ID, SEQUENCE);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct frame_writer frames = { .first_sequence = 1 };
		struct blob *blob = large(sizes[i], (char)('a' + i));
		for (int j = 0; j < 3; j++) {
			char key[16];
			snprintf(key, sizeof(key), "%zu-%d", i, j);
			frame_begin(&frames, NULL);
			frame_append(&frames, &(struct effect){ .type = EFFECT_SET, .key = text(key), .blob = blob, .number = NO_EXPIRY });
			frame_append(&frames, &(struct effect){ .type = EFFECT_APPEND, .key = text(key), .value = text("end"),
								.result = (int64_t)sizes[i] + 3 });
			frame_end(&frames);
		}
		CU_ASSERT_TRUE(log_apply(&model.target, &frames));
		log_part_add(&part, &frames);
		frame_writer_fini(&frames);
		blob_release(&blob);
	}
	log_data_digest(&model, expected);
	struct log_result result = log_read(bytes_of(&part.bytes), &strict);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_STRING_EQUAL(result.digest, expected);
	CU_ASSERT_TRUE(result.steps > 8);
	/* A flipped bit in the group that isn't kept in memory. */
	part.bytes.data[part.bytes.len - 1000] ^= 4;
	result = log_read(bytes_of(&part.bytes), &strict);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	log_part_fini(&part);
	log_data_fini(&model);
}

static void a_step_has_a_bounded_size_and_a_transaction_is_not_split(void)
{
	struct frame_writer frames = { .first_sequence = 1 };
	struct log_part part;
	log_part_init(&part, ID, SEQUENCE);
	for (int i = 0; i < 20000; i++) {
		frame_begin(&frames, NULL);
		for (int j = 0; j < (i % 5 == 0 ? 7 : 1); j++)
			frame_append(&frames, &(struct effect){ .type = EFFECT_APPEND, .key = text("a"), .value = text("x"), .result = RESULT_UNKNOWN });
		frame_end(&frames);
	}
	log_part_add(&part, &frames);
	struct log_result result = log_read(bytes_of(&part.bytes), &strict);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_TRUE(result.fits);
	CU_ASSERT_EQUAL(result.frames, 20000);
	CU_ASSERT_TRUE(result.steps >= frames.bytes.len / AOF_READ_STEP_BYTES);
	frame_writer_fini(&frames);
	log_part_fini(&part);
}

static void an_error_of_the_disk_is_told(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct sample sample;
	sample_init(&sample, &random, 3);
	struct memory_disk disk = memory_disk_of(bytes_of(&sample.part.bytes));
	disk.fail_at = 1;
	struct log_result result = log_read_disk(&disk, &strict);
	CU_ASSERT_TRUE(is_refused_at(&result, 0, "can't read on: Input/output error"));
	struct aof_read_options behind = strict;
	behind.offset = sample.part.bytes.len + 1;
	result = log_read(bytes_of(&sample.part.bytes), &behind);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	log_part_fini(&sample.part);
}

/* ---- files of other servers ---- */

static const struct aof_read_options foreign = { .is_last = true, .loads_truncated = true, .until_s = AOF_READ_ALL };

#define SELECT_1 "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n"
#define INCR_A "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"

/* The digest after so many INCRs. */
static void digest_of_increments(int count, char out[LOG_DIGEST_BYTES])
{
	struct buffer bytes = { 0 };
	buffer_printf(&bytes, SELECT_1);
	for (int i = 0; i < count; i++)
		buffer_printf(&bytes, INCR_A);
	struct log_result result = log_read(bytes_of(&bytes), &foreign);
	strcpy(out, result.digest);
	buffer_fini(&bytes);
}

/* A transaction is there as a whole or not at all. */
static void a_file_of_redis_cut_at_any_byte_gives_the_commands_before(void)
{
	static const char *const pieces[] = { SELECT_1, INCR_A, "#TS:1700000000\r\n", INCR_A, MULTI INCR_A INCR_A INCR_A EXEC, INCR_A, "# a comment\r\n" };
	static const int increments[] = { 0, 1, 1, 2, 5, 6, 6 };
	struct buffer bytes = { 0 };
	size_t begin = 0;
	for (int piece = 0; piece < 7; piece++) {
		char before[LOG_DIGEST_BYTES], after[LOG_DIGEST_BYTES];
		buffer_printf(&bytes, "%s", pieces[piece]);
		digest_of_increments(piece ? increments[piece - 1] : 0, before);
		digest_of_increments(increments[piece], after);
		for (size_t len = begin; len <= bytes.len; len++) {
			bool is_torn = len != begin && len != bytes.len;
			struct log_result result = log_read(slice_of(bytes.data, len), &foreign);
			CU_ASSERT_EQUAL(result.status, AOF_READ_END);
			CU_ASSERT_EQUAL(result.figures.tail, is_torn ? AOF_TAIL_TORN : AOF_TAIL_NONE);
			CU_ASSERT_EQUAL(result.figures.end, is_torn ? begin : len);
			CU_ASSERT_EQUAL(result.figures.frames, result.frames);
			CU_ASSERT_TRUE(result.offsets_are_good);
			CU_ASSERT_STRING_EQUAL(result.digest, len == bytes.len ? after : before);
		}
		begin = bytes.len;
	}
	struct aof_read_options not_truncated = foreign;
	not_truncated.loads_truncated = false;
	struct log_result result = log_read(slice_of(bytes.data, bytes.len - 16), &not_truncated);
	CU_ASSERT_TRUE(is_refused_at(&result, bytes.len - 34, "the file ends inside of a command. With aof-load-truncated, it is cut there"));
	buffer_fini(&bytes);
}

static void a_damaged_file_of_redis_is_refused(void)
{
	static const struct {
		const char *file, *reason;
	} examples[] = {
		{ "\n", "expected a command" },
		{ "SET a b\r\n", "expected a command" },
		{ "*3\n$x\n", "expected a command: invalid bulk length" },
		{ "*1\r\n+OK\r\n", "expected a command: expected '$', got '+'" },
		{ "*-1\r\n", "expected a command: it has no words" },
		{ "*1\r\n$536870913\r\n", "expected a command: invalid bulk length" },
		{ "*2\r\n$5\r\nLPUSH\r\n$1\r\na\r\n", "unknown command 'LPUSH'" },
		{ EXEC, "EXEC without MULTI" },
	};
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct buffer bytes = { 0 };
		buffer_printf(&bytes, INCR_A "%s" INCR_A, examples[i].file);
		struct log_result result = log_read(bytes_of(&bytes), &foreign);
		CU_ASSERT_TRUE(is_refused_at(&result, sizeof(INCR_A) - 1, examples[i].reason));
		buffer_fini(&bytes);
	}
	struct buffer comment = { 0 };
	buffer_printf(&comment, "#%1100d", 0);
	struct log_result result = log_read(bytes_of(&comment), &foreign);
	CU_ASSERT_TRUE(is_refused_at(&result, 0, "an annotation has no end"));
	buffer_fini(&comment);
}

/* What is not known is no damage: it is refused, however much may be given up. */
static void a_damaged_tail_of_redis_is_given_up_as_far_as_the_directive_allows(void)
{
	struct slice file = text(INCR_A MULTI INCR_A);
	struct aof_read_options options = foreign;
	char bytes[128];
	char expected[LOG_DIGEST_BYTES];
	memcpy(bytes, file.data, file.len);
	memset(bytes + file.len, 0, 4);
	file = slice_of(bytes, file.len + 4);
	options.corrupt_tail_max_bytes = sizeof(MULTI INCR_A) - 1 + 3;
	struct log_result result = log_read(file, &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	options.corrupt_tail_max_bytes++;
	result = log_read(file, &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_EQUAL(result.figures.tail, AOF_TAIL_DAMAGED);
	CU_ASSERT_EQUAL(result.figures.end, sizeof(INCR_A) - 1);
	struct log_result whole = log_read(text(INCR_A), &foreign);
	strcpy(expected, whole.digest);
	CU_ASSERT_STRING_EQUAL(result.digest, expected);
	result = log_read(text(INCR_A "*2\r\n$5\r\nLPUSH\r\n$1\r\na\r\n"), &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
}

static void timestamps_are_read_and_end_a_recovery(void)
{
	struct slice file = text("#TS:1700000000\r\n" INCR_A "#TS:1700000005\r\n" INCR_A "#TSx\r\n#TS:\r\n#TS:1700000009\r\n" INCR_A);
	struct aof_read_options options = foreign;
	struct log_result result = log_read(file, &options);
	CU_ASSERT_TRUE(result.figures.has_time);
	CU_ASSERT_EQUAL(result.figures.first_s, 1700000000);
	CU_ASSERT_EQUAL(result.figures.last_s, 1700000009);
	CU_ASSERT_EQUAL(result.frames, 3);
	options.until_s = 1700000005;
	result = log_read(file, &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_EQUAL(result.figures.tail, AOF_TAIL_LATER);
	CU_ASSERT_EQUAL(result.frames, 2);
	CU_ASSERT_TRUE(strncmp((const char *)file.data + result.figures.end, "#TS:1700000009", 14) == 0);
	options.until_s = 1699999999;
	result = log_read(file, &options);
	CU_ASSERT_EQUAL(result.figures.end, 0);
	CU_ASSERT_EQUAL(result.frames, 0);
}

static void a_preamble_is_left_to_the_reader_of_rdb_files(void)
{
	struct slice file = text("REDIS0010\xff" INCR_A);
	struct aof_read_options options = foreign;
	struct log_result result = log_read(file, &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_PREAMBLE);
	options.offset = 10;
	result = log_read(file, &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_EQUAL(result.frames, 1);
	result = log_read(text("VALKEY080\xff"), &foreign);
	CU_ASSERT_EQUAL(result.status, AOF_READ_PREAMBLE);
	result = log_read(text("REDI"), &foreign);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
}

/* Without the ids in the manifest: redis-server has written it anew. */
static void a_part_of_ours_can_be_read_as_that_of_redis(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct sample sample;
	sample_init(&sample, &random, 30);
	struct log_result result = log_read(bytes_of(&sample.part.bytes), &foreign);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_STRING_EQUAL(result.digest, sample.digests[GROUPS]);
	log_part_fini(&sample.part);
}

/* redis-server has run on the directory: it appends to the last part, whatever that is. */
static void commands_that_redis_has_appended_to_a_part_of_ours_are_read(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct aof_read_options truncates = truncating();
	struct sample sample;
	sample_init(&sample, &random, 5);
	struct buffer *bytes = &sample.part.bytes;
	size_t groups = bytes->len;
	buffer_printf(bytes, "%s", "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$8\r\nFLUSHALL\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n");
	size_t behind_flush = bytes->len - 20;
	struct log_result empty = log_read(text(""), &strict), result = log_read(bytes_of(bytes), &strict);
	CU_ASSERT_TRUE(result.fits && result.offsets_are_good);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_EQUAL(result.figures.foreign_at, groups);
	CU_ASSERT_EQUAL(result.figures.last_sequence, sample.part.sequence);
	CU_ASSERT_STRING_EQUAL(result.digest, empty.digest);
	result = log_read(slice_of(bytes->data, bytes->len - 1), &strict);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	result = log_read(slice_of(bytes->data, bytes->len - 1), &truncates);
	CU_ASSERT_EQUAL(result.status, AOF_READ_END);
	CU_ASSERT_EQUAL(result.figures.end, behind_flush);
	CU_ASSERT_STRING_EQUAL(result.digest, empty.digest);
	/* None of our groups comes after them. */
	size_t behind = bytes->len;
	struct buffer last_group = { .len = 0 };
	buffer_append(&last_group, bytes->data + sample.ends[GROUPS - 1], groups - sample.ends[GROUPS - 1]);
	buffer_append(bytes, last_group.data, last_group.len);
	buffer_fini(&last_group);
	result = log_read(bytes_of(bytes), &truncates);
	CU_ASSERT_TRUE(is_refused_at(&result, behind, "a group of this part after commands of another server"));
	log_part_fini(&sample.part);
}

/* After a failed sync the rest of a part is written anew to the next one. */
static void a_part_ends_where_the_next_one_begins(void)
{
	struct random random = { .state = random_seed("aof_read_test") };
	struct aof_read_options options = strict;
	struct sample sample;
	options.is_last = false;
	sample_init(&sample, &random, 5);
	options.has_end = true;
	for (int groups = 0; groups <= GROUPS; groups++) {
		options.end_sequence = sample.sequences[groups];
		struct log_result result = log_read(slice_of(sample.part.bytes.data, sample.part.bytes.len - (groups < GROUPS)), &options);
		CU_ASSERT_TRUE(has_groups(&result, &sample, groups));
	}
	options.end_sequence++;
	struct log_result result = log_read(bytes_of(&sample.part.bytes), &options);
	CU_ASSERT_EQUAL(result.status, AOF_READ_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.error, "the file ends with frame"));
	log_part_fini(&sample.part);
}

static const struct suite_case cases[] = {
	CASE(groups_are_read_back),
	CASE(an_empty_part_is_a_whole_one),
	CASE(a_group_may_be_without_text),
	CASE(a_part_cut_at_any_byte_gives_the_groups_before),
	CASE(any_flipped_bit_is_found),
	CASE(missing_doubled_and_swapped_groups_are_found),
	CASE(a_group_of_another_history_is_found),
	CASE(the_file_of_another_directory_is_found),
	CASE(a_damaged_tail_is_given_up_as_far_as_the_directive_allows),
	CASE(a_group_with_other_contents_is_refused),
	CASE(large_values_and_groups_are_read),
	CASE(a_step_has_a_bounded_size_and_a_transaction_is_not_split),
	CASE(an_error_of_the_disk_is_told),
	CASE(a_file_of_redis_cut_at_any_byte_gives_the_commands_before),
	CASE(a_damaged_file_of_redis_is_refused),
	CASE(a_damaged_tail_of_redis_is_given_up_as_far_as_the_directive_allows),
	CASE(timestamps_are_read_and_end_a_recovery),
	CASE(a_preamble_is_left_to_the_reader_of_rdb_files),
	CASE(a_part_of_ours_can_be_read_as_that_of_redis),
	CASE(commands_that_redis_has_appended_to_a_part_of_ours_are_read),
	CASE(a_part_ends_where_the_next_one_begins),
};

int main(int argc, char **argv)
{
	memory_init();
	keyspace_seed_hash();
	return suite_main("aof_read", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

/*
 * Values in RDB's encoding: those that we write and those that Redis writes can be read; wrong ones are refused with their offset.
 */
#include "storage/formats/rdb.h"

#include <errno.h>
#include <stdlib.h>

#include "storage/formats/crc64.h"
#include "storage/number.h"
#include "storage/value.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

/* ---- bytes as a file ---- */

struct file {
	uint8_t *bytes;
	size_t len, at, step; /* a read takes `step` bytes at most */
	int code;             /* of the next read */
};

static bool append(void *context, const void *data, size_t len)
{
	struct file *file = context;
	file->bytes = realloc(file->bytes, file->len + len);
	memcpy(file->bytes + file->len, data, len);
	file->len += len;
	return true;
}

static int take(void *context, void *data, size_t len, size_t *out_len)
{
	struct file *file = context;
	size_t left = file->len - file->at;
	size_t n = len < left ? len : left;
	n = n < file->step ? n : file->step;
	if (n)
		memcpy(data, file->bytes + file->at, n);
	file->at += n;
	*out_len = n;
	return file->code;
}

/* With the smallest buffer. One reader at a time. */
static struct rdb_reader *reader_of(struct file *file)
{
	static struct rdb_reader reader;
	static uint8_t buffer[BLOB_MIN_BYTES];
	file->at = 0;
	file->step = file->step ? file->step : SIZE_MAX;
	rdb_reader_init_from(&reader, take, file, buffer, sizeof(buffer));
	return &reader;
}

/* The encoding of one string. */
static struct file written(struct slice string, bool compresses)
{
	struct file file = { 0 };
	struct rdb_writer writer = { .write = append, .context = &file, .compresses = compresses };
	rdb_write_string(&writer, string);
	CU_ASSERT_FALSE(writer.has_failed);
	CU_ASSERT_EQUAL(writer.bytes, file.len);
	return file;
}

static bool reads_as(struct file *file, struct slice expected)
{
	struct rdb_reader *reader = reader_of(file);
	struct slice string;
	struct blob *blob = NULL;
	bool is_equal = rdb_read_string(reader, &string, &blob) && slice_equal(string, expected) && rdb_offset(reader) == file->len &&
			(blob != NULL) == (expected.len >= BLOB_MIN_BYTES);
	blob_release(&blob);
	return is_equal;
}

static bool has_bytes(const struct file *file, const void *bytes, size_t len)
{
	return file->len == len && memcmp(file->bytes, bytes, len) == 0;
}

/* ---- cases ---- */

static void strings_are_written_as_redis_writes_them(void)
{
	static const struct {
		struct slice string, bytes;
	} known[] = {
#define KNOWN(string, bytes) { { (const uint8_t *)string, sizeof(string) - 1 }, { (const uint8_t *)bytes, sizeof(bytes) - 1 } }
		KNOWN("", "\x00"),
		KNOWN("abc", "\x03" "abc"),
		KNOWN("0", "\xc0\x00"),
		KNOWN("-128", "\xc0\x80"),
		KNOWN("128", "\xc1\x80\x00"),
		KNOWN("-32768", "\xc1\x00\x80"),
		KNOWN("32768", "\xc2\x00\x80\x00\x00"),
		KNOWN("-2147483648", "\xc2\x00\x00\x00\x80"),
		KNOWN("2147483648", "\x0a" "2147483648"),
		KNOWN("01", "\x02" "01"),
		KNOWN("-0", "\x02" "-0"),
		KNOWN("+1", "\x02" "+1"),
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct file file = written(known[i].string, true);
		CU_ASSERT_TRUE(has_bytes(&file, known[i].bytes.data, known[i].bytes.len));
		CU_ASSERT_TRUE(reads_as(&file, known[i].string));
		free(file.bytes);
	}
}

static void strings_of_all_lengths_are_read_as_written(void)
{
	static const size_t lengths[] = { 1, 20, 21, 63, 64, 16383, 16384, 16385, 70000, 300000, 3000000 };
	struct random random = { random_seed("rdb") };
	uint8_t *bytes = malloc(3000000);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int how = 0; how < 4; how++) {
			for (size_t n = 0; n < lengths[i]; n++)
				bytes[n] = how & 1 ? (uint8_t)random_next(&random) : (uint8_t)(n / 100);
			struct file file = written(slice_of(bytes, lengths[i]), how & 2);
			file.step = 1 + random_below(&random, 5000);
			CU_ASSERT_TRUE(reads_as(&file, slice_of(bytes, lengths[i])));
			if (how == 2 && lengths[i] >= 64)
				CU_ASSERT_TRUE(file.len < lengths[i]);
			free(file.bytes);
		}
	free(bytes);
}

static void lengths_have_all_their_forms(void)
{
	static const uint64_t lengths[] = { 0, 63, 64, 16383, 16384, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX };
	static const size_t sizes[] = { 1, 1, 2, 2, 5, 5, 9, 9 };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct file file = { 0 };
		struct rdb_writer writer = { .write = append, .context = &file };
		uint64_t length = 1;
		rdb_write_length(&writer, lengths[i]);
		CU_ASSERT_EQUAL(file.len, sizes[i]);
		struct rdb_reader *reader = reader_of(&file);
		CU_ASSERT_TRUE(rdb_read_length(reader, &length));
		CU_ASSERT_EQUAL(length, lengths[i]);
		free(file.bytes);
	}
}

static void what_is_wrong_is_refused_with_its_place(void)
{
	static const struct {
		struct slice bytes;
		const char *error;
	} wrong[] = {
#define WRONG(bytes, error) { { (const uint8_t *)bytes, sizeof(bytes) - 1 }, error }
		WRONG("", "unexpected end of input"),
		WRONG("\x05" "abc", "unexpected end of input"),
		WRONG("\x40", "unexpected end of input"),
		WRONG("\xc2\x01\x02", "unexpected end of input"),
		WRONG("\x82", "a length of an unknown form"),
		WRONG("\xc4", "a string of an unknown form"),
		WRONG("\x81\x00\x00\x00\x01\x00\x00\x00\x00", "a string is longer than 512 MB"),
		WRONG("\xc3\x01\x80\x20\x00\x00\x00\x61", "a compressed string has an impossible length"),
		WRONG("\xc3\x02\x00\xff\xff", "a compressed string has an impossible length"),
		WRONG("\xc3\x02\x10\xff\xff", "a compressed string is damaged"),
		WRONG("\x80\x1f\xff\xff\xff" "little of it", "unexpected end of input"),
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct file file = { .bytes = (uint8_t *)wrong[i].bytes.data, .len = wrong[i].bytes.len };
		struct rdb_reader *reader = reader_of(&file);
		struct slice string;
		struct blob *blob;
		CU_ASSERT_FALSE(rdb_read_string(reader, &string, &blob));
		CU_ASSERT_STRING_EQUAL(reader->error, wrong[i].error);
		CU_ASSERT_FALSE(rdb_read_string(reader, &string, &blob)); /* and for ever */
		CU_ASSERT_PTR_NULL(blob);
		CU_ASSERT_TRUE(reader->error_offset <= file.len);
	}
}

static void values_go_from_one_keyspace_to_another(void)
{
	static uint8_t large[2 * BLOB_MIN_BYTES];
	const struct slice values[] = { text("12"), text("some text"), text(""), slice_of(large, sizeof(large)) };
	struct keyspace *from = keys_create();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct file file = { 0 };
		struct rdb_writer writer = { .write = append, .context = &file };
		struct value value;
		struct entry *entry;
		keys_set(from, text("a"), values[i]);
		CU_ASSERT_EQUAL(entry_rdb_type(keys_find(from, text("a"), 0)), RDB_STRING);
		entry_encode(keys_find(from, text("a"), 0), &writer);
		struct rdb_reader *reader = reader_of(&file);
		CU_ASSERT_TRUE_FATAL(value_decode(reader, RDB_STRING, &value));
		CU_ASSERT_EQUAL(keyspace_put_value(from, text("b"), keyspace_hash(text("b")), &value, 900, &entry), KEYSPACE_OK);
		CU_ASSERT_TRUE(slice_equal(entry_string(entry), values[i]));
		CU_ASSERT_EQUAL(keyspace_expiry_ms(from, entry), 900);
		CU_ASSERT_TRUE(value_decode(reader_of(&file), RDB_STRING, &value));
		value_release(&value);
		free(file.bytes);
	}
	CU_ASSERT_EQUAL(keyspace_count(from), 2);
	keys_destroy(&from);
}

static void types_that_are_not_known_are_refused_by_name(void)
{
	struct file file = { 0 };
	struct value value;
	for (unsigned type = 1; type < 256; type++) {
		struct rdb_reader *reader = reader_of(&file);
		CU_ASSERT_FALSE(value_decode(reader, (uint8_t)type, &value));
		CU_ASSERT_PTR_NOT_NULL_FATAL(reader->error);
		if (type > RDB_STREAM_LISTPACKS_5)
			CU_ASSERT_PTR_NOT_NULL(strstr(reader->error, "unknown type"));
	}
}

static void checksums_are_those_of_redis(void)
{
	static const uint8_t digits[] = "123456789";
	CU_ASSERT_EQUAL(crc64(0, digits, 9), 0xe9c6d914c4b8d9ca);
	for (size_t cut = 0; cut <= 9; cut++)
		CU_ASSERT_EQUAL(crc64(crc64(0, digits, cut), digits + cut, 9 - cut), 0xe9c6d914c4b8d9ca);
	CU_ASSERT_EQUAL(crc64(7, digits, 0), 7);
}

/* Long inputs are summed in another way than short ones. */
static void checksums_are_the_same_in_one_step_and_in_many(void)
{
	static uint8_t bytes[3000];
	struct random random = { random_seed("checksum") };
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_next(&random);
	for (int round = 0; round < 300; round++) {
		size_t len = random_below(&random, sizeof(bytes)), from = random_below(&random, sizeof(bytes) - len);
		uint64_t begin = random_next(&random), many = begin;
		for (size_t i = 0; i < len; i++)
			many = crc64(many, bytes + from + i, 1);
		CU_ASSERT_EQUAL(crc64(begin, bytes + from, len), many);
	}
}

static void a_read_that_fails_is_told_from_the_end(void)
{
	struct file file = { .bytes = (uint8_t *)"\x03" "abc", .len = 4, .step = 2 };
	struct rdb_reader *reader = reader_of(&file);
	uint8_t bytes[4];
	CU_ASSERT_TRUE(rdb_read(reader, bytes, 1));
	file.code = EIO;
	CU_ASSERT_FALSE(rdb_read(reader, bytes, 3));
	CU_ASSERT_STRING_EQUAL(reader->error, "it can't be read: Input/output error");
	CU_ASSERT_FALSE(rdb_read(reader, bytes, 1));
}

/* Of strings in the buffer, across its end, and past it. */
static void what_is_read_is_summed(void)
{
	static uint8_t large[5 * BLOB_MIN_BYTES];
	static const size_t lengths[] = { 5, BLOB_MIN_BYTES - 1, 2 * BLOB_MIN_BYTES, 100, 5 * BLOB_MIN_BYTES, 3 };
	struct random random = { random_seed("sum") };
	struct file file = { 0 };
	struct rdb_writer writer = { .write = append, .context = &file };
	uint64_t ends[sizeof(lengths) / sizeof(lengths[0])];
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)random_next(&random);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		rdb_write_string(&writer, slice_of(large, lengths[i]));
		ends[i] = writer.bytes;
	}
	for (size_t every = 1; every < 4; every++) {
		struct rdb_reader *reader = reader_of(&file);
		reader->is_summed = true;
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct slice string;
			struct blob *blob;
			CU_ASSERT_TRUE_FATAL(rdb_read_string(reader, &string, &blob));
			blob_release(&blob);
			if (i % every == 0)
				CU_ASSERT_EQUAL(rdb_checksum(reader), crc64(0, file.bytes, ends[i]));
		}
	}
	free(file.bytes);
}

static void numbers_are_written_as_text(void)
{
	static const struct {
		int64_t number;
		const char *text;
	} numbers[] = { { 0, "0" }, { 9, "9" }, { 10, "10" }, { -1, "-1" }, { INT64_MAX, "9223372036854775807" },
			{ INT64_MIN, "-9223372036854775808" } };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint8_t bytes[NUMBER_TEXT_MAX];
		struct slice written = slice_of(bytes, number_as_text(numbers[i].number, bytes));
		CU_ASSERT_TRUE(slice_equal(written, text(numbers[i].text)));
	}
}

static const struct suite_case cases[] = {
	CASE(strings_are_written_as_redis_writes_them),
	CASE(strings_of_all_lengths_are_read_as_written),
	CASE(lengths_have_all_their_forms),
	CASE(what_is_wrong_is_refused_with_its_place),
	CASE(values_go_from_one_keyspace_to_another),
	CASE(types_that_are_not_known_are_refused_by_name),
	CASE(a_read_that_fails_is_told_from_the_end),
	CASE(what_is_read_is_summed),
	CASE(checksums_are_those_of_redis),
	CASE(checksums_are_the_same_in_one_step_and_in_many),
	CASE(numbers_are_written_as_text),
};

SUITE_MAIN("rdb", cases)

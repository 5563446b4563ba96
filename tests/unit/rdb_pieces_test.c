/*
 * Entries as pieces: what is read back is what the entries were when they were added, encoded as if directly.
 */
#include "storage/formats/rdb_pieces.h"

#include <stdlib.h>

#include "storage/value.h"
#include "support/allocation.h"
#include "support/keys.h"
#include "support/suite.h"

struct bytes {
	uint8_t *data;
	size_t len;
};

static bool append(void *context, const void *data, size_t len)
{
	struct bytes *bytes = context;
	bytes->data = realloc(bytes->data, bytes->len + len);
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	return true;
}

static struct bytes encoded(const struct entry *entry, bool compresses)
{
	struct bytes bytes = { 0 };
	struct rdb_writer writer = { .write = append, .context = &bytes, .compresses = compresses };
	entry_encode(entry, &writer);
	return bytes;
}

static struct bytes value_of(struct rdb_pieces_reader *reader, bool compresses)
{
	struct bytes bytes = { 0 };
	struct rdb_writer writer = { .write = append, .context = &bytes, .compresses = compresses };
	rdb_pieces_write_value(reader, &writer);
	return bytes;
}

static bool equal(struct bytes a, struct bytes b)
{
	bool are_equal = slice_equal(slice_of(a.data, a.len), slice_of(b.data, b.len));
	free(a.data);
	free(b.data);
	return are_equal;
}

static uint8_t large[3 * BLOB_MIN_BYTES];

/* The values, each under its number as the key. */
static const struct {
	const void *bytes;
	size_t len;
} values[] = { { "", 0 }, { "12", 2 }, { "a text", 6 }, { large, 300 }, { large, BLOB_MIN_BYTES - 1 }, { large, sizeof(large) } };
enum { VALUES = sizeof(values) / sizeof(values[0]) };

static struct keyspace *populated(void)
{
	struct keyspace *keyspace = keys_create();
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i / 40);
	for (size_t i = 0; i < VALUES; i++)
		keys_set(keyspace, keys_numbered(i), slice_of(values[i].bytes, values[i].len));
	return keyspace;
}

static const struct entry *entry_of(struct keyspace *keyspace, size_t i)
{
	return keys_find(keyspace, keys_numbered(i), 0);
}

static bool add(struct rdb_pieces *pieces, struct keyspace *keyspace, size_t i)
{
	const struct entry *entry = entry_of(keyspace, i);
	struct rdb_record record = { .key = entry_key(entry), .expiry_ms = (int64_t)i - 2, .database = (uint32_t)(7 * i),
				     .usage = RDB_IDLE_SECONDS, .usage_value = (uint32_t)(100 * i), .type = 99 };
	return rdb_pieces_add(pieces, &record, entry);
}

static void check_record(const struct rdb_record *record, size_t i)
{
	CU_ASSERT_TRUE(slice_equal(record->key, keys_numbered(i)));
	CU_ASSERT_EQUAL(record->expiry_ms, (int64_t)i - 2);
	CU_ASSERT_EQUAL(record->database, 7 * i);
	CU_ASSERT_EQUAL(record->usage, RDB_IDLE_SECONDS);
	CU_ASSERT_EQUAL(record->usage_value, 100 * i);
	CU_ASSERT_EQUAL(record->type, RDB_STRING);
}

/* ---- cases ---- */

static void values_are_encoded_as_if_directly(void)
{
	struct keyspace *keyspace = populated();
	struct rdb_pieces pieces = { 0 };
	for (size_t i = 0; i < VALUES; i++)
		CU_ASSERT_TRUE(add(&pieces, keyspace, i));
	CU_ASSERT_EQUAL(pieces.records, VALUES);
	CU_ASSERT_EQUAL(pieces.blob_bytes, sizeof(large));
	for (int compresses = 0; compresses < 2; compresses++) {
		struct rdb_pieces_reader reader;
		struct rdb_record record;
		rdb_pieces_reader_init(&reader, &pieces);
		for (size_t i = 0; i < VALUES; i++) {
			CU_ASSERT_TRUE_FATAL(rdb_pieces_next(&reader, &record));
			check_record(&record, i);
			CU_ASSERT_TRUE(equal(value_of(&reader, compresses), encoded(entry_of(keyspace, i), compresses)));
		}
		CU_ASSERT_FALSE(rdb_pieces_next(&reader, &record));
	}
	rdb_pieces_fini(&pieces);
	keys_destroy(&keyspace);
}

static void a_value_that_is_not_read_is_skipped(void)
{
	struct keyspace *keyspace = populated();
	struct rdb_pieces pieces = { 0 };
	struct rdb_pieces_reader reader;
	struct rdb_record record;
	for (size_t i = 0; i < VALUES; i++)
		add(&pieces, keyspace, i);
	rdb_pieces_reader_init(&reader, &pieces);
	for (size_t i = 0; i < VALUES; i++) {
		CU_ASSERT_TRUE_FATAL(rdb_pieces_next(&reader, &record));
		check_record(&record, i);
		if (i % 2)
			CU_ASSERT_TRUE(equal(value_of(&reader, true), encoded(entry_of(keyspace, i), true)));
	}
	CU_ASSERT_FALSE(rdb_pieces_next(&reader, &record));
	rdb_pieces_fini(&pieces);
	keys_destroy(&keyspace);
}

static void records_keep_the_value_that_they_were_added_with(void)
{
	struct keyspace *keyspace = populated();
	struct rdb_pieces pieces = { 0 };
	struct rdb_pieces_reader reader;
	struct rdb_record record;
	size_t last = VALUES - 1;
	struct bytes before = encoded(entry_of(keyspace, last), false);
	add(&pieces, keyspace, last);
	CU_ASSERT_TRUE(blob_is_shared(entry_blob(entry_of(keyspace, last))));
	keyspace_own_blob(keyspace, keys_find(keyspace, keys_numbered(last), 0), sizeof(large))->data[0] ^= 1;
	keys_remove(keyspace, keys_numbered(last));
	rdb_pieces_reader_init(&reader, &pieces);
	CU_ASSERT_TRUE(rdb_pieces_next(&reader, &record));
	CU_ASSERT_TRUE(equal(value_of(&reader, false), before));
	rdb_pieces_fini(&pieces);
	keys_destroy(&keyspace);
}

static void cleared_pieces_hold_nothing(void)
{
	struct keyspace *keyspace = populated();
	struct rdb_pieces pieces = { 0 };
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < VALUES; i++)
			CU_ASSERT_TRUE(add(&pieces, keyspace, i));
		rdb_pieces_clear(&pieces);
		CU_ASSERT_EQUAL(pieces.bytes, 0);
		CU_ASSERT_EQUAL(pieces.records, 0);
		CU_ASSERT_EQUAL(pieces.blob_bytes, 0);
		CU_ASSERT_FALSE(blob_is_shared(entry_blob(entry_of(keyspace, VALUES - 1))));
	}
	rdb_pieces_fini(&pieces);
	keys_destroy(&keyspace);
}

static void without_memory_nothing_is_added(void)
{
	struct keyspace *keyspace = populated();
	for (size_t i = 0; i < VALUES; i++) {
		bool has_failed = true;
		for (uint64_t n = 1; has_failed; n++) {
			struct rdb_pieces pieces = { 0 };
			allocation_fail_nth(n, NULL);
			bool is_added = add(&pieces, keyspace, i);
			has_failed = allocation_has_failed();
			allocation_fail_nth(0, NULL);
			CU_ASSERT_EQUAL(is_added, !has_failed);
			CU_ASSERT_EQUAL(pieces.records, is_added);
			CU_ASSERT_EQUAL(pieces.bytes > 0, is_added);
			CU_ASSERT_EQUAL(pieces.blob_count, is_added && i == VALUES - 1);
			CU_ASSERT_TRUE(add(&pieces, keyspace, i));
			rdb_pieces_fini(&pieces);
		}
	}
	keys_destroy(&keyspace);
}

static const struct suite_case cases[] = {
	CASE(values_are_encoded_as_if_directly),
	CASE(a_value_that_is_not_read_is_skipped),
	CASE(records_keep_the_value_that_they_were_added_with),
	CASE(cleared_pieces_hold_nothing),
	CASE(without_memory_nothing_is_added),
};

SUITE_MAIN("rdb_pieces", cases)

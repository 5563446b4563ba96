/*
 * Payloads of DUMP: as Redis writes them; what is hostile in them is refused by RESTORE.
 */
#include "storage/formats/dump.h"

#include <stdlib.h>

#include "storage/formats/crc64.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

#define BYTES(string) slice_of(string, sizeof(string) - 1)

static struct rdb_reader reader;

/* A payload of these bytes, with footer. */
static struct slice payload_of(struct slice bytes, unsigned version)
{
	static uint8_t payload[256];
	memcpy(payload, bytes.data, bytes.len);
	payload[bytes.len] = (uint8_t)version;
	payload[bytes.len + 1] = (uint8_t)(version >> 8);
	uint64_t sum = crc64(0, payload, bytes.len + 2);
	memcpy(payload + bytes.len + 2, &sum, sizeof(sum));
	return slice_of(payload, bytes.len + 10);
}

static struct blob *dumped(struct keyspace *keyspace, struct slice value, bool compresses)
{
	keys_set(keyspace, text("key"), value);
	return dump_encode(keys_find(keyspace, text("key"), 0), compresses);
}

static void payloads_are_those_of_redis(void)
{
	static const struct {
		struct slice value, payload;
	} known[] = {
#define KNOWN(value, payload) { { (const uint8_t *)value, sizeof(value) - 1 }, { (const uint8_t *)payload, sizeof(payload) - 1 } }
		KNOWN("10", "\x00\xc0\x0a\x0a\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb"),
		KNOWN("hello", "\x00\x05hello\x0a\x00\x63\x72\xdf\x76\x65\x34\x20\x0a"),
	};
	struct keyspace *keyspace = keys_create();
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct blob *payload = dumped(keyspace, known[i].value, true);
		CU_ASSERT_TRUE(slice_equal(slice_of(payload->data, payload->len), known[i].payload));
		blob_release(&payload);
	}
	keys_destroy(&keyspace);
}

static void a_dumped_value_is_decoded(void)
{
	static const size_t lengths[] = { 0, 1, 20, 21, 100, BLOB_MIN_BYTES - 1, BLOB_MIN_BYTES, 300000 };
	static uint8_t bytes[300000];
	struct keyspace *keyspace = keys_create();
	struct random random = { random_seed("dump") };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int how = 0; how < 4; how++) {
			struct value value;
			struct entry *entry;
			for (size_t n = 0; n < lengths[i]; n++)
				bytes[n] = how & 1 ? (uint8_t)random_next(&random) : (uint8_t)(n / 100);
			bytes[0] = 'n'; /* no integer: of those the length is a bound */
			struct blob *payload = dumped(keyspace, slice_of(bytes, lengths[i]), how & 2);
			struct slice dump = slice_of(payload->data, payload->len);
			CU_ASSERT_EQUAL(dump_string_len(dump), lengths[i]);
			CU_ASSERT_EQUAL_FATAL(dump_decode(&reader, dump, &value), DUMP_OK);
			CU_ASSERT_EQUAL(keyspace_put_value(keyspace, text("copy"), keyspace_hash(text("copy")), &value, NO_EXPIRY, &entry),
					KEYSPACE_OK);
			CU_ASSERT_TRUE(slice_equal(entry_string(entry), slice_of(bytes, lengths[i])));
			blob_release(&payload);
		}
	keys_destroy(&keyspace);
}

static void only_strings_that_are_short_are_compressed(void)
{
	static uint8_t zeros[2 * BLOB_MIN_BYTES];
	struct keyspace *keyspace = keys_create();
	struct blob *payload = dumped(keyspace, slice_of(zeros, BLOB_MIN_BYTES - 1), true);
	CU_ASSERT(payload->len < BLOB_MIN_BYTES / 10);
	blob_release(&payload);
	payload = dumped(keyspace, slice_of(zeros, BLOB_MIN_BYTES - 1), false);
	CU_ASSERT(payload->len > BLOB_MIN_BYTES);
	blob_release(&payload);
	payload = dumped(keyspace, slice_of(zeros, BLOB_MIN_BYTES), true);
	CU_ASSERT(payload->len > BLOB_MIN_BYTES);
	blob_release(&payload);
	keys_destroy(&keyspace);
}

static void what_is_not_verified_is_refused(void)
{
	struct value value;
	struct slice good = payload_of(BYTES("\x00\x05hello"), 10);
	uint8_t bytes[32];
	CU_ASSERT_EQUAL(dump_decode(&reader, good, &value), DUMP_OK);
	CU_ASSERT_EQUAL(dump_decode(&reader, payload_of(BYTES("\x00\x05hello"), 1), &value), DUMP_OK);
	CU_ASSERT_EQUAL(dump_decode(&reader, payload_of(BYTES("\x00\x05hello"), 11), &value), DUMP_UNVERIFIED);
	CU_ASSERT_EQUAL(dump_decode(&reader, payload_of(BYTES("\x00\x05hello"), 0x0100), &value), DUMP_UNVERIFIED);
	good = payload_of(BYTES("\x00\x05hello"), 10);
	memcpy(bytes, good.data, good.len);
	for (size_t len = 0; len < good.len; len++)
		CU_ASSERT_EQUAL(dump_decode(&reader, slice_of(bytes, len), &value), DUMP_UNVERIFIED);
	for (size_t bit = 0; bit < 8 * good.len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CU_ASSERT_EQUAL(dump_decode(&reader, slice_of(bytes, good.len), &value), DUMP_UNVERIFIED);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void what_is_hostile_is_refused(void)
{
	static const struct slice hostile[] = {
#define HOSTILE(bytes) { (const uint8_t *)bytes, sizeof(bytes) - 1 }
		HOSTILE(""),
		HOSTILE("\x00"),
		HOSTILE("\x00\x05hell"),
		HOSTILE("\x00\x05hello!"),
		HOSTILE("\x00\x81\x00\x00\x00\x00\x20\x00\x00\x01"),
		HOSTILE("\x00\x80\x1f\xff\xff\xff"),
		HOSTILE("\x00\xc3\x01\x80\x1f\xff\xff\xff" "a"),
		HOSTILE("\x00\xc3\x04\x05\xff" "a\x40\x00"),
		HOSTILE("\x00\xc3\x00\x00"),
		HOSTILE("\x00\xc4"),
		HOSTILE("\x01\x01\x01" "a"),
		HOSTILE("\x07\x81\x46\x55\x8f\x10\x5b\x72\xfc\x00"),
		HOSTILE("\xfc\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" "a"),
		HOSTILE("\xff"),
	};
	struct value value;
	struct keyspace *keyspace = keys_create(); /* counts blobs */
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		CU_ASSERT_EQUAL(dump_decode(&reader, payload_of(hostile[i], 10), &value), DUMP_MALFORMED);
	keys_destroy(&keyspace);
}

static void without_memory_there_is_no_payload_and_no_value(void)
{
	static uint8_t bytes[3 * BLOB_MIN_BYTES];
	struct keyspace *keyspace = keys_create();
	struct value value;
	struct blob *payload = NULL;
	keys_set(keyspace, text("key"), slice_of(bytes, sizeof(bytes)));
	for (uint64_t n = 1; !payload; n++) {
		memory_fail_nth(n);
		payload = dump_encode(keys_find(keyspace, text("key"), 0), true);
		memory_fail_nth(0);
		CU_ASSERT(payload || n < 3);
	}
	memory_fail_nth(1);
	CU_ASSERT_EQUAL(dump_decode(&reader, slice_of(payload->data, payload->len), &value), DUMP_NO_MEMORY);
	memory_fail_nth(0);
	blob_release(&payload);
	keys_destroy(&keyspace);
}

static const struct suite_case cases[] = {
	CASE(payloads_are_those_of_redis),
	CASE(a_dumped_value_is_decoded),
	CASE(only_strings_that_are_short_are_compressed),
	CASE(what_is_not_verified_is_refused),
	CASE(what_is_hostile_is_refused),
	CASE(without_memory_there_is_no_payload_and_no_value),
};

SUITE_MAIN("dump", cases)

/*
 * The replication stream, compared with a plain array of bytes under random appends and trims.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/store/replica_stream.h"
#include "support/random.h"
#include "support/suite.h"

#define MODEL_BYTES 200000

static struct blob *make_blob(const uint8_t *data, size_t len)
{
	struct blob *blob = blob_create((uint32_t)len);
	memcpy(blob->data, data, len);
	blob->len = (uint32_t)len;
	return blob;
}

static uint8_t byte_at(const struct replica_stream *stream, uint64_t offset)
{
	const struct stream_piece *piece = replica_stream_find(stream, offset);
	return piece->blob->data[offset - piece->begin];
}

static void every_byte_between_begin_and_end_is_found(void)
{
	static uint8_t model[MODEL_BYTES];
	struct replica_stream stream = { 0 };
	struct random random = { random_seed("replica_stream") };
	for (size_t i = 0; i < MODEL_BYTES; i++)
		model[i] = (uint8_t)random_below(&random, 256);
	while (stream.end + 100 < MODEL_BYTES) {
		size_t len = 1 + random_below(&random, 100);
		replica_stream_append(&stream, make_blob(model + stream.end, len));
		if (random_below(&random, 3) == 0)
			replica_stream_trim(&stream, stream.begin + random_below(&random, stream.end - stream.begin + 1));
		if (stream.begin == stream.end)
			continue;
		uint64_t offset = stream.begin + random_below(&random, stream.end - stream.begin);
		CU_ASSERT_FATAL(byte_at(&stream, offset) == model[offset]);
		CU_ASSERT_FATAL(byte_at(&stream, stream.begin) == model[stream.begin]);
		CU_ASSERT_FATAL(byte_at(&stream, stream.end - 1) == model[stream.end - 1]);
	}
	replica_stream_fini(&stream);
}

static void trim_keeps_the_piece_that_the_offset_is_in(void)
{
	struct replica_stream stream = { 0 };
	replica_stream_reset(&stream, 1000);
	replica_stream_append(&stream, make_blob((const uint8_t *)"abc", 3));
	replica_stream_append(&stream, make_blob((const uint8_t *)"de", 2));
	replica_stream_trim(&stream, 1002);
	CU_ASSERT_EQUAL(stream.begin, 1000);
	replica_stream_trim(&stream, 1003);
	CU_ASSERT_EQUAL(stream.begin, 1003);
	CU_ASSERT_EQUAL(byte_at(&stream, 1004), 'e');
	replica_stream_trim(&stream, 1005);
	CU_ASSERT_EQUAL(stream.begin, 1005);
	CU_ASSERT_EQUAL(stream.blob_bytes, 0);
	replica_stream_fini(&stream);
}

static void reset_releases_all_and_goes_on_elsewhere(void)
{
	struct replica_stream stream = { 0 };
	size_t before = blob_used_bytes();
	replica_stream_append(&stream, make_blob((const uint8_t *)"abc", 3));
	replica_stream_reset(&stream, 77);
	CU_ASSERT_EQUAL(blob_used_bytes(), before);
	CU_ASSERT_EQUAL(stream.begin, 77);
	CU_ASSERT_EQUAL(stream.end, 77);
	replica_stream_fini(&stream);
}

static const struct suite_case cases[] = {
	CASE(every_byte_between_begin_and_end_is_found),
	CASE(trim_keeps_the_piece_that_the_offset_is_in),
	CASE(reset_releases_all_and_goes_on_elsewhere),
};

SUITE_MAIN("replica_stream", cases)

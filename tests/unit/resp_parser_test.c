#include "transport/resp_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/request_feed.h"
#include "support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t all_at_once(void *context)
{
	return SIZE_MAX;
}

static size_t fixed_size(void *context)
{
	return *(size_t *)context;
}

/* One cut: the first call returns its place, later calls the rest. */
static size_t one_cut(void *context)
{
	size_t *place = context;
	size_t piece = *place;
	*place = SIZE_MAX;
	return piece;
}

static size_t random_size(void *context)
{
	return 1 + (size_t)rand_r(context) % 40;
}

static struct buffer transcript_of(const void *stream, size_t len, const struct resp_limits *limits, feed_piece *piece,
				   void *context)
{
	struct buffer transcript = { 0 };
	request_feed(stream, len, limits, piece, context, &transcript);
	if (transcript.failed)
		abort();
	return transcript;
}

static int is_same(const struct buffer *left, const struct buffer *right)
{
	return left->len == right->len && (left->len == 0 || memcmp(left->data, right->data, left->len) == 0);
}

/* The transcript of a stream, which must be the same for every size of piece. */
static void expect(const char *stream, size_t len, const struct resp_limits *limits, const char *expected)
{
	for (size_t size = 1; size <= len; size++) {
		struct buffer transcript = transcript_of(stream, len, limits, fixed_size, &size);
		if (transcript.len != strlen(expected) ||
		    (transcript.len && memcmp(transcript.data, expected, transcript.len) != 0)) {
			fprintf(stderr, "\n%.*s\nin pieces of %zu gave\n%.*s\n", (int)len, stream, size,
				(int)transcript.len, (char *)transcript.data);
			CU_FAIL_FATAL("another transcript");
		}
		buffer_fini(&transcript);
	}
	CU_PASS("as expected");
}

#define EXPECT(stream, expected) \
	do { \
		struct resp_limits redis_limits = request_feed_limits(1 << 20); \
		expect(stream, sizeof(stream) - 1, &redis_limits, expected); \
	} while (0)

static void requests_are_parsed_where_they_lie(void)
{
	uint8_t window[] = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$0\r\n\r\nGET key\r\n";
	struct resp_limits limits = request_feed_limits(1 << 20);
	struct resp_parser parser;
	struct resp_args args = { 0 };
	resp_parser_init(&parser);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, sizeof(window) - 1, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(parser.consumed, 28);
	CU_ASSERT_EQUAL(parser.first_arg, 0);
	CU_ASSERT_EQUAL_FATAL(args.count, 3);
	CU_ASSERT_PTR_EQUAL(args.items[0].data, window + 8);
	CU_ASSERT_EQUAL(args.items[0].len, 3);
	CU_ASSERT_PTR_EQUAL(args.items[1].data, window + 17);
	CU_ASSERT_EQUAL(args.items[2].len, 0);
	CU_ASSERT_EQUAL(args.items[2].is_large, 0);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window + 28, sizeof(window) - 1 - 28, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(parser.consumed, 9);
	CU_ASSERT_EQUAL(parser.first_arg, 3);
	CU_ASSERT_EQUAL_FATAL(args.count, 5);
	CU_ASSERT_PTR_EQUAL(args.items[4].data, window + 28 + 4);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, 0, &args), RESP_INCOMPLETE);
	resp_args_fini(&args);
}

static void requests_without_arguments_are_passed_over(void)
{
	EXPECT("*-1\r\n*0\r\n\r\n\n  \r\n*-9223372036854775808\r\n*1\r\n$4\r\nPING\r\n", "1 4:PING\n");
}

static void errors_have_the_texts_of_redis(void)
{
#define INVALID_ARRAY "Protocol error: invalid multibulk length\n"
	EXPECT("*+3\r\n", INVALID_ARRAY);
	EXPECT("*03\r\n", INVALID_ARRAY);
	EXPECT("* 3\r\n", INVALID_ARRAY);
	EXPECT("*3 \r\n", INVALID_ARRAY);
	EXPECT("*\r\n", INVALID_ARRAY);
	EXPECT("*-0\r\n", INVALID_ARRAY);
	EXPECT("*-\r\n", INVALID_ARRAY);
	EXPECT("*x\r\n", INVALID_ARRAY);
	EXPECT("*2147483648\r\n", INVALID_ARRAY);
	EXPECT("*-9223372036854775809\r\n", INVALID_ARRAY);
	EXPECT("*12345678901234567890\r\n", INVALID_ARRAY);
	EXPECT("*99999999999999999999999999\r\n", INVALID_ARRAY);
#define INVALID_BULK "Protocol error: invalid bulk length\n"
	EXPECT("*1\r\n$-1\r\n", INVALID_BULK);
	EXPECT("*1\r\n$-5\r\n", INVALID_BULK);
	EXPECT("*1\r\n$ 4\r\n", INVALID_BULK);
	EXPECT("*1\r\n$+4\r\n", INVALID_BULK);
	EXPECT("*1\r\n$04\r\n", INVALID_BULK);
	EXPECT("*1\r\n$00\r\n", INVALID_BULK);
	EXPECT("*1\r\n$\r\n", INVALID_BULK);
	EXPECT("*1\r\n$4x\r\n", INVALID_BULK);
	EXPECT("*1\r\n$536870913\r\n", INVALID_BULK);
	EXPECT("*1\r\n$12345678901234567890\r\n", INVALID_BULK);
	EXPECT("*2\r\n$1\r\na\r\nX4\r\n", "Protocol error: expected '$', got 'X'\n");
	EXPECT("*1\r\n*1\r\n", "Protocol error: expected '$', got '*'\n");
	EXPECT("*1\r\n\x01\r\n", "Protocol error: expected '$', got '\x01'\n");
	EXPECT("*1\r\n\xff\r\n", "Protocol error: expected '$', got '\xff'\n");
	EXPECT("*1\r\n\r\n", "Protocol error: expected '$', got '\r'\n");
	EXPECT("PING\r\n\"PING\r\n", "1 4:PING\nProtocol error: unbalanced quotes in request\n");
}

static void an_error_waits_for_the_whole_line_as_in_redis(void)
{
	EXPECT("*1\r\nX", "");
	EXPECT("*1\r\nX\r", "");
	EXPECT("*x\r", "");
	EXPECT("*1\r\n$x", "");
}

static void a_nul_in_a_line_is_refused(void)
{
	EXPECT("*1\0\r\n", INVALID_ARRAY);
	EXPECT("*1\r\n$1\0\r\n", INVALID_BULK);
	EXPECT("*1\r\n\0\r\n", "Protocol error: expected '$', got ' '\n");
}

static void unauthenticated_clients_have_smaller_limits_and_other_texts(void)
{
	struct resp_limits limits = request_feed_limits(1 << 20);
	limits.max_args = 10;
	limits.max_bulk_bytes = 16384;
	limits.unauthenticated = true;
#define STRANGER(stream, expected) expect(stream, sizeof(stream) - 1, &limits, expected)
	STRANGER("*10\r\n", "");
	STRANGER("*11\r\n", "Protocol error: unauthenticated multibulk length\n");
	STRANGER("*2147483647\r\n", "Protocol error: unauthenticated multibulk length\n");
	STRANGER("*2147483648\r\n", INVALID_ARRAY);
	STRANGER("*x\r\n", INVALID_ARRAY);
	STRANGER("*1\r\n$16384\r\n", "");
	STRANGER("*1\r\n$16385\r\n", "Protocol error: unauthenticated bulk length\n");
	STRANGER("*1\r\n$536870912\r\n", "Protocol error: unauthenticated bulk length\n");
	STRANGER("*1\r\n$536870913\r\n", INVALID_BULK);
	STRANGER("*1\r\n$-1\r\n", INVALID_BULK);
	STRANGER("1 2 3 4 5 6 7 8 9 10 11\n", "11 1:1 1:2 1:3 1:4 1:5 1:6 1:7 1:8 1:9 2:10 2:11\n");
}

/* `prefix` and this many digits: one byte too long, or just short enough. */
static void expect_at_length(const char *prefix, size_t line_len, const char *line_end, const char *expected)
{
	struct resp_limits limits = request_feed_limits(1 << 20);
	struct buffer stream = { 0 };
	buffer_append(&stream, prefix, strlen(prefix));
	size_t start = strlen(prefix) - 1;
	while (stream.len < start + line_len)
		buffer_append(&stream, "1", 1);
	buffer_append(&stream, line_end, strlen(line_end));
	size_t sizes[] = { SIZE_MAX, 16384, 65536, 65537, 1000 };
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct buffer transcript = transcript_of(stream.data, stream.len, &limits, fixed_size, &sizes[i]);
		buffer_append(&transcript, "", 1);
		/* For an accepted inline request only the beginning of its transcript is compared. */
		CU_ASSERT_EQUAL(strncmp((char *)transcript.data, expected, strlen(expected)), 0);
		CU_ASSERT_EQUAL(transcript.len == 1, expected[0] == '\0');
		buffer_fini(&transcript);
	}
	buffer_fini(&stream);
}

static void lines_that_never_end_are_refused_at_64_kib(void)
{
	expect_at_length("x", 65536, "", "");
	expect_at_length("x", 65537, "", "Protocol error: too big inline request\n");
	expect_at_length("x", 65536, "\n", "1 65536:x111");
	expect_at_length("x", 65537, "\n", "Protocol error: too big inline request\n");
	expect_at_length("*", 65536, "", "");
	expect_at_length("*", 65537, "", "Protocol error: too big mbulk count string\n");
	expect_at_length("*", 65536, "\r\n", INVALID_ARRAY);
	expect_at_length("*", 65537, "\r\n", "Protocol error: too big mbulk count string\n");
	expect_at_length("*1\r\n$", 65536, "", "");
	expect_at_length("*1\r\n$", 65537, "", "Protocol error: too big bulk count string\n");
	expect_at_length("*1\r\n$", 65536, "\r\n", INVALID_BULK);
	expect_at_length("*1\r\nx", 65537, "", "Protocol error: too big bulk count string\n");
}

static void the_byte_behind_a_cr_and_the_two_behind_a_bulk_may_be_any(void)
{
	EXPECT("*1\rX$4\rYPINGab*1\r\n$4\r\nPING\n\n*1\r\n$4\r\nECHO\r\n", "1 4:PING\n1 4:PING\n1 4:ECHO\n");
	/* The second byte belongs to the end of the bulk, even when the first is `\n`: Redis reads it so. */
	EXPECT("*1\r\n$4\r\nPING\n*1\r\n", "1 4:PING\n1 1:1\n");
}

static void requests_typed_with_bare_newlines_are_understood(void)
{
	EXPECT("*3\n$3\nSET\n$3\nkey\n$5\nvalue\n*2\n$3\nGET\n$3\nkey\n", "3 3:SET 3:key 5:value\n2 3:GET 3:key\n");
	EXPECT("*1\n$4\nPING\nPING\n*1\r\n$4\r\nPING\r\n", "1 4:PING\n1 4:PING\n1 4:PING\n");
	EXPECT("*2\n$4\r\nECHO\r\n$1\na\n*1\r\n$4\nPING\r\n", "2 4:ECHO 1:a\n1 4:PING\n");
	EXPECT("*1\n$1\n\n\n*1\n$2\n\r\n\n", "1 1:\n\n1 2:\r\n\n");
	EXPECT("*0\n*-1\n\n*1\n$0\n\n", "1 0:\n");
	EXPECT("*3\n\r\n", "Protocol error: expected '$', got '\r'\n");
	EXPECT("*1\n\n", "Protocol error: expected '$', got '\n'\n");
	EXPECT("*\n", INVALID_ARRAY);
	EXPECT("*1\n$x\n", INVALID_BULK);
}

/* Every kind of request, also bulks that look like protocol, every byte, and lengths of several digits. */
static void append_mixed_stream(struct buffer *stream)
{
	static const char nasty[] = "*3\r\n$3\r\nSET\r\n$4\r\n\r\n*1\r\n$2\r\n$9\r\n"
				    "*1\n$4\nPING\nECHO \"a\\x00b\" 'c d'\r\n\r\n*0\r\n*-1\r\n"
				    "*2\r\n$0\r\n\r\n$0\r\n\r\n*2\n$1\n\n\n$12\r\n*1\r\n$4\r\nPING\r\n"
				    "set key value\n*1\rX$3\rXfooXX";
	buffer_append(stream, nasty, sizeof(nasty) - 1);
	buffer_printf(stream, "*12\r\n");
	for (int i = 0; i < 12; i++)
		buffer_printf(stream, "$%d\r\n%0*d\r\n", i * 3 + 1, i * 3 + 1, i);
	buffer_printf(stream, "*2\r\n$256\r\n");
	for (int byte = 0; byte < 256; byte++) {
		uint8_t as_byte = (uint8_t)byte;
		buffer_append(stream, &as_byte, 1);
	}
	buffer_printf(stream, "\r\n$300\n%0300d\n", 7);
	buffer_append(stream, nasty, sizeof(nasty) - 1);
}

static void cuts_at_any_byte_change_nothing(void)
{
	struct buffer stream = { 0 };
	append_mixed_stream(&stream);
	uint32_t large_from[] = { 1 << 20, 200, 3, 1 };
	for (size_t i = 0; i < COUNT(large_from); i++) {
		struct resp_limits limits = request_feed_limits(large_from[i]);
		struct buffer whole = transcript_of(stream.data, stream.len, &limits, all_at_once, NULL);
		CU_ASSERT_TRUE(whole.len > 1000);
		int differ = 0;
		for (size_t place = 1; place < stream.len; place++) {
			size_t cut = place, size = place;
			struct buffer in_two = transcript_of(stream.data, stream.len, &limits, one_cut, &cut);
			struct buffer in_many = transcript_of(stream.data, stream.len, &limits, fixed_size, &size);
			differ += !is_same(&whole, &in_two) + !is_same(&whole, &in_many);
			buffer_fini(&in_two);
			buffer_fini(&in_many);
		}
		CU_ASSERT_EQUAL(differ, 0);
		buffer_fini(&whole);
	}
	buffer_fini(&stream);
}

/* A request, sometimes with one wrong byte, so that errors occur at every place too. */
static void append_random_request(struct buffer *stream, unsigned *seed)
{
	const char *line_end = rand_r(seed) % 4 ? "\r\n" : "\n";
	size_t start = stream->len;
	if (rand_r(seed) % 8 == 0)
		buffer_printf(stream, "ECHO \"%d \\x4%d\" '\\''%s", rand_r(seed), rand_r(seed) % 10, line_end);
	else {
		int count = rand_r(seed) % 5;
		buffer_printf(stream, "*%d%s", count, line_end);
		for (int i = 0; i < count; i++) {
			int len = rand_r(seed) % (rand_r(seed) % 8 ? 20 : 400);
			buffer_printf(stream, "$%d%s", len, line_end);
			for (int j = 0; j < len; j++)
				buffer_append(stream, &"$*\r\n1 ab"[rand_r(seed) % 8], 1);
			buffer_append(stream, line_end, strlen(line_end));
		}
	}
	if (rand_r(seed) % 200 == 0)
		stream->data[start + (size_t)rand_r(seed) % (stream->len - start)] = (uint8_t)rand_r(seed);
}

static void random_streams_in_random_pieces_agree_with_the_whole(void)
{
	unsigned seed = (unsigned)random_seed("streams");
	int differ = 0;
	size_t bytes = 0;
	for (int round = 0; round < 2000; round++) {
		struct buffer stream = { 0 };
		for (int i = 0; i < 20; i++)
			append_random_request(&stream, &seed);
		struct resp_limits limits = request_feed_limits(rand_r(&seed) % 2 ? 1 << 20 : 50);
		struct buffer whole = transcript_of(stream.data, stream.len, &limits, all_at_once, NULL);
		struct buffer pieces = transcript_of(stream.data, stream.len, &limits, random_size, &seed);
		differ += !is_same(&whole, &pieces);
		bytes += whole.len;
		buffer_fini(&whole);
		buffer_fini(&pieces);
		buffer_fini(&stream);
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT_TRUE(bytes > 100000);
}

static void a_large_bulk_is_left_to_the_caller(void)
{
	struct resp_limits limits = request_feed_limits(8);
	struct resp_parser parser;
	struct resp_args args = { 0 };
	uint8_t window[] = "*3\r\n$3\r\nSET\r\n$10\r\n01234";
	static const uint8_t bulk[10] = "0123456789";
	resp_parser_init(&parser);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, 17, &args), RESP_INCOMPLETE);
	CU_ASSERT_EQUAL_FATAL(resp_parse(&parser, &limits, window, 23, &args), RESP_LARGE_BULK);
	CU_ASSERT_EQUAL(parser.consumed, 18);
	CU_ASSERT_EQUAL(parser.large_len, 10);
	CU_ASSERT_EQUAL(resp_large_bulk_done(&parser, bulk, &args), RESP_INCOMPLETE);
	uint8_t rest[] = "*3\r\n$3\r\nSET\r\n$10\r\n\r\n$8\r\nABCDEFGH\r";
	resp_args_rebase(&args, 0, window, rest);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, rest, 18, &args), RESP_INCOMPLETE);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, rest, 19, &args), RESP_INCOMPLETE);
	/* Complete except for the line end behind it: an ordinary argument that needs more bytes. */
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, rest, 33, &args), RESP_INCOMPLETE);
	rest[33] = '\n';
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, rest, 34, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(parser.consumed, 34);
	CU_ASSERT_EQUAL_FATAL(args.count, 3);
	CU_ASSERT_PTR_EQUAL(args.items[0].data, rest + 8);
	CU_ASSERT_PTR_EQUAL(args.items[1].data, bulk);
	CU_ASSERT_EQUAL(args.items[1].is_large, 1);
	CU_ASSERT_EQUAL(args.items[1].len, 10);
	CU_ASSERT_PTR_EQUAL(args.items[2].data, rest + 24);
	CU_ASSERT_EQUAL(args.items[2].is_large, 0);
	resp_args_fini(&args);
}

static void a_bulk_that_is_whole_is_never_large(void)
{
	struct resp_limits limits = request_feed_limits(8);
	struct resp_parser parser;
	struct resp_args args = { 0 };
	uint8_t window[] = "*1\r\n$10\r\n0123456789\r\n";
	resp_parser_init(&parser);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, sizeof(window) - 1, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(args.count, 1);
	CU_ASSERT_EQUAL(args.items[0].is_large, 0);
	resp_args_fini(&args);
}

static void a_million_arguments_arrive_in_pieces(void)
{
	struct buffer stream = { 0 };
	buffer_printf(&stream, "*1000000\r\n");
	for (int i = 0; i < 1000000; i++)
		buffer_append(&stream, "$1\r\nx\r\n", 7);
	struct resp_limits limits = request_feed_limits(1 << 20);
	struct resp_parser parser;
	struct resp_args args = { 0 };
	resp_parser_init(&parser);
	enum resp_status status = RESP_INCOMPLETE;
	for (size_t len = 0; len < stream.len && status == RESP_INCOMPLETE; len += 16384)
		status = resp_parse(&parser, &limits, stream.data, len, &args);
	CU_ASSERT_EQUAL(status, RESP_INCOMPLETE);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, stream.data, stream.len, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(parser.consumed, stream.len);
	CU_ASSERT_EQUAL_FATAL(args.count, 1000000);
	CU_ASSERT_PTR_EQUAL(args.items[999999].data, stream.data + stream.len - 3);
	resp_args_fini(&args);
	buffer_fini(&stream);
}

static void what_is_only_declared_costs_no_memory(void)
{
	struct resp_limits limits = request_feed_limits(32768);
	struct resp_parser parser;
	struct resp_args args = { 0 };
	uint8_t window[] = "*2147483647\r\n$536870912\r\n";
	resp_parser_init(&parser);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, 13, &args), RESP_INCOMPLETE);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, sizeof(window) - 1, &args), RESP_LARGE_BULK);
	CU_ASSERT_EQUAL(parser.large_len, 536870912);
	CU_ASSERT_EQUAL(args.capacity, 0);
	resp_args_fini(&args);
}

static void reserve_refuses_what_no_memory_can_hold(void)
{
	struct resp_args args = { 0 };
	CU_ASSERT_FALSE(resp_args_reserve(&args, SIZE_MAX));
	CU_ASSERT_FALSE(resp_args_reserve(&args, SIZE_MAX / sizeof(struct resp_arg)));
	CU_ASSERT_TRUE(resp_args_reserve(&args, 1));
	CU_ASSERT_TRUE(args.capacity >= 1);
	resp_args_fini(&args);
	CU_ASSERT_PTR_NULL(args.items);
}

/* A vector of maximal size: reserving one more fails and changes nothing. */
static struct resp_args full_vector(void)
{
	size_t most = SIZE_MAX / sizeof(struct resp_arg) / 2;
	return (struct resp_args){ .count = most, .capacity = most };
}

static void a_call_without_memory_may_be_tried_again(void)
{
	static const struct {
		const char *stream;
		size_t count;
	} streams[] = { { "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", 2 }, { "*1\n$4\nPING\n", 1 }, { "GET \"key\\n\"\r\n", 2 } };
	struct resp_limits limits = request_feed_limits(1 << 20);
	for (size_t i = 0; i < COUNT(streams); i++) {
		size_t len = strlen(streams[i].stream);
		uint8_t window[64];
		memcpy(window, streams[i].stream, len);
		struct resp_parser parser;
		struct resp_args full = full_vector(), args = { 0 };
		resp_parser_init(&parser);
		CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, len, &full), RESP_NO_MEMORY);
		CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, len, &full), RESP_NO_MEMORY);
		CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, len, &args), RESP_REQUEST);
		CU_ASSERT_EQUAL(args.count, streams[i].count);
		CU_ASSERT_EQUAL(parser.consumed, len);
		resp_args_fini(&args);
	}
}

static void a_large_bulk_without_memory_may_be_tried_again(void)
{
	struct resp_limits limits = request_feed_limits(4);
	struct resp_parser parser;
	struct resp_args full = full_vector(), args = { 0 };
	uint8_t window[] = "*1\r\n$4\r\n\r\n";
	resp_parser_init(&parser);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, 8, &args), RESP_LARGE_BULK);
	CU_ASSERT_EQUAL(resp_large_bulk_done(&parser, window, &full), RESP_NO_MEMORY);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, 8, &args), RESP_LARGE_BULK);
	CU_ASSERT_EQUAL(resp_large_bulk_done(&parser, window, &args), RESP_INCOMPLETE);
	CU_ASSERT_EQUAL(resp_parse(&parser, &limits, window, 10, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(args.count, 1);
	resp_args_fini(&args);
}

static const struct suite_case cases[] = {
	CASE(requests_are_parsed_where_they_lie),
	CASE(requests_without_arguments_are_passed_over),
	CASE(errors_have_the_texts_of_redis),
	CASE(an_error_waits_for_the_whole_line_as_in_redis),
	CASE(a_nul_in_a_line_is_refused),
	CASE(unauthenticated_clients_have_smaller_limits_and_other_texts),
	CASE(lines_that_never_end_are_refused_at_64_kib),
	CASE(the_byte_behind_a_cr_and_the_two_behind_a_bulk_may_be_any),
	CASE(requests_typed_with_bare_newlines_are_understood),
	CASE(cuts_at_any_byte_change_nothing),
	CASE(random_streams_in_random_pieces_agree_with_the_whole),
	CASE(a_large_bulk_is_left_to_the_caller),
	CASE(a_bulk_that_is_whole_is_never_large),
	CASE(a_million_arguments_arrive_in_pieces),
	CASE(what_is_only_declared_costs_no_memory),
	CASE(a_call_without_memory_may_be_tried_again),
	CASE(a_large_bulk_without_memory_may_be_tried_again),
	CASE(reserve_refuses_what_no_memory_can_hold),
};

SUITE_MAIN("resp_parser", cases)

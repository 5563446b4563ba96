#include "transport/resp_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/reply_text.h"
#include "support/suite.h"

/* The replies of a stream, which must be the same for every size of piece. */
static void expect(const char *stream, size_t len, const char *expected)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct buffer text = { 0 };
		reply_text_of_stream(stream, len, piece, &text);
		if (text.len != strlen(expected) || (text.len && memcmp(text.data, expected, text.len) != 0)) {
			fprintf(stderr, "\n%.*s\nin pieces of %zu gave\n%.*s\n", (int)len, stream, piece, (int)text.len,
				(char *)text.data);
			CU_FAIL_FATAL("another reply");
		}
		buffer_fini(&text);
	}
	CU_PASS("as expected");
}

#define EXPECT(stream, expected) expect(stream, sizeof(stream) - 1, expected)

static void replies_of_resp2(void)
{
	EXPECT("+OK\r\n", "simple OK\n");
	EXPECT("+\r\n", "simple \n");
	EXPECT("-ERR syntax error\r\n", "error ERR syntax error\n");
	EXPECT(":0\r\n:-1\r\n:+5\r\n:007\r\n", "integer 0\ninteger -1\ninteger 5\ninteger 7\n");
	EXPECT(":9223372036854775807\r\n:-9223372036854775808\r\n",
	       "integer 9223372036854775807\ninteger -9223372036854775808\n");
	EXPECT("$5\r\nhello\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n", "bulk hello\nbulk \nbulk \r\n\r\n\n");
	EXPECT("$-1\r\n*-1\r\n", "null\nnull\n");
	EXPECT("*0\r\n*2\r\n:1\r\n$1\r\na\r\n", "array[]\narray[integer 1, bulk a]\n");
	EXPECT("*2\r\n*2\r\n*0\r\n+a\r\n*1\r\n*1\r\n$-1\r\n", "array[array[array[], simple a], array[array[null]]]\n");
}

static void replies_of_resp3(void)
{
	EXPECT("_\r\n#t\r\n#f\r\n", "null\nbool 1\nbool 0\n");
	EXPECT(",3.141\r\n,1e3\r\n,-0\r\n", "double 3.141=3.141\ndouble 1e3=1000\ndouble -0=-0\n");
	EXPECT(",inf\r\n,-inf\r\n", "double inf=inf\ndouble -inf=-inf\n");
	EXPECT("(-1234567999999999999999999999999999999\r\n", "big -1234567999999999999999999999999999999\n");
	EXPECT("=29\r\ntxt:This is a verbatim\nstring\r\n=4\r\nmkd:\r\n",
	       "verbatim txt:This is a verbatim\nstring\nverbatim mkd:\n");
	EXPECT("!9\r\nERR a\r\nb!\r\n", "error ERR a\r\nb!\n");
	EXPECT("%2\r\n+a\r\n:1\r\n+b\r\n%0\r\n", "map[simple a, integer 1, simple b, map[]]\n");
	EXPECT("~3\r\n:0\r\n:1\r\n~0\r\n", "set[integer 0, integer 1, set[]]\n");
	EXPECT(">2\r\n+invalidate\r\n_\r\n+OK\r\n", "push[simple invalidate, null]\nsimple OK\n");
}

static void nan_is_a_double(void)
{
	static const char stream[] = ",nan\r\n,-nan\r\n";
	struct resp_reader *reader = resp_reader_create();
	memcpy(resp_reader_room(reader, sizeof(stream) - 1), stream, sizeof(stream) - 1);
	resp_reader_fed(reader, sizeof(stream) - 1);
	for (int i = 0; i < 2; i++) {
		struct resp_reply *reply = NULL;
		CU_ASSERT_EQUAL_FATAL(resp_reader_next(reader, &reply), RESP_READ_REPLY);
		CU_ASSERT_TRUE(isnan(reply->number));
		resp_reply_free(reply);
	}
	resp_reader_destroy(&reader);
	CU_ASSERT_PTR_NULL(reader);
}

static void an_attribute_is_a_reply_of_its_own_or_left_out(void)
{
	EXPECT("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$4\r\nreal\r\n",
	       "attribute[bulk key-popularity, array[bulk key:123, integer 90]]\nbulk real\n");
	EXPECT("|0\r\n+OK\r\n", "attribute[]\nsimple OK\n");
	EXPECT("*3\r\n:1\r\n:2\r\n|1\r\n+ttl\r\n:3600\r\n:3\r\n", "array[integer 1, integer 2, integer 3]\n");
	EXPECT("*2\r\n|1\r\n+a\r\n*2\r\n|1\r\n+b\r\n+c\r\n+d\r\n+e\r\n*1\r\n:1\r\n|0\r\n:2\r\n",
	       "array[array[integer 1], integer 2]\n");
	EXPECT("*1\r\n|1\r\n+a\r\n+b\r\n|1\r\n+c\r\n%1\r\n+d\r\n+e\r\n%1\r\n+f\r\n|1\r\n+g\r\n+h\r\n*0\r\n",
	       "array[map[simple f, array[]]]\n");
}

static void what_is_not_resp_is_refused(void)
{
	EXPECT("PONG\r\n", "error: a reply of unknown type 'P'\n");
	EXPECT("+OK\r\n\r\n", "simple OK\nerror: a reply of unknown type \\x0d\n");
	EXPECT("\xff\r\n", "error: a reply of unknown type \\xff\n");
	EXPECT(":\r\n", "error: not a number\n");
	EXPECT(":-\r\n", "error: not a number\n");
	EXPECT(":1 \r\n", "error: not a number\n");
	EXPECT(":1\n", "error: not a number\n");
	EXPECT(":1\rx", "error: not a number\n");
	EXPECT(":1.5\r\n", "error: not a number\n");
	EXPECT(":9223372036854775808\r\n", "error: a number out of range\n");
	EXPECT(":-9223372036854775809\r\n", "error: a number out of range\n");
	EXPECT(":99999999999999999999\r\n", "error: not a number\n");
	EXPECT("$-2\r\n", "error: a string of impossible length\n");
	EXPECT("$9223372036854775807\r\n", "error: a string of impossible length\n");
	EXPECT("$1\r\nab\r\n", "error: a string that does not end in CR LF\n");
	EXPECT("*-2\r\n", "error: an aggregate of impossible length\n");
	EXPECT("%-1\r\n", "error: an aggregate of impossible length\n");
	EXPECT("*9223372036854775807\r\n", "error: an aggregate of impossible length\n");
	EXPECT("!-1\r\n", "error: a string of impossible length\n");
	EXPECT("+a\rb\r\n", "error: a line that does not end in CR LF\n");
	EXPECT("#x\r\n", "error: not a boolean\n");
	EXPECT("#\r\n", "error: not a boolean\n");
	EXPECT("_x\r\n", "error: not a null\n");
	EXPECT(",\r\n", "error: not a double\n");
	EXPECT(",1.5x\r\n", "error: not a double\n");
	EXPECT(",nanx\r\n", "error: not a double\n");
	EXPECT("(\r\n", "error: a big number without digits\n");
	EXPECT("(-\r\n", "error: a big number without digits\n");
	EXPECT("(12a\r\n", "error: not a big number\n");
	EXPECT("=3\r\ntxt\r\n", "error: a verbatim string without format\n");
	EXPECT("=5\r\ntxt.a\r\n", "error: a verbatim string without format\n");
	EXPECT("*1\r\n?", "error: a reply of unknown type '?'\n");
}

static void streamed_types_are_refused(void)
{
	EXPECT("$?\r\n;4\r\nHell\r\n", "error: streamed strings and aggregates are not supported\n");
	EXPECT("*?\r\n:1\r\n.\r\n", "error: streamed strings and aggregates are not supported\n");
	EXPECT("*2\r\n:1\r\n%?\r\n", "error: streamed strings and aggregates are not supported\n");
}

/* `depth` nested arrays with a number in the innermost. */
static struct buffer nested(int depth, const char *header)
{
	struct buffer stream = { 0 };
	for (int i = 0; i < depth; i++)
		buffer_append(&stream, header, strlen(header));
	buffer_append(&stream, ":7\r\n", 4);
	return stream;
}

static void depth_is_bounded(void)
{
	struct buffer deep = nested(RESP_MAX_DEPTH, "*1\r\n"), deeper = nested(RESP_MAX_DEPTH + 1, "*1\r\n");
	struct buffer attributes = nested(RESP_MAX_DEPTH + 1, "|1\r\n"), text = { 0 };
	reply_text_of_stream(deep.data, deep.len, deep.len, &text);
	buffer_append(&text, "", 1);
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "[integer 7]]]"));
	text.len = 0;
	reply_text_of_stream(deeper.data, deeper.len, 3, &text);
	reply_text_of_stream(attributes.data, attributes.len, 3, &text);
	buffer_append(&text, "", 1);
	CU_ASSERT_STRING_EQUAL(text.data, "error: a reply nested more than 64 deep\nerror: a reply nested more than 64 deep\n");
	buffer_fini(&deep);
	buffer_fini(&deeper);
	buffer_fini(&attributes);
	buffer_fini(&text);
}

static enum resp_read_status feed(struct resp_reader *reader, const void *data, size_t len, struct resp_reply **out_reply)
{
	uint8_t *room = resp_reader_room(reader, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(room);
	memcpy(room, data, len);
	resp_reader_fed(reader, len);
	return resp_reader_next(reader, out_reply);
}

static void what_is_only_declared_costs_no_memory(void)
{
	static const char *const streams[] = {
		"$1000000000000000\r\n", "*1000000000000000\r\n", "%1000000000000000\r\n:1\r\n",
		"*3\r\n*1000000000000\r\n*1000000000000\r\n*1000000000000\r\n",
	};
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct resp_reader *reader = resp_reader_create();
		struct resp_reply *reply = NULL;
		CU_ASSERT_EQUAL(feed(reader, streams[i], strlen(streams[i]), &reply), RESP_READ_MORE);
		CU_ASSERT_PTR_NULL(reply);
		resp_reader_destroy(&reader);
	}
}

static void an_error_is_for_good(void)
{
	struct resp_reader *reader = resp_reader_create();
	struct resp_reply *reply = NULL;
	CU_ASSERT_PTR_NULL(resp_reader_error(reader));
	CU_ASSERT_EQUAL(feed(reader, "?", 1, &reply), RESP_READ_PROTOCOL);
	CU_ASSERT_EQUAL(feed(reader, "+OK\r\n", 5, &reply), RESP_READ_PROTOCOL);
	CU_ASSERT_STRING_EQUAL(resp_reader_error(reader), "a reply of unknown type '?'");
	resp_reader_destroy(&reader);
}

static void room_that_no_memory_holds_is_refused(void)
{
	struct resp_reader *reader = resp_reader_create();
	struct resp_reply *reply = NULL;
	CU_ASSERT_PTR_NULL(resp_reader_room(reader, SIZE_MAX));
	CU_ASSERT_EQUAL(resp_reader_next(reader, &reply), RESP_READ_NO_MEMORY);
	CU_ASSERT_PTR_NULL(resp_reader_room(reader, 1));
	resp_reader_destroy(&reader);
	resp_reader_destroy(&reader);
	resp_reply_free(NULL);
}

/* Replies outlive the reader, and hold every byte. */
static void a_long_string_arrives_in_pieces(void)
{
	size_t len = 8 << 20;
	struct buffer stream = { 0 };
	for (int simple = 0; simple < 2; simple++) {
		stream.len = 0;
		if (simple)
			buffer_printf(&stream, "+");
		else
			buffer_printf(&stream, "$%zu\r\n", len);
		size_t header = stream.len;
		for (size_t i = 0; i < len; i++) {
			uint8_t byte = (uint8_t)(simple ? 'a' + i % 26 : i * 31);
			buffer_append(&stream, &byte, 1);
		}
		buffer_append(&stream, "\r\n+OK\r\n", 7);
		struct resp_reader *reader = resp_reader_create();
		struct resp_reply *reply = NULL, *next = NULL;
		enum resp_read_status status = RESP_READ_MORE;
		size_t piece = 1000, fed = 0;
		for (; fed < stream.len && status == RESP_READ_MORE; fed += piece) {
			piece = stream.len - fed < 1000 ? stream.len - fed : 1000;
			status = feed(reader, stream.data + fed, piece, &reply);
		}
		CU_ASSERT_EQUAL_FATAL(status, RESP_READ_REPLY);
		CU_ASSERT_EQUAL(resp_reader_next(reader, &next), RESP_READ_REPLY);
		resp_reader_destroy(&reader);
		CU_ASSERT_EQUAL_FATAL(reply->len, len);
		CU_ASSERT_EQUAL(memcmp(reply->text, stream.data + header, len), 0);
		CU_ASSERT_EQUAL(reply->text[len], '\0');
		CU_ASSERT_STRING_EQUAL(next->text, "OK");
		resp_reply_free(reply);
		resp_reply_free(next);
	}
	buffer_fini(&stream);
}

/* A random valid reply with at most `depth` more levels. */
static void append_random_reply(struct buffer *stream, unsigned *seed, int depth)
{
	static const char aggregates[] = "*~>%|";
	int kind = rand_r(seed) % (depth > 0 ? 14 : 8);
	int n = rand_r(seed) % 5;
	switch (kind) {
	case 0:
		buffer_printf(stream, "+s%d\r\n", n);
		break;
	case 1:
		buffer_printf(stream, "-ERR %d\r\n", n);
		break;
	case 2:
		buffer_printf(stream, ":%d\r\n", rand_r(seed) - rand_r(seed));
		break;
	case 3:
		buffer_printf(stream, "$%d\r\n%.*s\r\n", n, n, "\r\n:1\r\n");
		break;
	case 4:
		buffer_printf(stream, ",%g\r\n", rand_r(seed) / 7.0);
		break;
	case 5:
		buffer_printf(stream, n == 0 ? "_\r\n" : n == 1 ? "#f\r\n" : "#t\r\n");
		break;
	case 6:
		buffer_printf(stream, "=%d\r\ntxt:%.*s\r\n", n + 4, n, "\r\n\r\n\r\n");
		break;
	case 7:
		buffer_printf(stream, "(%d0000000000000000000000\r\n", n + 1);
		break;
	default: {
		char type = aggregates[rand_r(seed) % 5];
		buffer_printf(stream, "%c%d\r\n", type, n);
		int children = type == '%' || type == '|' ? n * 2 : n;
		for (int i = 0; i < children; i++)
			append_random_reply(stream, seed, depth - 1);
		/* An attribute comes before a reply and doesn't count as one. */
		if (type == '|')
			append_random_reply(stream, seed, depth - 1);
	}
	}
}

static void random_replies_in_pieces_agree_with_the_whole(void)
{
	unsigned seed = (unsigned)random_seed("replies");
	int differ = 0, refused = 0;
	for (int round = 0; round < 500; round++) {
		struct buffer stream = { 0 }, whole = { 0 }, pieces = { 0 };
		for (int i = 0; i < 10; i++)
			append_random_reply(&stream, &seed, 5);
		bool is_broken = round % 4 == 0;
		if (is_broken)
			stream.data[(size_t)rand_r(&seed) % stream.len] = (uint8_t)rand_r(&seed);
		reply_text_of_stream(stream.data, stream.len, stream.len, &whole);
		reply_text_of_stream(stream.data, stream.len, 1 + (size_t)rand_r(&seed) % 50, &pieces);
		buffer_append(&whole, "", 1);
		buffer_append(&pieces, "", 1);
		differ += whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0;
		const char *text = (char *)whole.data;
		refused += !is_broken && (strncmp(text, "error: ", 7) == 0 || strstr(text, "\nerror: "));
		buffer_fini(&stream);
		buffer_fini(&whole);
		buffer_fini(&pieces);
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT_EQUAL(refused, 0);
}

static const struct suite_case cases[] = {
	CASE(replies_of_resp2),
	CASE(replies_of_resp3),
	CASE(nan_is_a_double),
	CASE(an_attribute_is_a_reply_of_its_own_or_left_out),
	CASE(what_is_not_resp_is_refused),
	CASE(streamed_types_are_refused),
	CASE(depth_is_bounded),
	CASE(what_is_only_declared_costs_no_memory),
	CASE(an_error_is_for_good),
	CASE(room_that_no_memory_holds_is_refused),
	CASE(a_long_string_arrives_in_pieces),
	CASE(random_replies_in_pieces_agree_with_the_whole),
};

SUITE_MAIN("resp_reader", cases)

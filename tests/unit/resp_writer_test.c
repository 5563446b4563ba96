#include "transport/resp_writer.h"

#include <math.h>
#include <stdio.h>

#include "support/suite.h"

static struct buffer out;

/* Compares the written bytes and clears the buffer. */
static void expect(const char *expected, size_t len)
{
	if (out.failed || out.len != len || memcmp(out.data, expected, len) != 0) {
		fprintf(stderr, "\nwrote %.*s not %s\n", (int)out.len, (char *)out.data, expected);
		CU_FAIL("another reply");
	} else
		CU_PASS("as expected");
	buffer_fini(&out);
}

#define EXPECT(literal) expect(literal, sizeof(literal) - 1)

static void simple_strings_and_errors_stay_on_one_line(void)
{
	resp_write_simple(&out, "OK");
	resp_write_error(&out, "ERR syntax error", 16);
	resp_write_error(&out, "ERR a\r\nb\n", 9);
	resp_write_simple(&out, "x\ry");
	resp_write_error(&out, "", 0);
	EXPECT("+OK\r\n-ERR syntax error\r\n-ERR a  b \r\n+x y\r\n-\r\n");
}

static void integers_at_their_limits(void)
{
	resp_write_integer(&out, 0);
	resp_write_integer(&out, 9);
	resp_write_integer(&out, 10);
	resp_write_integer(&out, -1);
	resp_write_integer(&out, INT64_MAX);
	resp_write_integer(&out, INT64_MIN);
	EXPECT(":0\r\n:9\r\n:10\r\n:-1\r\n:9223372036854775807\r\n:-9223372036854775808\r\n");
}

static void bulk_strings_hold_any_byte(void)
{
	resp_write_bulk(&out, "a\0\r\n", 4);
	resp_write_bulk(&out, NULL, 0);
	resp_write_bulk_header(&out, 536870912);
	EXPECT("$4\r\na\0\r\n\r\n$0\r\n\r\n$536870912\r\n");
}

static void aggregates_of_resp2_are_arrays(void)
{
	resp_write_array(&out, 3);
	resp_write_map(&out, RESP2, 3);
	resp_write_set(&out, RESP2, 12);
	resp_write_push(&out, RESP2, 2);
	EXPECT("*3\r\n*6\r\n*12\r\n*2\r\n");
}

static void aggregates_of_resp3_have_types_of_their_own(void)
{
	resp_write_array(&out, 0);
	resp_write_map(&out, RESP3, 3);
	resp_write_set(&out, RESP3, 12);
	resp_write_push(&out, RESP3, 2);
	EXPECT("*0\r\n%3\r\n~12\r\n>2\r\n");
}

static void nulls_and_booleans(void)
{
	resp_write_null(&out, RESP2);
	resp_write_null_array(&out, RESP2);
	resp_write_bool(&out, RESP2, true);
	resp_write_bool(&out, RESP2, false);
	EXPECT("$-1\r\n*-1\r\n:1\r\n:0\r\n");
	resp_write_null(&out, RESP3);
	resp_write_null_array(&out, RESP3);
	resp_write_bool(&out, RESP3, true);
	resp_write_bool(&out, RESP3, false);
	EXPECT("_\r\n_\r\n#t\r\n#f\r\n");
}

/* As in the replies of Redis 7.0.15 to ZSCORE and DEBUG PROTOCOL double. */
static void doubles_have_seventeen_digits(void)
{
	double values[] = { 3.141, 0.1, 1e20, 100000, 1e17, 123456789012345680.0, 1e-5, 5e-324,
			    -1.7976931348623157e308, 3, 1e16, 12345678901234567.0, -0.0 };
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		resp_write_double(&out, RESP3, values[i]);
	EXPECT(",3.141\r\n,0.10000000000000001\r\n,1e+20\r\n,100000\r\n,1e+17\r\n,1.2345678901234568e+17\r\n"
	       ",1.0000000000000001e-05\r\n,4.9406564584124654e-324\r\n,-1.7976931348623157e+308\r\n,3\r\n"
	       ",10000000000000000\r\n,12345678901234568\r\n,-0\r\n");
	resp_write_double(&out, RESP2, 3.141);
	resp_write_double(&out, RESP2, INFINITY);
	EXPECT("$5\r\n3.141\r\n$3\r\ninf\r\n");
	resp_write_double(&out, RESP3, INFINITY);
	resp_write_double(&out, RESP3, -INFINITY);
	resp_write_double(&out, RESP3, NAN);
	resp_write_double(&out, RESP3, -NAN);
	EXPECT(",inf\r\n,-inf\r\n,nan\r\n,nan\r\n");
}

static void big_numbers_and_verbatim_strings(void)
{
	static const char digits[] = "1234567999999999999999999999999999999";
	resp_write_big_number(&out, RESP2, digits, 37);
	resp_write_big_number(&out, RESP3, digits, 37);
	EXPECT("$37\r\n1234567999999999999999999999999999999\r\n(1234567999999999999999999999999999999\r\n");
	resp_write_verbatim(&out, RESP2, "txt", "This is a verbatim\nstring", 25);
	resp_write_verbatim(&out, RESP3, "txt", "This is a verbatim\nstring", 25);
	resp_write_verbatim(&out, RESP3, "mkd", "", 0);
	EXPECT("$25\r\nThis is a verbatim\nstring\r\n=29\r\ntxt:This is a verbatim\nstring\r\n=4\r\nmkd:\r\n");
}

static void a_failed_buffer_takes_nothing_more(void)
{
	resp_write_simple(&out, "OK");
	CU_ASSERT_FALSE(buffer_reserve(&out, SIZE_MAX));
	resp_write_integer(&out, 1);
	resp_write_bulk(&out, "x", 1);
	resp_write_error(&out, "ERR", 3);
	resp_write_null(&out, RESP3);
	resp_write_double(&out, RESP3, 1);
	resp_write_verbatim(&out, RESP3, "txt", "x", 1);
	CU_ASSERT_EQUAL(out.len, 5);
	CU_ASSERT_TRUE(out.failed);
	buffer_fini(&out);
}

static const struct suite_case cases[] = {
	CASE(simple_strings_and_errors_stay_on_one_line),
	CASE(integers_at_their_limits),
	CASE(bulk_strings_hold_any_byte),
	CASE(aggregates_of_resp2_are_arrays),
	CASE(aggregates_of_resp3_have_types_of_their_own),
	CASE(nulls_and_booleans),
	CASE(doubles_have_seventeen_digits),
	CASE(big_numbers_and_verbatim_strings),
	CASE(a_failed_buffer_takes_nothing_more),
};

SUITE_MAIN("resp_writer", cases)

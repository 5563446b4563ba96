#include "transport/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

struct bytes {
	const char *data;
	size_t len;
};

#define BYTES(literal) { literal, sizeof(literal) - 1 }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void every_int64_survives_the_round_trip(void)
{
	int64_t values[] = { 0, 1, -1, 9, 10, 99, 100, 101, 999, 1000, -10, -99, -100, INT32_MAX, INT32_MIN, INT64_MAX,
			     INT64_MIN, INT64_MAX - 1, INT64_MIN + 1 };
	for (size_t i = 0; i < COUNT(values); i++) {
		char text[DECIMAL_MAX_BYTES], expected[32];
		size_t len = decimal_format_int64(text, values[i]);
		int expected_len = snprintf(expected, sizeof(expected), "%" PRId64, values[i]);
		CU_ASSERT_EQUAL_FATAL(len, (size_t)expected_len);
		CU_ASSERT_EQUAL(memcmp(text, expected, len), 0);
		int64_t parsed = 42;
		CU_ASSERT_TRUE(decimal_parse_int64(text, len, &parsed));
		CU_ASSERT_EQUAL(parsed, values[i]);
	}
}

static void numbers_of_every_length_survive_the_round_trip(void)
{
	uint64_t value = 1;
	for (int digits = 1; digits <= 20; digits++, value *= 10) {
		for (int off = -1; off <= 1; off++) {
			char text[DECIMAL_MAX_BYTES], expected[32];
			uint64_t near = value + (uint64_t)(int64_t)off, parsed = 42;
			size_t len = decimal_format_uint64(text, near);
			CU_ASSERT_EQUAL_FATAL(len, (size_t)snprintf(expected, sizeof(expected), "%" PRIu64, near));
			CU_ASSERT_EQUAL(memcmp(text, expected, len), 0);
			CU_ASSERT_TRUE(decimal_parse_uint64(text, len, &parsed));
			CU_ASSERT_EQUAL(parsed, near);
		}
	}
}

static void what_is_not_strictly_an_integer_is_refused(void)
{
	static const struct bytes texts[] = {
		BYTES(""), BYTES("-"), BYTES("+1"), BYTES("01"), BYTES("-01"), BYTES("-0"), BYTES(" 1"), BYTES("1 "),
		BYTES("1\0"), BYTES("1a"), BYTES("0x1"), BYTES("--1"), BYTES("1.0"), BYTES("9223372036854775808"),
		BYTES("-9223372036854775809"), BYTES("18446744073709551616"), BYTES("99999999999999999999"),
		BYTES("123456789012345678901"), BYTES("00"), BYTES("\xb1"),
	};
	for (size_t i = 0; i < COUNT(texts); i++) {
		int64_t value = 42;
		CU_ASSERT_FALSE(decimal_parse_int64(texts[i].data, texts[i].len, &value));
		CU_ASSERT_EQUAL(value, 42);
	}
}

static void uint64_knows_its_limit_and_no_sign(void)
{
	uint64_t value = 42;
	CU_ASSERT_TRUE(decimal_parse_uint64("18446744073709551615", 20, &value));
	CU_ASSERT_EQUAL(value, UINT64_MAX);
	value = 42;
	CU_ASSERT_FALSE(decimal_parse_uint64("18446744073709551616", 20, &value));
	CU_ASSERT_FALSE(decimal_parse_uint64("20000000000000000000", 20, &value));
	CU_ASSERT_FALSE(decimal_parse_uint64("-1", 2, &value));
	CU_ASSERT_FALSE(decimal_parse_uint64("", 0, &value));
	CU_ASSERT_EQUAL(value, 42);
}

static void doubles_are_read_as_redis_reads_scores(void)
{
	static const struct {
		const char *text;
		double value;
	} accepted[] = {
		{ "0", 0 },		  { "-1.5", -1.5 },	  { "+1", 1 },	      { ".5", 0.5 },
		{ "1.", 1 },		  { "1e+5", 1e5 },	  { "0x10", 16 },     { "0x1p3", 8 },
		{ "1e-310", 1e-310 },	  { "5e-324", 5e-324 },	  { "inf", INFINITY }, { "-inf", -INFINITY },
		{ "+Infinity", INFINITY }, { "INF", INFINITY },	  { "007", 7 },
		{ "1.7976931348623157e308", 1.7976931348623157e308 },
	};
	for (size_t i = 0; i < COUNT(accepted); i++) {
		double value = 42;
		CU_ASSERT_TRUE(decimal_parse_double(accepted[i].text, strlen(accepted[i].text), &value));
		CU_ASSERT_TRUE(value == accepted[i].value);
	}
}

static void what_redis_calls_no_valid_float_is_refused(void)
{
	static const struct bytes texts[] = {
		BYTES(""), BYTES(" 1"), BYTES("1 "), BYTES("1\n"), BYTES("\t1"), BYTES("nan"), BYTES("NaN"),
		BYTES("-nan"), BYTES("nan(1)"), BYTES("0x"), BYTES("1e400"), BYTES("-1e400"), BYTES("1e-400"),
		BYTES("1e"), BYTES("."), BYTES("--1"), BYTES("1,5"), BYTES("1\0"), BYTES("\0"), BYTES("infinit"),
	};
	for (size_t i = 0; i < COUNT(texts); i++) {
		double value = 42;
		CU_ASSERT_FALSE(decimal_parse_double(texts[i].data, texts[i].len, &value));
		CU_ASSERT_TRUE(value == 42);
	}
}

static void the_longest_text_of_a_double_is_bounded(void)
{
	char *text = malloc(DECIMAL_DOUBLE_MAX_BYTES + 1);
	memset(text, '0', DECIMAL_DOUBLE_MAX_BYTES + 1);
	text[DECIMAL_DOUBLE_MAX_BYTES - 1] = '7';
	double value = 42;
	CU_ASSERT_TRUE(decimal_parse_double(text, DECIMAL_DOUBLE_MAX_BYTES, &value));
	CU_ASSERT_TRUE(value == 7);
	CU_ASSERT_FALSE(decimal_parse_double(text, DECIMAL_DOUBLE_MAX_BYTES + 1, &value));
	free(text);
}

static const struct suite_case cases[] = {
	CASE(every_int64_survives_the_round_trip),
	CASE(numbers_of_every_length_survive_the_round_trip),
	CASE(what_is_not_strictly_an_integer_is_refused),
	CASE(uint64_knows_its_limit_and_no_sign),
	CASE(doubles_are_read_as_redis_reads_scores),
	CASE(what_redis_calls_no_valid_float_is_refused),
	CASE(the_longest_text_of_a_double_is_bounded),
};

SUITE_MAIN("decimal", cases)

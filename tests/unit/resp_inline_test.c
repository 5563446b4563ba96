#include "transport/resp_inline.h"

#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

#define MOST_ARGS 4

struct expectation {
	const char *line;
	enum resp_status status;
	const char *args[MOST_ARGS]; /* up to the first NULL */
};

/* The results are those of Redis 7.0.15. */
static const struct expectation expectations[] = {
	{ "PING", RESP_REQUEST, { "PING" } },
	{ "  SET\tkey  value ", RESP_REQUEST, { "SET", "key", "value" } },
	{ "'PING'", RESP_REQUEST, { "PING" } },
	{ "ECHO \"\"", RESP_REQUEST, { "ECHO", "" } },
	{ "'' \"\"", RESP_REQUEST, { "", "" } },
	{ "\"\\x41\\n\\r\\t\\b\\a\\q\\\\\\\"\\x4\\xzz\"", RESP_REQUEST, { "A\n\r\t\b\aq\\\"x4xzz" } },
	{ "\"\\xfF\\x0a\"", RESP_REQUEST, { "\xff\n" } },
	{ "'a\\'b'", RESP_REQUEST, { "a'b" } },
	{ "'a\\nb\\\\ '", RESP_REQUEST, { "a\\nb\\\\ " } },
	{ "a\"b c\" d", RESP_REQUEST, { "ab c", "d" } },
	{ "a'b c' d", RESP_REQUEST, { "ab c", "d" } },
	{ "a\\n", RESP_REQUEST, { "a\\n" } },
	{ "\"it's\" '\"'", RESP_REQUEST, { "it's", "\"" } },
	{ "a\vb \f\vc\f", RESP_REQUEST, { "a\vb", "c\f" } },
	{ "a\rb", RESP_REQUEST, { "a", "b" } },
	{ "\"a\"\v", RESP_REQUEST, { "a" } },
	{ "\xff\x80", RESP_REQUEST, { "\xff\x80" } },
	{ "", RESP_EMPTY, { NULL } },
	{ " \t\v\f\r ", RESP_EMPTY, { NULL } },
	{ "\"PING", RESP_ERROR, { NULL } },
	{ "'PING", RESP_ERROR, { NULL } },
	{ "\"PING\"x", RESP_ERROR, { NULL } },
	{ "'PING'x", RESP_ERROR, { NULL } },
	{ "'PING''x'", RESP_ERROR, { NULL } },
	{ "a \"b\\", RESP_ERROR, { NULL } },
	{ "a \"b\\\"", RESP_ERROR, { NULL } },
	{ "a 'b\\'", RESP_ERROR, { NULL } },
	{ "a 'b\\", RESP_ERROR, { NULL } },
	{ "a 'b\\\\'", RESP_ERROR, { NULL } },
	{ "a \"b\\x4", RESP_ERROR, { NULL } },
	{ "a \"", RESP_ERROR, { NULL } },
};

/* In memory of exactly its size, so that the address sanitizer finds reads past its end. */
static uint8_t *exact_copy(const char *line, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	memcpy(copy, line, len);
	return copy;
}

static int agrees(const struct expectation *expected, enum resp_status status, const struct resp_args *args)
{
	if (status != expected->status)
		return 0;
	size_t count = 0;
	while (count < MOST_ARGS && expected->args[count])
		count++;
	if (args->count != count)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (args->items[i].len != strlen(expected->args[i]) ||
		    memcmp(args->items[i].data, expected->args[i], args->items[i].len) != 0)
			return 0;
	return 1;
}

static void lines_are_split_as_redis_splits_them(void)
{
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *expected = &expectations[i];
		size_t len = strlen(expected->line);
		uint8_t *line = exact_copy(expected->line, len);
		struct resp_args args = { 0 };
		enum resp_status status = resp_split_inline(line, len, &args);
		if (!agrees(expected, status, &args))
			CU_FAIL_FATAL(expected->line);
		resp_args_fini(&args);
		free(line);
	}
	CU_PASS("all lines");
}

static void arguments_are_appended_behind_those_before(void)
{
	uint8_t first[] = "a b", second[] = "c \"d";
	struct resp_args args = { 0 };
	CU_ASSERT_EQUAL(resp_split_inline(first, 3, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(args.count, 2);
	CU_ASSERT_EQUAL(resp_split_inline(second, 4, &args), RESP_ERROR);
	CU_ASSERT_EQUAL(args.count, 2);
	CU_ASSERT_EQUAL(resp_split_inline(second, 1, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL_FATAL(args.count, 3);
	CU_ASSERT_PTR_EQUAL(args.items[0].data, first);
	CU_ASSERT_PTR_EQUAL(args.items[2].data, second);
	resp_args_fini(&args);
}

static void a_nul_is_a_byte_like_any_other(void)
{
	uint8_t line[] = "a\0b '\0'";
	struct resp_args args = { 0 };
	CU_ASSERT_EQUAL(resp_split_inline(line, sizeof(line) - 1, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL_FATAL(args.count, 2);
	CU_ASSERT_EQUAL(args.items[0].len, 3);
	CU_ASSERT_EQUAL(args.items[1].len, 1);
	resp_args_fini(&args);
}

static void a_line_of_one_letter_words_has_them_all(void)
{
	size_t words = 32768;
	uint8_t *line = malloc(words * 2);
	for (size_t i = 0; i < words; i++) {
		line[i * 2] = 'w';
		line[i * 2 + 1] = ' ';
	}
	struct resp_args args = { 0 };
	CU_ASSERT_EQUAL(resp_split_inline(line, words * 2 - 1, &args), RESP_REQUEST);
	CU_ASSERT_EQUAL(args.count, words);
	resp_args_fini(&args);
	free(line);
}

static const struct suite_case cases[] = {
	CASE(lines_are_split_as_redis_splits_them),
	CASE(arguments_are_appended_behind_those_before),
	CASE(a_nul_is_a_byte_like_any_other),
	CASE(a_line_of_one_letter_words_has_them_all),
};

SUITE_MAIN("resp_inline", cases)

/* The results of Redis 7.0.15 (KEYS, CONFIG GET) for the same patterns. */
#include "storage/glob.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/random.h"
#include "support/suite.h"

struct example {
	const char *pattern;
	const char *text;
	bool matches;
};

static bool matches(const char *pattern, const char *string, enum glob_case letter_case)
{
	return glob_matches(slice_of(pattern, strlen(pattern)), slice_of(string, strlen(string)), letter_case);
}

static void check(const struct example *examples, size_t count, enum glob_case letter_case)
{
	for (size_t i = 0; i < count; i++) {
		bool got = matches(examples[i].pattern, examples[i].text, letter_case);
		if (got != examples[i].matches)
			printf("'%s' on '%s': %d\n", examples[i].pattern, examples[i].text, got);
		CU_ASSERT_EQUAL(got, examples[i].matches);
	}
}

#define CHECK(examples, letter_case) check(examples, sizeof(examples) / sizeof((examples)[0]), letter_case)

static void stars_and_question_marks(void)
{
	static const struct example examples[] = {
		{ "abc", "abc", true },	    { "abc", "abd", false },	{ "abc", "abcd", false },   { "abc", "ab", false },
		{ "*", "abc", true },	    { "***", "a", true },	{ "a*", "a", true },	    { "a*c", "abbc", true },
		{ "a*c", "abcd", false },   { "*b*", "abc", true },	{ "a*b*c", "aXbYbZc", true }, { "*abc", "ababc", true },
		{ "?", "a", true },	    { "?", "ab", false },	{ "??", "ab", true },	    { "a?c", "abc", true },
		{ "*?", "a", true },	    { "?*?", "a", false },	{ "*a*a", "aba", true },    { "*ab*ab", "abXab", true },
		{ "*ab*ab", "ab", false },
	};
	CHECK(examples, GLOB_EXACT_CASE);
}

static void empty_text_matches_the_empty_pattern_only(void)
{
	static const struct example examples[] = { { "", "", true }, { "*", "", false }, { "**", "", false }, { "", "a", false } };
	CHECK(examples, GLOB_EXACT_CASE);
}

static void classes_and_ranges(void)
{
	static const struct example examples[] = {
		{ "[abc]", "b", true },	   { "[abc]", "d", false },  { "[^abc]", "d", true },  { "[^abc]", "a", false },
		{ "[a-c]", "b", true },	   { "[c-a]", "b", true },   { "[c-a]", "d", false },  { "[^a-c]x", "dx", true },
		{ "h[ae]llo", "hallo", true }, { "[a-cx-z]", "y", true }, { "*[0-9]", "key7", true }, { "[a^]", "^", true },
		{ "[a-cx-z]", "m", false },
	};
	CHECK(examples, GLOB_EXACT_CASE);
}

static void closing_bracket_closes_even_in_first_place(void)
{
	static const struct example examples[] = {
		{ "[]", "]", false }, { "[]a]", "a", false }, { "[]a]", "a]", false }, { "[^]", "x", true }, { "[^]b", "xb", true },
	};
	CHECK(examples, GLOB_EXACT_CASE);
}

static void unterminated_class_ends_with_the_pattern(void)
{
	static const struct example examples[] = {
		{ "[abc", "b", true }, { "[abc", "bc", false }, { "[", "a", false }, { "[^", "a", true }, { "[a-", "-", true },
		{ "[a-", "b", false }, { "x[a-z", "xm", true },
	};
	CHECK(examples, GLOB_EXACT_CASE);
}

static void range_takes_a_closing_bracket_as_its_end(void)
{
	/* `[a-]` is the range from ']' to 'a', of a class that is never closed. */
	static const struct example examples[] = {
		{ "[a-]", "a", true }, { "[a-]", "_", true }, { "[a-]", "-", false }, { "[a-]]", "a", true }, { "[a-]]", "a]", false },
	};
	CHECK(examples, GLOB_EXACT_CASE);
}

static void backslash_takes_the_next_byte_as_it_is(void)
{
	static const struct example examples[] = {
		{ "\\*", "*", true },	  { "\\*", "a", false },     { "a\\?b", "a?b", true },	{ "\\\\", "\\", true },
		{ "\\", "\\", true },	  { "ab\\", "ab\\", true },  { "[\\]]", "]", true },	{ "[\\^a]", "^", true },
		{ "[a\\-z]", "-", true }, { "[a\\-z]", "m", false }, { "[\\", "\\", true },	{ "\\a", "a", true },
	};
	CHECK(examples, GLOB_EXACT_CASE);
}

static void any_case_folds_letters_but_not_escaped_ones_of_a_class(void)
{
	static const struct example examples[] = {
		{ "MaxMemory", "maxmemory", true }, { "m[A-B]x", "max", true }, { "m[Z-A]x", "max", true }, { "[M]ax", "max", true },
		{ "[\\M]ax", "max", false },	    { "[^A]", "a", false },	{ "\\M*", "max", true },    { "MAX*", "max", true },
	};
	CHECK(examples, GLOB_ANY_CASE);
	CU_ASSERT_FALSE(matches("MaxMemory", "maxmemory", GLOB_EXACT_CASE));
	CU_ASSERT_FALSE(matches("[A-Z]", "m", GLOB_EXACT_CASE));
}

static void any_byte_may_occur(void)
{
	static const uint8_t string[] = { 0, 0xff, '\n', 0x80 };
	static const uint8_t pattern[] = { 0, '?', '*', '[', 0x7f, '-', 0x81, ']' };
	CU_ASSERT_TRUE(glob_matches(slice_of(pattern, sizeof(pattern)), slice_of(string, sizeof(string)), GLOB_EXACT_CASE));
	CU_ASSERT_FALSE(glob_matches(slice_of(pattern, sizeof(pattern)), slice_of(string, 3), GLOB_EXACT_CASE));
}

static void many_stars_take_no_exponential_time(void)
{
	/* With a branch at each star this would take exponential time. */
	char pattern[401], string[20001];
	for (int i = 0; i < 400; i += 2)
		memcpy(pattern + i, "a*", 2);
	pattern[399] = 'b';
	pattern[400] = 0;
	memset(string, 'a', 20000);
	string[20000] = 0;
	CU_ASSERT_FALSE(matches(pattern, string, GLOB_EXACT_CASE));
	pattern[399] = '*';
	CU_ASSERT_TRUE(matches(pattern, string, GLOB_EXACT_CASE));
}

/* A matcher for `*`, `?` and plain bytes that tries everything. */
static bool tries(const char *pattern, const char *string)
{
	if (*pattern == '*')
		return tries(pattern + 1, string) || (*string && tries(pattern, string + 1));
	if (*pattern == 0 || *string == 0)
		return *pattern == *string;
	return (*pattern == '?' || *pattern == *string) && tries(pattern + 1, string + 1);
}

static void random_patterns_match_what_trying_everything_matches(void)
{
	struct random random = { random_seed("glob") };
	int matched = 0;
	for (int i = 0; i < 100000; i++) {
		char pattern[10] = "", string[10] = "";
		uint64_t pattern_len = random_below(&random, 9), string_len = 1 + random_below(&random, 8);
		for (uint64_t j = 0; j < pattern_len; j++)
			pattern[j] = "ab*?*"[random_below(&random, 5)];
		for (uint64_t j = 0; j < string_len; j++)
			string[j] = "ab"[random_below(&random, 2)];
		bool expected = tries(pattern, string);
		matched += expected;
		if (matches(pattern, string, GLOB_EXACT_CASE) != expected)
			printf("'%s' on '%s' should be %d\n", pattern, string, expected);
		CU_ASSERT_EQUAL_FATAL(matches(pattern, string, GLOB_EXACT_CASE), expected);
	}
	CU_ASSERT(matched > 10000 && matched < 90000);
}

static const struct suite_case cases[] = {
	CASE(stars_and_question_marks),
	CASE(empty_text_matches_the_empty_pattern_only),
	CASE(classes_and_ranges),
	CASE(closing_bracket_closes_even_in_first_place),
	CASE(unterminated_class_ends_with_the_pattern),
	CASE(range_takes_a_closing_bracket_as_its_end),
	CASE(backslash_takes_the_next_byte_as_it_is),
	CASE(any_case_folds_letters_but_not_escaped_ones_of_a_class),
	CASE(any_byte_may_occur),
	CASE(many_stars_take_no_exponential_time),
	CASE(random_patterns_match_what_trying_everything_matches),
};

SUITE_MAIN("glob", cases)

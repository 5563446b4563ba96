#include "actors/runtime/printable.h"

#include <string.h>

#include "support/suite.h"

static void check(const char *text, const char *expected)
{
	char shown[256];
	size_t len = printable_escape(text, shown, sizeof(shown));
	CU_ASSERT_STRING_EQUAL(shown, expected);
	CU_ASSERT_EQUAL(len, strlen(expected));
}

static void text_stays_as_it_is(void)
{
	check("", "");
	check("plain ~text\\", "plain ~text\\");
	check("caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80");
}

static void control_characters_are_escaped(void)
{
	check("a\r\nb\tc", "a\\r\\nb\\tc");
	check("\x1b[2J\x7f\x01", "\\x1b[2J\\x7f\\x01");
}

/* A terminal treats 0x9b and U+009B as ESC [. */
static void c1_control_characters_are_escaped_raw_and_in_utf8(void)
{
	check("\x9b" "2J", "\\x9b2J");
	check("\xc2\x9b" "2J", "\\xc2\\x9b2J");
	check("\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0");
}

/* Characters for direction, lines and width, which make others look different. */
static void characters_that_act_on_others_are_escaped(void)
{
	check("\xe2\x80\xae" "evil", "\\xe2\\x80\\xaeevil");
	check("\xe2\x80\xa8", "\\xe2\\x80\\xa8");
	check("\xe2\x80\x8b", "\\xe2\\x80\\x8b");
	check("\xef\xbb\xbf", "\\xef\\xbb\\xbf");
	check("\xf3\xa0\x80\x81", "\\xf3\\xa0\\x80\\x81");
}

static void what_is_no_utf8_is_escaped(void)
{
	check("\xc3", "\\xc3");
	check("\xc3(", "\\xc3(");
	check("\x80", "\\x80");
	check("\xc0\xaf", "\\xc0\\xaf");
	check("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	check("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
	check("\xed\xa0\x80", "\\xed\\xa0\\x80");
	check("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	check("\xff\xfe", "\\xff\\xfe");
}

static void what_does_not_fit_is_cut_whole(void)
{
	char shown[6];
	CU_ASSERT_EQUAL(printable_escape("ab\x01" "c", shown, sizeof(shown)), 2);
	CU_ASSERT_STRING_EQUAL(shown, "ab");
	CU_ASSERT_EQUAL(printable_escape("abcd\xc3\xa9", shown, sizeof(shown)), 4);
	CU_ASSERT_STRING_EQUAL(shown, "abcd");
	CU_ASSERT_EQUAL(printable_escape("abcdefg", shown, sizeof(shown)), 5);
}

static const struct suite_case cases[] = {
	CASE(text_stays_as_it_is),
	CASE(control_characters_are_escaped),
	CASE(c1_control_characters_are_escaped_raw_and_in_utf8),
	CASE(characters_that_act_on_others_are_escaped),
	CASE(what_is_no_utf8_is_escaped),
	CASE(what_does_not_fit_is_cut_whole),
};

SUITE_MAIN("printable", cases)

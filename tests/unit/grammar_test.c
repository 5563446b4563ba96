#include "support/suite.h"

#include <string.h>

#include "actors/store/commands/grammar.h"

static struct argument arguments[GRAMMAR_NODES_MAX];
static struct shape shapes[GRAMMAR_NODES_MAX];

static int parse(const char *text)
{
	const char *error;
	return arguments_parse(text, arguments, &error);
}

static int is_text(struct slice slice, const char *text)
{
	return slice_equal(slice, slice_of(text, strlen(text)));
}

static void values_have_names_and_types(void)
{
	CU_ASSERT_EQUAL(parse("key:key value:string"), 2);
	CU_ASSERT(is_text(arguments[0].name, "key"));
	CU_ASSERT_EQUAL(arguments[0].type, ARGUMENT_KEY);
	CU_ASSERT(is_text(arguments[1].name, "value"));
	CU_ASSERT_EQUAL(arguments[1].type, ARGUMENT_STRING);
	CU_ASSERT_EQUAL(arguments[1].token.len, 0);
}

static void nothing_is_no_argument(void)
{
	CU_ASSERT_EQUAL(parse(""), 0);
}

static void a_word_in_front_becomes_the_token(void)
{
	CU_ASSERT_EQUAL(parse("[COUNT count:integer] 'km' GET"), 3);
	CU_ASSERT(is_text(arguments[0].token, "COUNT"));
	CU_ASSERT(is_text(arguments[0].name, "count"));
	CU_ASSERT(arguments[0].is_optional);
	CU_ASSERT_EQUAL(arguments[1].type, ARGUMENT_WORD);
	CU_ASSERT(is_text(arguments[1].token, "km"));
	CU_ASSERT(is_text(arguments[2].name, "GET"));
	CU_ASSERT_FALSE(arguments[2].is_optional);
}

static void a_choice_holds_its_alternatives(void)
{
	CU_ASSERT_EQUAL(parse("[expiration: EX seconds:integer | KEEPTTL] key:key"), 4);
	CU_ASSERT_EQUAL(arguments[0].type, ARGUMENT_ONE_OF);
	CU_ASSERT_EQUAL(arguments[0].size, 3);
	CU_ASSERT(arguments[0].is_optional);
	CU_ASSERT(is_text(arguments[1].token, "EX"));
	CU_ASSERT_EQUAL(arguments[2].type, ARGUMENT_WORD);
	CU_ASSERT_EQUAL(arguments[3].type, ARGUMENT_KEY);
}

static void an_alternative_of_several_parts_becomes_a_block(void)
{
	CU_ASSERT_EQUAL(parse("(range: key:key | min:integer max:integer | ALL)"), 6);
	CU_ASSERT_EQUAL(arguments[0].size, 6);
	CU_ASSERT_EQUAL(arguments[1].type, ARGUMENT_KEY);
	CU_ASSERT_EQUAL(arguments[2].type, ARGUMENT_BLOCK);
	CU_ASSERT_EQUAL(arguments[2].size, 3);
	CU_ASSERT(is_text(arguments[2].name, "min"));
	CU_ASSERT_EQUAL(arguments[5].type, ARGUMENT_WORD);
}

static void repetition_is_of_the_value_or_of_its_word_too(void)
{
	CU_ASSERT_EQUAL(parse("(pair: key:key value:string)... [GET pattern:pattern]... id:integer..."), 5);
	CU_ASSERT_EQUAL(arguments[0].type, ARGUMENT_BLOCK);
	CU_ASSERT(arguments[0].is_multiple);
	CU_ASSERT_FALSE(arguments[0].repeats_token);
	CU_ASSERT(arguments[3].is_multiple && arguments[3].repeats_token && arguments[3].is_optional);
	CU_ASSERT(arguments[4].is_multiple);
	CU_ASSERT_FALSE(arguments[4].repeats_token);
}

static void a_group_may_follow_a_word(void)
{
	CU_ASSERT_EQUAL(parse("[LIMIT (page: offset:integer count:integer)]"), 3);
	CU_ASSERT(is_text(arguments[0].token, "LIMIT"));
	CU_ASSERT(is_text(arguments[0].name, "page"));
	CU_ASSERT_EQUAL(arguments[0].type, ARGUMENT_BLOCK);
	CU_ASSERT(arguments[0].is_optional);
}

static void mistakes_are_refused(void)
{
	static const char *const wrong[] = {
		"key", "key:", "key:nothing", ":key", "[key:key", "(a:key", "]", "|", "[]", "(name: )", "(name: a:key | )",
		"(a:key | b:key)", "[a:key b:key]", "'km", "a:key,", "(a: (b: (c: (d: (e: (f: (g: (h: (i: x:key)))))))))",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *error = NULL;
		CU_ASSERT_EQUAL(arguments_parse(wrong[i], arguments, &error), -1);
		CU_ASSERT_PTR_NOT_NULL(error);
	}
}

static void too_many_arguments_are_refused(void)
{
	char text[2 * (GRAMMAR_NODES_MAX + 1) + 1] = "";
	for (int i = 0; i <= GRAMMAR_NODES_MAX; i++)
		strcat(text, "A ");
	CU_ASSERT_EQUAL(parse(text), -1);
}

static void expect_rendered(const char *text, const char *expected)
{
	struct buffer out = { 0 };
	arguments_render(text, &out);
	CU_ASSERT(is_text(slice_of(out.data, out.len), expected));
	buffer_fini(&out);
}

static void arguments_are_rendered_for_people(void)
{
	expect_rendered("key:key value:string [condition: NX | XX] [GET] [expiration: EX s:integer | KEEPTTL]",
			"key value [NX|XX] [GET] [EX s|KEEPTTL]");
	expect_rendered("(pair: key:key value:string)...", "key value [key value ...]");
	expect_rendered("key:key...", "key [key ...]");
	expect_rendered("[PREFIX prefix:string]...", "[PREFIX prefix [PREFIX prefix ...]]");
	expect_rendered("(mode: ON | OFF)", "<ON|OFF>");
	expect_rendered("[TYPE (type: A | B)] [ID (id: client:integer...)]", "[TYPE <A|B>] [ID client [client ...]]");
	expect_rendered("[name:string...]", "[name [name ...]]");
}

static void shapes_are_trees(void)
{
	const char *error;
	CU_ASSERT_EQUAL(shape_parse("tuple(bulk-string, array(bulk-string | null), integer)", shapes, &error), 7);
	CU_ASSERT_EQUAL(shapes[0].type, SHAPE_TUPLE);
	CU_ASSERT_EQUAL(shapes[0].size, 7);
	CU_ASSERT_EQUAL(shapes[2].type, SHAPE_ARRAY);
	CU_ASSERT_EQUAL(shapes[2].size, 4);
	CU_ASSERT_EQUAL(shapes[3].type, SHAPE_ONE_OF);
	CU_ASSERT_EQUAL(shapes[3].size, 3);
	CU_ASSERT_EQUAL(shapes[6].type, SHAPE_INTEGER);
}

static void wrong_shapes_are_refused(void)
{
	static const char *const wrong[] = {
		"", "strin", "array", "array()", "array(integer", "map(integer)", "set(integer, integer)", "integer |",
		"integer integer", "integer)",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *error = NULL;
		CU_ASSERT_EQUAL(shape_parse(wrong[i], shapes, &error), -1);
		CU_ASSERT_PTR_NOT_NULL(error);
	}
}

static const struct suite_case cases[] = {
	CASE(values_have_names_and_types),
	CASE(nothing_is_no_argument),
	CASE(a_word_in_front_becomes_the_token),
	CASE(a_choice_holds_its_alternatives),
	CASE(an_alternative_of_several_parts_becomes_a_block),
	CASE(repetition_is_of_the_value_or_of_its_word_too),
	CASE(a_group_may_follow_a_word),
	CASE(mistakes_are_refused),
	CASE(too_many_arguments_are_refused),
	CASE(arguments_are_rendered_for_people),
	CASE(shapes_are_trees),
	CASE(wrong_shapes_are_refused),
};

SUITE_MAIN("grammar", cases)

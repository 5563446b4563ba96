#include "actors/persistence/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/suite.h"

#define LAST "file a.2.incr.aof seq 2 type i\n"

static bool parse(const char *text, size_t len, struct manifest *out, struct manifest_error *out_error)
{
	char *exact = malloc(len + (len == 0)); /* a sanitizer sees reads beyond the text */
	memcpy(exact, text, len);
	bool is_parsed = manifest_parse(exact, len, out, out_error);
	free(exact);
	return is_parsed;
}

static bool parses(const char *text)
{
	struct manifest manifest;
	struct manifest_error error;
	bool is_parsed = parse(text, strlen(text), &manifest, &error);
	manifest_fini(&manifest);
	return is_parsed;
}

static const char *print(const struct manifest *manifest)
{
	static char text[4096];
	struct buffer out = { 0 };
	CU_ASSERT_TRUE(manifest_print(manifest, &out));
	CU_ASSERT_TRUE(out.len < sizeof(text));
	memcpy(text, out.data, out.len);
	text[out.len] = '\0';
	buffer_fini(&out);
	return text;
}

/* Parses the text and prints what it says. */
static const char *again(const char *text)
{
	struct manifest manifest;
	struct manifest_error error;
	if (!parse(text, strlen(text), &manifest, &error))
		return error.reason;
	const char *printed = print(&manifest);
	manifest_fini(&manifest);
	return printed;
}

static void every_pair_is_read(void)
{
	static const char text[] = "file a.1.base.rdb seq 1 type b qcache-sequence 18446744073709551615\n"
				   "file old seq 9 type h\n"
				   "file a.5.incr.aof seq 5 type i\n"
				   "file a.7.incr.aof seq 9223372036854775807 type i qcache-id 00123456789abcde qcache-sequence 0\n";
	struct manifest manifest;
	struct manifest_error error;
	CU_ASSERT_TRUE(parse(text, strlen(text), &manifest, &error));
	CU_ASSERT_EQUAL(manifest.count, 4);
	const struct manifest_part *base = manifest_base(&manifest), *last = manifest_last_increment(&manifest);
	CU_ASSERT_STRING_EQUAL(base->name, "a.1.base.rdb");
	CU_ASSERT_TRUE(base->number == 1 && base->has_sequence && base->sequence == UINT64_MAX && !base->has_id);
	CU_ASSERT_STRING_EQUAL(last->name, "a.7.incr.aof");
	CU_ASSERT_TRUE(last->number == INT64_MAX && last->has_sequence && last->sequence == 0 && last->id == 0x00123456789abcde);
	CU_ASSERT_STRING_EQUAL(print(&manifest), text);
	manifest_fini(&manifest);
}

static void what_redis_reads_is_read(void)
{
	static const char *const texts[][2] = {
		{ "# a comment\n", "# no files yet\n" },
		{ "# a comment without an end", "# no files yet\n" },
		{ "#\n" LAST, LAST },
		{ " \tfile  a.2.incr.aof\tseq 2 type i \r\n", LAST },
		{ "TYPE incr SEQ 2 FILE a.2.incr.aof\n", LAST },
		{ "file a.2.incr.aof seq 2 type i startoffset 17 \"an other\" 'it''s'\n", "unbalanced quotes" },
		{ "file a.2.incr.aof seq 2 type i startoffset 17 \"an other\" 'value'\n", LAST },
		{ "file 'a.2.incr.aof' seq \"2\" type i\n", LAST },
		{ "file \"a\\x2e2.incr.aof\" seq 2 type i\n", LAST },
		{ "file \"two words\\t\" seq 2 type i\n", "file \"two words\\x09\" seq 2 type i\n" },
		{ "file caf\xc3\xa9 seq 2 type i\n", "file \"caf\\xc3\\xa9\" seq 2 type i\n" },
		{ "file \"it's \\\"it\\\"\" seq 2 type b\n", "file \"it's \\\"it\\\"\" seq 2 type b\n" },
		{ "file i seq 3 type i\nfile h seq 1 type h\nfile b seq 4 type b\n", "file b seq 4 type b\nfile h seq 1 type h\nfile i seq 3 type i\n" },
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CU_ASSERT_STRING_EQUAL(again(texts[i][0]), texts[i][1]);
}

static void each_refusal_names_line_and_reason(void)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *reason;
	} refusals[] = {
		{ "", 0, "the file is empty" },
		{ "\n", 1, "an empty line" },
		{ " \r\n", 1, "an empty line" },
		{ LAST "\n", 2, "an empty line" },
		{ LAST "file b seq 3 type i", 2, "the line has no end" },
		{ "file a seq 1 type\n", 1, "a key has no value" },
		{ "file a seq 1\n", 1, "\"file\", \"seq\" or \"type\" is missing" },
		{ "file a type i seq2 2\n", 1, "\"file\", \"seq\" or \"type\" is missing" },
		{ "file a seq 1 type i seq 2\n", 1, "a key comes twice" },
		{ "file a seq 1 type i FILE b\n", 1, "a key comes twice" },
		{ "file a seq 1 type i qcache-sequence 1 qcache-sequence 1\n", 1, "a key comes twice" },
		{ "file a seq 0 type i\n", 1, "\"seq\" is not a number above 0" },
		{ "file a seq -1 type i\n", 1, "\"seq\" is not a number above 0" },
		{ "file a seq 1x type i\n", 1, "\"seq\" is not a number above 0" },
		{ "file a seq 9223372036854775808 type i\n", 1, "\"seq\" is not a number above 0" },
		{ "file a seq \"\" type i\n", 1, "\"seq\" is not a number above 0" },
		{ "file a seq 1 type x\n", 1, "unknown type of file" },
		{ "file a seq 1 type \"\"\n", 1, "unknown type of file" },
		{ "file ../a seq 1 type i\n", 1, "a file name is a path" },
		{ "file /a seq 1 type i\n", 1, "a file name is a path" },
		{ "file \"a\\\\b\" seq 1 type i\n", 1, "a file name is a path" },
		{ "file .. seq 1 type i\n", 1, "a file name is a path" },
		{ "file \"\" seq 1 type i\n", 1, "a file name is empty or longer than 255 bytes" },
		{ "file \"a\\x00b\" seq 1 type i\n", 1, "a file name has a NUL byte" },
		{ "file \"a seq 1 type i\n", 1, "unbalanced quotes" },
		{ "file a seq 1 type i qcache-id 123\n", 1, "\"qcache-id\" is not 16 hexadecimal digits" },
		{ "file a seq 1 type i qcache-id 0123456789abcdeF\n", 1, "\"qcache-id\" is not 16 hexadecimal digits" },
		{ "file a seq 1 type i qcache-sequence -1\n", 1, "\"qcache-sequence\" is not a number" },
		{ "# fine\nfile a seq 1 type b\nfile b seq 2 type b\n", 3, "a second base" },
		{ LAST "file b seq 2 type i\n", 2, "\"seq\" does not rise" },
		{ LAST "file b seq 1 type i\n", 2, "\"seq\" does not rise" },
		{ LAST "file a.2.incr.aof seq 2 type h\n", 2, "a file comes twice" },
	};
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct manifest manifest;
		struct manifest_error error = { 0 };
		CU_ASSERT_FALSE(parse(refusals[i].text, strlen(refusals[i].text), &manifest, &error));
		CU_ASSERT_EQUAL(error.line, refusals[i].line);
		CU_ASSERT_STRING_EQUAL(error.reason ? error.reason : "", refusals[i].reason);
		CU_ASSERT_TRUE(manifest.count == 0 && !manifest.parts);
	}
}

static void a_nul_is_refused(void)
{
	static const char text[] = "# comment\0\n";
	struct manifest manifest;
	struct manifest_error error;
	CU_ASSERT_FALSE(parse(text, sizeof(text) - 1, &manifest, &error));
	CU_ASSERT_STRING_EQUAL(error.reason, "a NUL byte");
}

/* `len` bytes in all, with the newline. */
static const char *line_of(char first, size_t len)
{
	static char line[MANIFEST_LINE_BYTES + 16];
	memset(line, 'x', len);
	if (first == 'f')
		memcpy(line, "file a seq 1 type i other ", 26);
	line[0] = first;
	line[len - 1] = '\n';
	line[len] = '\0';
	return line;
}

static void lines_and_names_have_limits(void)
{
	char text[600];
	CU_ASSERT_TRUE(parses(line_of('f', MANIFEST_LINE_BYTES)));
	CU_ASSERT_FALSE(parses(line_of('f', MANIFEST_LINE_BYTES + 1)));
	CU_ASSERT_TRUE(parses(line_of('#', MANIFEST_LINE_BYTES)));
	CU_ASSERT_FALSE(parses(line_of('#', MANIFEST_LINE_BYTES + 1)));
	snprintf(text, sizeof(text), "file %0255d seq 1 type i\n", 0);
	CU_ASSERT_TRUE(parses(text));
	snprintf(text, sizeof(text), "file %0256d seq 1 type i\n", 0);
	CU_ASSERT_FALSE(parses(text));
}

static void the_number_of_files_has_a_limit(void)
{
	struct buffer text = { 0 };
	struct manifest manifest;
	struct manifest_error error;
	for (int i = 1; i <= MANIFEST_PARTS_MAX; i++)
		buffer_printf(&text, "file %d seq %d type i\n", i, i);
	CU_ASSERT_TRUE(manifest_parse(text.data, text.len, &manifest, &error));
	manifest_fini(&manifest);
	buffer_printf(&text, "file base seq 1 type b\n");
	CU_ASSERT_FALSE(manifest_parse(text.data, text.len, &manifest, &error));
	CU_ASSERT_EQUAL(error.line, MANIFEST_PARTS_MAX + 1);
	CU_ASSERT_STRING_EQUAL(error.reason, "too many files");
	buffer_fini(&text);
}

static void a_name_that_makes_the_line_too_long_is_not_printed(void)
{
	struct manifest manifest = { 0 };
	struct manifest_part part = { .type = PART_INCREMENT, .number = 1 };
	struct buffer text = { 0 };
	memset(part.name, 0xff, MANIFEST_NAME_BYTES);
	manifest_add(&manifest, &part);
	CU_ASSERT_FALSE(manifest_print(&manifest, &text));
	buffer_fini(&text);
	manifest_fini(&manifest);
}

/* ---- random manifests ---- */

static struct manifest_part any_part(struct random *random, int number, enum part_type type)
{
	struct manifest_part part = { .type = type, .number = number, .has_id = random_below(random, 2), .has_sequence = random_below(random, 2) };
	int len = snprintf(part.name, sizeof(part.name), "%d.%c.", number, (char)type);
	for (int end = len + (int)random_below(random, 100); len < end; len++)
		do
			part.name[len] = (char)(1 + random_below(random, 255));
		while (part.name[len] == '/' || part.name[len] == '\\');
	part.id = part.has_id ? random_next(random) : 0;
	part.sequence = part.has_sequence ? random_next(random) >> random_below(random, 64) : 0;
	return part;
}

static bool are_same(const struct manifest_part *a, const struct manifest_part *b)
{
	return strcmp(a->name, b->name) == 0 && a->type == b->type && a->number == b->number && a->has_id == b->has_id && a->id == b->id &&
	       a->has_sequence == b->has_sequence && a->sequence == b->sequence;
}

static bool are_equal(const struct manifest *a, const struct manifest *b)
{
	bool are = a->count == b->count;
	for (size_t i = 0; are && i < a->count; i++)
		are = are_same(&a->parts[i], &b->parts[i]);
	return are;
}

static void any_manifest_is_read_as_it_was(void)
{
	struct random random = { random_seed("manifest") };
	for (int round = 0; round < 2000; round++) {
		struct manifest manifest = { 0 }, read;
		struct manifest_error error;
		struct buffer text = { 0 };
		for (int i = 1, count = (int)random_below(&random, 6); i <= count; i++) {
			struct manifest_part part = any_part(&random, i, i == 1 && random_below(&random, 2) ? PART_BASE : PART_INCREMENT);
			manifest_add(&manifest, &part);
		}
		CU_ASSERT_TRUE(manifest_print(&manifest, &text));
		CU_ASSERT_TRUE(manifest_parse(text.data, text.len, &read, &error));
		CU_ASSERT_TRUE(are_equal(&manifest, &read));
		manifest_fini(&read);
		manifest_fini(&manifest);
		buffer_fini(&text);
	}
}

/* Whatever a damaged text is taken for, it is printed and read as the same. */
static void damaged_texts_are_refused_or_mean_something(void)
{
	static const char whole[] = "file a.1.base.rdb seq 1 type b qcache-sequence 10\nfile \"a b\" seq 5 type i\n"
				    "file a.6.incr.aof seq 6 type i qcache-id 0123456789abcdef qcache-sequence 20\n";
	struct random random = { random_seed("damaged manifest") };
	for (int round = 0; round < 20000; round++) {
		char text[sizeof(whole)];
		struct manifest manifest;
		struct manifest_error error;
		size_t len = random_below(&random, 2) ? sizeof(whole) - 1 : random_below(&random, sizeof(whole));
		memcpy(text, whole, sizeof(whole));
		for (uint64_t i = random_below(&random, 4); i > 0; i--)
			text[random_below(&random, sizeof(whole) - 1)] = (char)random_next(&random);
		if (!parse(text, len, &manifest, &error)) {
			CU_ASSERT_PTR_NOT_NULL(error.reason);
			continue;
		}
		char printed[1024];
		snprintf(printed, sizeof(printed), "%s", print(&manifest));
		CU_ASSERT_STRING_EQUAL(again(printed), printed);
		manifest_fini(&manifest);
	}
}

static const struct suite_case cases[] = {
	CASE(every_pair_is_read),
	CASE(what_redis_reads_is_read),
	CASE(each_refusal_names_line_and_reason),
	CASE(a_nul_is_refused),
	CASE(lines_and_names_have_limits),
	CASE(the_number_of_files_has_a_limit),
	CASE(a_name_that_makes_the_line_too_long_is_not_printed),
	CASE(any_manifest_is_read_as_it_was),
	CASE(damaged_texts_are_refused_or_mean_something),
};
SUITE_MAIN("manifest", cases)

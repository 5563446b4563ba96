#include "actors/persistence/annotation.h"

#include <stdlib.h>
#include <string.h>

#include "actors/persistence/crc32c.h"
#include "support/random.h"
#include "support/suite.h"

static const char *const plain = "#qc:g id=0123456789abcdef first=1 last=7 bytes=512 crc=89abcdef\r\n";

static bool parses(const char *line, size_t len)
{
	struct annotation read;
	char *exact = malloc(len + 1); /* a sanitizer sees reads beyond the line */
	memcpy(exact, line, len);
	bool is_parsed = annotation_parse(exact, len, &read);
	free(exact);
	return is_parsed;
}

static void a_line_is_printed_as_documented(void)
{
	struct annotation annotation = { 0x0123456789abcdef, 1, 7, 512, 0x89abcdef };
	char line[ANNOTATION_MAX_BYTES + 1];
	CU_ASSERT_EQUAL(annotation_print(&annotation, line), strlen(plain));
	CU_ASSERT_STRING_EQUAL(line, plain);
}

static void the_longest_line_has_room(void)
{
	struct annotation annotation = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX }, read;
	char line[ANNOTATION_MAX_BYTES + 1];
	size_t len = annotation_print(&annotation, line);
	CU_ASSERT_EQUAL(len, strlen(line));
	CU_ASSERT_TRUE(len < ANNOTATION_MAX_BYTES);
	CU_ASSERT_TRUE(annotation_parse(line, len, &read));
	CU_ASSERT_EQUAL(memcmp(&read, &annotation, sizeof(uint64_t) * 4), 0);
}

static void any_annotation_is_read_as_it_was(void)
{
	struct random random = { random_seed("annotation") };
	for (int i = 0; i < 10000; i++) {
		uint64_t first = random_next(&random) >> random_below(&random, 64);
		struct annotation annotation = { random_next(&random), first, first + random_below(&random, UINT64_MAX - first) / 2,
						 random_next(&random) >> random_below(&random, 64), (uint32_t)random_next(&random) };
		struct annotation read = { 0 };
		char line[ANNOTATION_MAX_BYTES + 1];
		size_t len = annotation_print(&annotation, line);
		CU_ASSERT_TRUE(annotation_parse(line, len, &read));
		CU_ASSERT_TRUE(read.id == annotation.id && read.first == annotation.first && read.last == annotation.last &&
			       read.bytes == annotation.bytes && read.crc == annotation.crc);
	}
}

static void what_no_annotation_prints_is_refused(void)
{
	static const char *const lines[] = {
		"",
		"#TS:1628217470\r\n",
		"#qc:g\r\n",
		"#qc:g id=0123456789abcdef first=1 last=7 bytes=512 crc=89abcdef\n",
		"#qc:g id=0123456789abcdef first=1 last=7 bytes=512 crc=89abcdef\r\n\r\n",
		"#qc:g id=0123456789abcdef first=1 last=7 bytes=512 crc=89abcdef more=1\r\n",
		"#qc:g id=0123456789abcdef first=8 last=7 bytes=512 crc=89abcdef\r\n",
		"#qc:g id=0123456789abcdef first=01 last=7 bytes=512 crc=89abcdef\r\n",
		"#qc:g id=0123456789abcdef first=-1 last=7 bytes=512 crc=89abcdef\r\n",
		"#qc:g id=0123456789abcdef first= last=7 bytes=512 crc=89abcdef\r\n",
		"#qc:g id=0123456789ABCDEF first=1 last=7 bytes=512 crc=89abcdef\r\n",
		"#qc:g id=0123456789abcde first=1 last=7 bytes=512 crc=89abcdef\r\n",
		"#qc:g id=0123456789abcdef first=1 last=7 bytes=18446744073709551616 crc=89abcdef\r\n",
		"#qc:g id=0123456789abcdef first=1 last=7 bytes=512 crc=9abcdef\r\n",
		"#qc:g  id=0123456789abcdef first=1 last=7 bytes=512 crc=89abcdef\r\n",
	};
	CU_ASSERT_TRUE(parses(plain, strlen(plain)));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CU_ASSERT_FALSE(parses(lines[i], strlen(lines[i])));
	for (size_t len = 0; len < strlen(plain); len++)
		CU_ASSERT_FALSE(parses(plain, len));
}

/* A flipped bit is refused, or it shows in the annotation that is read. */
static void no_flipped_bit_goes_unseen(void)
{
	for (size_t bit = 0; bit < strlen(plain) * 8; bit++) {
		char line[128], again[ANNOTATION_MAX_BYTES + 1];
		struct annotation read;
		memcpy(line, plain, strlen(plain) + 1);
		line[bit / 8] ^= (char)(1 << bit % 8);
		if (annotation_parse(line, strlen(plain), &read)) {
			annotation_print(&read, again);
			CU_ASSERT_STRING_EQUAL(again, line);
			CU_ASSERT_STRING_NOT_EQUAL(again, plain);
		}
	}
}

/* Gives the annotation the checksum of its group. */
static void seal(uint32_t chain, struct annotation *annotation, const char *frames)
{
	annotation->bytes = strlen(frames);
	annotation->crc = crc32c(annotation_chain(chain, annotation), frames, annotation->bytes);
}

static void the_checksum_covers_part_place_and_annotation(void)
{
	struct annotation first = { .id = 1, .first = 1, .last = 2 }, second = { .id = 1, .first = 3, .last = 3 }, other;
	seal(annotation_seed(1), &first, "one two");
	seal(first.crc, &second, "three");
	other = first;
	seal(annotation_seed(2), &other, "one two");
	CU_ASSERT_NOT_EQUAL(other.crc, first.crc);
	other = second;
	seal(annotation_seed(1), &other, "three"); /* the first is missing */
	CU_ASSERT_NOT_EQUAL(other.crc, second.crc);
	seal(second.crc, &other, "three"); /* it comes twice */
	CU_ASSERT_NOT_EQUAL(other.crc, second.crc);
	other = second;
	other.last = 4;
	seal(first.crc, &other, "three");
	CU_ASSERT_NOT_EQUAL(other.crc, second.crc);
}

static const struct suite_case cases[] = {
	CASE(a_line_is_printed_as_documented),
	CASE(the_longest_line_has_room),
	CASE(any_annotation_is_read_as_it_was),
	CASE(what_no_annotation_prints_is_refused),
	CASE(no_flipped_bit_goes_unseen),
	CASE(the_checksum_covers_part_place_and_annotation),
};
SUITE_MAIN("annotation", cases)

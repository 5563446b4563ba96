#include "actors/persistence/crc32c.h"

#include <string.h>

#include "support/random.h"
#include "support/suite.h"

static void known_texts_have_their_checksums(void)
{
	uint8_t zeros[32] = { 0 }, ones[32], rising[32];
	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 32; i++)
		rising[i] = (uint8_t)i;
	/* RFC 3720, B.4; and the check value of the catalogue of CRCs */
	CU_ASSERT_EQUAL(crc32c(0, zeros, 32), 0x8a9136aa);
	CU_ASSERT_EQUAL(crc32c(0, ones, 32), 0x62a8ab43);
	CU_ASSERT_EQUAL(crc32c(0, rising, 32), 0x46dd794e);
	CU_ASSERT_EQUAL(crc32c(0, "123456789", 9), 0xe3069283);
	CU_ASSERT_EQUAL(crc32c(0, "", 0), 0);
}

static void both_ways_agree_at_every_length_and_alignment(void)
{
	struct random random = { random_seed("crc32c") };
	uint8_t data[200];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)random_next(&random);
	for (size_t from = 0; from < 9; from++)
		for (size_t len = 0; len < 180; len++)
			CU_ASSERT_EQUAL(crc32c(7, data + from, len), crc32c_portable(7, data + from, len));
}

static void pieces_make_the_whole(void)
{
	const char *text = "the quick brown fox jumps over the lazy dog";
	size_t len = strlen(text);
	for (size_t cut = 0; cut <= len; cut++)
		CU_ASSERT_EQUAL(crc32c(crc32c(0, text, cut), text + cut, len - cut), crc32c(0, text, len));
}

static const struct suite_case cases[] = {
	CASE(known_texts_have_their_checksums),
	CASE(both_ways_agree_at_every_length_and_alignment),
	CASE(pieces_make_the_whole),
};
SUITE_MAIN("crc32c", cases)

#include "support/suite.h"

#include <string.h>

#include "actors/store/sha256.h"

static void expect_digest(const void *data, size_t len, const char *expected)
{
	char out[SHA256_HEX_BYTES];
	sha256_hex(data, len, out);
	CU_ASSERT_STRING_EQUAL(out, expected);
}

/* The examples that come with the standard. */
static void published_examples_come_out(void)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	expect_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect_digest(two_blocks, strlen(two_blocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void every_length_of_the_last_block_is_padded(void)
{
	char text[130];
	memset(text, 'a', sizeof(text));
	expect_digest(text, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	expect_digest(text, 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
	expect_digest(text, 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
	expect_digest(text, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
	expect_digest(text, 130, "1e3c4f4750c8c29bbfa9ced317788176b156d342e57f7777f62fd7221a44312f");
}

static const struct suite_case cases[] = {
	CASE(published_examples_come_out),
	CASE(every_length_of_the_last_block_is_padded),
};

SUITE_MAIN("sha256", cases)

#include "printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* In order of code points. From Unicode 15: the characters of categories Cc, Cf, Cs, Co, Zl and Zp that act on others. */
static const struct {
	uint32_t first, last;
} unprintable[] = {
	{ 0x80, 0x9f },	    { 0xad, 0xad },	{ 0x600, 0x605 },   { 0x61c, 0x61c },	{ 0x6dd, 0x6dd },
	{ 0x70f, 0x70f },   { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0xd800, 0xf8ff }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, UINT32_MAX },
};

static bool is_unprintable(uint32_t code)
{
	for (size_t i = 0; i < sizeof(unprintable) / sizeof(unprintable[0]); i++)
		if (code >= unprintable[i].first && code <= unprintable[i].last)
			return true;
	return false;
}

/* The length of a UTF-8 sequence with this first byte (0: none), and the bits of the code point in that byte. */
static size_t sequence_length(uint8_t first, uint32_t *out_bits)
{
	size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	*out_bits = first & (0x7fu >> len);
	return len;
}

size_t printable_length(const char *text, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* least code point by length: an overlong form is invalid */
	const uint8_t *bytes = (const uint8_t *)text;
	uint32_t code = 0;
	if (len == 0)
		return 0;
	if (bytes[0] < 0x80)
		return bytes[0] >= 0x20 && bytes[0] != 0x7f;
	size_t wanted = sequence_length(bytes[0], &code);
	if (wanted == 0 || wanted > len)
		return 0;
	for (size_t i = 1; i < wanted; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	return code >= least[wanted] && !is_unprintable(code) ? wanted : 0;
}

static size_t escape(char byte, char out[5])
{
	static const char letters[] = "\nn\rr\tt";
	for (const char *at = letters; *at; at += 2)
		if (*at == byte)
			return (size_t)snprintf(out, 5, "\\%c", at[1]);
	return (size_t)snprintf(out, 5, "\\x%02x", (uint8_t)byte);
}

size_t printable_escape(const char *text, char *out, size_t size)
{
	size_t len = 0;
	for (size_t left = strlen(text), taken; left > 0; left -= taken, text += taken) {
		char escaped[5];
		size_t plain = printable_length(text, left);
		size_t more = plain ? plain : escape(*text, escaped);
		if (len + more >= size)
			break;
		memcpy(out + len, plain ? text : escaped, more);
		len += more;
		taken = plain ? plain : 1;
	}
	out[len] = '\0';
	return len;
}

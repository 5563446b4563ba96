#include "actors/persistence/annotation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/persistence/crc32c.h"
#include "transport/decimal.h"

static size_t print_without_crc(const struct annotation *annotation, char out[ANNOTATION_MAX_BYTES + 1])
{
	return (size_t)snprintf(out, ANNOTATION_MAX_BYTES + 1, ANNOTATION_PREFIX "id=%016" PRIx64 " first=%" PRIu64 " last=%" PRIu64 " bytes=%" PRIu64,
				annotation->id, annotation->first, annotation->last, annotation->bytes);
}

uint32_t annotation_seed(uint64_t id)
{
	char text[17];
	snprintf(text, sizeof(text), "%016" PRIx64, id);
	return crc32c(0, text, 16);
}

uint32_t annotation_chain(uint32_t crc, const struct annotation *annotation)
{
	char line[ANNOTATION_MAX_BYTES + 1];
	return crc32c(crc, line, print_without_crc(annotation, line));
}

size_t annotation_print(const struct annotation *annotation, char out[ANNOTATION_MAX_BYTES + 1])
{
	size_t len = print_without_crc(annotation, out);
	return len + (size_t)snprintf(out + len, ANNOTATION_MAX_BYTES + 1 - len, " crc=%08" PRIx32 "\r\n", annotation->crc);
}

/* ---- parsing ---- */

struct text {
	const char *at, *end;
};

static bool take(struct text *text, const char *expected)
{
	size_t len = strlen(expected);
	if ((size_t)(text->end - text->at) < len || memcmp(text->at, expected, len) != 0)
		return false;
	text->at += len;
	return true;
}

static bool take_hexadecimal(struct text *text, int digits, uint64_t *out_value)
{
	static const char alphabet[] = "0123456789abcdef";
	uint64_t value = 0;
	if (text->end - text->at < digits)
		return false;
	for (int i = 0; i < digits; i++) {
		const char *digit = memchr(alphabet, *text->at++, 16);
		if (!digit)
			return false;
		value = value << 4 | (uint64_t)(digit - alphabet);
	}
	*out_value = value;
	return true;
}

static bool take_decimal(struct text *text, uint64_t *out_value)
{
	const char *first = text->at;
	while (text->at < text->end && *text->at >= '0' && *text->at <= '9')
		text->at++;
	return decimal_parse_uint64(first, (size_t)(text->at - first), out_value);
}

bool annotation_parse(const char *line, size_t len, struct annotation *out_annotation)
{
	struct text text = { line, line + len };
	struct annotation read;
	uint64_t crc;
	if (!take(&text, ANNOTATION_PREFIX "id=") || !take_hexadecimal(&text, 16, &read.id) || !take(&text, " first=") ||
	    !take_decimal(&text, &read.first) || !take(&text, " last=") || !take_decimal(&text, &read.last) || !take(&text, " bytes=") ||
	    !take_decimal(&text, &read.bytes) || !take(&text, " crc=") || !take_hexadecimal(&text, 8, &crc) || !take(&text, "\r\n") ||
	    text.at != text.end || read.first > read.last)
		return false;
	read.crc = (uint32_t)crc;
	*out_annotation = read;
	return true;
}

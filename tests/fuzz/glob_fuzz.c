/*
 * Any pattern against any text. The result must be that of a matcher that tries everything. Matching in any case must equal matching of
 * lower-case pattern and text, except for classes, where Redis folds only some bytes. The first byte chooses the length of the pattern.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Longer inputs are not tried in all ways. */
#define TRIED_MAX 24u

/* Whether the last bytes of the pattern are known not to match the last bytes of the text, by both numbers. So each pair is tried once. */
static bool fails[TRIED_MAX + 1][TRIED_MAX + 1];

static uint8_t small(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool class_has(struct slice class, uint8_t c)
{
	bool is_inverted = class.len > 0 && class.data[0] == '^', found = false;
	for (size_t i = is_inverted; i < class.len; i++) {
		uint8_t from = class.data[i], to = from;
		if (from == '\\' && i + 1 < class.len) {
			from = to = class.data[++i];
		} else if (i + 2 < class.len && class.data[i + 1] == '-') {
			to = class.data[i + 2];
			i += 2;
		}
		found |= c >= (from < to ? from : to) && c <= (from < to ? to : from);
	}
	return found != is_inverted;
}

/* The bytes of a class that begins at `begin`, behind its bracket; *out_end is the end of the class. */
static struct slice class_at(struct slice pattern, size_t begin, size_t *out_end)
{
	size_t i = begin;
	if (i < pattern.len && pattern.data[i] == '^')
		i++;
	while (i < pattern.len && pattern.data[i] != ']') {
		if (pattern.data[i] == '\\' && i + 1 < pattern.len)
			i += 2;
		else
			i += i + 2 < pattern.len && pattern.data[i + 1] == '-' ? 3 : 1;
	}
	*out_end = i < pattern.len ? i + 1 : pattern.len;
	return slice_of(pattern.data + begin, i - begin);
}

static bool matches(struct slice pattern, struct slice text);

static bool try(struct slice pattern, struct slice text)
{
	if (pattern.len == 0)
		return text.len == 0;
	size_t end = 1;
	bool fits = text.len > 0;
	switch (pattern.data[0]) {
	case '*':
		return matches(slice_of(pattern.data + 1, pattern.len - 1), text) ||
		       (text.len > 0 && matches(pattern, slice_of(text.data + 1, text.len - 1)));
	case '?':
		break;
	case '[': {
		struct slice class = class_at(pattern, 1, &end);
		fits = fits && class_has(class, text.data[0]);
		break;
	}
	case '\\':
		end = pattern.len > 1 ? 2 : 1;
		/* fall through */
	default:
		fits = fits && text.data[0] == pattern.data[end - 1];
	}
	return fits && matches(slice_of(pattern.data + end, pattern.len - end), slice_of(text.data + 1, text.len - 1));
}

static bool matches(struct slice pattern, struct slice text)
{
	bool *fail = &fails[pattern.len][text.len];
	*fail = *fail || !try(pattern, text);
	return !*fail;
}

static bool matches_in_any_way(struct slice pattern, struct slice text)
{
	memset(fails, 0, sizeof(fails));
	return matches(pattern, text);
}

static struct slice in_small(struct slice bytes, uint8_t *memory)
{
	for (size_t i = 0; i < bytes.len; i++)
		memory[i] = small(bytes.data[i]);
	return slice_of(memory, bytes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	size_t pattern_len = data[0] % len;
	struct slice pattern = slice_of(data + 1, pattern_len), text = slice_of(data + 1 + pattern_len, len - 1 - pattern_len);
	uint8_t *memory = malloc(len);
	bool exact = glob_matches(pattern, text, GLOB_EXACT_CASE), any = glob_matches(pattern, text, GLOB_ANY_CASE);
	if (pattern.len <= TRIED_MAX && text.len <= TRIED_MAX && text.len > 0 && exact != matches_in_any_way(pattern, text))
		abort();
	if (text.len == 0 && exact != (pattern.len == 0)) /* as in Redis */
		abort();
	bool has_class = pattern.len > 0 && memchr(pattern.data, '[', pattern.len);
	if (!has_class && any != glob_matches(in_small(pattern, memory), in_small(text, memory + pattern.len), GLOB_EXACT_CASE))
		abort();
	free(memory);
	return 0;
}

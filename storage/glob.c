/*
 * Every element of a pattern except `*` matches one byte. So a failed match only needs to return to the last `*`
 * and let it match one byte more: whatever an earlier `*` could match instead, the last one can match too. Each byte of the
 * text is thus tried as a starting point at most once, which bounds the time.
 */
#include "glob.h"

#include <stddef.h>

struct matcher {
	struct slice pattern;
	enum glob_case letter_case;
};

static uint8_t fold(const struct matcher *m, uint8_t c)
{
	return m->letter_case == GLOB_ANY_CASE && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool in_range(const struct matcher *m, uint8_t from, uint8_t to, uint8_t c)
{
	if (from > to) {
		uint8_t swap = from;
		from = to;
		to = swap;
	}
	return fold(m, c) >= fold(m, from) && fold(m, c) <= fold(m, to);
}

/*
 * Matches a class; *at is the byte after its `[` and moves past its `]` or to the end. As in Redis, a `]` closes the class
 * even in first position, a `-` is a range only with a byte on both sides (which may be `]`), and an escaped byte ignores GLOB_ANY_CASE.
 */
static bool class_matches(const struct matcher *m, size_t *at, uint8_t c)
{
	const uint8_t *p = m->pattern.data;
	size_t i = *at, end = m->pattern.len;
	bool found = false;
	bool inverted = i < end && p[i] == '^';

	i += inverted;
	while (i < end && p[i] != ']') {
		if (p[i] == '\\' && end - i >= 2) {
			found |= p[i + 1] == c;
			i += 2;
		} else if (end - i >= 3 && p[i + 1] == '-') {
			found |= in_range(m, p[i], p[i + 2], c);
			i += 3;
		} else {
			found |= fold(m, p[i]) == fold(m, c);
			i += 1;
		}
	}
	*at = i < end ? i + 1 : end;
	return found != inverted;
}

/* True if the element at *at, which is not a `*`, matches c; *at moves past the element. */
static bool element_matches(const struct matcher *m, size_t *at, uint8_t c)
{
	const uint8_t *p = m->pattern.data;
	size_t i = (*at)++;

	switch (p[i]) {
	case '?':
		return true;
	case '[':
		return class_matches(m, at, c);
	case '\\':
		if (*at < m->pattern.len)
			i = (*at)++;
		/* fall through */
	default:
		return fold(m, p[i]) == fold(m, c);
	}
}

static size_t skip_stars(struct slice pattern, size_t at)
{
	while (at < pattern.len && pattern.data[at] == '*')
		at++;
	return at;
}

bool glob_matches(struct slice pattern, struct slice text, enum glob_case letter_case)
{
	const struct matcher m = { pattern, letter_case };
	const size_t none = SIZE_MAX;
	size_t p = 0, t = 0;
	size_t star = none, star_text = 0; /* after the last star; the end of what it matches so far */

	/* In Redis not even `*` matches an empty text. */
	if (text.len == 0)
		return pattern.len == 0;
	while (t < text.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p = skip_stars(pattern, p);
			star_text = t;
			if (p == pattern.len)
				return true;
		} else if (p < pattern.len && element_matches(&m, &p, text.data[t])) {
			t++;
		} else if (star != none) {
			p = star;
			t = ++star_text;
		} else {
			return false;
		}
	}
	return skip_stars(pattern, p) == pattern.len;
}

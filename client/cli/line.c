#include "client/cli/line.h"

#include <ctype.h>
#include <string.h>
#include <wchar.h>

size_t line_character(const char *data, size_t len, size_t *out_columns)
{
	size_t bytes = text_utf8_length(data, len);
	int columns = bytes ? wcwidth(text_code_point(data, bytes)) : -1;

	*out_columns = columns < 0 ? 1 : (size_t)columns;
	return bytes ? bytes : 1;
}

void line_fini(struct line *l)
{
	text_fini(&l->text);
	text_fini(&l->killed);
}

void line_set(struct line *l, const char *data, size_t len)
{
	text_clear(&l->text);
	text_add(&l->text, data, len);
	l->cursor = len;
}

void line_insert(struct line *l, const char *data, size_t len)
{
	size_t behind = l->text.len - l->cursor;

	text_add(&l->text, data, len);
	memmove(l->text.data + l->cursor + len, l->text.data + l->cursor, behind);
	memcpy(l->text.data + l->cursor, data, len);
	l->cursor += len;
}

void line_erase(struct line *l, size_t to)
{
	size_t from = to < l->cursor ? to : l->cursor, end = to < l->cursor ? l->cursor : to;

	if (from == end)
		return;
	memmove(l->text.data + from, l->text.data + end, l->text.len - end + 1);
	l->text.len -= end - from;
	l->cursor = from;
}

void line_kill(struct line *l, size_t to)
{
	size_t from = to < l->cursor ? to : l->cursor, end = to < l->cursor ? l->cursor : to;

	if (from == end)
		return;
	text_clear(&l->killed);
	text_add(&l->killed, l->text.data + from, end - from);
	line_erase(l, to);
}

void line_yank(struct line *l)
{
	if (l->killed.len)
		line_insert(l, l->killed.data, l->killed.len);
}

void line_transpose(struct line *l)
{
	char moved[8];

	if (l->cursor == l->text.len)
		l->cursor = line_left(l);
	size_t before = line_left(l), behind = line_right(l), len = l->cursor - before;
	/* A character may have this many combining marks; more would not be worth the room. */
	if (len == 0 || behind == l->cursor || len > sizeof(moved))
		return;
	memcpy(moved, l->text.data + before, len);
	memmove(l->text.data + before, l->text.data + l->cursor, behind - l->cursor);
	memcpy(l->text.data + behind - len, moved, len);
	l->cursor = behind;
}

/* A character with its combining marks. */
static size_t step_right(const struct line *l, size_t at)
{
	size_t columns;

	if (at < l->text.len)
		at += line_character(l->text.data + at, l->text.len - at, &columns);
	while (at < l->text.len) {
		size_t bytes = line_character(l->text.data + at, l->text.len - at, &columns);
		if (columns > 0)
			break;
		at += bytes;
	}
	return at;
}

static size_t step_left(const struct line *l, size_t at)
{
	size_t columns = 0;

	while (at > 0 && columns == 0) {
		size_t back = 1;
		while (back < 4 && back < at && ((unsigned char)l->text.data[at - back] & 0xc0) == 0x80)
			back++;
		/* The bytes are not one character: the last byte becomes a character of its own. */
		if (line_character(l->text.data + at - back, back, &columns) != back) {
			back = 1;
			columns = 1;
		}
		at -= back;
	}
	return at;
}

size_t line_left(const struct line *l)
{
	return step_left(l, l->cursor);
}

size_t line_right(const struct line *l)
{
	return step_right(l, l->cursor);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_solid(char c)
{
	return !isspace((unsigned char)c);
}

static size_t run_left(const struct line *l, bool belongs(char c))
{
	size_t at = l->cursor;

	while (at > 0 && !belongs(l->text.data[at - 1]))
		at--;
	while (at > 0 && belongs(l->text.data[at - 1]))
		at--;
	return at;
}

size_t line_word_left(const struct line *l)
{
	return run_left(l, is_word);
}

size_t line_blank_left(const struct line *l)
{
	return run_left(l, is_solid);
}

size_t line_word_right(const struct line *l)
{
	size_t at = l->cursor;

	while (at < l->text.len && !is_word(l->text.data[at]))
		at++;
	while (at < l->text.len && is_word(l->text.data[at]))
		at++;
	return at;
}

size_t line_begin(const struct line *l)
{
	(void)l;
	return 0;
}

size_t line_end(const struct line *l)
{
	return l->text.len;
}

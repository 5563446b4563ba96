#include "client/cli/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wctype.h>

void *checked(void *memory)
{
	if (memory)
		return memory;
	fputs("qcache-cli: out of memory\n", stderr);
	exit(1);
}

void text_fini(struct text *text)
{
	free(text->data);
	*text = (struct text){NULL, 0, 0};
}

void text_clear(struct text *text)
{
	text->len = 0;
	if (text->data)
		text->data[0] = 0;
}

void text_add(struct text *text, const void *data, size_t len)
{
	if (text->capacity - text->len <= len) {
		text->capacity = (text->capacity + len + 64) * 2;
		text->data = checked(realloc(text->data, text->capacity));
	}
	if (len)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = 0;
}

void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args;
	char *line = NULL;

	va_start(args, format);
	int len = vasprintf(&line, format, args);
	va_end(args);
	if (len < 0)
		checked(NULL);
	text_add(text, line, (size_t)len);
	free(line);
}

size_t text_utf8_length(const char *bytes, size_t len)
{
	const unsigned char *data = (const unsigned char *)bytes;
	size_t need = data[0] < 0x80                       ? 1
		      : data[0] >= 0xc2 && data[0] < 0xe0 ? 2
		      : (data[0] & 0xf0) == 0xe0          ? 3
		      : data[0] >= 0xf0 && data[0] < 0xf5 ? 4
							  : 0;

	if (need == 0 || need > len)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and code points beyond the last plane are invalid. */
	if ((data[0] == 0xe0 && data[1] < 0xa0) || (data[0] == 0xed && data[1] > 0x9f) || (data[0] == 0xf0 && data[1] < 0x90) ||
	    (data[0] == 0xf4 && data[1] > 0x8f))
		return 0;
	return need;
}

wchar_t text_code_point(const char *data, size_t len)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	wchar_t point = (unsigned char)data[0] & first[len];

	for (size_t i = 1; i < len; i++)
		point = (point << 6) | ((unsigned char)data[i] & 0x3f);
	return point;
}

/* Whether the character can be shown. Not if it changes the text direction or has no glyph: it would be invisible. */
static bool is_printable(const char *data, size_t bytes)
{
	wchar_t c = text_code_point(data, bytes);
	bool directs = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;

	return iswprint((wint_t)c) && !directs;
}

void text_quote(struct text *text, const char *data, size_t len, bool is_readable)
{
	static const char letters[] = "\n\r\t\a\b\\\"", names[] = "nrtab\\\"";

	text_add(text, "\"", 1);
	for (size_t i = 0, used; i < len; i += used) {
		const char *found = data[i] ? strchr(letters, data[i]) : NULL;
		size_t bytes = is_readable ? text_utf8_length(data + i, len - i) : 0;
		bool is_shown = bytes > 1 && is_printable(data + i, bytes);
		used = is_shown ? bytes : 1;
		if (found)
			text_printf(text, "\\%c", names[found - letters]);
		else if (is_shown || (data[i] >= ' ' && data[i] < 0x7f))
			text_add(text, data + i, used);
		else
			text_printf(text, "\\x%02x", (unsigned char)data[i]);
	}
	text_add(text, "\"", 1);
}

void text_json(struct text *text, const char *data, size_t len)
{
	static const char letters[] = "\n\r\t\b\f\\\"", names[] = "nrtbf\\\"";

	text_add(text, "\"", 1);
	for (size_t i = 0; i < len;) {
		size_t whole = text_utf8_length(data + i, len - i);
		const char *found = data[i] ? strchr(letters, data[i]) : NULL;
		if (found)
			text_printf(text, "\\%c", names[found - letters]);
		else if (whole && (unsigned char)data[i] >= 0x20 && data[i] != 0x7f)
			text_add(text, data + i, whole);
		else
			text_printf(text, "\\u%04x", (unsigned char)data[i]);
		i += whole && !found ? whole : 1;
	}
	text_add(text, "\"", 1);
}

bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return false;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

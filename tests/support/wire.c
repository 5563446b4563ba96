#include "support/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No reply of such a server is nested deeper. */
#define DEPTH_MAX 16

/* Reads the line after the type byte as a number. Returns its length with "\r\n", 0 or WIRE_MALFORMED. */
static size_t read_count(const char *data, size_t len, long long *out_count)
{
	const char *end = memchr(data, '\n', len);
	if (!end)
		return 0;
	char *stop;
	*out_count = strtoll(data + 1, &stop, 10);
	if (end[-1] != '\r' || stop != end - 1 || stop == data + 1 || *out_count < -1)
		return WIRE_MALFORMED;
	return (size_t)(end - data) + 1;
}

static size_t line_length(const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	if (!end)
		return 0;
	return end[-1] == '\r' ? (size_t)(end - data) + 1 : WIRE_MALFORMED;
}

static size_t bulk_length(const char *data, size_t len)
{
	long long bytes;
	size_t head = read_count(data, len, &bytes);
	if (head == 0 || head == WIRE_MALFORMED || bytes < 0)
		return head;
	if (len - head < (size_t)bytes + 2)
		return 0;
	return memcmp(data + head + bytes, "\r\n", 2) == 0 ? head + (size_t)bytes + 2 : WIRE_MALFORMED;
}

static size_t length_at_depth(const char *data, size_t len, int depth);

static size_t aggregate_length(const char *data, size_t len, int per_item, int behind, int depth)
{
	long long items;
	size_t at = read_count(data, len, &items);
	if (at == 0 || at == WIRE_MALFORMED || items < 0)
		return at;
	for (long long i = 0; i < items * per_item + behind; i++) {
		size_t item = length_at_depth(data + at, len - at, depth + 1);
		if (item == 0 || item == WIRE_MALFORMED)
			return item;
		at += item;
	}
	return at;
}

static size_t length_at_depth(const char *data, size_t len, int depth)
{
	if (depth > DEPTH_MAX)
		return WIRE_MALFORMED;
	if (len == 0)
		return 0;
	switch (data[0]) {
	case '+': case '-': case ':': case '_': case ',': case '#': case '(':
		return line_length(data, len);
	case '$': case '!': case '=':
		return bulk_length(data, len);
	case '*': case '~': case '>':
		return aggregate_length(data, len, 1, 0, depth);
	case '%':
		return aggregate_length(data, len, 2, 0, depth);
	case '|':
		return aggregate_length(data, len, 2, 1, depth);
	default:
		return WIRE_MALFORMED;
	}
}

size_t wire_reply_length(const char *data, size_t len)
{
	return length_at_depth(data, len, 0);
}

char *wire_show(const char *data, size_t len, char *out, size_t size)
{
	size_t at = 0;
	for (size_t i = 0; i < len && at + 8 < size; i++) {
		unsigned char byte = (unsigned char)data[i];
		if (byte == '\r' || byte == '\n')
			at += (size_t)sprintf(out + at, byte == '\r' ? "\\r" : "\\n");
		else if (isprint(byte) && byte != '\\')
			out[at++] = (char)byte;
		else
			at += (size_t)sprintf(out + at, "\\x%02x", byte);
	}
	if (at + 8 >= size)
		at += (size_t)sprintf(out + at, "...");
	out[at] = '\0';
	return out;
}

char *wire_command(size_t argc, const char *const argv[], const size_t *lens, size_t *out_len)
{
	size_t room = 32;
	for (size_t i = 0; i < argc; i++)
		room += (lens ? lens[i] : strlen(argv[i])) + 32;
	char *text = malloc(room);
	if (!text)
		abort();
	size_t at = (size_t)sprintf(text, "*%zu\r\n", argc);
	for (size_t i = 0; i < argc; i++) {
		size_t len = lens ? lens[i] : strlen(argv[i]);
		at += (size_t)sprintf(text + at, "$%zu\r\n", len);
		memcpy(text + at, argv[i], len);
		memcpy(text + at + len, "\r\n", 2);
		at += len + 2;
	}
	*out_len = at;
	return text;
}

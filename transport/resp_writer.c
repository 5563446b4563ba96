#include "resp_writer.h"

#include <math.h>
#include <stdio.h>

#include "decimal.h"

/* A type byte, a number and the line end. */
#define NUMBER_LINE_MAX (1 + DECIMAL_MAX_BYTES + 2)
/* The longest "%.17g", -1.7976931348623157e+308, has 24 bytes. */
#define DOUBLE_MAX 32

/* The caller has reserved NUMBER_LINE_MAX. Returns the end of the line. */
static inline char *put_number(char *end, char type, int64_t value)
{
	*end++ = type;
	end += decimal_format_int64(end, value);
	*end++ = '\r';
	*end++ = '\n';
	return end;
}

static void write_number(struct buffer *out, char type, int64_t value)
{
	if (!buffer_reserve(out, NUMBER_LINE_MAX))
		return;
	char *line = (char *)out->data + out->len;
	out->len += (size_t)(put_number(line, type, value) - line);
}

/* Writes `type`, the text as one line, and the line end. */
static void write_line(struct buffer *out, char type, const char *text, size_t len)
{
	if (!buffer_reserve(out, len + 3))
		return;
	uint8_t *end = out->data + out->len;
	*end++ = (uint8_t)type;
	for (size_t i = 0; i < len; i++)
		*end++ = text[i] == '\r' || text[i] == '\n' ? ' ' : (uint8_t)text[i];
	*end++ = '\r';
	*end++ = '\n';
	out->len += len + 3;
}

void resp_write_simple(struct buffer *out, const char *text)
{
	write_line(out, '+', text, strlen(text));
}

void resp_write_error(struct buffer *out, const char *text, size_t len)
{
	write_line(out, '-', text, len);
}

void resp_write_integer(struct buffer *out, int64_t value)
{
	write_number(out, ':', value);
}

void resp_write_bulk_header(struct buffer *out, size_t len)
{
	write_number(out, '$', (int64_t)len);
}

void resp_write_bulk(struct buffer *out, const void *data, size_t len)
{
	if (!buffer_reserve(out, NUMBER_LINE_MAX + len + 2))
		return;
	char *start = (char *)out->data + out->len;
	char *end = put_number(start, '$', (int64_t)len);
	if (len > 0)
		memcpy(end, data, len);
	end += len;
	*end++ = '\r';
	*end++ = '\n';
	out->len += (size_t)(end - start);
}

void resp_write_array(struct buffer *out, size_t count)
{
	write_number(out, '*', (int64_t)count);
}

void resp_write_map(struct buffer *out, enum resp_version version, size_t pairs)
{
	if (version == RESP2)
		write_number(out, '*', (int64_t)pairs * 2);
	else
		write_number(out, '%', (int64_t)pairs);
}

void resp_write_set(struct buffer *out, enum resp_version version, size_t count)
{
	write_number(out, version == RESP2 ? '*' : '~', (int64_t)count);
}

void resp_write_push(struct buffer *out, enum resp_version version, size_t count)
{
	write_number(out, version == RESP2 ? '*' : '>', (int64_t)count);
}

void resp_write_attribute(struct buffer *out, size_t pairs)
{
	write_number(out, '|', (int64_t)pairs);
}

void resp_write_null(struct buffer *out, enum resp_version version)
{
	if (version == RESP2)
		buffer_append(out, "$-1\r\n", 5);
	else
		buffer_append(out, "_\r\n", 3);
}

void resp_write_null_array(struct buffer *out, enum resp_version version)
{
	if (version == RESP2)
		buffer_append(out, "*-1\r\n", 5);
	else
		buffer_append(out, "_\r\n", 3);
}

void resp_write_bool(struct buffer *out, enum resp_version version, bool value)
{
	if (version == RESP2)
		write_number(out, ':', value);
	else
		buffer_append(out, value ? "#t\r\n" : "#f\r\n", 4);
}

/* printf() may write "-nan"; the protocol defines how infinity is spelled. */
static size_t format_double(char text[DOUBLE_MAX], double value)
{
	if (isnan(value))
		return (size_t)snprintf(text, DOUBLE_MAX, "nan");
	if (isinf(value))
		return (size_t)snprintf(text, DOUBLE_MAX, value > 0 ? "inf" : "-inf");
	return (size_t)snprintf(text, DOUBLE_MAX, "%.17g", value);
}

void resp_write_double(struct buffer *out, enum resp_version version, double value)
{
	char text[DOUBLE_MAX];
	size_t len = format_double(text, value);
	if (version == RESP2)
		resp_write_bulk(out, text, len);
	else
		write_line(out, ',', text, len);
}

void resp_write_big_number(struct buffer *out, enum resp_version version, const char *digits, size_t len)
{
	if (version == RESP2)
		resp_write_bulk(out, digits, len);
	else
		write_line(out, '(', digits, len);
}

void resp_write_verbatim(struct buffer *out, enum resp_version version, const char *format, const void *data, size_t len)
{
	if (version == RESP2) {
		resp_write_bulk(out, data, len);
		return;
	}
	if (!buffer_reserve(out, NUMBER_LINE_MAX + 4 + len + 2))
		return;
	write_number(out, '=', (int64_t)len + 4);
	buffer_append(out, format, 3);
	buffer_append(out, ":", 1);
	buffer_append(out, data, len);
	buffer_append(out, "\r\n", 2);
}

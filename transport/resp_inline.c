#include "resp_inline.h"

#include <stdbool.h>

/*
 * The argument being read: read at `in`, written at `out`. Unescaping only shortens, so `out` never overtakes `in`.
 */
struct cursor {
	const uint8_t *in, *end;
	uint8_t *out;
};

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Redis skips \v and \f between arguments, but they don't end one. */
static bool ends_argument(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static int hex_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	uint8_t lower = digit | 0x20;
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static uint8_t escaped_byte(uint8_t letter)
{
	switch (letter) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'b':
		return '\b';
	case 'a':
		return '\a';
	default:
		return letter;
	}
}

/* `in` is after a backslash, and at least one byte is left. */
static void take_escape(struct cursor *cursor)
{
	const uint8_t *in = cursor->in;
	if (in[0] == 'x' && cursor->end - in >= 3 && hex_value(in[1]) >= 0 && hex_value(in[2]) >= 0) {
		*cursor->out++ = (uint8_t)(hex_value(in[1]) * 16 + hex_value(in[2]));
		cursor->in += 3;
		return;
	}
	*cursor->out++ = escaped_byte(in[0]);
	cursor->in++;
}

/* `in` is after the opening quote and moves past the closing one; false if there is none or an argument byte follows it. */
static bool take_quoted(struct cursor *cursor, uint8_t quote)
{
	while (cursor->in < cursor->end) {
		uint8_t byte = *cursor->in++;
		bool more = cursor->in < cursor->end;
		if (byte == quote)
			return !more || is_blank(*cursor->in);
		if (byte == '\\' && more && quote == '"')
			take_escape(cursor);
		else if (byte == '\\' && more && *cursor->in == '\'')
			*cursor->out++ = *cursor->in++;
		else
			*cursor->out++ = byte;
	}
	return false;
}

static bool take_argument(struct cursor *cursor)
{
	while (cursor->in < cursor->end && !ends_argument(*cursor->in)) {
		uint8_t byte = *cursor->in++;
		if (byte == '"' || byte == '\'')
			return take_quoted(cursor, byte);
		*cursor->out++ = byte;
	}
	return true;
}

enum resp_status resp_split_inline(uint8_t *line, size_t len, struct resp_args *args)
{
	/* Reserve for all arguments first, so that splitting can't fail half-way. Each but the last is followed by a blank. */
	if (!resp_args_reserve(args, len / 2 + 1))
		return RESP_NO_MEMORY;
	size_t first = args->count;
	struct cursor cursor = { .in = line, .end = line + len };
	for (;;) {
		while (cursor.in < cursor.end && is_blank(*cursor.in))
			cursor.in++;
		if (cursor.in == cursor.end)
			return args->count > first ? RESP_REQUEST : RESP_EMPTY;
		uint8_t *start = line + (cursor.in - line);
		cursor.out = start;
		if (!take_argument(&cursor)) {
			args->count = first;
			return RESP_ERROR;
		}
		args->items[args->count++] =
			(struct resp_arg){ .data = start, .len = (uint32_t)(cursor.out - start) };
	}
}

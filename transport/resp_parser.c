/*
 * The happy path is whole_bulks(): it parses bulk strings that are complete in the window, with everything in registers
 * and without a state. At anything else (the window ends, a line end is bare, a length is out of bounds)
 * it stops before that bulk, and next_bulk() parses this one bulk step by step, with states that
 * persist between calls. So only next_bulk() handles errors.
 *
 * Between two calls, the bytes before `consumed` are parsed, and the first `scanned` bytes after it contain
 * no line end.
 */
#include "resp_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "array.h"
#include "resp_inline.h"

/* Lengths of up to this many digits fit into 32 bits; next_bulk() handles longer ones. */
#define SHORT_LENGTH_DIGITS 9
/* Redis's default proto-max-bulk-len: a larger length is "invalid" even for an unauthenticated client. */
#define SANE_BULK_BYTES (512ull << 20)
#define SMALLEST_CAPACITY 16

enum state {
	AT_START,
	IN_INLINE,
	AT_ARRAY_LENGTH,
	AT_BULK_LENGTH,
	AT_BULK,      /* bulk_len is known */
	AT_LARGE_BULK, /* the caller is reading it */
	AT_BULK_END,
};

/* A step is done and parsing continues; other results are those of enum resp_status. */
#define STEP_DONE RESP_REQUEST

struct line {
	const uint8_t *text;
	size_t len; /* without the line end */
	bool is_bare;
};

void resp_parser_init(struct resp_parser *parser)
{
	*parser = (struct resp_parser){ .state = AT_START };
}

static enum resp_status refuse(struct resp_parser *parser, const char *error)
{
	parser->error = error;
	return RESP_ERROR;
}

static void append_arg(struct resp_args *args, const uint8_t *data, uint32_t len, uint32_t is_large)
{
	args->items[args->count++] = (struct resp_arg){ .data = data, .len = len, .is_large = is_large };
}

static inline bool reserve_arg(struct resp_args *args)
{
	return args->count < args->capacity || resp_args_reserve(args, 1);
}

/*
 * Reads the usual length line: a number without sign or leading zero, and `\r\n`. Returns the start of the next line;
 * NULL if the line is different or incomplete.
 */
static inline const uint8_t *short_length(const uint8_t *in, const uint8_t *end, uint32_t *out_value)
{
	/* Nearly all lengths have one or two digits; avoiding the loop for them saves a third of a request's cost. */
	if (end - in >= 4) {
		unsigned high = (unsigned)in[0] - '0', low = (unsigned)in[1] - '0';
		if (high <= 9 && in[1] == '\r') {
			*out_value = high;
			return in + 3;
		}
		if (high - 1 <= 8 && low <= 9 && in[2] == '\r') {
			*out_value = high * 10 + low;
			return in + 4;
		}
	}
	const uint8_t *first = in;
	uint32_t value = 0;
	for (; in < end && in - first < SHORT_LENGTH_DIGITS; in++) {
		unsigned digit = (unsigned)*in - '0';
		if (digit > 9)
			break;
		value = value * 10 + digit;
	}
	if (in == first || end - in < 2 || *in != '\r' || (*first == '0' && in - first > 1))
		return NULL;
	*out_value = value;
	return in + 2;
}

/* Reads any line with a length; consumes it when it is complete. `too_long` is the error for a line above the limit. */
static enum resp_status take_line(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *window,
				  size_t len, const char *too_long, struct line *out_line)
{
	const uint8_t *text = window + parser->consumed;
	size_t available = len - parser->consumed;
	size_t limit = available > limits->max_inline_bytes ? limits->max_inline_bytes + (size_t)1 : available;
	size_t at = parser->scanned;
	while (at < limit && text[at] != '\r' && text[at] != '\n')
		at++;
	parser->scanned = (uint32_t)at;
	if (at == limit)
		return available > limits->max_inline_bytes ? refuse(parser, too_long) : RESP_INCOMPLETE;
	bool is_bare = text[at] == '\n';
	if (!is_bare && available - at < 2)
		return RESP_INCOMPLETE;
	*out_line = (struct line){ .text = text, .len = at, .is_bare = is_bare };
	parser->consumed += at + (is_bare ? 1 : 2);
	parser->scanned = 0;
	return STEP_DONE;
}

static bool length_of(const struct line *line, int64_t *out_value)
{
	return decimal_parse_int64(line->text + 1, line->len - 1, out_value);
}

static enum resp_status take_array_length(struct resp_parser *parser, const struct resp_limits *limits,
					  const uint8_t *window, size_t len)
{
	uint32_t count = 0;
	const uint8_t *next = short_length(window + 1, window + len, &count);
	int64_t value = count;
	if (next) {
		parser->consumed = (size_t)(next - window);
		parser->scanned = 0;
	} else {
		struct line line;
		enum resp_status status = take_line(parser, limits, window, len,
						    "Protocol error: too big mbulk count string", &line);
		if (status != STEP_DONE)
			return status;
		if (!length_of(&line, &value))
			return refuse(parser, "Protocol error: invalid multibulk length");
	}
	if (value > limits->max_args)
		return refuse(parser, limits->unauthenticated && value <= INT32_MAX ?
					      "Protocol error: unauthenticated multibulk length" :
					      "Protocol error: invalid multibulk length");
	parser->state = value > 0 ? AT_BULK_LENGTH : AT_START;
	parser->args_left = value > 0 ? (uint32_t)value : 0;
	return value > 0 ? STEP_DONE : RESP_EMPTY;
}

static enum resp_status refuse_type(struct resp_parser *parser, uint8_t got)
{
	/* A NUL would end the text, so a blank is shown instead. */
	snprintf(parser->error_text, sizeof(parser->error_text), "Protocol error: expected '$', got '%c'",
		 got == 0 ? ' ' : got);
	return refuse(parser, parser->error_text);
}

static enum resp_status take_bulk_length(struct resp_parser *parser, const struct resp_limits *limits,
					 const uint8_t *window, size_t len)
{
	struct line line;
	enum resp_status status =
		take_line(parser, limits, window, len, "Protocol error: too big bulk count string", &line);
	if (status != STEP_DONE)
		return status;
	if (line.text[0] != '$')
		return refuse_type(parser, line.text[0]);
	int64_t value;
	if (!length_of(&line, &value) || value < 0)
		return refuse(parser, "Protocol error: invalid bulk length");
	if ((uint64_t)value > limits->max_bulk_bytes)
		return refuse(parser, limits->unauthenticated && (uint64_t)value <= SANE_BULK_BYTES ?
					      "Protocol error: unauthenticated bulk length" :
					      "Protocol error: invalid bulk length");
	parser->bulk_len = (uint32_t)value;
	parser->is_bare = line.is_bare;
	parser->state = AT_BULK;
	return STEP_DONE;
}

/* The length of the line end after a bulk string, at window[at]; 0 if it is incomplete. */
static size_t bulk_end_len(const struct resp_parser *parser, const uint8_t *window, size_t at, size_t len)
{
	if (parser->is_bare && at < len && window[at] == '\n')
		return 1;
	return len - at >= 2 ? 2 : 0;
}

static enum resp_status take_bulk(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *window,
				  size_t len, struct resp_args *args)
{
	size_t available = len - parser->consumed;
	if (available < parser->bulk_len) {
		if (parser->bulk_len < limits->large_bulk_bytes)
			return RESP_INCOMPLETE;
		parser->large_len = parser->bulk_len;
		parser->state = AT_LARGE_BULK;
		return RESP_LARGE_BULK;
	}
	size_t end_len = bulk_end_len(parser, window, parser->consumed + parser->bulk_len, len);
	if (end_len == 0)
		return RESP_INCOMPLETE;
	if (!reserve_arg(args))
		return RESP_NO_MEMORY;
	append_arg(args, window + parser->consumed, parser->bulk_len, 0);
	parser->consumed += parser->bulk_len + end_len;
	parser->args_left--;
	parser->state = AT_BULK_LENGTH;
	return STEP_DONE;
}

static enum resp_status take_large_bulk_end(struct resp_parser *parser, const uint8_t *window, size_t len)
{
	size_t end_len = bulk_end_len(parser, window, parser->consumed, len);
	if (end_len == 0)
		return RESP_INCOMPLETE;
	parser->consumed += end_len;
	parser->args_left--;
	parser->state = AT_BULK_LENGTH;
	return STEP_DONE;
}

/* Parses one bulk string, continuing where the last call stopped. */
static enum resp_status next_bulk(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *window,
				  size_t len, struct resp_args *args)
{
	if (parser->state == AT_LARGE_BULK)
		return RESP_LARGE_BULK;
	if (parser->state == AT_BULK_END)
		return take_large_bulk_end(parser, window, len);
	if (parser->state == AT_BULK_LENGTH) {
		enum resp_status status = take_bulk_length(parser, limits, window, len);
		if (status != STEP_DONE)
			return status;
	}
	return take_bulk(parser, limits, window, len, args);
}

/* Parses all ordinary bulk strings that are complete in the window; only in state AT_BULK_LENGTH. */
static void whole_bulks(struct resp_parser *parser, const struct resp_limits *limits, const uint8_t *window, size_t len,
			struct resp_args *args)
{
	const uint8_t *in = window + parser->consumed, *end = window + len;
	uint64_t max_bulk_bytes = limits->max_bulk_bytes;
	uint32_t left = parser->args_left;
	while (left > 0 && in < end && *in == '$') {
		uint32_t bulk_len;
		const uint8_t *bulk = short_length(in + 1, end, &bulk_len);
		if (!bulk || bulk_len > max_bulk_bytes || (size_t)(end - bulk) < (size_t)bulk_len + 2)
			break;
		if (!reserve_arg(args))
			break;
		append_arg(args, bulk, bulk_len, 0);
		in = bulk + bulk_len + 2;
		left--;
	}
	/* If no bulk was parsed, `scanned` still refers to the current line. */
	if (left != parser->args_left)
		parser->scanned = 0;
	parser->consumed = (size_t)(in - window);
	parser->args_left = left;
}

static enum resp_status parse_bulks(struct resp_parser *parser, const struct resp_limits *limits,
				    const uint8_t *window, size_t len, struct resp_args *args)
{
	for (;;) {
		if (parser->state == AT_BULK_LENGTH)
			whole_bulks(parser, limits, window, len, args);
		if (parser->args_left == 0)
			break;
		enum resp_status status = next_bulk(parser, limits, window, len, args);
		if (status != STEP_DONE)
			return status;
	}
	parser->state = AT_START;
	return RESP_REQUEST;
}

static enum resp_status parse_inline(struct resp_parser *parser, const struct resp_limits *limits, uint8_t *window,
				     size_t len, struct resp_args *args)
{
	size_t limit = len > limits->max_inline_bytes ? limits->max_inline_bytes + (size_t)1 : len;
	const uint8_t *newline = memchr(window + parser->scanned, '\n', limit - parser->scanned);
	if (!newline) {
		parser->scanned = (uint32_t)limit;
		return len > limits->max_inline_bytes ? refuse(parser, "Protocol error: too big inline request") :
							RESP_INCOMPLETE;
	}
	size_t line_len = (size_t)(newline - window);
	enum resp_status status =
		resp_split_inline(window, line_len - (line_len > 0 && window[line_len - 1] == '\r'), args);
	if (status == RESP_NO_MEMORY)
		return status;
	if (status == RESP_ERROR)
		return refuse(parser, "Protocol error: unbalanced quotes in request");
	parser->consumed = line_len + 1;
	parser->scanned = 0;
	parser->state = AT_START;
	return status;
}

enum resp_status resp_parse(struct resp_parser *parser, const struct resp_limits *limits, uint8_t *window, size_t len,
			    struct resp_args *args)
{
	if (parser->state == AT_START) {
		parser->consumed = 0;
		parser->first_arg = args->count;
		if (len == 0)
			return RESP_INCOMPLETE;
		parser->state = window[0] == '*' ? AT_ARRAY_LENGTH : IN_INLINE;
	}
	if (parser->state == IN_INLINE)
		return parse_inline(parser, limits, window, len, args);
	if (parser->state == AT_ARRAY_LENGTH) {
		enum resp_status status = take_array_length(parser, limits, window, len);
		if (status != STEP_DONE)
			return status;
	}
	return parse_bulks(parser, limits, window, len, args);
}

enum resp_status resp_large_bulk_done(struct resp_parser *parser, const uint8_t *data, struct resp_args *args)
{
	if (!reserve_arg(args))
		return RESP_NO_MEMORY;
	append_arg(args, data, parser->large_len, 1);
	parser->state = AT_BULK_END;
	return RESP_INCOMPLETE;
}

void resp_args_rebase(struct resp_args *args, size_t first, const uint8_t *from, const uint8_t *to)
{
	if (from == to)
		return;
	for (size_t i = first; i < args->count; i++)
		if (!args->items[i].is_large)
			args->items[i].data = to + ((uintptr_t)args->items[i].data - (uintptr_t)from);
}

bool resp_args_reserve(struct resp_args *args, size_t more)
{
	size_t needed;
	return !__builtin_add_overflow(args->count, more, &needed) &&
	       array_reserve(&args->items, &args->capacity, needed, sizeof(*args->items), SMALLEST_CAPACITY);
}

void resp_args_fini(struct resp_args *args)
{
	free(args->items);
	*args = (struct resp_args){ 0 };
}

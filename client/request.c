#include "client/request.h"

#include "client/error.h"
#include "client/table.h"
#include "transport/decimal.h"

qc_arg qc_arg_int(long long value)
{
	qc_arg arg = {.data = NULL};

	arg.len = decimal_format_int64(arg.number, value);
	return arg;
}

qc_arg qc_arg_unsigned(unsigned long long value)
{
	qc_arg arg = {.data = NULL};

	arg.len = decimal_format_uint64(arg.number, value);
	return arg;
}

_Static_assert(sizeof((qc_arg){.data = NULL}.number) >= DECIMAL_DOUBLE_ROOM, "a number fits into its argument");

qc_arg qc_arg_double(double value)
{
	qc_arg arg = {.data = NULL};

	arg.len = decimal_format_double(arg.number, value);
	return arg;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool text_spells(const char *text, size_t len, const char *word)
{
	size_t i = 0;

	while (i < len && word[i] && upper(text[i]) == upper(word[i]))
		i++;
	return i == len && !word[i];
}

static uint8_t *write_header(uint8_t *at, char mark, uint64_t number)
{
	*at++ = (uint8_t)mark;
	at += decimal_format_uint64((char *)at, number);
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

/* mark, number, \r\n */
#define HEADER_MAX_BYTES (1 + DECIMAL_MAX_BYTES + 2)

qc_error request_write(struct buffer *out, qc_args args)
{
	size_t room = HEADER_MAX_BYTES;

	if (args.count == 0)
		return qc_errorf(QC_INVALID, "a command needs a name");
	for (size_t i = 0; i < args.count; i++) {
		if (arg_is_missing(&args.items[i]))
			return qc_errorf(QC_INVALID, "argument %zu is %s", i, arg_missing_text(&args.items[i]));
		room += args.items[i].len + HEADER_MAX_BYTES + 2;
	}
	if (!buffer_reserve(out, room))
		return error_no_memory();
	uint8_t *at = write_header(out->data + out->len, '*', args.count);
	for (size_t i = 0; i < args.count; i++) {
		const qc_arg *arg = &args.items[i];
		at = write_header(at, '$', arg->len);
		memcpy(at, arg_data(arg), arg->len);
		at += arg->len;
		*at++ = '\r';
		*at++ = '\n';
	}
	out->len = (size_t)(at - out->data);
	return no_error();
}

const qc_table_entry *request_entry(qc_args args)
{
	if (args.count == 0 || arg_is_missing(&args.items[0]))
		return NULL;
	const qc_arg *sub = args.count > 1 && !arg_is_missing(&args.items[1]) ? &args.items[1] : NULL;
	return table_look_up(arg_data(&args.items[0]), args.items[0].len, sub ? arg_data(sub) : NULL, sub ? sub->len : 0);
}

unsigned request_flags(qc_args args)
{
	const qc_table_entry *info = request_entry(args);

	return info ? info->flags : 0;
}

/* Servers check ten times a second for blocked commands whose time has passed, so their replies may be late. */
#define WAIT_SLACK_MS 250

/* The argument that gives a command's own time limit. False if it has none. */
static bool find_wait(qc_args args, unsigned kind, size_t *out_index)
{
	switch (kind) {
	case COMMAND_WAIT_FIRST_S:
		*out_index = 1;
		return args.count > 1;
	case COMMAND_WAIT_LAST_S:
	case COMMAND_WAIT_LAST_MS:
		*out_index = args.count - 1;
		return args.count > 1;
	case COMMAND_WAIT_SLEEP_S:
		*out_index = 2;
		return args.count > 2 && text_spells(arg_data(&args.items[1]), args.items[1].len, "SLEEP");
	default:
		break;
	}
	/* BLOCK is an option of XREAD and XREADGROUP. After STREAMS only names follow. */
	for (size_t i = 1; i + 1 < args.count && !arg_is_missing(&args.items[i]); i++) {
		const qc_arg *arg = &args.items[i];
		if (text_spells(arg_data(arg), arg->len, "STREAMS"))
			break;
		*out_index = i + 1;
		if (text_spells(arg_data(arg), arg->len, "BLOCK"))
			return true;
	}
	return false;
}

int64_t request_wait_ms(qc_args args, unsigned flags)
{
	unsigned kind = flags & COMMAND_WAIT_MASK;
	size_t index;
	double number;

	if (kind == COMMAND_WAIT_NONE)
		return 0;
	if (kind == COMMAND_WAIT_UNKNOWN)
		return -1;
	if (!find_wait(args, kind, &index) || arg_is_missing(&args.items[index]) ||
	    !decimal_parse_double(arg_data(&args.items[index]), args.items[index].len, &number) || !(number >= 0))
		return 0;
	if (number == 0)
		return kind == COMMAND_WAIT_SLEEP_S ? 0 : -1;
	number *= kind == COMMAND_WAIT_LAST_MS || kind == COMMAND_WAIT_BLOCK_MS ? 1 : 1000;
	/* Times beyond the range of the clock count as forever. */
	return number < (double)(INT64_MAX / 1000000) ? (int64_t)number + WAIT_SLACK_MS : -1;
}

int64_t time_limit_ms(int64_t timeout_ms, int64_t wait_ms)
{
	if (timeout_ms < 0 || wait_ms < 0 || timeout_ms > INT64_MAX - wait_ms)
		return -1;
	return timeout_ms + wait_ms;
}

void request_name(qc_args args, char *out, size_t size)
{
	size_t len = 0;

	if (args.count > 0 && !arg_is_missing(&args.items[0])) {
		const char *name = arg_data(&args.items[0]);
		len = args.items[0].len < size - 1 ? args.items[0].len : size - 1;
		for (size_t i = 0; i < len; i++)
			out[i] = upper(name[i]);
	}
	out[len] = 0;
}

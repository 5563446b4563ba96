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
		return qc_errorf(QC_INVALID, "a command without a name");
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

unsigned request_flags(qc_args args)
{
	if (args.count == 0 || arg_is_missing(&args.items[0]))
		return 0;
	const qc_arg *sub = args.count > 1 && !arg_is_missing(&args.items[1]) ? &args.items[1] : NULL;
	const qc_table_entry *info = table_look_up(arg_data(&args.items[0]), args.items[0].len,
						      sub ? arg_data(sub) : NULL, sub ? sub->len : 0);
	return info ? info->flags : 0;
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

/*
 * Stores replies in variables. A value is a scalar reply; the field's kind and size say how to store it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"
#include "transport/decimal.h"

static qc_error unfit(const qc_field *field, const char *what)
{
	return qc_errorf(QC_PROTOCOL, "%s: %s", field->name, what);
}

static qc_error put_signed(const qc_field *field, const qc_reply *value, void *to)
{
	int64_t number, half = INT64_C(1) << (field->size * 8 - 1 - (field->size == 8));

	if (!reply_read_int(value, &number))
		return unfit(field, "no integer");
	if (field->size < 8 && (number < -half || number >= half))
		return unfit(field, "an integer too large for its variable");
	/* All supported machines are little-endian: the low bytes come first. */
	memcpy(to, &number, field->size);
	return no_error();
}

static qc_error put_unsigned(const qc_field *field, const qc_reply *value, void *to)
{
	int64_t number;
	uint64_t whole;

	if (reply_read_int(value, &number) && number >= 0)
		whole = (uint64_t)number;
	else if (!decimal_parse_uint64(qc_reply_text(value) ? qc_reply_text(value) : "", qc_reply_len(value), &whole))
		return unfit(field, "not an unsigned integer");
	if (field->size < 8 && whole >> (field->size * 8))
		return unfit(field, "an integer too large for its variable");
	memcpy(to, &whole, field->size);
	return no_error();
}

static qc_error put_floating(const qc_field *field, const qc_reply *value, void *to)
{
	double number;

	if (!reply_read_double(value, &number))
		return unfit(field, "no number");
	if (field->size == sizeof(float))
		*(float *)to = (float)number;
	else
		*(double *)to = number;
	return no_error();
}

static qc_error put_bool(const qc_field *field, const qc_reply *value, void *to)
{
	const char *text = qc_reply_text(value);
	size_t len = qc_reply_len(value);
	int64_t number;

	if (reply_read_int(value, &number) && (number == 0 || number == 1))
		*(bool *)to = number == 1;
	else if (text && (text_spells(text, len, "true") || text_spells(text, len, "false")))
		*(bool *)to = len == 4;
	else
		return unfit(field, "neither true nor false");
	return no_error();
}

/* The text of a scalar. NULL for aggregates, integers and nulls, which have none. */
static const char *text_of(const qc_reply *value)
{
	switch (qc_reply_type(value)) {
	case QC_SIMPLE:
	case QC_BULK:
	case QC_DOUBLE:
	case QC_BIG_NUMBER:
	case QC_VERBATIM:
		return qc_reply_text(value);
	default:
		return NULL;
	}
}

static qc_error put_chars(const qc_field *field, const qc_reply *value, void *to)
{
	const char *text = text_of(value);
	char number[24];
	int64_t integer;

	if (!text && reply_read_int(value, &integer))
		snprintf(number, sizeof(number), "%lld", (long long)integer);
	else if (!text)
		return unfit(field, "no text");
	size_t len = text ? qc_reply_len(value) : strlen(number);
	if (len >= field->size)
		return unfit(field, "a text too long for its variable");
	memcpy(to, text ? text : number, len);
	((char *)to)[len] = 0;
	return no_error();
}

static qc_error put_text(const qc_field *field, const qc_reply *value, void *to)
{
	const char *text = text_of(value);

	if (!text)
		return unfit(field, "no text");
	memcpy(to, &text, sizeof(text));
	return no_error();
}

static qc_error put(const qc_field *field, const qc_reply *value, void *out)
{
	static qc_error (*const putters[])(const qc_field *, const qc_reply *, void *) = {
		[QC_FIELD_SIGNED] = put_signed, [QC_FIELD_UNSIGNED] = put_unsigned, [QC_FIELD_FLOATING] = put_floating,
		[QC_FIELD_BOOL] = put_bool,     [QC_FIELD_CHARS] = put_chars,       [QC_FIELD_TEXT] = put_text,
	};
	qc_error err = qc_reply_err(value);

	if (err.kind != QC_OK)
		return qc_wrap(err, "%s", field->name);
	if (field->kind <= QC_FIELD_WRONG || field->kind >= sizeof(putters) / sizeof(putters[0]))
		return qc_errorf(QC_INVALID, "%s: cannot store into a variable of this type", field->name);
	return putters[field->kind](field, value, (char *)out + field->offset);
}

static qc_error check(const qc_reply *reply, bool has_pairs)
{
	enum qc_reply_type type = qc_reply_type(reply);

	if (type == QC_NULL)
		return qc_errorf(QC_NIL, "no such value");
	if ((type == QC_ARRAY || type == QC_MAP || type == QC_SET) && (!has_pairs || qc_reply_count(reply) % 2 == 0))
		return no_error();
	return qc_errorf(QC_PROTOCOL, "the reply is not %s", has_pairs ? "a map" : "an array");
}

qc_status qc_read_fields(const qc_reply *reply, void *out, const qc_field *fields, size_t count)
{
	qc_status status = {check(reply, true)};

	for (size_t i = 0; i < count && !qc_failed(status); i++) {
		const qc_reply *value = qc_reply_get(reply, fields[i].name);
		if (qc_reply_type(value) != QC_NULL)
			status.err = put(&fields[i], value, out);
	}
	return status;
}

qc_status qc_read_values(const qc_reply *reply, void *out, const qc_field *fields, size_t count)
{
	qc_status status = {check(reply, false)};

	if (!qc_failed(status) && qc_reply_count(reply) != count)
		status.err = qc_errorf(QC_PROTOCOL, "%zu values for %zu fields", qc_reply_count(reply), count);
	for (size_t i = 0; i < count && !qc_failed(status); i++)
		if (qc_reply_type(qc_reply_at(reply, i)) != QC_NULL)
			status.err = put(&fields[i], qc_reply_at(reply, i), out);
	return status;
}

qc_int qc_read_list(const qc_reply *reply, void *out, size_t room, qc_field each)
{
	qc_int result = {.err = check(reply, false), .value = 0};
	size_t count = qc_reply_count(reply);

	if (!qc_failed(result) && count > room)
		result.err = qc_errorf(QC_PROTOCOL, "%zu values for an array of %zu", count, room);
	for (size_t i = 0; i < count && !qc_failed(result); i++) {
		result.err = qc_reply_type(qc_reply_at(reply, i)) == QC_NULL ? qc_errorf(QC_NIL, "element %zu is null", i)
									     : put(&each, qc_reply_at(reply, i), out);
		each.offset += each.size;
	}
	result.value = qc_failed(result) ? 0 : (int64_t)count;
	return result;
}

#include "client/reply.h"

#include <stdlib.h>

#include "client/error.h"
#include "transport/decimal.h"

_Static_assert((int)QC_SIMPLE == (int)RESP_TYPE_SIMPLE && (int)QC_NULL == (int)RESP_TYPE_NULL &&
		       (int)QC_MAP == (int)RESP_TYPE_MAP && (int)QC_ATTRIBUTE == (int)RESP_TYPE_ATTRIBUTE,
	       "the public types of replies are the codec's");

enum qc_reply_type qc_reply_type(const qc_reply *reply)
{
	return reply ? (enum qc_reply_type)reply_of(reply)->type : QC_NULL;
}

static bool has_text(const struct resp_reply *reply)
{
	switch (reply->type) {
	case RESP_TYPE_SIMPLE:
	case RESP_TYPE_ERROR:
	case RESP_TYPE_BULK:
	case RESP_TYPE_DOUBLE:
	case RESP_TYPE_BIG_NUMBER:
	case RESP_TYPE_VERBATIM:
		return true;
	default:
		return false;
	}
}

bool reply_read_int(const qc_reply *public, int64_t *out_value)
{
	const struct resp_reply *reply = reply_of(public);

	if (!reply)
		return false;
	if (reply->type == RESP_TYPE_INTEGER || reply->type == RESP_TYPE_BOOL) {
		*out_value = reply->integer;
		return true;
	}
	return has_text(reply) && decimal_parse_int64(reply->text, reply->len, out_value);
}

bool reply_read_double(const qc_reply *public, double *out_value)
{
	const struct resp_reply *reply = reply_of(public);

	if (!reply)
		return false;
	if (reply->type == RESP_TYPE_INTEGER)
		*out_value = (double)reply->integer;
	else if (reply->type == RESP_TYPE_DOUBLE)
		*out_value = reply->number;
	else
		return has_text(reply) && decimal_parse_double(reply->text, reply->len, out_value);
	return true;
}

int64_t qc_reply_int(const qc_reply *reply)
{
	int64_t value = 0;
	return reply_read_int(reply, &value) ? value : 0;
}

double qc_reply_double(const qc_reply *reply)
{
	double value = 0;
	return reply_read_double(reply, &value) ? value : 0;
}

const char *qc_reply_text(const qc_reply *reply)
{
	if (!reply || reply_of(reply)->type == RESP_TYPE_NULL)
		return NULL;
	return has_text(reply_of(reply)) ? reply_of(reply)->text : "";
}

size_t qc_reply_len(const qc_reply *reply)
{
	return reply && has_text(reply_of(reply)) ? reply_of(reply)->len : 0;
}

const char *qc_reply_format(const qc_reply *reply)
{
	return reply && reply_of(reply)->type == RESP_TYPE_VERBATIM ? reply_of(reply)->format : "";
}

size_t qc_reply_count(const qc_reply *reply)
{
	return reply ? reply_of(reply)->count : 0;
}

const qc_reply *qc_reply_at(const qc_reply *reply, size_t index)
{
	if (index >= qc_reply_count(reply))
		return NULL;
	return reply_public(&reply_of(reply)->children[index]);
}

const qc_reply *qc_reply_get(const qc_reply *reply, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i + 1 < qc_reply_count(reply); i += 2) {
		const struct resp_reply *child = &reply_of(reply)->children[i];
		if (has_text(child) && child->len == len && memcmp(child->text, key, len) == 0)
			return reply_public(&reply_of(reply)->children[i + 1]);
	}
	return NULL;
}

qc_error qc_reply_err(const qc_reply *reply)
{
	if (!reply || reply_of(reply)->type != RESP_TYPE_ERROR)
		return no_error();
	return error_server(reply_of(reply)->text, reply_of(reply)->len);
}

void(qc_release)(void *result)
{
	qc_result *owner = result;

	if (!owner)
		return;
	resp_reply_free((struct resp_reply *)owner->reply);
	owner->reply = NULL;
}

void qc_release_string(qc_string *string)
{
	(qc_release)(string);
	if (string) {
		string->data = NULL;
		string->len = 0;
	}
}

static qc_error unexpected(const qc_reply *reply, const char *wanted)
{
	if (qc_reply_type(reply) == QC_NULL)
		return qc_errorf(QC_NIL, "no such value");
	return qc_errorf(QC_PROTOCOL, "the reply is not %s", wanted);
}

qc_status result_status(qc_result result)
{
	qc_status status = {result.err};

	if (!qc_failed(result) && qc_reply_type(result.reply) == QC_NULL)
		status.err = unexpected(result.reply, "a status");
	qc_release(&result);
	return status;
}

qc_int result_int(qc_result result)
{
	qc_int out = {.err = result.err, .value = 0};

	if (!qc_failed(result) && !reply_read_int(result.reply, &out.value))
		out.err = unexpected(result.reply, "an integer");
	qc_release(&result);
	return out;
}

qc_float result_float(qc_result result)
{
	qc_float out = {.err = result.err, .value = 0};

	if (!qc_failed(result) && !reply_read_double(result.reply, &out.value))
		out.err = unexpected(result.reply, "a number");
	qc_release(&result);
	return out;
}

/* Fills in a view of the reply's text, or the error. */
static qc_string string_view(qc_reply *reply)
{
	qc_string out = {.err = no_error(), .reply = NULL};

	out.data = NULL;
	out.len = 0;
	if (reply && has_text(reply_of(reply))) {
		out.data = reply_of(reply)->text;
		out.len = reply_of(reply)->len;
	} else {
		out.err = unexpected(reply, "a string");
	}
	return out;
}

qc_string result_string(qc_result result)
{
	if (qc_failed(result))
		return (qc_string){.err = result.err, .reply = NULL};
	qc_string out = string_view(result.reply);
	if (qc_failed(out))
		qc_release(&result);
	out.reply = result.reply;
	return out;
}

static qc_error results_err(const qc_results *results, size_t index)
{
	if (results->err.kind != QC_OK && index >= results->count)
		return results->err;
	if (index >= results->count)
		return qc_errorf(QC_INVALID, "there are only %zu results", results->count);
	return qc_reply_err(results->replies[index]);
}

qc_error qc_results_err(const qc_results *results, size_t *out_index)
{
	qc_error err = results->err;
	size_t i = 0;

	while (err.kind == QC_OK && i < results->count && (err = qc_reply_err(results->replies[i])).kind == QC_OK)
		i++;
	if (out_index)
		*out_index = results->err.kind == QC_OK ? i : results->count;
	return results->err.kind == QC_OK ? qc_wrap(err, "command %zu", i) : err;
}

qc_int qc_results_int(const qc_results *results, size_t index)
{
	qc_int out = {.err = results_err(results, index), .value = 0};

	if (!qc_failed(out) && !reply_read_int(results->replies[index], &out.value))
		out.err = unexpected(results->replies[index], "an integer");
	return out;
}

qc_string qc_results_string(const qc_results *results, size_t index)
{
	qc_error err = results_err(results, index);

	if (err.kind != QC_OK)
		return (qc_string){.err = err, .reply = NULL};
	return string_view(results->replies[index]);
}

void qc_results_release(qc_results *results)
{
	if (!results)
		return;
	for (size_t i = 0; !results->owner && i < results->count; i++)
		resp_reply_free((struct resp_reply *)results->replies[i]);
	resp_reply_free((struct resp_reply *)results->owner);
	free(results->replies);
	results->owner = NULL;
	results->replies = NULL;
	results->count = 0;
}

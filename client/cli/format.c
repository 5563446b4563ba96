#include "client/cli/format.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RED "\033[31m"
#define GREY "\033[90m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define PLAIN "\033[0m"

/* Indices and their like, in grey on a terminal. */
static void dim(struct text *out, bool colour, const char *text)
{
	text_printf(out, "%s%s%s", colour ? GREY : "", text, colour ? PLAIN : "");
}

static bool is_aggregate(enum qc_reply_type type)
{
	return type == QC_ARRAY || type == QC_MAP || type == QC_SET || type == QC_PUSH || type == QC_ATTRIBUTE;
}

static bool has_pairs(enum qc_reply_type type)
{
	return type == QC_MAP || type == QC_ATTRIBUTE;
}

/* Scalars */

static void standard_scalar(struct text *out, const qc_reply *reply, bool colour)
{
	const char *text = qc_reply_text(reply);

	switch (qc_reply_type(reply)) {
	case QC_ERROR:
		format_error(out, text, FORMAT_STANDARD, colour);
		return;
	case QC_INTEGER:
		dim(out, colour, "(integer) ");
		text_printf(out, "%s%lld%s", colour ? CYAN : "", (long long)qc_reply_int(reply), colour ? PLAIN : "");
		break;
	case QC_DOUBLE:
		dim(out, colour, "(double) ");
		text_printf(out, "%s%s%s", colour ? CYAN : "", text, colour ? PLAIN : "");
		break;
	case QC_NULL:
		dim(out, colour, "(nil)");
		break;
	case QC_BOOL:
		dim(out, colour, qc_reply_int(reply) ? "(true)" : "(false)");
		break;
	case QC_BULK:
		text_puts(out, colour ? GREEN : "");
		text_quote(out, text, qc_reply_len(reply));
		text_puts(out, colour ? PLAIN : "");
		break;
	case QC_VERBATIM:
		format_text(out, reply);
		return;
	default:
		text_add(out, text, qc_reply_len(reply));
		break;
	}
	text_puts(out, "\n");
}

/* The nested form: each element behind its number, one level deeper than `indent`. */
static void standard(struct text *out, const qc_reply *reply, size_t indent, bool colour)
{
	static const char *const empty[] = {[QC_MAP] = "(empty hash)", [QC_SET] = "(empty set)",
					    [QC_PUSH] = "(empty push)", [QC_ATTRIBUTE] = "(empty attribute)",
					    [QC_ARRAY] = "(empty array)"};
	enum qc_reply_type type = qc_reply_type(reply);
	size_t count = qc_reply_count(reply), step = has_pairs(type) ? 2 : 1;
	char mark = type == QC_SET ? '~' : has_pairs(type) ? '#' : ')', number[32];

	if (!is_aggregate(type)) {
		standard_scalar(out, reply, colour);
		return;
	}
	if (count == 0) {
		dim(out, colour, empty[type]);
		text_puts(out, "\n");
		return;
	}
	int width = snprintf(NULL, 0, "%zu", count / step);
	for (size_t i = 0; i < count; i += step) {
		if (i > 0)
			text_printf(out, "%*s", (int)indent, "");
		snprintf(number, sizeof(number), "%*zu%c ", width, i / step + 1, mark);
		dim(out, colour, number);
		standard(out, qc_reply_at(reply, i), indent + (size_t)width + 2, colour);
		if (step == 1)
			continue;
		out->len--;
		text_puts(out, " => ");
		standard(out, qc_reply_at(reply, i + 1), indent + (size_t)width + 2, colour);
	}
}

static void raw(struct text *out, const qc_reply *reply)
{
	enum qc_reply_type type = qc_reply_type(reply);

	if (is_aggregate(type)) {
		for (size_t i = 0; i < qc_reply_count(reply); i++) {
			if (i > 0)
				text_puts(out, "\n");
			raw(out, qc_reply_at(reply, i));
		}
	} else if (type == QC_INTEGER) {
		text_printf(out, "%lld", (long long)qc_reply_int(reply));
	} else if (type == QC_BOOL) {
		text_puts(out, qc_reply_int(reply) ? "(true)" : "(false)");
	} else if (type != QC_NULL) {
		text_add(out, qc_reply_text(reply), qc_reply_len(reply));
	}
}

/* RFC 4180: quotes are doubled. */
static void csv_string(struct text *out, const char *data, size_t len)
{
	text_puts(out, "\"");
	for (size_t i = 0; i < len; i++)
		text_add(out, data[i] == '"' ? "\"\"" : data + i, data[i] == '"' ? 2 : 1);
	text_puts(out, "\"");
}

static void csv(struct text *out, const qc_reply *reply)
{
	enum qc_reply_type type = qc_reply_type(reply);

	if (is_aggregate(type)) {
		for (size_t i = 0; i < qc_reply_count(reply); i++) {
			if (i > 0)
				text_puts(out, ",");
			csv(out, qc_reply_at(reply, i));
		}
	} else if (type == QC_INTEGER) {
		text_printf(out, "%lld", (long long)qc_reply_int(reply));
	} else if (type == QC_BOOL) {
		text_puts(out, qc_reply_int(reply) ? "true" : "false");
	} else if (type == QC_NULL) {
		text_puts(out, "NULL");
	} else if (type == QC_DOUBLE) {
		text_puts(out, qc_reply_text(reply));
	} else {
		if (type == QC_ERROR)
			text_puts(out, "ERROR,");
		csv_string(out, qc_reply_text(reply), qc_reply_len(reply));
	}
}

static void json(struct text *out, const qc_reply *reply);

static void json_aggregate(struct text *out, const qc_reply *reply)
{
	bool pairs = has_pairs(qc_reply_type(reply));

	text_puts(out, pairs ? "{" : "[");
	for (size_t i = 0; i < qc_reply_count(reply); i += pairs ? 2 : 1) {
		const qc_reply *item = qc_reply_at(reply, i);
		if (i > 0)
			text_puts(out, ",");
		if (pairs && qc_reply_type(item) == QC_INTEGER)
			text_printf(out, "\"%lld\"", (long long)qc_reply_int(item));
		else if (pairs && !is_aggregate(qc_reply_type(item)) && qc_reply_text(item))
			text_json(out, qc_reply_text(item), qc_reply_len(item));
		else if (pairs)
			text_puts(out, "\"\"");
		if (pairs)
			text_puts(out, ":");
		json(out, pairs ? qc_reply_at(reply, i + 1) : item);
	}
	text_puts(out, pairs ? "}" : "]");
}

static void json(struct text *out, const qc_reply *reply)
{
	enum qc_reply_type type = qc_reply_type(reply);
	const char *text = qc_reply_text(reply);

	if (is_aggregate(type)) {
		json_aggregate(out, reply);
	} else if (type == QC_INTEGER) {
		text_printf(out, "%lld", (long long)qc_reply_int(reply));
	} else if (type == QC_BOOL) {
		text_puts(out, qc_reply_int(reply) ? "true" : "false");
	} else if (type == QC_NULL) {
		text_puts(out, "null");
	} else if (type == QC_ERROR) {
		text_puts(out, "{\"error\":");
		text_json(out, text, qc_reply_len(reply));
		text_puts(out, "}");
	} else if ((type == QC_DOUBLE && !strpbrk(text, "nN")) || type == QC_BIG_NUMBER) {
		text_puts(out, text);
	} else {
		text_json(out, text, qc_reply_len(reply));
	}
}

/* Texts, which quotes and escapes would spoil */

static const struct { const char *command, *sub; } texts[] = {
	{"info", NULL},         {"lolwut", NULL},        {"client", "list"},    {"client", "info"},
	{"memory", "doctor"},   {"memory", "malloc-stats"}, {"latency", "doctor"}, {"latency", "graph"},
	{"cluster", "nodes"},   {"cluster", "info"},     {"debug", "htstats"},  {"debug", "htstats-key"},
};

bool format_is_text(const char *command, const char *sub)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcasecmp(texts[i].command, command) == 0 && (!texts[i].sub || (sub && strcasecmp(texts[i].sub, sub) == 0)))
			return true;
	return false;
}

void format_text(struct text *out, const qc_reply *reply)
{
	const char *text = qc_reply_text(reply);
	size_t len = qc_reply_len(reply);

	text_add(out, text, len);
	if (len == 0 || text[len - 1] != '\n')
		text_puts(out, "\n");
}

void format_string(struct text *out, const char *data, size_t len, enum format format)
{
	switch (format) {
	case FORMAT_AUTO:
	case FORMAT_STANDARD:
		text_quote(out, data, len);
		break;
	case FORMAT_RAW:
		text_add(out, data, len);
		break;
	case FORMAT_CSV:
		csv_string(out, data, len);
		break;
	case FORMAT_JSON:
		text_json(out, data, len);
		break;
	}
}

void format_reply(struct text *out, const qc_reply *reply, enum format format, bool colour)
{
	switch (format) {
	case FORMAT_AUTO:
	case FORMAT_STANDARD:
		standard(out, reply, 0, colour);
		return;
	case FORMAT_RAW:
		raw(out, reply);
		break;
	case FORMAT_CSV:
		csv(out, reply);
		break;
	case FORMAT_JSON:
		json(out, reply);
		break;
	}
	text_puts(out, "\n");
}

void format_error(struct text *out, const char *error, enum format format, bool colour)
{
	switch (format) {
	case FORMAT_AUTO:
	case FORMAT_STANDARD:
		text_printf(out, "%s(error) %s%s\n", colour ? RED : "", error, colour ? PLAIN : "");
		break;
	case FORMAT_RAW:
		text_printf(out, "%s\n", error);
		break;
	case FORMAT_CSV:
		text_puts(out, "ERROR,");
		csv_string(out, error, strlen(error));
		text_puts(out, "\n");
		break;
	case FORMAT_JSON:
		text_puts(out, "{\"error\":");
		text_json(out, error, strlen(error));
		text_puts(out, "}\n");
		break;
	}
}

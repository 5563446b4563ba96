#include "client/cli/format.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RED "\033[31m"
#define GREY "\033[90m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define PLAIN "\033[0m"

/* Writes indices and type names, in grey on a terminal. */
static void dim(struct text *out, const struct style *style, const char *text)
{
	text_printf(out, "%s%s%s", style->has_colour ? GREY : "", text, style->has_colour ? PLAIN : "");
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

/* Writes in a colour, if the style has colours. */
static void tint(struct text *out, const struct style *style, const char *colour, const char *text)
{
	text_printf(out, "%s%s%s", style->has_colour ? colour : "", text, style->has_colour ? PLAIN : "");
}

static void standard_scalar(struct text *out, const qc_reply *reply, const struct style *style)
{
	const char *text = qc_reply_text(reply);
	char number[32];

	switch (qc_reply_type(reply)) {
	case QC_ERROR:
		format_error(out, text, style);
		return;
	case QC_INTEGER:
		dim(out, style, "(integer) ");
		snprintf(number, sizeof(number), "%lld", (long long)qc_reply_int(reply));
		tint(out, style, CYAN, number);
		break;
	case QC_DOUBLE:
		dim(out, style, "(double) ");
		tint(out, style, CYAN, text);
		break;
	case QC_NULL:
		dim(out, style, "(nil)");
		break;
	case QC_BOOL:
		dim(out, style, qc_reply_int(reply) ? "(true)" : "(false)");
		break;
	case QC_BULK:
		text_puts(out, style->has_colour ? GREEN : "");
		format_string(out, text, qc_reply_len(reply), style);
		text_puts(out, style->has_colour ? PLAIN : "");
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

/* The nested form: each element after its number, one level deeper than `indent`. */
static void standard(struct text *out, const qc_reply *reply, size_t indent, const struct style *style)
{
	static const char *const empty[] = {[QC_MAP] = "(empty hash)", [QC_SET] = "(empty set)",
					    [QC_PUSH] = "(empty push)", [QC_ATTRIBUTE] = "(empty attribute)",
					    [QC_ARRAY] = "(empty array)"};
	enum qc_reply_type type = qc_reply_type(reply);
	size_t count = qc_reply_count(reply), step = has_pairs(type) ? 2 : 1;
	char mark = type == QC_SET ? '~' : has_pairs(type) ? '#' : ')', number[32];

	if (!is_aggregate(type)) {
		standard_scalar(out, reply, style);
		return;
	}
	if (count == 0) {
		dim(out, style, empty[type]);
		text_puts(out, "\n");
		return;
	}
	int width = snprintf(NULL, 0, "%zu", count / step);
	for (size_t i = 0; i < count; i += step) {
		if (i > 0)
			text_printf(out, "%*s", (int)indent, "");
		snprintf(number, sizeof(number), "%*zu%c ", width, i / step + 1, mark);
		dim(out, style, number);
		standard(out, qc_reply_at(reply, i), indent + (size_t)width + 2, style);
		if (step == 1)
			continue;
		out->len--;
		text_puts(out, " => ");
		standard(out, qc_reply_at(reply, i + 1), indent + (size_t)width + 2, style);
	}
}

static void raw(struct text *out, const qc_reply *reply, const char *between)
{
	enum qc_reply_type type = qc_reply_type(reply);

	if (is_aggregate(type)) {
		for (size_t i = 0; i < qc_reply_count(reply); i++) {
			text_puts(out, i > 0 ? between : "");
			raw(out, qc_reply_at(reply, i), between);
		}
	} else if (type == QC_INTEGER) {
		text_printf(out, "%lld", (long long)qc_reply_int(reply));
	} else if (type == QC_BOOL) {
		text_puts(out, qc_reply_int(reply) ? "(true)" : "(false)");
	} else if (type != QC_NULL) {
		text_add(out, qc_reply_text(reply), qc_reply_len(reply));
	}
}

/* RFC 4180: quotes inside are doubled. */
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

static void json(struct text *out, const qc_reply *reply, const struct style *style);

static void json_key(struct text *out, const qc_reply *key, const struct style *style)
{
	enum qc_reply_type type = qc_reply_type(key);

	if (type == QC_INTEGER)
		text_printf(out, "\"%lld\"", (long long)qc_reply_int(key));
	else if (!is_aggregate(type) && qc_reply_text(key))
		format_string(out, qc_reply_text(key), qc_reply_len(key), style);
	else
		text_puts(out, "\"\"");
	text_puts(out, ":");
}

static void json_aggregate(struct text *out, const qc_reply *reply, const struct style *style)
{
	bool pairs = has_pairs(qc_reply_type(reply));

	text_puts(out, pairs ? "{" : "[");
	for (size_t i = 0; i < qc_reply_count(reply); i += pairs ? 2 : 1) {
		text_puts(out, i > 0 ? "," : "");
		if (pairs)
			json_key(out, qc_reply_at(reply, i), style);
		json(out, qc_reply_at(reply, pairs ? i + 1 : i), style);
	}
	text_puts(out, pairs ? "}" : "]");
}

static void json(struct text *out, const qc_reply *reply, const struct style *style)
{
	enum qc_reply_type type = qc_reply_type(reply);
	const char *text = qc_reply_text(reply);

	if (is_aggregate(type)) {
		json_aggregate(out, reply, style);
	} else if (type == QC_INTEGER) {
		text_printf(out, "%lld", (long long)qc_reply_int(reply));
	} else if (type == QC_BOOL) {
		text_puts(out, qc_reply_int(reply) ? "true" : "false");
	} else if (type == QC_NULL) {
		text_puts(out, "null");
	} else if (type == QC_ERROR) {
		text_puts(out, "{\"error\":");
		format_string(out, text, qc_reply_len(reply), style);
		text_puts(out, "}");
	} else if ((type == QC_DOUBLE && !strpbrk(text, "nN")) || type == QC_BIG_NUMBER) {
		text_puts(out, text);
	} else {
		format_string(out, text, qc_reply_len(reply), style);
	}
}

/* The quoted form as a JSON string, as in redis-cli. */
static void quoted_json(struct text *out, const char *data, size_t len)
{
	struct text quoted = {NULL, 0, 0};

	text_quote(&quoted, data, len, false);
	text_json(out, quoted.data + 1, quoted.len - 2);
	text_fini(&quoted);
}

/* Replies that are texts, which quotes and escapes would make unreadable */

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

void format_string(struct text *out, const char *data, size_t len, const struct style *style)
{
	switch (style->format) {
	case FORMAT_AUTO:
	case FORMAT_STANDARD:
		text_quote(out, data, len, style->is_readable);
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
	case FORMAT_QUOTED_JSON:
		quoted_json(out, data, len);
		break;
	}
}

void format_reply(struct text *out, const qc_reply *reply, const struct style *style)
{
	switch (style->format) {
	case FORMAT_AUTO:
	case FORMAT_STANDARD:
		standard(out, reply, 0, style);
		return;
	case FORMAT_RAW:
		raw(out, reply, style->between);
		text_puts(out, style->end);
		return;
	case FORMAT_CSV:
		csv(out, reply);
		break;
	case FORMAT_JSON:
	case FORMAT_QUOTED_JSON:
		json(out, reply, style);
		break;
	}
	text_puts(out, "\n");
}

void format_push(struct text *out, const qc_reply *push, const struct style *style)
{
	if (style->format != FORMAT_STANDARD) {
		format_reply(out, push, style);
		return;
	}
	dim(out, style, "-> ");
	standard(out, push, strlen("-> "), style);
}

void format_error(struct text *out, const char *error, const struct style *style)
{
	switch (style->format) {
	case FORMAT_AUTO:
	case FORMAT_STANDARD:
		text_puts(out, style->has_colour ? RED : "");
		text_printf(out, "(error) %s", error);
		text_puts(out, style->has_colour ? PLAIN : "");
		break;
	case FORMAT_RAW:
		text_printf(out, "%s%s", error, style->end);
		return;
	case FORMAT_CSV:
		text_puts(out, "ERROR,");
		csv_string(out, error, strlen(error));
		break;
	case FORMAT_JSON:
	case FORMAT_QUOTED_JSON:
		text_puts(out, "{\"error\":");
		format_string(out, error, strlen(error), style);
		text_puts(out, "}");
		break;
	}
	text_puts(out, "\n");
}

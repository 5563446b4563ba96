/*
 * -slowlog: prints slow commands as they enter the slow log, the oldest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli/tools.h"

/* The number of entries to ask for: servers keep 128 by default. */
#define ENTRIES 128

static void show_words(struct text *out, const qc_reply *words, const struct style *style)
{
	struct style quoted = *style;

	quoted.format = FORMAT_STANDARD;
	for (size_t i = 0; i < qc_reply_count(words); i++) {
		const qc_reply *word = qc_reply_at(words, i);
		const char *text = qc_reply_text(word) ? qc_reply_text(word) : "";
		bool is_plain = *text && !text[strcspn(text, " \t\r\n\"'\\")] && strlen(text) == qc_reply_len(word);
		text_puts(out, i ? " " : "");
		if (is_plain)
			text_puts(out, text);
		else
			format_string(out, text, qc_reply_len(word), &quoted);
	}
}

static void show_entry(struct text *out, const qc_reply *entry, const struct style *style)
{
	time_t when = (time_t)qc_reply_int(qc_reply_at(entry, 1));
	const char *client = qc_reply_text(qc_reply_at(entry, 4)), *name = qc_reply_text(qc_reply_at(entry, 5));
	char clock[32] = "";
	struct tm parts;

	if (localtime_r(&when, &parts))
		strftime(clock, sizeof(clock), "%F %T", &parts);
	text_printf(out, "%s  %10.3f ms  %s%s%s  ", clock, (double)qc_reply_int(qc_reply_at(entry, 2)) / 1000, client ? client : "-",
		    name && *name ? " " : "", name ? name : "");
	show_words(out, qc_reply_at(entry, 3), style);
	text_puts(out, "\n");
}

static void show_json(struct text *out, const qc_reply *entry, const struct style *style)
{
	struct text command = {NULL, 0, 0};
	const char *client = qc_reply_text(qc_reply_at(entry, 4));

	format_reply(&command, qc_reply_at(entry, 3), style);
	text_printf(out, "{\"id\":%lld,\"time\":%lld,\"usec\":%lld,\"client\":", (long long)qc_reply_int(qc_reply_at(entry, 0)),
		    (long long)qc_reply_int(qc_reply_at(entry, 1)), (long long)qc_reply_int(qc_reply_at(entry, 2)));
	format_string(out, client ? client : "", client ? strlen(client) : 0, style);
	text_printf(out, ",\"command\":%.*s}\n", (int)command.len - 1, command.data);
	text_fini(&command);
}

/* Prints the entries newer than `last`, and updates it. The server sends the newest first. */
static void show_new(struct session *s, const qc_reply *entries, long long *last)
{
	long long newest = *last;

	for (size_t i = qc_reply_count(entries); i-- > 0;) {
		const qc_reply *entry = qc_reply_at(entries, i);
		long long id = (long long)qc_reply_int(qc_reply_at(entry, 0));
		if (id <= *last || qc_reply_count(entry) < 4)
			continue;
		if (s->style.format == FORMAT_JSON || s->style.format == FORMAT_QUOTED_JSON)
			show_json(&s->out, entry, &s->style);
		else
			show_entry(&s->out, entry, &s->style);
		newest = id > newest ? id : newest;
	}
	print(&s->out);
	*last = newest;
}

int tool_slowlog(struct session *s)
{
	double interval = s->options->interval_s > 0 ? s->options->interval_s : 1;
	long long last = -1;

	for (long left = s->options->repeat; left != 0; left -= left > 0) {
		qc_result entries qc_auto = CALL(s, "SLOWLOG", "GET", ENTRIES);
		if (qc_failed(entries))
			return give_up(entries.err);
		show_new(s, entries.reply, &last);
		if (left != 1 && !pause_us((int64_t)(interval * 1e6)))
			break;
	}
	interrupt_end();
	return EXIT_OK;
}

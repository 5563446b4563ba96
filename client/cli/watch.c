/*
 * -stat: statistics of the server.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/tools.h"

static double info_field(const char *info, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = info; (at = strstr(at, name)); at += len)
		if ((at == info || at[-1] == '\n') && at[len] == ':')
			return strtod(at + len + 1, NULL);
	return NAN;
}

/* The number of keys in all databases. */
static double count_keys(const char *info)
{
	double sum = 0;

	for (const char *at = info; (at = strstr(at, ":keys=")); at++)
		sum += strtod(at + 6, NULL);
	return sum;
}

static void show_field(struct text *out, double value, int width)
{
	char text[16];

	if (isnan(value))
		text_printf(out, "%-*s", width, "-");
	else
		text_printf(out, "%-*s", width, human(value, text));
}

int tool_stat(struct session *s)
{
	double interval = s->options->interval_s > 0 ? s->options->interval_s : 1, last_requests = NAN;
	int64_t last_us = 0;
	long lines = 0;

	for (long left = s->options->repeat; left != 0; left -= left > 0) {
		qc_result info qc_auto = CALL(s, "INFO");
		if (qc_failed(info))
			return give_up(info.err);
		const char *text = qc_reply_text(info.reply) ? qc_reply_text(info.reply) : "";
		double requests = info_field(text, "total_commands_processed");
		int64_t now_us = clock_us();
		if (lines++ % 20 == 0)
			text_puts(&s->out, "keys      memory    clients   blocked   requests  per sec   connections\n");
		show_field(&s->out, count_keys(text), 10);
		show_field(&s->out, info_field(text, "used_memory"), 10);
		show_field(&s->out, info_field(text, "connected_clients"), 10);
		show_field(&s->out, info_field(text, "blocked_clients"), 10);
		show_field(&s->out, requests, 10);
		show_field(&s->out, last_us ? (requests - last_requests) * 1e6 / (double)(now_us - last_us) : NAN, 10);
		show_field(&s->out, info_field(text, "total_connections_received"), 10);
		text_puts(&s->out, "\n");
		print(&s->out);
		last_requests = requests;
		last_us = now_us;
		if (left != 1 && !pause_us((int64_t)(interval * 1e6)))
			break;
	}
	interrupt_end();
	return EXIT_OK;
}

/*
 * -actors shows what the server's actors do, as top(1) shows processes. INFO ACTORS reports totals since the start; this tool shows the
 * growth since the previous sample.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/tools.h"
#include "client/cli/tty.h"

/* A line of INFO: "name:field=number,field=number". */
struct figures {
	char name[96];
	double mailbox, received;            /* of actors */
	double count, usec, max_usec, above; /* of an actor's turns for one message type */
	double requests;                     /* of batches, with `count` */
};

struct sample {
	struct figures *items;
	size_t count, capacity;
	int64_t at_us;
};

static double field(const char *line, size_t len, const char *name)
{
	size_t width = strlen(name);

	for (size_t at = 0; at < len; at += strcspn(line + at, ",\n") + 1)
		if (strncmp(line + at, name, width) == 0 && line[at + width] == '=')
			return strtod(line + at + width + 1, NULL);
	return 0;
}

static void take_line(struct sample *sample, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon ? (size_t)(colon - line) : 0;
	struct figures f = {.name = ""};

	if (!colon || name_len >= sizeof(f.name))
		return;
	memcpy(f.name, line, name_len);
	const char *rest = colon + 1;
	size_t rest_len = len - name_len - 1;
	f.mailbox = field(rest, rest_len, "mailbox_depth");
	f.received = field(rest, rest_len, "received");
	f.count = field(rest, rest_len, "count");
	f.usec = field(rest, rest_len, "usec");
	f.max_usec = field(rest, rest_len, "max_usec");
	f.above = field(rest, rest_len, "above_2ms");
	f.requests = field(rest, rest_len, "requests");
	if (sample->count == sample->capacity) {
		sample->capacity = sample->capacity ? sample->capacity * 2 : 32;
		sample->items = checked(realloc(sample->items, sample->capacity * sizeof(*sample->items)));
	}
	sample->items[sample->count++] = f;
}

static void parse_info(struct sample *sample, const char *text)
{
	sample->count = 0;
	sample->at_us = clock_us();
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		if (*text != '#')
			take_line(sample, text, (size_t)(end - text));
	}
}

static const struct figures *find(const struct sample *sample, const char *name)
{
	static const struct figures none = {.name = ""};

	for (size_t i = 0; i < sample->count; i++)
		if (strcmp(sample->items[i].name, name) == 0)
			return &sample->items[i];
	return &none;
}

static int by_time(const void *a, const void *b)
{
	double left = ((const struct figures *)a)->usec, right = ((const struct figures *)b)->usec;

	return (left < right) - (left > right);
}

/* Turns totals into growth since `before`. The entries with the most time come first. */
static void subtract(struct sample *out, const struct sample *now, const struct sample *before)
{
	out->items = checked(realloc(out->items, now->count * sizeof(*out->items)));
	memcpy(out->items, now->items, now->count * sizeof(*out->items));
	out->count = now->count;
	for (size_t i = 0; i < out->count; i++) {
		struct figures *f = &out->items[i];
		const struct figures *old = find(before, f->name);
		f->received -= old->received;
		f->count -= old->count;
		f->usec -= old->usec;
		f->above -= old->above;
		f->requests -= old->requests;
	}
	qsort(out->items, out->count, sizeof(*out->items), by_time);
}

static bool begins(const struct figures *f, const char *prefix)
{
	return strncmp(f->name, prefix, strlen(prefix)) == 0;
}

/* Output for people */

static void show_actors(struct text *out, const struct sample *d, double seconds)
{
	char rate[16];

	text_printf(out, "%-24s %10s %12s\n", "actor", "mailbox", "messages/s");
	for (size_t i = 0; i < d->count; i++)
		if (begins(&d->items[i], "actor_"))
			text_printf(out, "%-24s %10.0f %12s\n", d->items[i].name + 6, d->items[i].mailbox,
				    human(d->items[i].received / seconds, rate));
}

/* Names look like "turns_store_STORE_REQUESTS"; actor names contain no underscore. */
static void show_turns(struct text *out, const struct sample *d, double seconds)
{
	char rate[16];

	text_printf(out, "\n%-10s %-32s %6s %10s %12s %12s %8s\n", "actor", "message", "busy", "turns/s", "average us", "longest us",
		    "> 2 ms");
	for (size_t i = 0; i < d->count; i++) {
		const struct figures *f = &d->items[i];
		if (!begins(f, "turns_") || f->count <= 0)
			continue;
		const char *actor = f->name + 6;
		int len = (int)strcspn(actor, "_");
		text_printf(out, "%-10.*s %-32s %5.1f%% %10s %12.1f %12.1f %8.0f\n", len, actor, actor[len] ? actor + len + 1 : "",
			    f->usec / seconds / 1e4, human(f->count / seconds, rate), f->usec / f->count, f->max_usec, f->above);
	}
}

static void show_batches(struct text *out, const struct sample *d, double seconds)
{
	const struct figures *f = find(d, "batches");
	char batches[16], requests[16];

	if (f->count > 0)
		text_printf(out, "\n%s batches/s with %s requests/s: %.2f requests per batch\n", human(f->count / seconds, batches),
			    human(f->requests / seconds, requests), f->requests / f->count);
}

/* Output for programs: one JSON object per line. */
static void show_json(struct text *out, const struct sample *d, double seconds)
{
	const struct figures *b = find(d, "batches");
	const char *comma = "";

	text_printf(out, "{\"seconds\":%.3f,\"actors\":{", seconds);
	for (size_t i = 0; i < d->count; i++) {
		const struct figures *f = &d->items[i];
		if (!begins(f, "actor_"))
			continue;
		text_printf(out, "%s\"%s\":{\"mailbox\":%.0f,\"received\":%.0f}", comma, f->name + 6, f->mailbox, f->received);
		comma = ",";
	}
	text_puts(out, "},\"turns\":[");
	comma = "";
	for (size_t i = 0; i < d->count; i++) {
		const struct figures *f = &d->items[i];
		int len = (int)strcspn(f->name + (begins(f, "turns_") ? 6 : 0), "_");
		if (!begins(f, "turns_") || f->count <= 0)
			continue;
		text_printf(out, "%s{\"actor\":\"%.*s\",\"message\":\"%s\",\"turns\":%.0f,\"usec\":%.0f,\"max_usec\":%.2f,\"above_2ms\":%.0f}",
			    comma, len, f->name + 6, f->name[6 + len] ? f->name + 7 + len : "", f->count, f->usec, f->max_usec, f->above);
		comma = ",";
	}
	text_printf(out, "],\"batches\":%.0f,\"requests\":%.0f}\n", b->count, b->requests);
}

static void show(struct session *s, const struct sample *d, double seconds)
{
	bool is_json = s->style.format == FORMAT_JSON || s->style.format == FORMAT_QUOTED_JSON;

	if (is_json) {
		show_json(&s->out, d, seconds);
	} else {
		text_puts(&s->out, tty_is_smart(STDOUT_FILENO) ? "\033[H\033[2J" : "");
		show_actors(&s->out, d, seconds);
		show_turns(&s->out, d, seconds);
		show_batches(&s->out, d, seconds);
		text_puts(&s->out, tty_is_smart(STDOUT_FILENO) ? "" : "\n");
	}
	print(&s->out);
}

/* False after an error, or if the server reports no actors, which has been printed. */
static bool take_sample(struct session *s, struct sample *sample, qc_error *out_err)
{
	qc_result info qc_auto = CALL(s, "INFO", "actors");
	const char *text = qc_reply_text(info.reply);

	*out_err = info.err;
	if (qc_failed(info))
		return false;
	parse_info(sample, text ? text : "");
	if (sample->count == 0)
		fputs("qcache-cli: -actors: the server reports no actors\n", stderr);
	return sample->count > 0;
}

int tool_actors(struct session *s)
{
	double interval = s->options->interval_s > 0 ? s->options->interval_s : 1;
	struct sample samples[2] = {{.items = NULL}, {.items = NULL}}, growth = {.items = NULL};
	qc_error err;
	bool ok = take_sample(s, &samples[0], &err);

	for (long i = 1; ok && i - 1 != s->options->repeat; i++) {
		struct sample *now = &samples[i % 2], *before = &samples[(i + 1) % 2];
		if (!pause_us((int64_t)(interval * 1e6)))
			break;
		ok = take_sample(s, now, &err);
		if (!ok)
			break;
		subtract(&growth, now, before);
		show(s, &growth, (double)(now->at_us - before->at_us) / 1e6);
	}
	for (size_t i = 0; i < 2; i++)
		free(samples[i].items);
	free(growth.items);
	if (err.kind != QC_OK)
		return give_up(err);
	interrupt_end();
	return ok ? EXIT_OK : EXIT_FAILED;
}

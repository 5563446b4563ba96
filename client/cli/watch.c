/*
 * Tools that watch a server: statistics and response times.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/tools.h"
#include "client/cli/tty.h"

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

struct samples {
	int64_t least, most, sum;
	uint64_t count;
};

/* Sends one PING and measures it. */
static qc_error time_ping(struct session *s, int64_t *out_us)
{
	int64_t began = clock_us();
	qc_result pong qc_auto = CALL(s, "PING");

	*out_us = clock_us() - began;
	return pong.err;
}

static void add_sample(struct samples *all, int64_t us)
{
	all->least = all->count == 0 || us < all->least ? us : all->least;
	all->most = us > all->most ? us : all->most;
	all->sum += us;
	all->count++;
}

static void show_samples(struct session *s, const struct samples *all, bool again)
{
	double mean = all->count ? (double)all->sum / (double)all->count / 1000 : 0;

	text_printf(&s->out, "%smin %.3f ms, max %.3f ms, avg %.3f ms (%llu samples)%s", again ? "\r" : "",
		    (double)all->least / 1000, (double)all->most / 1000, mean, (unsigned long long)all->count, again ? "\033[K" : "\n");
	print(&s->out);
}

static bool is_record(const struct session *s)
{
	return s->style.format == FORMAT_JSON || s->style.format == FORMAT_QUOTED_JSON || s->style.format == FORMAT_CSV;
}

/* For programs: milliseconds, with the names and order of redis-cli. */
static void show_record(struct session *s, const struct samples *all)
{
	double least = (double)all->least / 1000, most = (double)all->most / 1000;
	double mean = (double)all->sum / (double)all->count / 1000;
	unsigned long long count = all->count;

	if (s->style.format != FORMAT_CSV)
		text_printf(&s->out, "{\"min\":%.3f,\"max\":%.3f,\"avg\":%.3f,\"count\":%llu}\n", least, most, mean, count);
	else
		text_printf(&s->out, "%.3f,%.3f,%.3f,%llu\n", least, most, mean, count);
	print(&s->out);
}

/* Sends PINGs until the time. False after Ctrl-C or an error. */
static bool sample(struct session *s, struct samples *all, int64_t until, bool live, qc_error *out_err)
{
	int64_t us, shown = 0;

	for (;;) {
		*out_err = time_ping(s, &us);
		if (out_err->kind != QC_OK)
			return false;
		add_sample(all, us);
		if (live && clock_us() - shown > 100000) {
			shown = clock_us();
			show_samples(s, all, true);
		}
		if (clock_us() >= until)
			return true;
		if (!pause_us(10000))
			return false;
	}
}

static void show_result(struct session *s, const struct samples *all, bool live)
{
	if (all->count == 0)
		return;
	if (is_record(s)) {
		show_record(s, all);
		return;
	}
	text_puts(&s->out, live ? "\r" : "");
	show_samples(s, all, false);
}

static int64_t interval_us(const struct session *s, double otherwise_s)
{
	return (int64_t)((s->options->interval_s > 0 ? s->options->interval_s : otherwise_s) * 1e6);
}

/* On a terminal, updates one line until Ctrl-C. Otherwise, or in a format for programs, measures for the interval (one second) and prints
 * one line. */
int tool_latency(struct session *s)
{
	bool live = tty_is_smart(STDOUT_FILENO) && s->options->interval_s < 0 && !is_record(s);
	struct samples all = {0};
	qc_error err;

	sample(s, &all, live ? INT64_MAX : clock_us() + interval_us(s, 1), live, &err);
	show_result(s, &all, live);
	if (err.kind != QC_OK)
		return give_up(err);
	interrupt_end();
	return EXIT_OK;
}

/* Prints one line per interval, until Ctrl-C or as often as -r says. */
int tool_latency_history(struct session *s)
{
	bool live = tty_is_smart(STDOUT_FILENO) && !is_record(s), goes_on = true;
	qc_error err = {.kind = QC_OK};

	for (long left = s->options->repeat; goes_on && left != 0; left -= left > 0) {
		struct samples all = {0};
		goes_on = sample(s, &all, clock_us() + interval_us(s, 15), live, &err);
		show_result(s, &all, live);
	}
	if (err.kind != QC_OK)
		return give_up(err);
	interrupt_end();
	return EXIT_OK;
}

/*
 * Measures how long the system keeps a program waiting that only reads the clock: no server on this machine can be faster. Doesn't connect.
 */
int tool_intrinsic_latency(struct session *s)
{
	int64_t began = clock_us(), until = began + s->options->seconds * 1000000, last = began, most = 0;
	uint64_t runs = 0;

	interrupt_begin();
	while (last < until && !interrupt_is_pending()) {
		int64_t now = clock_us();
		runs++;
		if (now - last > most) {
			most = now - last;
			text_printf(&s->out, "new maximum: %lld us\n", (long long)most);
			print(&s->out);
		}
		last = now;
	}
	text_printf(&s->out, "%llu clock reads, %.4f us on average, maximum %lld us\n", (unsigned long long)runs,
		    runs ? (double)(last - began) / (double)runs : 0, (long long)most);
	print(&s->out);
	interrupt_end();
	return EXIT_OK;
}

/* Time classes: upper limits in microseconds, inclusive. */
static const int64_t classes[] = {10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 1000000};
#define CLASSES (sizeof(classes) / sizeof(classes[0]))
#define WIDEST_BAR 50

static void draw_classes(struct session *s, const uint64_t *counts, uint64_t total)
{
	uint64_t most = 1, below = 0;

	for (size_t i = 0; i <= CLASSES; i++)
		most = counts[i] > most ? counts[i] : most;
	for (size_t i = 0; i <= CLASSES; i++) {
		below += counts[i];
		if (counts[i] == 0)
			continue;
		char name[32];
		int64_t us = i < CLASSES ? classes[i] : classes[CLASSES - 1];
		snprintf(name, sizeof(name), us < 1000 ? "%s %.0f us" : "%s %.0f ms", i < CLASSES ? "<=" : "> ",
			 us < 1000 ? (double)us : (double)us / 1000);
		int bar = (int)(counts[i] * WIDEST_BAR / most);
		text_printf(&s->out, "%-10s %-*.*s %5.1f%%  (%5.1f%%)\n", name, WIDEST_BAR, bar ? bar : 1,
			    "##################################################", (double)counts[i] * 100 / (double)total,
			    (double)below * 100 / (double)total);
	}
	print(&s->out);
}

int tool_latency_dist(struct session *s)
{
	bool live = tty_is_smart(STDOUT_FILENO);
	int64_t period = interval_us(s, 1);

	do {
		uint64_t counts[CLASSES + 1] = {0}, total = 0;
		int64_t until = clock_us() + period;
		while (clock_us() < until) {
			int64_t us;
			qc_error err = time_ping(s, &us);
			if (err.kind != QC_OK)
				return give_up(err);
			size_t class = 0;
			while (class < CLASSES && us > classes[class])
				class++;
			counts[class]++;
			total++;
			if (!pause_us(1000))
				break;
		}
		if (live)
			text_puts(&s->out, "\033[H\033[2J");
		text_printf(&s->out, "%llu samples of PING: share of each class (cumulative share)\n", (unsigned long long)total);
		if (total)
			draw_classes(s, counts, total);
	} while (live && !interrupt_is_pending());
	interrupt_end();
	return EXIT_OK;
}

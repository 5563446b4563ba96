/*
 * Response times: of PING, and of this machine itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/tools.h"
#include "client/cli/tty.h"

/*
 * A histogram for percentiles with a precision of 0.1 %: microseconds below 2 * HALF have a counter each. Above that a counter stands for
 * 2^n values, with n such that the value divided by 2^n is at least HALF and less than 2 * HALF.
 */
#define HALF 1024
#define SHIFTS 32

struct samples {
	int64_t least, most, sum;
	uint64_t count;
	uint64_t histogram[(SHIFTS + 2) * HALF];
};

static size_t counter_of(int64_t us)
{
	size_t shift = 0;

	while (us >> shift >= 2 * HALF && shift < SHIFTS)
		shift++;
	size_t index = shift * HALF + (size_t)(us >> shift);
	return index < (SHIFTS + 2) * HALF ? index : (SHIFTS + 2) * HALF - 1;
}

/* The largest value of a counter. */
static int64_t value_of(size_t counter)
{
	size_t shift = counter < 2 * HALF ? 0 : counter / HALF - 1;

	return (((int64_t)(counter - shift * HALF) + 1) << shift) - 1;
}

static double percentile_ms(const struct samples *all, double percent)
{
	double wanted = percent / 100 * (double)all->count;
	uint64_t seen = 0;

	for (size_t i = 0; i < (SHIFTS + 2) * HALF; i++) {
		seen += all->histogram[i];
		if (seen > 0 && (double)seen >= wanted)
			return (double)(value_of(i) < all->most ? value_of(i) : all->most) / 1000;
	}
	return 0;
}

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
	all->histogram[counter_of(us)]++;
}

/* How a percentile is written: the text around its percentage, which is left out without it, and after its value. */
struct percentile_style {
	const char *first, *before, *behind, *unit;
};

static void add_percentiles(struct session *s, const struct samples *all, const struct percentile_style *style)
{
	const char *list = s->options->percentiles;

	for (const char *at = list; at && *at; at += *at == ',') {
		int len = (int)strcspn(at, ",");
		double ms = percentile_ms(all, strtod(at, NULL));
		text_printf(&s->out, "%s%s%.*s%s%.3f%s", at == list ? style->first : ",", style->before ? style->before : "",
			    style->before ? len : 0, at, style->behind, ms, style->unit);
		at += len;
	}
}

static void show_samples(struct session *s, const struct samples *all, bool again)
{
	double mean = all->count ? (double)all->sum / (double)all->count / 1000 : 0;

	text_printf(&s->out, "%smin %.3f ms, max %.3f ms, avg %.3f ms (%llu samples)", again ? "\r" : "", (double)all->least / 1000,
		    (double)all->most / 1000, mean, (unsigned long long)all->count);
	add_percentiles(s, all, &(struct percentile_style){",", " p", " ", " ms"});
	text_puts(&s->out, again ? "\033[K" : "\n");
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

	if (s->style.format == FORMAT_CSV) {
		text_printf(&s->out, "%.3f,%.3f,%.3f,%llu", least, most, mean, count);
		add_percentiles(s, all, &(struct percentile_style){",", NULL, "", ""});
	} else {
		text_printf(&s->out, "{\"min\":%.3f,\"max\":%.3f,\"avg\":%.3f,\"count\":%llu", least, most, mean, count);
		add_percentiles(s, all, &(struct percentile_style){",\"percentiles\":{", "\"", "\":", ""});
		text_puts(&s->out, s->options->percentiles ? "}}" : "}");
	}
	text_puts(&s->out, "\n");
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

static int end_sampling(qc_error err)
{
	if (err.kind != QC_OK)
		return give_up(err);
	interrupt_end();
	return EXIT_OK;
}

/* On a terminal, updates one line until Ctrl-C. Otherwise, or in a format for programs, measures for the interval (one second) and prints
 * one line. */
int tool_latency(struct session *s)
{
	bool live = tty_is_smart(STDOUT_FILENO) && s->options->interval_s < 0 && !is_record(s);
	struct samples *all = checked(calloc(1, sizeof(*all)));
	qc_error err;

	sample(s, all, live ? INT64_MAX : clock_us() + interval_us(s, 1), live, &err);
	show_result(s, all, live);
	free(all);
	return end_sampling(err);
}

/* Prints one line per interval, until Ctrl-C or as often as -r says. */
int tool_latency_history(struct session *s)
{
	bool live = tty_is_smart(STDOUT_FILENO) && !is_record(s), goes_on = true;
	qc_error err = {.kind = QC_OK};

	for (long left = s->options->repeat; goes_on && left != 0; left -= left > 0) {
		struct samples *all = checked(calloc(1, sizeof(*all)));
		goes_on = sample(s, all, clock_us() + interval_us(s, 15), live, &err);
		show_result(s, all, live);
		free(all);
	}
	return end_sampling(err);
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

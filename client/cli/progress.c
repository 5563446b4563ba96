#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/tools.h"
#include "client/cli/tty.h"

/* Time between two redraws. */
#define DRAW_US 100000
#define BAR 30

int outcome_status(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_OK:
		return EXIT_OK;
	case OUTCOME_FAILED:
		return EXIT_FAILED;
	case OUTCOME_LOST:
		return EXIT_NO_CONNECTION;
	case OUTCOME_CANCELLED:
		return EXIT_CANCELLED;
	case OUTCOME_WRONG:
		break;
	}
	return EXIT_USAGE;
}

int give_up(qc_error err)
{
	/* Ctrl-C is the normal end of tools that run until interrupted. */
	if (interrupt_end() || err.kind == QC_CANCELLED)
		return EXIT_OK;
	if (err.kind == QC_INVALID)
		return EXIT_USAGE;
	if (err.kind != QC_SERVER)
		return EXIT_NO_CONNECTION;
	fprintf(stderr, "qcache-cli: %s\n", err.text);
	return EXIT_FAILED;
}

int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

bool pause_us(int64_t us)
{
	int64_t until = clock_us() + us, left;

	/* Another thread handles Ctrl-C, so the flag is polled. */
	interrupt_begin();
	while (!interrupt_is_pending() && (left = until - clock_us()) > 0)
		poll(NULL, 0, left > 50000 ? 50 : (int)(left / 1000 + 1));
	return !interrupt_is_pending();
}

const char *human(double number, char out[16])
{
	static const char units[] = " KMGTP";
	size_t unit = 0;

	while (number >= 1000 && units[unit + 1]) {
		number /= 1000;
		unit++;
	}
	snprintf(out, 16, unit ? "%.1f%c" : "%.0f", number, units[unit]);
	return out;
}

void progress_start(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){.what = what, .total = total, .began_us = clock_us(), .is_shown = tty_is_smart(STDERR_FILENO)};
}

static void draw(struct progress *p, uint64_t done, uint64_t count, int64_t now_us)
{
	double seconds = (double)(now_us - p->began_us) / 1e6, share = p->total ? (double)done / (double)p->total : 0;
	char bar[BAR + 1], rate[16];

	for (int i = 0; i < BAR; i++)
		bar[i] = i < (int)(share * BAR) ? '#' : '.';
	bar[BAR] = 0;
	human(seconds > 0 ? (double)count / seconds : 0, rate);
	if (p->total)
		fprintf(stderr, "\r[%s] %5.1f%%  %llu %s, %s/s, %.0f s left \033[K", bar, share * 100, (unsigned long long)count,
			p->what, rate, share > 0 ? seconds / share - seconds : 0);
	else
		fprintf(stderr, "\r%llu %s, %s/s \033[K", (unsigned long long)count, p->what, rate);
}

void progress_show(struct progress *p, uint64_t done, uint64_t count)
{
	int64_t now_us;

	if (!p->is_shown || (now_us = clock_us()) - p->shown_us < DRAW_US)
		return;
	p->shown_us = now_us;
	draw(p, done, count, now_us);
}

void progress_end(struct progress *p)
{
	if (p->is_shown && p->shown_us)
		fputs("\r\033[K", stderr);
}

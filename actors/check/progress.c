#include "actors/check/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/clock.h"

#define DRAW_MS 100
#define BAR 30

void progress_begin(struct progress *progress, uint64_t total)
{
	const char *terminal = getenv("TERM");
	*progress = (struct progress){
		.total = total,
		.began_ms = monotonic_ms(),
		.is_shown = isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0,
	};
}

void progress_next_file(struct progress *progress, uint64_t bytes_before)
{
	progress->before = bytes_before;
}

static void draw(const struct progress *progress, uint64_t done, int64_t spent_ms)
{
	double share = progress->total ? (double)done / (double)progress->total : 1;
	char bar[BAR + 1] = { 0 };
	for (int i = 0; i < BAR; i++)
		bar[i] = i < (int)(share * BAR) ? '#' : '.';
	fprintf(stderr, "\r[%s] %5.1f%%, %.0f MB/s\033[K", bar, share * 100, spent_ms > 0 ? (double)done / 1000.0 / (double)spent_ms : 0);
}

void progress_show(struct progress *progress, uint64_t bytes)
{
	int64_t now_ms = progress->is_shown ? monotonic_ms() : 0;
	if (!progress->is_shown || now_ms - progress->shown_ms < DRAW_MS)
		return;
	progress->shown_ms = now_ms;
	draw(progress, progress->before + bytes, now_ms - progress->began_ms);
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown && progress->shown_ms > 0)
		fputs("\r\033[K", stderr);
}

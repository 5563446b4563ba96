/*
 * How far reading has come: a line on standard error, if that is a terminal, redrawn ten times a second.
 */
#ifndef ACTORS_CHECK_PROGRESS_H
#define ACTORS_CHECK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t total;      /* bytes */
	uint64_t before;     /* of the files before this one */
	int64_t began_ms, shown_ms;
	bool is_shown;
};

void progress_begin(struct progress *progress, uint64_t total);
void progress_next_file(struct progress *progress, uint64_t bytes_before);
/* So many bytes of the file have been read. */
void progress_show(struct progress *progress, uint64_t bytes);
/* Removes the line. */
void progress_end(struct progress *progress);

#endif

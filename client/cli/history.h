/*
 * Lines that were typed, kept in a file for the next run. The file is only ever a regular file of the user's own: a device, a
 * directory or somebody else's file is left alone, and then nothing is kept. Several prompts may share it: each appends its lines
 * under a lock, and only the start of a prompt shortens a file that has grown too long.
 *
 * The format is that of libedit's history files: a first line that names it, then an entry a line, with octal escapes.
 */
#ifndef CLIENT_CLI_HISTORY_H
#define CLIENT_CLI_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/text.h"
#include "client/cli/words.h"

struct history {
	char **lines; /* the oldest first */
	size_t count, capacity;
	struct text path; /* empty: nothing is kept */
};

/* Loads the file that QCACHE_HISTORY names (empty: none), else ~/.qcache_history. */
void history_open(struct history *history);
void history_fini(struct history *history);
/* Also to the file, unless it is the same line as the one before. A file that can't be written is passed over. */
void history_add(struct history *history, const char *line);

/* Does the line name a password, or hold an address with one? Such a line must not be kept. */
bool history_is_secret(const struct words *words);

#endif

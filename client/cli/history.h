/*
 * The lines typed, kept in a file for the next run. Only a regular file of the user is used. A device, a directory or another user's file
 * is never touched; then nothing is kept. Several prompts may share the file: each appends its lines under a lock, and a file that has
 * grown too long is shortened only when a prompt starts.
 *
 * The format is that of libedit: a header line, then one entry per line, with octal escapes.
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

/* Loads the file named by QCACHE_HISTORY (empty: none), or ~/.qcache_history. */
void history_open(struct history *history);
void history_fini(struct history *history);
/* Adds the line to memory and file, unless it equals the previous one. Write errors are ignored. */
void history_add(struct history *history, const char *line);

/* Whether the line contains a password, or an address with one. Such a line must not be kept. */
bool history_is_secret(const struct words *words);

#endif

/*
 * The terminal: its abilities, size, and modes. All functions but the last expect standard input to be a terminal.
 */
#ifndef CLIENT_CLI_TTY_H
#define CLIENT_CLI_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/text.h"

/* Whether the terminal supports colours and cursor movements. False without TERM, and for TERM=dumb. */
bool tty_is_smart(int fd);
void tty_size(size_t *out_columns, size_t *out_rows);

/*
 * Modes for editing a line: each key is delivered at once, including Ctrl-C, Ctrl-S and Ctrl-Z. Modes while a command runs: these keys have
 * their usual effect; other input is neither echoed nor limited to lines of 4,095 bytes, as it would be in canonical mode.
 */
void tty_edit(void);
void tty_run(void);
/* Restores the modes from before the first call of these. False if there was none. */
bool tty_restore(void);

/*
 * Reads a line without echo. If standard input is no terminal, reads the line from it, and no byte more. False at the end of input.
 */
bool tty_ask_secret(const char *question, struct text *out);

#endif

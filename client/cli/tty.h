/*
 * The terminal: whether it can be drawn on, how large it is, and its modes. But for the last, standard input is a terminal where these are called.
 */
#ifndef CLIENT_CLI_TTY_H
#define CLIENT_CLI_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/text.h"

/* Does the terminal behind this descriptor take colours and movements of the cursor? Not so with TERM=dumb, or none. */
bool tty_is_smart(int fd);
void tty_size(size_t *out_columns, size_t *out_rows);

/*
 * While a line is edited each key comes at once, Ctrl-C, Ctrl-S and Ctrl-Z among them. While a command runs these do what they usually do, and what is
 * typed is neither shown nor limited to lines of 4,095 bytes, as the terminal's own editing would have it.
 */
void tty_edit(void);
void tty_run(void);
/* As it was before the first of them. False when none was called since. */
bool tty_restore(void);

/*
 * Asks for a line that isn't shown while it is typed. When standard input is no terminal the line is read from it, and no byte more. False
 * at the end of input.
 */
bool tty_ask_secret(const char *question, struct text *out);

#endif

/*
 * Standard output, and shell programs that replace it for a while: `| program` after a command, and the pager.
 */
#ifndef CLIENT_CLI_OUTPUT_H
#define CLIENT_CLI_OUTPUT_H

#include "client/cli/text.h"

/*
 * Writes the text and clears it. If nobody reads standard output any more, qcache-cli exits silently; if the shell program has stopped
 * reading, the text is discarded.
 */
void print(struct text *text);
/* The same, but stops at Ctrl-C or when the shell program stops reading: returns false and discards the rest. */
bool print_until_interrupt(struct text *text);
/* Writes the text to standard error and clears it. */
void print_to_stderr(struct text *text);

/* Redirects output to a shell command line. False if it cannot be started, which has been printed. */
bool output_to_program(const char *line);
/* Waits until the program ends, and restores standard output. */
void output_back(void);

#endif

/*
 * Standard output, and a program of the shell in its place for a while: `| program` behind a command, and the pager.
 */
#ifndef CLIENT_CLI_OUTPUT_H
#define CLIENT_CLI_OUTPUT_H

#include "client/cli/text.h"

/*
 * Writes all of it, and clears it. When nobody reads any more: ends our program quietly, or, while another is in the place of standard
 * output, throws it away.
 */
void print(struct text *text);
/* The same, but Ctrl-C ends it, and so does a program that reads no more: false then, and the rest is thrown away. */
bool print_until_interrupt(struct text *text);

/* From now on what is written goes to this line of the shell. False, and said, when that can't be started. */
bool output_to_program(const char *line);
/* Waits for its end; what is written goes to standard output again. */
void output_back(void);

#endif

/*
 * The interactive prompt: a line with history, completion, hints at its right end, and pasting of several lines.
 */
#ifndef CLIENT_CLI_PROMPT_H
#define CLIENT_CLI_PROMPT_H

#include "client/cli/session.h"

/* Asks and runs until the end of input. The exit status of the program. */
int prompt_run(struct session *session);

#endif

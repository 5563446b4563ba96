/*
 * The interactive prompt: lines with history, completion, hints at the right, and pastes of several lines.
 */
#ifndef CLIENT_CLI_PROMPT_H
#define CLIENT_CLI_PROMPT_H

#include "client/cli/session.h"

/* Runs until the end of input. Returns the exit status of the program. */
int prompt_run(struct session *session);

#endif

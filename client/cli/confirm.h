/*
 * Dangerous commands, for which the prompt asks first and says what they do.
 */
#ifndef CLIENT_CLI_CONFIRM_H
#define CLIENT_CLI_CONFIRM_H

#include "client/cli/session.h"

/* Writes the question to ask to *out. False if there is none. May ask the server for the number of keys. */
bool confirm_question(struct session *session, const struct words *words, struct text *out);

#endif

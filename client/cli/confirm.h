/*
 * Commands after which one may wish to not have typed them: what they do, said before they are run at a prompt.
 */
#ifndef CLIENT_CLI_CONFIRM_H
#define CLIENT_CLI_CONFIRM_H

#include "client/cli/session.h"

/* The question to be asked, in *out; false when there is none. May ask the server how many keys there are. */
bool confirm_question(struct session *session, const struct words *words, struct text *out);

#endif

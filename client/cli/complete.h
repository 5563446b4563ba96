/*
 * Candidates for the word being typed: names of commands and subcommands, their options, keys of the server.
 */
#ifndef CLIENT_CLI_COMPLETE_H
#define CLIENT_CLI_COMPLETE_H

#include "client/cli/editor.h"
#include "client/cli/help.h"

struct completer {
	const struct help *help;
	struct session *session;
};

/* For struct editor_help. `data` is a struct completer. */
void completer_hint(void *data, const char *line, size_t len, struct text *out);
void completer_complete(void *data, const char *line, size_t len, struct candidates *candidates);

#endif

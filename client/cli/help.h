/*
 * Descriptions of commands: from the command table, and for commands not in it from the server (COMMAND DOCS).
 */
#ifndef CLIENT_CLI_HELP_H
#define CLIENT_CLI_HELP_H

#include "client/cli/session.h"

struct help_entry {
	char *name; /* "SET", "CONFIG GET" */
	char *arguments, *summary, *since, *group;
};

struct help {
	struct help_entry *items; /* sorted by name */
	size_t count, capacity;
};

/* Loads the table; then adds what the server has besides. */
void help_init(struct help *help);
void help_ask(struct help *help, struct session *session);
void help_fini(struct help *help);

/* The subcommand if words[1] names one, otherwise the command; NULL if unknown. */
const struct help_entry *help_find(const struct help *help, const char *name, const char *subcommand);

/* Prints HELP, HELP command, or HELP @group. */
void help_print(const struct help *help, const struct words *words, struct text *out);

/* Writes the arguments still missing after the first `given`. Empty if unknown. */
void help_hint(const struct help_entry *entry, size_t given, struct text *out);

/* Whether the argument after `given` others is a key. */
bool help_is_key(const struct help_entry *entry, size_t given);

#endif

/*
 * What can be typed: from the command table, and from the server where it has more commands (COMMAND DOCS).
 */
#ifndef CLIENT_CLI_HELP_H
#define CLIENT_CLI_HELP_H

#include "client/cli/session.h"

struct help_entry {
	char *name; /* "SET", "CONFIG GET" */
	char *arguments, *summary, *since, *group;
};

struct help {
	struct help_entry *items; /* in the order of names */
	size_t count, capacity;
};

/* From the table alone; then what the server has besides. */
void help_init(struct help *help);
void help_ask(struct help *help, struct session *session);
void help_fini(struct help *help);

/* The sub-command where words[1] names one, else the command; NULL. */
const struct help_entry *help_find(const struct help *help, const char *name, const char *subcommand);

/* HELP, HELP command, HELP @group */
void help_print(const struct help *help, const struct words *words, struct text *out);

/* The arguments that are still to be typed: `given` have been. Empty when it isn't known. */
void help_hint(const struct help_entry *entry, size_t given, struct text *out);

/* Is the argument behind so many others a key? */
bool help_is_key(const struct help_entry *entry, size_t given);

#endif

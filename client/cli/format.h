/*
 * Replies as people (or programs) want to read them.
 */
#ifndef CLIENT_CLI_FORMAT_H
#define CLIENT_CLI_FORMAT_H

#include "client/cli/text.h"
#include "client/qcache.h"

enum format {
	FORMAT_AUTO, /* standard on a terminal, else raw */
	FORMAT_STANDARD,
	FORMAT_RAW,
	FORMAT_CSV,
	FORMAT_JSON,
};

/* Does the command, or its sub-command (NULL for none), answer with a text for people rather than with data? */
bool format_is_text(const char *command, const char *sub);
/* Such an answer on a terminal: as it is. */
void format_text(struct text *out, const qc_reply *reply);
/* A string as the format shows one; without a line end. */
void format_string(struct text *out, const char *data, size_t len, enum format format);
/* With its line end. `colour`: only for the standard format. */
void format_reply(struct text *out, const qc_reply *reply, enum format format, bool colour);
/* An error as the format shows error replies. */
void format_error(struct text *out, const char *error, enum format format, bool colour);

#endif

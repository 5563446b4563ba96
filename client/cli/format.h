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
	FORMAT_QUOTED_JSON, /* with strings as the standard format quotes them: ASCII only */
};

struct style {
	enum format format;
	const char *between, *end; /* elements of a raw reply; what ends one */
	bool has_colour;           /* for the standard format, as the next */
	bool is_readable;          /* characters of UTF-8 that can be shown are shown, not escaped */
};

/* Does the command, or its sub-command (NULL for none), answer with a text for people rather than with data? */
bool format_is_text(const char *command, const char *sub);
/* Such an answer on a terminal: as it is. */
void format_text(struct text *out, const qc_reply *reply);
/* A string as the style shows one; without a line end. */
void format_string(struct text *out, const char *data, size_t len, const struct style *style);
/* With its end. */
void format_reply(struct text *out, const qc_reply *reply, const struct style *style);
/* A message that came unasked, likewise. */
void format_push(struct text *out, const qc_reply *push, const struct style *style);
/* An error as the style shows error replies. */
void format_error(struct text *out, const char *error, const struct style *style);

#endif

/*
 * Replies as text, for people and for programs.
 */
#ifndef CLIENT_CLI_FORMAT_H
#define CLIENT_CLI_FORMAT_H

#include "client/cli/text.h"
#include "client/qcache.h"

enum format {
	FORMAT_AUTO, /* standard on a terminal, otherwise raw */
	FORMAT_STANDARD,
	FORMAT_RAW,
	FORMAT_CSV,
	FORMAT_JSON,
	FORMAT_QUOTED_JSON, /* strings are quoted as in the standard format: ASCII only */
};

struct style {
	enum format format;
	const char *between, *end; /* text between elements of a raw reply; text after a reply */
	bool has_colour;           /* for the standard format, as is_readable */
	bool is_readable;          /* printable UTF-8 characters are shown, not escaped */
};

/* Whether the command, or its subcommand (NULL if none), replies with a text for people. */
bool format_is_text(const char *command, const char *sub);
/* Writes such a reply unquoted, for a terminal. */
void format_text(struct text *out, const qc_reply *reply);
/* Writes a string as the style shows it, without a line end. */
void format_string(struct text *out, const char *data, size_t len, const struct style *style);
/* Writes a reply with its line end. */
void format_reply(struct text *out, const qc_reply *reply, const struct style *style);
/* Writes a push message with its line end. */
void format_push(struct text *out, const qc_reply *push, const struct style *style);
/* Writes an error text as the style shows error replies. */
void format_error(struct text *out, const char *error, const struct style *style);

#endif

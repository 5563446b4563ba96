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

/* With its line end. `colour`: only for the standard format. */
void format_reply(struct text *out, const qc_reply *reply, enum format format, bool colour);
/* An error as the format shows error replies. */
void format_error(struct text *out, const char *error, enum format format, bool colour);

#endif

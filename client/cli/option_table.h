/*
 * All options, and what is read of them before it is judged as a whole. Private to the options.
 */
#ifndef CLIENT_CLI_OPTION_TABLE_H
#define CLIENT_CLI_OPTION_TABLE_H

#include "client/cli/options.h"

/* What goes with some of the tools only. */
enum extra {
	WITH_KEYS = 1,      /* which keys */
	WITH_PAUSE = 2,
	WITH_REPEAT = 4,
	WITH_JSON = 8,
	WITH_CSV = 16,
	WITH_TIMEOUT = 32,
	WITH_TOP = 64,
	WITH_CURSOR = 128,
	/* These say nothing to a command. */
	ONLY_TOOLS = WITH_KEYS | WITH_TIMEOUT | WITH_TOP | WITH_CURSOR,
};
#define EXTRAS 8

struct option_known;

/* What was given: NULL, 0 or false when it wasn't, unless said otherwise. */
struct option_values {
	const struct option_known *tool, *extras[EXTRAS];
	const char *host, *socket, *url, *password, *user, *name, *ca, *ca_dir, *cert, *key, *sni, *ciphers, *suites;
	const char *pattern, *quoted_pattern, *type, *file, *eval, *tag, *between, *end, *pushes, *pager, *profile;
	long port, db, count, cursor, keys, seconds;
	long repeat, pipe_timeout_s, samples, top; /* LONG_MIN, 30, -1, -1 */
	double interval_s, dial_s;                 /* -1; 0 */
	int format, protocol, family;              /* protocol: 2 */
	bool tls, insecure, last_from_stdin, asks_password, follows, is_quoted, is_sure, is_ignored;
};

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_NUMBER,
	OPTION_SECONDS,
	OPTION_CHOICE,
	OPTION_TOOL,
	OPTION_FILE_TOOL,   /* its value is a file */
	OPTION_NUMBER_TOOL, /* its value is a number, for `to` */
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_REFUSED,
};

struct option_known {
	const char *name, *other;
	enum option_kind kind;
	size_t to;        /* in struct option_values */
	long least, most; /* of a number */
	int chosen;       /* of a choice; of a tool which */
	enum extra extra; /* what it is, or what goes with the tool */
	const char *why;  /* it is refused */
};

extern const struct option_known option_table[];
extern const size_t option_count;

const struct option_known *option_find(const char *name);
/* Of the long names, the one that was probably meant; NULL. */
const char *option_nearest(const char *name);
bool option_is_tool(const struct option_known *known);

extern const char option_usage[];

/* Says what is wrong on stderr, with a hint at the help. */
enum options_status option_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Where to, from the several ways to say it. */
enum options_status option_choose_address(struct options *out, const struct option_values *values);

#endif

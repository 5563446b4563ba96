/*
 * The table of options, and the values read before they are checked together. Private to the options.
 */
#ifndef CLIENT_CLI_OPTION_TABLE_H
#define CLIENT_CLI_OPTION_TABLE_H

#include "client/cli/options.h"

/* Groups of options that apply only to some tools. */
enum extra {
	WITH_KEYS = 1,      /* which keys */
	WITH_PAUSE = 2,
	WITH_REPEAT = 4,
	WITH_JSON = 8,
	WITH_CSV = 16,
	WITH_TIMEOUT = 32,
	WITH_TOP = 64,
	WITH_CURSOR = 128,
	WITH_PERCENTILES = 256,
	/* without effect on a command */
	ONLY_TOOLS = WITH_KEYS | WITH_TIMEOUT | WITH_TOP | WITH_CURSOR | WITH_PERCENTILES,
};
#define EXTRAS 9

struct option_known;

/* What was given. NULL, 0 or false if not given, unless stated otherwise. */
struct option_values {
	const struct option_known *tool, *extras[EXTRAS];
	const char *host, *socket, *url, *password, *user, *name, *ca, *ca_dir, *cert, *key, *sni, *ciphers, *suites;
	const char *pattern, *quoted_pattern, *type, *file, *eval, *tag, *between, *end, *pushes, *pager, *profile, *percentiles;
	long port, db, count, cursor, keys, seconds;
	long repeat, pipe_timeout_s, samples, top; /* LONG_MIN, 30, -1, -1 */
	double interval_s, dial_s;                 /* -1; 0 */
	int format, protocol, family;              /* protocol: 2 */
	bool tls, insecure, last_from_stdin, asks_password, follows, is_quoted, is_sure, errors_apart, is_ignored;
};

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_NUMBER,
	OPTION_SECONDS,
	OPTION_CHOICE,
	OPTION_TOOL,
	OPTION_FILE_TOOL,   /* its value is a file */
	OPTION_NUMBER_TOOL, /* its value is a number, stored at `to` */
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_REFUSED,
};

struct option_known {
	const char *name, *other;
	enum option_kind kind;
	size_t to;        /* offset in struct option_values */
	long least, most; /* limits of a number */
	int chosen;       /* the value of a choice; the tool of a tool */
	enum extra extra; /* for a tool: which options apply to it; for an option: its group */
	const char *why;  /* why it is refused */
};

extern const struct option_known option_table[];
extern const size_t option_count;

const struct option_known *option_find(const char *name);
/* The long name most similar to `name`; NULL if none is similar. */
const char *option_nearest(const char *name);
bool option_is_tool(const struct option_known *known);

extern const char option_usage[];

/* Prints the error and a hint at the help to stderr. */
enum options_status option_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Chooses the address from the options that can give it. */
enum options_status option_choose_address(struct options *out, const struct option_values *values);

#endif

/*
 * The command line. Options take one dash or two, and a value as the next word or behind an =.
 */
#ifndef CLIENT_CLI_OPTIONS_H
#define CLIENT_CLI_OPTIONS_H

#include "client/cli/format.h"
#include "client/qcache.h"

enum tool {
	TOOL_NONE,
	TOOL_STAT,
	TOOL_LATENCY,
	TOOL_LATENCY_DIST,
	TOOL_BIGKEYS,
	TOOL_MEMKEYS,
	TOOL_SCAN,
	TOOL_PIPE,
	TOOL_IMPORT,
	TOOL_RDB,
};

struct options {
	qc_options connection;
	struct text address; /* for connection.address */
	char shown[160];    /* "127.0.0.1:6379", for the prompt and messages: without a password */
	enum format format;
	enum tool tool;
	const char *file;   /* of --import, --rdb */
	const char *pattern, *type;
	long count, repeat; /* repeat: -1 for ever */
	long pipe_timeout_s; /* 0: none */
	double interval_s;  /* -1: not given */
	bool last_from_stdin;
	char **command;     /* what stands behind the options */
	int command_count;
};

enum options_status {
	OPTIONS_FINE,
	OPTIONS_DONE,  /* help or the version was asked for, and printed */
	OPTIONS_WRONG, /* said on stderr */
};

/* Whatever it returns, options_fini() is to follow. */
enum options_status options_parse(struct options *options, int argc, char **argv);
void options_fini(struct options *options);

/*
 * Another server, with all else as it was: HOST, HOST:PORT, or the path of a unix socket; or a host and a port (else NULL).
 * False when it is none of them, and nothing is changed then.
 */
bool options_aim(struct options *options, const char *target, const char *port);

#endif

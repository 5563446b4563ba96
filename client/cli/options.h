/*
 * The command line. Options take one dash or two, and a value as the next word or behind an =. All of redis-cli's are known: taken,
 * or refused with the reason.
 */
#ifndef CLIENT_CLI_OPTIONS_H
#define CLIENT_CLI_OPTIONS_H

#include "client/cli/format.h"
#include "client/cli/words.h"
#include "client/qcache.h"

enum tool {
	TOOL_NONE,
	TOOL_STAT,
	TOOL_LATENCY,
	TOOL_LATENCY_HISTORY,
	TOOL_LATENCY_DIST,
	TOOL_INTRINSIC_LATENCY,
	TOOL_ACTORS,
	TOOL_SLOWLOG,
	TOOL_BIGKEYS,
	TOOL_MEMKEYS,
	TOOL_KEYSTATS,
	TOOL_HOTKEYS,
	TOOL_SCAN,
	TOOL_LRU_TEST,
	TOOL_PIPE,
	TOOL_IMPORT,
	TOOL_RDB,
	TOOL_FUNCTIONS_RDB,
};

enum pushes {
	PUSHES_AUTO, /* shown on a terminal */
	PUSHES_SHOWN,
	PUSHES_HIDDEN,
};

struct options {
	qc_options connection;
	struct text address; /* for connection.address */
	char shown[160];     /* "127.0.0.1:6379", for the prompt and messages: without a password */
	struct text server_name; /* for connection.tls_name, when it isn't an argument */
	struct style style;
	enum tool tool;
	const char *file;    /* of -import, -rdb, -functions-rdb */
	const char *eval;    /* the file of a script; NULL */
	const char *type;
	struct text pattern; /* data NULL: none */
	uint64_t cursor;     /* where SCAN begins */
	long count;
	long repeat;         /* -1: for ever, as tools do unless told otherwise */
	long samples, top;   /* -1: not given */
	long keys;           /* of -lru-test */
	long seconds;        /* of -intrinsic-latency */
	long pipe_timeout_s; /* 0: none */
	double interval_s;   /* -1: not given */
	enum pushes pushes;
	bool last_from_stdin;
	const char *tag;     /* the argument that is read from standard input; NULL */
	bool asks_password;
	bool follows;        /* MOVED and ASK */
	bool is_sure;        /* nothing is asked before it is run */
	const char *pager;   /* NULL: none */
	struct words command; /* what stands behind the options */
	struct words from_file; /* options of a profile, whose texts are used */
};

enum options_status {
	OPTIONS_FINE,
	OPTIONS_DONE,  /* help or the version was asked for, and printed */
	OPTIONS_WRONG, /* said on stderr */
};

/* Whatever it returns, options_fini() is to follow. Texts of `argv` are borrowed. */
enum options_status options_parse(struct options *options, int argc, char **argv);
void options_fini(struct options *options);

/*
 * Another server, with all else as it was: HOST, HOST:PORT, or the path of a unix socket; or a host and a port (else NULL).
 * False when it is none of them, and nothing is changed then.
 */
bool options_aim(struct options *options, const char *target, const char *port);
/* Another server by a URL, which says the database, too, and may say who logs in. False when it is none, and nothing is changed then. */
bool options_aim_url(struct options *options, const char *url);

#endif

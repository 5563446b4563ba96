/*
 * The command line. Options have one or two dashes; a value is the next word, or follows an =. All options of redis-cli are known:
 * accepted, or refused with the reason.
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
	struct text address; /* the text of connection.address */
	char shown[160];     /* as in "127.0.0.1:6379", for the prompt and messages: without a password */
	struct text server_name; /* the text of connection.tls_name, unless -sni gives it */
	struct style style;
	enum tool tool;
	const char *file;    /* for -import, -rdb, -functions-rdb */
	const char *eval;    /* the script file; NULL if none */
	const char *type;
	const char *percentiles; /* as typed: percentages with commas in between; NULL if none */
	struct text pattern; /* data NULL: none */
	uint64_t cursor;     /* where SCAN begins */
	long count;
	long repeat;         /* -1: forever; the default of tools that watch */
	long samples, top;   /* -1: not given */
	long keys;           /* for -lru-test */
	long seconds;        /* for -intrinsic-latency */
	long pipe_timeout_s; /* 0: none */
	double interval_s;   /* -1: not given */
	enum pushes pushes;
	bool last_from_stdin;
	const char *tag;     /* the argument that standard input replaces; NULL if none */
	bool asks_password;
	bool follows;        /* MOVED and ASK */
	bool errors_apart;   /* errors are printed to standard error */
	bool is_sure;        /* dangerous commands run without a question */
	const char *pager;   /* NULL: none */
	struct words command; /* the words after the options */
	struct words from_file; /* the profile's options; values point into it */
};

enum options_status {
	OPTIONS_OK,
	OPTIONS_DONE,  /* help or version was printed */
	OPTIONS_WRONG, /* the error was printed */
};

/* Call options_fini() whatever it returns. Texts in `argv` are borrowed. */
enum options_status options_parse(struct options *options, int argc, char **argv);
void options_fini(struct options *options);

/*
 * Sets another server and keeps all other options. `target` is HOST, HOST:PORT, or the path of a unix socket; `port` is NULL unless given
 * apart. False if the address is invalid: nothing has changed.
 */
bool options_set_server(struct options *options, const char *target, const char *port);
/* The same for the HOST:PORT of a redirection: an IPv6 address has no brackets, and an empty host means the present one. */
bool options_set_endpoint(struct options *options, const char *endpoint);
/* Sets another server by a URL, which also gives the database and may give user and password. False if the URL is invalid: nothing has
 * changed. */
bool options_set_url(struct options *options, const char *url);
/* Writes the address, or several, without user and password. */
void options_write_anonymous(struct text *out, const char *address);

#endif

/*
 * libqcache: a client for qcache and Redis servers, in the manner in which Go programs use one.
 *
 *	qc_context *ctx = qc_background();
 *	qc_client *c qc_defer(qc_close) = qc_dial("localhost:6379");
 *	if (qc_failed(*c))
 *		qc_fatal(c->err);
 *	qc_set(c, ctx, "foo", "bar");
 *	qc_string value qc_auto = qc_get(c, ctx, "foo");
 *	if (!qc_failed(value))
 *		puts(value.data);
 *
 * Hold in mind:
 * - Errors are values. What a call returns has a field `err`; qc_failed() asks whether it failed, qc_is() of
 *   what kind. A qc_error owns nothing: copy it, keep it, forget it.
 * - What holds memory (qc_string, qc_result, qc_results) is released by qc_release(), or declared qc_auto and released
 *   at the end of its scope; pointers into it live as long. Handles have a function that closes them, for
 *   qc_defer(). qc_status, qc_int and qc_float hold nothing.
 * - Handles are never NULL: one that could not be made carries its error, and every call on it returns that error. A client is
 *   made even if its server can't be reached yet: see qc_open().
 * - NULL may stand for a context (qc_background()), for options (all zero, which means the defaults) and for what is to be
 *   closed, freed, cancelled or released (nothing is done). Anything else is to be given.
 * - A context says until when a call may take, and lets another thread cancel it. A cancelled call returns at once.
 * - Strings are bytes with a length; what comes from the server has a NUL behind it besides.
 *   qc_arg() makes an argument of a C string, a number or bytes; calls do it by themselves.
 *
 * Threads: one client may be used by any number of threads at once; so may a context. All else (a result, pipeline,
 * pinned client, iterator, subscription) belongs to one thread at a time, but for what is said there.
 * Calls block; qcache_ev.h is for programs with an event loop of their own.
 *
 * Nothing here starts a thread but qc_subscribe() and qc_cache_open() (one for each) and looking up a host's name.
 *
 * Time: every answer has a limit, options.timeout_ms, and scripts are commands as any other. A command that waits on its own
 * account (BLPOP, BLMPOP, XREAD with BLOCK, WAIT, DEBUG SLEEP ...) has its own time in addition, and the quarter of a second by
 * which servers may be late; a pipeline has the sum of these. Between MULTI and EXEC nothing waits. Without limit, but for the
 * context's: a command that is told to wait for ever (BLPOP key 0); SAVE, SHUTDOWN and MIGRATE, which take what they take; and
 * qc_send(), qc_send_raw(), qc_receive(), qc_receive_raw(), qc_next_message().
 *
 * fork(): the child may use the clients, asynchronous ones too, that its parent made: they connect anew. Nothing that has a
 * connection may go over: a pinned client or a subscription fails with QC_INVALID in the child, though it is to be closed there
 * too; commands that waited in an asynchronous client are the parent's, and fail with QC_NETWORK in the child. A parent
 * with several threads: no thread but the forking one should be in a call on a context that the child uses later.
 *
 * Connections are probed when nothing comes for 30 s (TCP keep-alive), and lost after another 30 s without an answer. Replies nest
 * 64 deep at most: what is deeper is QC_PROTOCOL, and ends the connection.
 */
#ifndef QCACHE_H
#define QCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
/* So that {.ex = 60} leaves nothing uninitialised there either. */
#define QC_ZERO = {}
#else
#define QC_ZERO
#endif

#define QC_API __attribute__((visibility("default")))

/* Errors */

enum qc_kind {
	QC_OK,        /* no error */
	QC_NIL,       /* no such value: go-redis calls it Nil */
	QC_SERVER,    /* the server refused; `code` tells more */
	QC_CANCELLED, /* the context was cancelled */
	QC_DEADLINE,  /* the context's deadline passed */
	QC_TIMEOUT,   /* a time limit of the client's options passed: dialling, an answer, a place in the pool, a new connection */
	QC_NETWORK,   /* no connection, or a lost one */
	QC_PROTOCOL,  /* what came is not the protocol, or not the reply that the call expects */
	QC_CONFLICT,  /* qc_watch(): a watched key kept changing */
	QC_INVALID,   /* the caller's fault: an address, an option, an argument */
	QC_CLOSED,    /* the client was closed */
	QC_NO_MEMORY,
};

typedef struct qc_error {
	enum qc_kind kind;
	/* QC_SERVER: the error's first word, "WRONGTYPE", when that has capital letters, digits and _ alone, and fits; else empty */
	char code[28];
	char text[224]; /* for people; cut when longer */
} qc_error;

/* Does the result (or handle) carry an error? */
#define qc_failed(result) ((result).err.kind != QC_OK)

static inline bool qc_is(qc_error err, enum qc_kind kind)
{
	return err.kind == kind;
}

/* Is it the server's error of this code: qc_has_code(err, "WRONGTYPE")? */
static inline bool qc_has_code(qc_error err, const char *code)
{
	return err.kind == QC_SERVER && strcmp(err.code, code) == 0;
}

/* The same kind and code, with what was being done put before the text: "loading user 7: ...". */
QC_API qc_error qc_wrap(qc_error cause, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An error of one's own, for the function given to qc_watch(). */
QC_API qc_error qc_errorf(enum qc_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
QC_API const char *qc_kind_name(enum qc_kind kind);
/* Prints "PROGRAM: text" to stderr and exits with status 1. */
QC_API void qc_fatal(qc_error err) __attribute__((noreturn));

/* Runs a call and gives its result, or ends the program with qc_fatal(): for small programs. */
#define qc_must(call)                                                                                                  \
	__extension__({                                                                                                \
		__auto_type qc_must_result = (call);                                                                   \
		if (qc_failed(qc_must_result))                                                                         \
			qc_fatal(qc_must_result.err);                                                                  \
		qc_must_result;                                                                                        \
	})

/* Contexts */

typedef struct qc_context qc_context;

/* Never ends; not to be freed. */
QC_API qc_context *qc_background(void);
/* Each ends when its parent ends, too. The parent may be freed first. */
QC_API qc_context *qc_context_with_cancel(qc_context *parent);
QC_API qc_context *qc_context_with_timeout(qc_context *parent, int64_t timeout_ms);
/* The deadline is a moment of CLOCK_MONOTONIC. */
QC_API qc_context *qc_context_with_deadline(qc_context *parent, int64_t deadline_ms);
/* Ends it and its children, from any thread, any number of times. */
QC_API void qc_cancel(qc_context *context);
/* QC_OK while it lasts, else QC_CANCELLED or QC_DEADLINE. */
QC_API qc_error qc_context_err(const qc_context *context);
/*
 * With a value under a key, which is an address of one's own (`static const char trace_key;`): for what goes with a request, such as a
 * trace. The value is borrowed. The child ends with its parent, and is freed as any.
 */
QC_API qc_context *qc_context_with_value(qc_context *parent, const void *key, void *value);
/* The nearest's, of it and its parents; NULL when there is none. */
QC_API void *qc_context_value(const qc_context *context, const void *key);
/* Cancels it and gives up the caller's hold. */
QC_API void qc_context_free(qc_context *context);

/* Arguments */

/* Bytes that are borrowed, or a number. Make it by qc_arg(), qc_bytes(). */
typedef struct qc_arg {
	const void *data; /* NULL: the first `len` bytes of `number` */
	size_t len;
	char number[32];
} qc_arg;

typedef struct qc_args {
	const qc_arg *items;
	size_t count;
} qc_args;

/* NULL is no string, nor is it bytes of some length: the call fails with QC_INVALID. */
static inline qc_arg qc_arg_text(const char *text)
{
	qc_arg arg;
	arg.data = text;
	arg.len = text ? strlen(text) : SIZE_MAX;
	arg.number[0] = 0;
	return arg;
}

static inline qc_arg qc_bytes(const void *data, size_t len)
{
	qc_arg arg;
	arg.data = data ? data : "";
	arg.len = data ? len : 0;
	arg.number[0] = 0;
	return arg;
}

/* What qc_arg() makes of NULL. Another void pointer fails alike: how long it is nobody knows. */
static inline qc_arg qc_arg_void(const void *pointer)
{
	qc_arg arg;
	arg.data = pointer;
	arg.len = SIZE_MAX;
	arg.number[0] = 0;
	return arg;
}

static inline qc_arg qc_arg_same(qc_arg arg)
{
	return arg;
}

QC_API qc_arg qc_arg_int(long long value);
QC_API qc_arg qc_arg_unsigned(unsigned long long value);
QC_API qc_arg qc_arg_double(double value);

/* Replies: a tree with one owner, the result that it came in. */

enum qc_reply_type {
	QC_SIMPLE, /* "OK" */
	QC_ERROR,  /* inside of an array only; else the call has failed */
	QC_INTEGER,
	QC_BULK,
	QC_ARRAY,
	QC_NULL,
	QC_DOUBLE,
	QC_BOOL,
	QC_BIG_NUMBER,
	QC_VERBATIM,
	QC_MAP, /* children: key, value, key, value ... */
	QC_SET,
	QC_PUSH,
	QC_ATTRIBUTE,
};

typedef struct qc_reply qc_reply;

/* All of them take NULL as a null reply. */
QC_API enum qc_reply_type qc_reply_type(const qc_reply *reply);
/* Of an integer or a boolean, or of a string that holds an integer; else 0. */
QC_API int64_t qc_reply_int(const qc_reply *reply);
/* Of a double or an integer, or of a string that holds a number; else 0. */
QC_API double qc_reply_double(const qc_reply *reply);
/* Any scalar that has a text (not integers, booleans); "" else, NULL for a null. */
QC_API const char *qc_reply_text(const qc_reply *reply);
QC_API size_t qc_reply_len(const qc_reply *reply);
/* "txt" or "mkd" of a verbatim string, else "". */
QC_API const char *qc_reply_format(const qc_reply *reply);
/* Children; of a map of n pairs 2n. */
QC_API size_t qc_reply_count(const qc_reply *reply);
/* NULL when there are fewer. */
QC_API const qc_reply *qc_reply_at(const qc_reply *reply, size_t index);
/* The value that stands behind a key in a map, or in a flat array of pairs, as RESP2 has it; NULL when absent. */
QC_API const qc_reply *qc_reply_get(const qc_reply *reply, const char *key);
/* The error that stands in an array (what EXEC answers), or QC_OK. */
QC_API qc_error qc_reply_err(const qc_reply *reply);

/* Results */

typedef struct qc_status {
	qc_error err;
} qc_status;

typedef struct qc_int {
	qc_error err;
	int64_t value;
} qc_int;

typedef struct qc_float {
	qc_error err;
	double value;
} qc_float;

/* The reply of any call. The first two fields are those of every result that owns something. */
typedef struct qc_result {
	qc_error err;
	qc_reply *reply;
} qc_result;

/* A null is the error QC_NIL. */
typedef struct qc_string {
	qc_error err;
	qc_reply *reply;
	const char *data; /* NUL behind the last byte; NULL when the call failed */
	size_t len;
} qc_string;

/* Frees what a qc_result, qc_string or qc_message holds, and clears it: its texts are NULL and empty then. `err` stays. */
QC_API void qc_release(void *result);
QC_API void qc_release_string(qc_string *string);
#define qc_auto __attribute__((cleanup(qc_release)))

/* Clients */

typedef struct qc_client {
	qc_error err; /* why it could not be made, or not connect at first: see qc_open() */
} qc_client;

enum qc_event_kind {
	QC_EVENT_CALL = 1 << 0,      /* a command, a pipeline */
	QC_EVENT_DIAL = 1 << 1,      /* a connection was wanted that had to be made, or that another call had begun to make */
	QC_EVENT_SUBSCRIBE = 1 << 2, /* qc_subscribe(), until it returns */
};

/* What is done, for hooks. It lives until the hook returns. */
typedef struct qc_event {
	enum qc_event_kind kind;
	const char *command;    /* "GET", "pipeline", "dial", "subscribe" */
	size_t commands;        /* of a call: 1, or the pipeline's length, without MULTI and EXEC */
	qc_args args;           /* of a single command, or the channels; empty for a pipeline: see qc_event_command() */
	const char *address;    /* of the client, as "host:port"; the first of several */
	qc_context *context;    /* the call's: see qc_context_value() */
	void **value;           /* the hook's own from `before` to `after`; NULL at first */
	const qc_error *err;    /* after */
	int64_t elapsed_ns;     /* after */
	int attempts;           /* after, of a call: how often it was sent; 0 when it never was */
	const void *sent;       /* private: a pipeline's commands */
	size_t sent_len;
} qc_event;

/*
 * The commands of a pipeline, one after the other (MULTI and EXEC are among them): at most `room` words of it, and the count of those;
 * 0 at the end. *at is 0 at first.
 *
 *	qc_arg words[4];
 *	for (size_t at = 0, n; (n = qc_event_command(event, &at, words, 4)) > 0;)
 */
QC_API size_t qc_event_command(const qc_event *event, size_t *at, qc_arg *words, size_t room);

/*
 * Called in the calling thread (a subscription's own for what it dials): `before` in the order of the list, `after` in reverse. Either
 * may be NULL. At most 8. A dial is within the call that wanted it.
 */
typedef struct qc_hook {
	void *data;
	void (*before)(void *data, const qc_event *event);
	void (*after)(void *data, const qc_event *event);
} qc_hook;

typedef struct qc_credentials {
	char user[256]; /* may stay empty: "default" */
	char password[4096];
} qc_credentials;

/* Zero means the default that is said here. Texts are copied. */
typedef struct qc_options {
	/*
	 * "host:port", "unix:/path", "redis://user:password@host:port/db?timeout=2s" (or "redis://password@host"),
	 * "rediss://" for TLS; "valkey://" and "valkeys://" are the same; several, parted
	 * by commas (and blanks), are tried in turn: the first that answers serves until it fails. localhost:6379.
	 */
	const char *address;
	const char *user, *password;
	/*
	 * Instead of these two, for passwords that change: asked for each new connection, in the thread that makes it, and forgotten as
	 * soon as they are sent. What it fails with fails the dial.
	 */
	qc_error (*credentials)(void *data, qc_credentials *out);
	void *credentials_data;
	/*
	 * The name of a master: then the addresses are those of Sentinels, which are asked where it is for each new connection. What is
	 * connected to a former master is closed as soon as another is known, or that refuses writes. Not for asynchronous clients.
	 * The user and the password are the master's; those in an address the Sentinels' too.
	 */
	const char *sentinel;
	const char *sentinel_user, *sentinel_password; /* for the Sentinels themselves */
	const char *name;          /* CLIENT SETNAME of each connection */
	int db;
	int protocol;              /* 3: RESP3, with RESP2 where the server knows no other; 2: RESP2 */
	int pool_size;             /* most connections at a time; 10 for each processor, at least 16 */
	int min_idle;              /* kept even when idle for long; 0 */
	int max_idle;              /* no more than so many are kept idle; pool_size */
	int64_t max_lifetime_ms;   /* no connection is used for longer, less up to a tenth by chance; without limit */
	int64_t idle_timeout_ms;   /* idle connections are closed after; 300,000; -1: never */
	int64_t pool_timeout_ms;   /* waiting for a place in a full pool; timeout_ms and a second; -1: no limit */
	int64_t dial_timeout_ms;   /* from a name to a connection, with TLS; 5,000; -1: no limit */
	int64_t timeout_ms;        /* for the whole answer to a command, a pipeline, the greeting; 3,000; -1: no limit. See "Time" above */
	int retries;               /* 3; -1: none. Only of what can't have had an effect, or has none */
	int64_t backoff_min_ms;    /* before the first retry, doubled for each, with jitter; 8 */
	int64_t backoff_max_ms;    /* 512 */
	/* The tls_ options are errors with an address without TLS. */
	const char *tls_ca;        /* a file of trusted certificates; those of the system */
	const char *tls_ca_dir;    /* a directory of them, as c_rehash(1) makes it; beside the file */
	const char *tls_cert, *tls_key;
	const char *tls_ca_pem, *tls_cert_pem, *tls_key_pem; /* the same, as texts instead of files */
	const char *tls_min_version; /* "1.2", "1.3"; 1.2 */
	const char *tls_name;      /* whose certificate is expected; the address's host */
	const char *tls_ciphers;   /* up to TLS 1.2, "A:B", the preferred first; see ciphers(1ssl). OpenSSL's own */
	const char *tls_ciphersuites; /* the same for TLS 1.3 */
	bool tls_insecure;         /* any certificate is taken */
	/*
	 * An SSL_CTX * that the caller made, for what these options cannot express, such as a key in hardware or a verify callback.
	 * Its own settings decide everything, including whether certificates are verified. tls_name may be given beside it; every
	 * other tls_ option is QC_INVALID then. The client takes a reference, so the caller may free its own after the call, but must
	 * not change the context any more: several threads use it.
	 */
	void *tls_context;
	/*
	 * What comes unasked on connections of calls (RESP3: CLIENT TRACKING's invalidations, say), when a call next uses the connection,
	 * in that call's thread. The push lives until it returns, and it makes no call on the client. Else pushes are passed over.
	 */
	void (*on_push)(void *data, const qc_reply *push);
	void *push_data;
	bool lazy;                 /* qc_open() doesn't connect: the first call does */
	const qc_hook *hooks;
	size_t hook_count;
	unsigned hook_events;      /* enum qc_event_kind, what hooks are told of; 0: calls alone */
} qc_options;

/*
 * Connects once, to know that it can; with .lazy it leaves that to the first call. If it can't, `err` says why, and stays; the client
 * mends itself all the same: each call tries again, and serves as soon as there is a server. Only after QC_INVALID (an address, an
 * option) and QC_NO_MEMORY nothing can be done with it. So a program that can't go on without ends on qc_failed(*c), and one that
 * can doesn't ask. The client is to be closed in any case.
 *
 * A dial goes on when the call that wanted it has given up: the next call that wants a connection takes it over. While no
 * connection can be made, one call at a time tries, after a pause that doubles from backoff_min_ms to backoff_max_ms; all others
 * fail at once with what it met. The addresses of a name are tried side by side, each 250 ms after the one before (RFC 8305). A
 * server that closes the connection at HELLO, as some proxies do, is spoken to in RESP2. One of Redis 7.2 or later is told what library this is (CLIENT SETINFO).
 */
QC_API qc_client *qc_open(const qc_options *options);
#define qc_dial(where, ...) qc_open(&(qc_options){.address = (where), ##__VA_ARGS__})
/* The same, until the context ends: it counts while this connects, and not for the client afterwards. */
QC_API qc_client *qc_open_with(qc_context *context, const qc_options *options);
/* No call may be running on it, or begin after. Pipelines, iterators and subscriptions of it may be closed later. */
QC_API void qc_close(qc_client *client);

/*
 * A client that has one connection of the pool to itself, until it is closed: for commands that change a connection's state
 * (SELECT, MULTI, CLIENT ...). A connection for it is dialled as often as for a call; afterwards it never reconnects.
 * `client` may be closed first.
 */
QC_API qc_client *qc_pin(qc_client *client, qc_context *context);

typedef struct qc_stats {
	uint64_t hits, misses;    /* connections taken from those idle; made anew */
	uint64_t waits, timeouts; /* for a place in the full pool; in vain */
	uint64_t stale;           /* found dead, or idle for too long, and closed */
	uint64_t broken;          /* closed after a failed or cancelled call */
	uint64_t retries, failovers;
	size_t total, idle;       /* now */
	uint64_t wait_ns;         /* how long all have waited for a place */
	uint64_t retired;         /* closed for max_idle or max_lifetime_ms */
} qc_stats;

QC_API qc_stats qc_pool_stats(const qc_client *client);

/*
 * Calls. qc_do(c, ctx, "SET", "foo", 42). Typed calls for every command stand in qcache_commands.h; in their options zero means
 * absent.
 */

QC_API qc_result qc_do_args(qc_client *client, qc_context *context, qc_args args);
#define qc_do(client, context, ...) qc_do_args(client, context, QC_LIST(__VA_ARGS__))

/*
 * Replies into variables of one's own. A field is described once, by its member's type:
 *
 *	struct user { int64_t id; char name[32]; double score; bool is_admin; };
 *	static const qc_field user_fields[] = {
 *		QC_FIELD(struct user, id), QC_FIELD(struct user, name), QC_FIELD_AS(struct user, is_admin, "admin")};
 *	qc_result r qc_auto = qc_hgetall(c, ctx, "user:7");
 *	qc_status read = qc_read(r.reply, &user, user_fields);
 *
 * Integers of every size, float and double, bool (0, 1, true, false), char arrays (a copy, with a NUL), `const char *` (a view
 * that lives as long as the result). What doesn't fit is QC_PROTOCOL and named. Members whose name the reply lacks stay.
 */
enum qc_field_kind {
	QC_FIELD_WRONG, /* no type that can be read into */
	QC_FIELD_SIGNED,
	QC_FIELD_UNSIGNED,
	QC_FIELD_FLOATING,
	QC_FIELD_BOOL,
	QC_FIELD_CHARS,
	QC_FIELD_TEXT,
};

typedef struct qc_field {
	const char *name;
	size_t offset, size;
	enum qc_field_kind kind;
} qc_field;

/* A map, or an array of names and values in turn (HGETALL, CONFIG GET, XRANGE's fields). */
QC_API qc_status qc_read_fields(const qc_reply *reply, void *out, const qc_field *fields, size_t count);
/* An array of values in the order of the fields (HMGET, MGET); a null leaves its member. */
QC_API qc_status qc_read_values(const qc_reply *reply, void *out, const qc_field *fields, size_t count);
/* An array of values of one type into at most `room` elements of `each.size`; returns how many. More are QC_PROTOCOL. */
QC_API qc_int qc_read_list(const qc_reply *reply, void *out, size_t room, qc_field each);

/*
 * Lua scripts. One is sent by its SHA-1, and whole where the server doesn't know it (NOSCRIPT); of a pipeline the first that
 * uses a script sends it whole. The text is borrowed.
 *
 *	qc_script script = qc_script_make("return redis.call('INCRBY', KEYS[1], ARGV[1])");
 *	qc_result r qc_auto = qc_script_run(c, ctx, &script, QC_LIST("counter"), 5);
 */
typedef struct qc_script {
	const char *text;
	char sha1[41];
	bool is_readonly; /* EVALSHA_RO: it changes nothing, and may be tried again */
} qc_script;

QC_API qc_script qc_script_make(const char *text);
QC_API qc_result qc_script_run_args(qc_client *client, qc_context *context, const qc_script *script, qc_args keys, qc_args args);
#define qc_script_run(client, context, script, keys, ...)                                                              \
	qc_script_run_args(client, context, script, keys, QC_LIST(__VA_ARGS__))

/* Pipelines: commands that are sent together. */

typedef struct qc_pipeline {
	qc_error err; /* the first thing that went wrong when it was filled */
} qc_pipeline;

/* Replies in the order of the commands. An error of one command is in its reply, not in err. */
typedef struct qc_results {
	qc_error err;
	qc_reply **replies;
	size_t count;
	qc_reply *owner; /* private: what all of them are parts of, or NULL */
} qc_results;

QC_API qc_pipeline *qc_pipeline_open(qc_client *client);
/* Returns its place among the results to come: size_t views = qc_add(p, "GET", "views"), then qc_results_int(&results, views). */
QC_API size_t qc_pipeline_add_args(qc_pipeline *pipeline, qc_args args);
#define qc_add(pipeline, ...) qc_pipeline_add_args(pipeline, QC_LIST(__VA_ARGS__))
QC_API size_t qc_script_add_args(qc_pipeline *pipeline, const qc_script *script, qc_args keys, qc_args args);
#define qc_script_add(pipeline, script, keys, ...) qc_script_add_args(pipeline, script, keys, QC_LIST(__VA_ARGS__))
/* Sends what was added and empties the pipeline, which may be filled again. */
QC_API qc_results qc_run(qc_pipeline *pipeline, qc_context *context);
/* The same between MULTI and EXEC. QC_SERVER with EXECABORT when a command was refused. */
QC_API qc_results qc_run_multi(qc_pipeline *pipeline, qc_context *context);
QC_API void qc_pipeline_close(qc_pipeline *pipeline);

QC_API void qc_results_release(qc_results *results);
#define qc_auto_results __attribute__((cleanup(qc_results_release)))
/*
 * The first thing that went wrong: of the whole, or (`err` is QC_OK then) the error that the first refused command got, with "command 3: "
 * in front of its text. *out_index, unless that is NULL, is its place; `count` when all is well or all has failed.
 */
QC_API qc_error qc_results_err(const qc_results *results, size_t *out_index);
/* One of them as a typed call would give it. The string is a view: it lives as long as the results and isn't released. */
QC_API qc_int qc_results_int(const qc_results *results, size_t index);
QC_API qc_string qc_results_string(const qc_results *results, size_t index);

/*
 * Optimistic transactions. `body` reads by calls on `tx`, fills `queue` with what is to be done, and returns QC_OK; the queue
 * then runs by MULTI and EXEC, if none of the keys has changed since. If one has, all is done again. Another error of `body`
 * ends it. QC_CONFLICT after `retries` + 16 attempts.
 */
typedef qc_error qc_transaction(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data);
QC_API qc_results qc_watch_args(qc_client *client, qc_context *context, qc_transaction *body, void *data, qc_args keys);
#define qc_watch(client, context, body, data, ...) qc_watch_args(client, context, body, data, QC_LIST(__VA_ARGS__))

/* Subscriptions: a bounded queue of messages, filled by a thread that reconnects and subscribes again by itself. */

typedef struct qc_subscription {
	qc_error err;
} qc_subscription;

enum qc_message_type {
	QC_NO_MESSAGE,   /* `err` says why: the wait has ended (QC_DEADLINE, QC_CANCELLED), or a subscription was refused (QC_SERVER) */
	QC_MESSAGE,      /* something was published */
	QC_SUBSCRIBED,   /* to `channel` (or pattern), also after a reconnect */
	QC_UNSUBSCRIBED,
	QC_DISCONNECTED, /* messages may have been lost from here until the next QC_SUBSCRIBED; no error: it mends itself */
};

/* No error ends a subscription: the next call may well give a message. */
typedef struct qc_message {
	qc_error err;        /* of QC_NO_MESSAGE, and of that only */
	qc_reply *reply;     /* for qc_release() */
	enum qc_message_type type;
	const char *channel; /* NUL behind them, as everywhere */
	size_t channel_len;
	const char *pattern; /* NULL when it was no pattern that matched */
	const char *data;
	size_t len;
	qc_error cause;      /* of QC_DISCONNECTED: what has cut the connection; else QC_OK */
} qc_message;

/* When `queue` (default 128) messages wait, no more are read until some are taken: the server keeps what it is willing to. */
typedef struct qc_subscribe_options {
	qc_args patterns, shards; /* beside the channels */
	size_t queue;
	int64_t health_ms; /* when nothing has come for so long a PING asks, and after as much again the connection is lost; 30,000; -1: never */
} qc_subscribe_options;

/*
 * Connects, and then returns; that the server has subscribed is told by a QC_SUBSCRIBED for each name. If it can't connect, `err`
 * says why, as a QC_DISCONNECTED does, and the subscription tries on; only after QC_INVALID and QC_NO_MEMORY it is of no use. The
 * context counts until it returns, for connecting: its end doesn't end the subscription. That is done by qc_unsubscribe() alone, which waits for the
 * subscription's thread and frees all, so that nobody may be in a call on it. To end it from another thread than the one that waits
 * in qc_next_message(): cancel the context that this was given, and unsubscribe when the thread has left the call.
 */
QC_API qc_subscription *qc_subscribe_args(qc_client *client, qc_context *context, qc_args channels,
					  const qc_subscribe_options *options);
#define qc_subscribe(client, context, ...) qc_subscribe_args(client, context, QC_LIST(__VA_ARGS__), NULL)
#define qc_psubscribe(client, context, ...)                                                                            \
	qc_subscribe_args(client, context, (qc_args){0}, &(qc_subscribe_options){.patterns = QC_LIST(__VA_ARGS__)})
/* Adds or removes, from any thread. `command` is SUBSCRIBE, UNSUBSCRIBE, PSUBSCRIBE, PUNSUBSCRIBE, SSUBSCRIBE, SUNSUBSCRIBE. */
QC_API qc_status qc_subscription_change(qc_subscription *subscription, const char *command, qc_args names);
QC_API void qc_release_message(qc_message *message);
/* The next message; waits for one, until the context ends. Several threads may. */
QC_API qc_message qc_next_message(qc_subscription *subscription, qc_context *context);
/* Readable while a message waits: for one's own loop, with a context that has ended already, to not wait. */
QC_API int qc_subscription_fd(const qc_subscription *subscription);
QC_API void qc_unsubscribe(qc_subscription *subscription);

/*
 * Client-side caching: replies to reads of one key (GET, HGETALL, ZRANGE ...) are kept here until the server says that the key has
 * changed (CLIENT TRACKING, by a connection and a thread of the cache's own). Without that connection nothing is kept, and calls
 * go to the server as any. What one has written oneself may be read as it was for as long as the message takes: see
 * qc_cache_forget().
 *
 * Any number of threads may use one cache. A forked child's keeps nothing: it is to be closed there, and made anew.
 */
typedef struct qc_cache {
	qc_error err; /* why it doesn't keep anything yet; it tries on, but for QC_INVALID and QC_NO_MEMORY */
} qc_cache;

typedef struct qc_cache_options {
	size_t max_bytes; /* 16 MiB. What was used least recently goes first */
	qc_args prefixes; /* of the keys that are kept, so that the server tells of no others; all */
} qc_cache_options;

typedef struct qc_cache_stats {
	uint64_t hits, misses;
	uint64_t invalidations; /* keys that have changed */
	uint64_t evictions;     /* keys that had to go for others */
	uint64_t flushes;       /* all at once: FLUSHALL, a lost connection */
	size_t keys, bytes;     /* now */
} qc_cache_stats;

/* Connects, until the context ends. The client must outlive the cache. */
QC_API qc_cache *qc_cache_open(qc_client *client, qc_context *context, const qc_cache_options *options);
/* Waits for its thread; nobody may be in a call on it. */
QC_API void qc_cache_close(qc_cache *cache);
/* QC_INVALID for anything but a read of one key that answers alike until the key changes. */
QC_API qc_result qc_cache_do_args(qc_cache *cache, qc_context *context, qc_args args);
#define qc_cache_do(cache, context, ...) qc_cache_do_args(cache, context, QC_LIST(__VA_ARGS__))
QC_API void qc_cache_forget(qc_cache *cache, qc_arg key);
QC_API qc_cache_stats qc_cache_counts(qc_cache *cache);

/* Iterators: SCAN, and HSCAN, SSCAN, ZSCAN when `key` is given. */

typedef struct qc_iterator {
	qc_error err;        /* why qc_advance() has ended; QC_OK at the natural end */
	const char *data;    /* key, member or field; until the next qc_advance(), NULL when that is false */
	size_t len;
	const char *value;   /* of a hash's field, or the member's score; NULL else */
	size_t value_len;
} qc_iterator;

typedef struct qc_iterate_options {
	const char *match; /* a glob */
	const char *type;  /* SCAN only */
	int64_t count;     /* a hint: how much a step looks at */
	const char *command; /* HSCAN, SSCAN or ZSCAN */
	qc_arg key;          /* of the collection: .key = qc_arg("name") */
} qc_iterate_options;

QC_API qc_iterator *qc_iterate_with(qc_client *client, const qc_iterate_options *options);
#define qc_iterate(client, ...) qc_iterate_with(client, __extension__ &(qc_iterate_options){__VA_ARGS__})
QC_API bool qc_advance(qc_iterator *iterator, qc_context *context);
QC_API void qc_iterator_close(qc_iterator *iterator);

/* For pinned clients only: the protocol below calls. */

QC_API qc_status qc_send(qc_client *pinned, qc_context *context, qc_args args);
QC_API qc_status qc_send_raw(qc_client *pinned, qc_context *context, const void *data, size_t len);
/* The next reply or push, errors as replies too. When the context ends the connection stays usable. */
QC_API qc_result qc_receive(qc_client *pinned, qc_context *context);
/* What comes, uninterpreted: at least a byte, or QC_NETWORK at the end. Not after qc_receive(). */
QC_API qc_int qc_receive_raw(qc_client *pinned, qc_context *context, void *out, size_t size);
/* Of the connection's socket: readable when something came, but for what has been read already. */
QC_API int qc_pinned_fd(const qc_client *pinned);

/* The command table that this library was built with. */

enum qc_command_flags {
	QC_COMMAND_WRITE = 1 << 0,
	QC_COMMAND_READONLY = 1 << 1,
	QC_COMMAND_BLOCKING = 1 << 2,
	QC_COMMAND_CONNECTION = 1 << 3, /* changes the state of its connection: for pinned clients */
};

typedef struct qc_table_entry {
	const char *name;      /* "SET", "CONFIG GET" */
	const char *arguments; /* "key value [NX|XX] ..." */
	const char *summary, *since, *group, *complexity;
	int arity;
	unsigned flags;
} qc_table_entry;

QC_API size_t qc_table_count(void);
/* In the order of names; NULL behind the last. */
QC_API const qc_table_entry *qc_table_at(size_t index);
/* A command, or (unless that is NULL) its sub-command; any case. NULL when there is none of that name. */
QC_API const qc_table_entry *qc_table_find(const char *name, const char *subcommand);

QC_API const char *qc_version(void);

/* qc_defer(qc_close): runs qc_close on the variable at the end of its scope. */
#define qc_defer(function) __attribute__((cleanup(function##_deferred)))

#define QC_DEFERRABLE(type, function)                                                                                  \
	static inline void function##_deferred(type **variable)                                                        \
	{                                                                                                              \
		if (*variable)                                                                                         \
			function(*variable);                                                                           \
	}

QC_DEFERRABLE(qc_client, qc_close)
QC_DEFERRABLE(qc_context, qc_context_free)
QC_DEFERRABLE(qc_pipeline, qc_pipeline_close)
QC_DEFERRABLE(qc_subscription, qc_unsubscribe)
QC_DEFERRABLE(qc_iterator, qc_iterator_close)
QC_DEFERRABLE(qc_cache, qc_cache_close)

#ifdef __cplusplus
/* The calls' functions; their macros are for C. qcache.hpp has members instead. */
#include "qcache_commands.h"
}
#else

/*
 * An argument of whatever is given: a C string, an integer, a bool (1 or 0), a float or double, a qc_arg; NULL makes the call
 * fail. Anything else doesn't compile, as what is meant is not known: cast it, or use qc_bytes().
 * - A char: (int)c is its number, qc_bytes(&c, 1) the letter. A literal such as 'x' is an int to the compiler, and a number here.
 * - Pointers to unsigned char and their like: such bytes need not end with a NUL.
 * - A long double: (double)x may lose some of it.
 * - A bit-field, of which some compilers make a type for each width: (int)s.field.
 */
#define qc_arg(value)                                                                                                  \
	_Generic((value), char *: qc_arg_text, const char *: qc_arg_text, qc_arg: qc_arg_same, void *: qc_arg_void,    \
		 bool: qc_arg_int, signed char: qc_arg_int, short: qc_arg_int, int: qc_arg_int, long: qc_arg_int,      \
		 long long: qc_arg_int, unsigned char: qc_arg_unsigned, unsigned short: qc_arg_unsigned,               \
		 unsigned: qc_arg_unsigned, unsigned long: qc_arg_unsigned, unsigned long long: qc_arg_unsigned,       \
		 float: qc_arg_double, double: qc_arg_double)(value)

/* What a member's type is for qc_read(). A `char *` is none: nobody has the memory that it would point to. */
#define QC_FIELD_KIND(member)                                                                                          \
	_Generic((member), signed char: QC_FIELD_SIGNED, short: QC_FIELD_SIGNED, int: QC_FIELD_SIGNED,                  \
		 long: QC_FIELD_SIGNED, long long: QC_FIELD_SIGNED, unsigned char: QC_FIELD_UNSIGNED,                   \
		 unsigned short: QC_FIELD_UNSIGNED, unsigned: QC_FIELD_UNSIGNED, unsigned long: QC_FIELD_UNSIGNED,      \
		 unsigned long long: QC_FIELD_UNSIGNED, float: QC_FIELD_FLOATING, double: QC_FIELD_FLOATING,            \
		 bool: QC_FIELD_BOOL, const char *: QC_FIELD_TEXT,                                                      \
		 char *: __builtin_types_compatible_p(__typeof__(member), char *) ? QC_FIELD_WRONG : QC_FIELD_CHARS,    \
		 default: QC_FIELD_WRONG)
#define QC_FIELD_AS(type, member, name)                                                                                \
	{name, offsetof(type, member), sizeof(((type *)0)->member), QC_FIELD_KIND(((type *)0)->member)}
#define QC_FIELD(type, member) QC_FIELD_AS(type, member, #member)
#define QC_FIELD_COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))
#define qc_read(reply, out, fields) qc_read_fields(reply, out, fields, QC_FIELD_COUNT(fields))
/* Into an array: int64_t n[10]; qc_int count = qc_read_array(r.reply, n). */
#define qc_read_array(reply, array)                                                                                    \
	qc_read_list(reply, array, QC_FIELD_COUNT(array),                                                              \
		     (qc_field){"an element", 0, sizeof((array)[0]), QC_FIELD_KIND((array)[0])})

/* C++ has qc_release_string() and qc_release_message() for it. */
#define qc_release(result)                                                                                             \
	_Generic((result), qc_string *: qc_release_string, qc_message *: qc_release_message, default: (qc_release))(result)

/* A list of arguments from at most 256 values: QC_LIST("a", 1, qc_bytes(p, n)). It lives to the end of the scope. */
#define QC_LIST(...) QC_LIST_OF((__extension__(const qc_arg[]){QC_EACH(__VA_ARGS__)}))
#define QC_LIST_OF(array) ((qc_args){array, sizeof(array) / sizeof((array)[0])})
#define QC_EACH(...) __VA_OPT__(QC_AGAIN(QC_STEP(__VA_ARGS__)))
#define QC_STEP(value, ...) qc_arg(value), __VA_OPT__(QC_STEP_LATER QC_PARENS(__VA_ARGS__))
#define QC_STEP_LATER() QC_STEP
#define QC_PARENS ()
#define QC_AGAIN(...) QC_AGAIN4(QC_AGAIN4(QC_AGAIN4(QC_AGAIN4(__VA_ARGS__))))
#define QC_AGAIN4(...) QC_AGAIN3(QC_AGAIN3(QC_AGAIN3(QC_AGAIN3(__VA_ARGS__))))
#define QC_AGAIN3(...) QC_AGAIN2(QC_AGAIN2(QC_AGAIN2(QC_AGAIN2(__VA_ARGS__))))
#define QC_AGAIN2(...) QC_AGAIN1(QC_AGAIN1(QC_AGAIN1(QC_AGAIN1(__VA_ARGS__))))
#define QC_AGAIN1(...) __VA_ARGS__

#include "qcache_commands.h"
#endif

#endif

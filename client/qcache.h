/*
 * libqcache: a client library for qcache and Redis servers, in the style of Go's clients.
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
 * The rules:
 * - Errors are values. Every result has a field `err`; qc_failed() tells whether the call failed, qc_is() with which kind of
 *   error. A qc_error owns no memory: copy and keep it as you like.
 * - qc_string, qc_result and qc_message own memory: call qc_release(), or declare them qc_auto to release them at the end of the
 *   scope; for qc_results, qc_results_release() or qc_auto_results. Pointers into a result are valid until then. qc_status, qc_int
 *   and qc_float own nothing. Handles have a function that closes them, which qc_defer() calls at the end of the scope.
 * - Handles are never NULL. A handle that could not be made carries its error, and every call on it returns that error. A client
 *   is usable even if its server could not be reached yet: see qc_open().
 * - NULL is allowed for a context (it means qc_background()), for options (the defaults), and as an argument of functions that close,
 *   free, cancel or release (they do nothing). Anywhere else it is not.
 * - A context limits how long a call may take, and lets another thread cancel it. A cancelled call returns at once.
 * - Strings are bytes with a length; strings from the server are also NUL-terminated. Calls accept C strings, numbers and
 *   bytes as arguments (see qc_arg()).
 *
 * Threads: any number of threads may use a client or a context at the same time. Other objects (results, pipelines, pinned
 * clients, iterators, subscriptions) belong to one thread at a time, unless stated otherwise. Calls block; for programs with an event
 * loop there is qcache_ev.h. The library starts threads only in qc_subscribe() and qc_cache_open() (one each), and to resolve
 * host names.
 *
 * Time: every reply has a limit, options.timeout_ms; this includes scripts. A command that blocks (BLPOP, BLMPOP, XREAD with
 * BLOCK, WAIT, DEBUG SLEEP ...) gets its own timeout in addition, plus a quarter of a second, since servers may be late.
 * A pipeline gets the sum of these. Inside MULTI and EXEC no command blocks. Only the context limits: commands that block forever
 * (BLPOP key 0); SAVE, SHUTDOWN and MIGRATE; qc_send(), qc_send_raw(), qc_receive(), qc_receive_raw() and qc_next_message().
 *
 * fork(): the child may use its parent's clients, including asynchronous ones: they make new connections. Objects with a
 * connection cannot be used in the child: a pinned client or a subscription fails with QC_INVALID, and must still be closed
 * there. Commands waiting in an asynchronous client belong to the parent, and fail with QC_NETWORK in the child. If
 * the parent has several threads, no other thread may be in a call with a context that the child will use.
 *
 * After 30 s without traffic a connection is probed (TCP keep-alive), and given up after another 30 s without an answer. Replies
 * may be nested 64 levels deep; deeper ones are QC_PROTOCOL, and the connection is closed.
 */
#ifndef QCACHE_H
#define QCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
/* Zero-initialises the structs in C++, so that {.ex = 60} leaves no field uninitialised. */
#define QC_ZERO = {}
#else
#define QC_ZERO
#endif

#define QC_API __attribute__((visibility("default")))

/* Errors */

enum qc_kind {
	QC_OK,        /* no error */
	QC_NIL,       /* no such value; redis.Nil in go-redis */
	QC_SERVER,    /* the server returned an error; `code` tells which */
	QC_CANCELLED, /* the context was cancelled */
	QC_DEADLINE,  /* the context's deadline passed */
	QC_TIMEOUT,   /* a time limit of the client's options passed: for dialling, a reply, a place in the pool, a new connection */
	QC_NETWORK,   /* no connection, or it was lost */
	QC_PROTOCOL,  /* the server sent something that is not RESP, or not a reply that the call expects */
	QC_CONFLICT,  /* qc_watch(): a watched key kept changing */
	QC_INVALID,   /* a mistake of the caller: an invalid address, option, or argument */
	QC_CLOSED,    /* the client was closed */
	QC_NO_MEMORY,
};

typedef struct qc_error {
	enum qc_kind kind;
	/* QC_SERVER: the first word of the error, such as "WRONGTYPE", if it consists of upper-case letters, digits and _, and fits;
	 * otherwise empty */
	char code[28];
	char text[224]; /* for people; cut if too long */
} qc_error;

/* Whether the result (or handle) carries an error. */
#define qc_failed(result) ((result).err.kind != QC_OK)

static inline bool qc_is(qc_error err, enum qc_kind kind)
{
	return err.kind == kind;
}

/* Whether it is the server's error with this code: qc_has_code(err, "WRONGTYPE"). */
static inline bool qc_has_code(qc_error err, const char *code)
{
	return err.kind == QC_SERVER && strcmp(err.code, code) == 0;
}

/* Adds context to an error: same kind and code, with the formatted text in front: "loading user 7: ...". */
QC_API qc_error qc_wrap(qc_error cause, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes an error, for the function given to qc_watch(). */
QC_API qc_error qc_errorf(enum qc_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
QC_API const char *qc_kind_name(enum qc_kind kind);
/* Prints "PROGRAM: text" to stderr and exits with status 1. */
QC_API void qc_fatal(qc_error err) __attribute__((noreturn));

/* Returns the result of a call, or ends the program with qc_fatal(): for small programs. */
#define qc_must(call)                                                                                                  \
	__extension__({                                                                                                \
		__auto_type qc_must_result = (call);                                                                   \
		if (qc_failed(qc_must_result))                                                                         \
			qc_fatal(qc_must_result.err);                                                                  \
		qc_must_result;                                                                                        \
	})

/* Contexts */

typedef struct qc_context qc_context;

/* Never ends. Need not be freed. */
QC_API qc_context *qc_background(void);
/* A context also ends when its parent ends. The parent may be freed first. */
QC_API qc_context *qc_context_with_cancel(qc_context *parent);
QC_API qc_context *qc_context_with_timeout(qc_context *parent, int64_t timeout_ms);
/* The deadline is a time of CLOCK_MONOTONIC. */
QC_API qc_context *qc_context_with_deadline(qc_context *parent, int64_t deadline_ms);
/* Ends the context and its children. From any thread, any number of times. */
QC_API void qc_cancel(qc_context *context);
/* QC_OK while it lasts, afterwards QC_CANCELLED or QC_DEADLINE. */
QC_API qc_error qc_context_err(const qc_context *context);
/*
 * A context with a value, such as a trace, which hooks can look up by its key. The key is the address of a variable of yours (`static const
 * char trace_key;`). The value is borrowed. The child ends with its parent, and is freed like any context.
 */
QC_API qc_context *qc_context_with_value(qc_context *parent, const void *key, void *value);
/* The value of the nearest context, from this one up to the root, that has the key; NULL if none has. */
QC_API void *qc_context_value(const qc_context *context, const void *key);
/* Cancels the context and releases it. */
QC_API void qc_context_free(qc_context *context);

/* Arguments */

/* Borrowed bytes, or a number. Made by qc_arg() or qc_bytes(). */
typedef struct qc_arg {
	const void *data; /* NULL: the first `len` bytes of `number` */
	size_t len;
	char number[32];
} qc_arg;

typedef struct qc_args {
	const qc_arg *items;
	size_t count;
} qc_args;

/* A call with NULL as an argument fails with QC_INVALID. */
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

/* For qc_arg() of NULL. Other void pointers fail, too: their length is unknown. */
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

/* Replies: a tree, owned by the result that contains it. */

enum qc_reply_type {
	QC_SIMPLE, /* "OK" */
	QC_ERROR,  /* only inside an array; otherwise the call fails */
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

/* All functions accept NULL, which counts as a null reply. */
QC_API enum qc_reply_type qc_reply_type(const qc_reply *reply);
/* The value of an integer or boolean, or of a string that contains an integer; otherwise 0. */
QC_API int64_t qc_reply_int(const qc_reply *reply);
/* The value of a double or integer, or of a string that contains a number; otherwise 0. */
QC_API double qc_reply_double(const qc_reply *reply);
/* The text of a scalar other than an integer or boolean; "" for other types, NULL for a null. */
QC_API const char *qc_reply_text(const qc_reply *reply);
QC_API size_t qc_reply_len(const qc_reply *reply);
/* The format of a verbatim string, "txt" or "mkd"; "" for other types. */
QC_API const char *qc_reply_format(const qc_reply *reply);
/* The number of children; a map of n pairs has 2n. */
QC_API size_t qc_reply_count(const qc_reply *reply);
/* NULL if `index` is too large. */
QC_API const qc_reply *qc_reply_at(const qc_reply *reply, size_t index);
/* The value for a key of a map, or of a flat array of pairs as in RESP2; NULL if absent. */
QC_API const qc_reply *qc_reply_get(const qc_reply *reply, const char *key);
/* The error in an element of an array (such as the reply of EXEC), or QC_OK. */
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

/* The reply of any call. All results that own memory begin with these two fields. */
typedef struct qc_result {
	qc_error err;
	qc_reply *reply;
} qc_result;

/* A null reply is the error QC_NIL. */
typedef struct qc_string {
	qc_error err;
	qc_reply *reply;
	const char *data; /* NUL-terminated; NULL if the call failed */
	size_t len;
} qc_string;

/* Frees the memory of a qc_result, qc_string or qc_message, and clears its texts. `err` is kept. */
QC_API void qc_release(void *result);
QC_API void qc_release_string(qc_string *string);
#define qc_auto __attribute__((cleanup(qc_release)))

/* Clients */

typedef struct qc_client {
	qc_error err; /* why it could not be made, or could not connect at first: see qc_open() */
} qc_client;

enum qc_event_kind {
	QC_EVENT_CALL = 1 << 0,      /* a command or a pipeline */
	QC_EVENT_DIAL = 1 << 1,      /* a call needed a connection that had to be made, or was being made */
	QC_EVENT_SUBSCRIBE = 1 << 2, /* qc_subscribe(), until it returns */
};

/* What a hook is told. Valid until the hook returns. */
typedef struct qc_event {
	enum qc_event_kind kind;
	const char *command;    /* "GET", "pipeline", "dial", "subscribe" */
	size_t commands;        /* for a call: 1, or the length of the pipeline, without MULTI and EXEC */
	qc_args args;           /* the words of a single command, or the channels; empty for a pipeline: see qc_event_command() */
	const char *address;    /* of the client, as "host:port"; the first if there are several */
	qc_context *context;    /* of the call: see qc_context_value() */
	void **value;           /* for the hook's own use from `before` to `after`; NULL at first */
	const qc_error *err;    /* in `after` */
	int64_t elapsed_ns;     /* in `after` */
	int attempts;           /* in `after`, for a call: how often it was sent; 0 if never */
	const void *sent;       /* private: the commands of a pipeline */
	size_t sent_len;
} qc_event;

/*
 * Iterates over the commands of a pipeline (including MULTI and EXEC). Stores at most `room` words of the next one and returns their
 * number, 0 at the end. Set *at to 0 before the first call.
 *
 *	qc_arg words[4];
 *	for (size_t at = 0, n; (n = qc_event_command(event, &at, words, 4)) > 0;)
 */
QC_API size_t qc_event_command(const qc_event *event, size_t *at, qc_arg *words, size_t room);

/*
 * Called in the thread of the call (for dials of a subscription: in the subscription's thread): `before` in the order of the list, `after`
 * in reverse order. Either may be NULL. At most 8 hooks. A dial happens inside the call that needs it.
 */
typedef struct qc_hook {
	void *data;
	void (*before)(void *data, const qc_event *event);
	void (*after)(void *data, const qc_event *event);
} qc_hook;

typedef struct qc_credentials {
	char user[256]; /* empty: "default" */
	char password[4096];
} qc_credentials;

enum qc_read_from {
	QC_READ_PRIMARY,
	QC_READ_REPLICA, /* the primary only if no replica is reachable; replicas may lag behind */
	QC_READ_ANY,     /* the primary and the replicas in turn */
};

/* Zero means the default given in the comment. Texts are copied. */
typedef struct qc_options {
	/*
	 * As in "host:port", "unix:/path", "redis://user:password@host:port/db?timeout=2s" or "redis://password@host"; "rediss://" uses TLS;
	 * "valkey://" and "valkeys://" mean the same. Several addresses, separated by commas (and blanks), are tried in turn: the
	 * first that answers is used until it fails. Default: localhost:6379.
	 */
	const char *address;
	const char *user, *password;
	/*
	 * Replaces user and password, for passwords that change. Called for each new connection, in the thread that makes it; the result is
	 * erased as soon as it is sent. If it fails, the dial fails.
	 */
	qc_error (*credentials)(void *data, qc_credentials *out);
	void *credentials_data;
	/*
	 * The name of a master. Then the addresses are Sentinels, which are asked for the master's address for each new connection.
	 * Connections to a former master are closed when a new one is known, or when it refuses writes. Not for asynchronous clients. User
	 * and password are for the master; those in an address are for both master and Sentinels.
	 */
	const char *sentinel;
	const char *sentinel_user, *sentinel_password; /* for the Sentinels themselves */
	/*
	 * The addresses are nodes of a Redis Cluster; the client learns the other nodes from them. "?cluster=1" in a URL does the same.
	 * See "Clusters" below. user, password and the tls_ options apply to all nodes, pool_size and the like to each node.
	 */
	bool cluster;
	enum qc_read_from read_from; /* which nodes of a cluster run commands that only read */
	const char *name;          /* set on each connection by CLIENT SETNAME */
	int db;
	int protocol;              /* 3: RESP3, or RESP2 if the server knows no RESP3; 2: RESP2. Default: 3 */
	int pool_size;             /* the most connections at a time; default: 10 per processor, at least 16 */
	int min_idle;              /* idle connections to keep despite idle_timeout_ms; default: 0 */
	int max_idle;              /* the most idle connections; default: pool_size */
	int64_t max_lifetime_ms;   /* connections are replaced after this time, less a random part of up to a tenth; default: no limit */
	int64_t idle_timeout_ms;   /* idle connections are closed after this time; default: 300,000; -1: never */
	int64_t pool_timeout_ms;   /* for a place in a full pool; default: timeout_ms plus one second; -1: no limit */
	int64_t dial_timeout_ms;   /* for name lookup, connecting and TLS; default: 5,000; -1: no limit */
	int64_t timeout_ms;        /* for a whole reply or pipeline, and for the greeting; default: 3,000; -1: no limit; see "Time" */
	int retries;               /* default: 3; -1: none. Only commands that cannot have had an effect, or have none, are retried */
	int64_t backoff_min_ms;    /* before the first retry; doubles for each further one, with jitter; default: 8 */
	int64_t backoff_max_ms;    /* default: 512 */
	/* The tls_ options need an address with TLS. */
	const char *tls_ca;        /* file of trusted certificates; default: the system's */
	const char *tls_ca_dir;    /* directory of trusted certificates, made by c_rehash(1); in addition to the file */
	const char *tls_cert, *tls_key;
	const char *tls_ca_pem, *tls_cert_pem, *tls_key_pem; /* the same as text instead of files */
	const char *tls_min_version; /* as in "1.3"; default: 1.2 */
	const char *tls_name;      /* the name expected in the certificate; default: the host of the address */
	const char *tls_ciphers;   /* ciphers up to TLS 1.2, "A:B", in order of preference; see ciphers(1ssl). Default: OpenSSL's */
	const char *tls_ciphersuites; /* cipher suites of TLS 1.3 */
	bool tls_insecure;         /* accept any certificate */
	/*
	 * An SSL_CTX * of the caller, for what these options cannot express, such as a key in hardware or a verify callback. Its own
	 * settings decide everything, including whether certificates are verified. tls_name may be combined with it; other tls_ options are
	 * QC_INVALID. The client takes a reference: the caller may free its own after the call, but must not change the SSL_CTX any more,
	 * since several threads use it.
	 */
	void *tls_context;
	/*
	 * Called for push messages on connections of calls (such as the invalidations of CLIENT TRACKING in RESP3), when the next call uses
	 * the connection, in the thread of that call. The push is valid until it returns. It must not make calls on the client. Without it,
	 * pushes are ignored.
	 */
	void (*on_push)(void *data, const qc_reply *push);
	void *push_data;
	bool lazy;                 /* qc_open() doesn't connect; the first call does */
	const qc_hook *hooks;
	size_t hook_count;
	unsigned hook_events;      /* which events hooks are told of: enum qc_event_kind; default: only calls */
} qc_options;

/* Macros below use __VA_OPT__ and ", ##", which -Wpedantic would report in every program: ISO C has had the first since C23. */
#pragma GCC system_header

/*
 * Connects once, to report an early error; with .lazy the first call connects instead. If connecting fails, `err` tells why and stays set,
 * but the client remains usable: each call tries again, and succeeds as soon as the server answers. Only QC_INVALID (an address, an option)
 * and QC_NO_MEMORY are final. So a program that needs the server at its start checks qc_failed(*c); other programs don't have to. Close the
 * client in any case.
 *
 * A dial continues when the call that began it gives up: the next call that needs a connection takes it over. While no connection can be
 * made, one call at a time tries, after a pause that doubles from backoff_min_ms to backoff_max_ms; all other calls fail at once with the
 * last error. The addresses of a name are tried in parallel, each 250 ms after the previous one (RFC 8305). If a server closes the
 * connection at HELLO, as some proxies do, RESP2 is used. Redis 7.2 and later are told the name of this library (CLIENT SETINFO).
 */
QC_API qc_client *qc_open(const qc_options *options);
#define qc_dial(where, ...) qc_open(&(qc_options){.address = (where), ##__VA_ARGS__})
/* The context limits only the connecting, not the later life of the client. */
QC_API qc_client *qc_open_with(qc_context *context, const qc_options *options);
/* No call may be running, or begin afterwards. Pipelines, iterators and subscriptions of the client may be closed later. */
QC_API void qc_close(qc_client *client);

/*
 * A client that holds one connection of the pool until it is closed: for commands that change the state of a connection (SELECT, MULTI,
 * CLIENT ...). Dialling it is retried as for a call; afterwards it never reconnects. `client` may be closed first.
 */
QC_API qc_client *qc_pin(qc_client *client, qc_context *context);

/*
 * Clusters (options.cluster). The client asks a node which nodes serve which slots (CLUSTER SLOTS), again after a redirection or a failure
 * and every 30 s, and sends each command to the node of its keys. It follows MOVED and ASK, and tries again after TRYAGAIN, CLUSTERDOWN and
 * LOADING (options.retries).
 * - A command with keys in several slots fails with the code CROSSSLOT and is not sent. Commands without keys go to any primary.
 * - A pipeline is split by node, and the nodes work in parallel. Replies are in the order of the commands, but commands for different slots
 *   may run in any order. If one node fails, the whole pipeline fails, although other nodes may have run their commands.
 * - The keys of qc_run_multi(), qc_watch() and a script must be in one slot. Scripts in pipelines are always sent whole.
 * - qc_iterate() for SCAN visits all primaries. Keys of slots that move meanwhile may be missing or be seen twice.
 * - qc_subscribe_args(): shards must be in one slot, and given from the start. Channels and patterns are subscribed at any node.
 * - If a node fails, calls for its slots fail until a replica has replaced it; the other nodes continue to serve.
 * - Hooks see one call, however many nodes it goes to. The address in the event of a dial is that of the node.
 * - qc_cache_open() and asynchronous clients do not support clusters (QC_INVALID), qc_pin() neither.
 */

/* Like qc_pin(), but in a cluster the connection is to the primary of this key. A pinned client does not follow redirections. */
QC_API qc_client *qc_pin_key(qc_client *client, qc_context *context, qc_arg key);

/*
 * Calls `body` for each primary of a cluster in turn, until it fails: for commands that concern a node, such as FLUSHALL, DBSIZE or SCRIPT
 * LOAD. `node` is a client for this node only, and is valid until `body` returns. Without a cluster, calls `body` once with `client`.
 */
typedef qc_error qc_node_body(qc_client *node, qc_context *context, void *data);
QC_API qc_status qc_each_primary(qc_client *client, qc_context *context, qc_node_body *body, void *data);

typedef struct qc_stats {
	uint64_t hits, misses;    /* calls that found an idle connection; calls that found none */
	uint64_t waits, timeouts; /* for a place in the full pool; of these, timed out */
	uint64_t stale;           /* closed because they were found dead or had been idle for too long */
	uint64_t broken;          /* closed after a failed or cancelled call */
	uint64_t retries, failovers;
	size_t total, idle;       /* now */
	uint64_t wait_ns;         /* total time spent waiting for a place */
	uint64_t retired;         /* closed because of max_idle or max_lifetime_ms */
	uint64_t redirects;       /* followed in a cluster: MOVED and ASK */
} qc_stats;

QC_API qc_stats qc_pool_stats(const qc_client *client);

/*
 * Calls. qc_do(c, ctx, "SET", "foo", 42) sends any command. Typed calls for all commands are in qcache_commands.h; an option that is zero
 * is not sent.
 */

QC_API qc_result qc_do_args(qc_client *client, qc_context *context, qc_args args);
#define qc_do(client, context, ...) qc_do_args(client, context, QC_LIST(__VA_ARGS__))

/*
 * Storing replies in variables. Describe the members of a struct once:
 *
 *	struct user { int64_t id; char name[32]; double score; bool is_admin; };
 *	static const qc_field user_fields[] = {
 *		QC_FIELD(struct user, id), QC_FIELD(struct user, name), QC_FIELD_AS(struct user, is_admin, "admin")};
 *	qc_result r qc_auto = qc_hgetall(c, ctx, "user:7");
 *	qc_status read = qc_read(r.reply, &user, user_fields);
 *
 * Types of members: integers of any size, float, double, bool (from 0, 1, true, false), char arrays (a NUL-terminated copy), and
 * `const char *` (a view, valid as long as the result). A value that doesn't fit is QC_PROTOCOL, with the name of the field. Members
 * that are missing in the reply stay unchanged.
 */
enum qc_field_kind {
	QC_FIELD_WRONG, /* unsupported type */
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

/* From a map, or an array of alternating names and values (HGETALL, CONFIG GET, the fields of XRANGE). */
QC_API qc_status qc_read_fields(const qc_reply *reply, void *out, const qc_field *fields, size_t count);
/* From an array of values in the order of the fields (HMGET, MGET). A null leaves its member unchanged. */
QC_API qc_status qc_read_values(const qc_reply *reply, void *out, const qc_field *fields, size_t count);
/* From an array of values of one type, into at most `room` elements of `each.size`. Returns their number; QC_PROTOCOL if there are more. */
QC_API qc_int qc_read_list(const qc_reply *reply, void *out, size_t room, qc_field each);

/*
 * Lua scripts. A script is sent by its SHA-1, and as text only if the server doesn't know it (NOSCRIPT). In a pipeline, the first
 * command with a script sends its text. The text is borrowed.
 *
 *	qc_script script = qc_script_make("return redis.call('INCRBY', KEYS[1], ARGV[1])");
 *	qc_result r qc_auto = qc_script_run(c, ctx, &script, QC_LIST("counter"), 5);
 */
typedef struct qc_script {
	const char *text;
	char sha1[41];
	bool is_readonly; /* send EVALSHA_RO: the script only reads, and may be retried */
} qc_script;

QC_API qc_script qc_script_make(const char *text);
QC_API qc_result qc_script_run_args(qc_client *client, qc_context *context, const qc_script *script, qc_args keys, qc_args args);
#define qc_script_run(client, context, script, keys, ...)                                                              \
	qc_script_run_args(client, context, script, keys, QC_LIST(__VA_ARGS__))

/* Pipelines: commands sent together. */

typedef struct qc_pipeline {
	qc_error err; /* the first error while commands were added */
} qc_pipeline;

/* Replies in the order of the commands. The error of a command is in its reply, not in `err`. */
typedef struct qc_results {
	qc_error err;
	qc_reply **replies;
	size_t count;
	qc_reply *owner; /* private: the reply that contains them, or NULL */
} qc_results;

QC_API qc_pipeline *qc_pipeline_open(qc_client *client);
/* Returns the index of the command's result: size_t views = qc_add(p, "GET", "views"), then qc_results_int(&results, views). */
QC_API size_t qc_pipeline_add_args(qc_pipeline *pipeline, qc_args args);
#define qc_add(pipeline, ...) qc_pipeline_add_args(pipeline, QC_LIST(__VA_ARGS__))
QC_API size_t qc_script_add_args(qc_pipeline *pipeline, const qc_script *script, qc_args keys, qc_args args);
#define qc_script_add(pipeline, script, keys, ...) qc_script_add_args(pipeline, script, keys, QC_LIST(__VA_ARGS__))
/* Sends the commands and empties the pipeline, which may be filled again. */
QC_API qc_results qc_run(qc_pipeline *pipeline, qc_context *context);
/* Runs the commands between MULTI and EXEC. QC_SERVER with code EXECABORT if a command was refused. */
QC_API qc_results qc_run_multi(qc_pipeline *pipeline, qc_context *context);
QC_API void qc_pipeline_close(qc_pipeline *pipeline);

QC_API void qc_results_release(qc_results *results);
#define qc_auto_results __attribute__((cleanup(qc_results_release)))
/*
 * The first error: `err`, or if that is QC_OK, the error of the first command that failed, prefixed by "command 3: ". *out_index (which may
 * be NULL) is set to the command's index, or to `count` if there is no error or all commands failed together.
 */
QC_API qc_error qc_results_err(const qc_results *results, size_t *out_index);
/* A result as a typed call would return it. The string is a view: it is valid as long as the results, and must not be released. */
QC_API qc_int qc_results_int(const qc_results *results, size_t index);
QC_API qc_string qc_results_string(const qc_results *results, size_t index);

/*
 * Optimistic transactions. `body` reads with calls on `tx`, adds commands to `queue`, and returns QC_OK. Then the queue runs between MULTI
 * and EXEC, provided that none of the keys has changed; otherwise everything is repeated. Any other error of `body` ends it. QC_CONFLICT
 * after `retries` + 16 attempts.
 */
typedef qc_error qc_transaction(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data);
QC_API qc_results qc_watch_args(qc_client *client, qc_context *context, qc_transaction *body, void *data, qc_args keys);
#define qc_watch(client, context, body, data, ...) qc_watch_args(client, context, body, data, QC_LIST(__VA_ARGS__))

/* Subscriptions: a bounded queue of messages, filled by a thread that reconnects and resubscribes by itself. */

typedef struct qc_subscription {
	qc_error err;
} qc_subscription;

enum qc_message_type {
	QC_NO_MESSAGE,   /* see `err`: the wait has ended (QC_DEADLINE, QC_CANCELLED), or a subscription was refused (QC_SERVER) */
	QC_MESSAGE,      /* a published message */
	QC_SUBSCRIBED,   /* to `channel` (or a pattern); also after a reconnect */
	QC_UNSUBSCRIBED,
	QC_DISCONNECTED, /* messages may be lost from here to the next QC_SUBSCRIBED; it reconnects by itself */
};

/* No error ends a subscription: the next call may return a message. */
typedef struct qc_message {
	qc_error err;        /* set only for QC_NO_MESSAGE */
	qc_reply *reply;     /* for qc_release() */
	enum qc_message_type type;
	const char *channel; /* all texts are NUL-terminated */
	size_t channel_len;
	const char *pattern; /* NULL if no pattern matched */
	const char *data;
	size_t len;
	qc_error cause;      /* for QC_DISCONNECTED: why the connection was lost; otherwise QC_OK */
} qc_message;

/* When `queue` messages (default: 128) wait, reading stops until some are taken, and the server buffers. */
typedef struct qc_subscribe_options {
	qc_args patterns, shards; /* in addition to the channels */
	size_t queue;
	int64_t health_ms; /* send a PING after this silence, give the connection up after as much again; default: 30,000; -1: never */
} qc_subscribe_options;

/*
 * Returns when connected; the server's confirmations arrive as QC_SUBSCRIBED for each name. If connecting fails, `err` tells why, and a
 * QC_DISCONNECTED does, too; the subscription tries again. Only QC_INVALID and QC_NO_MEMORY are final. The context limits only the
 * connecting; it doesn't end the subscription. qc_unsubscribe() does: it waits for the subscription's thread and frees everything, so no
 * thread may be in a call on it. To end it while another thread waits in qc_next_message(): cancel the context of that call, and
 * unsubscribe when the thread has returned.
 */
QC_API qc_subscription *qc_subscribe_args(qc_client *client, qc_context *context, qc_args channels,
					  const qc_subscribe_options *options);
#define qc_subscribe(client, context, ...) qc_subscribe_args(client, context, QC_LIST(__VA_ARGS__), NULL)
#define qc_psubscribe(client, context, ...)                                                                            \
	qc_subscribe_args(client, context, (qc_args){0}, &(qc_subscribe_options){.patterns = QC_LIST(__VA_ARGS__)})
/* Adds or removes names, from any thread. `command` is SUBSCRIBE, UNSUBSCRIBE, PSUBSCRIBE, PUNSUBSCRIBE, SSUBSCRIBE or SUNSUBSCRIBE. */
QC_API qc_status qc_subscription_change(qc_subscription *subscription, const char *command, qc_args names);
QC_API void qc_release_message(qc_message *message);
/* Waits for the next message until the context ends. Several threads may call it. */
QC_API qc_message qc_next_message(qc_subscription *subscription, qc_context *context);
/* Readable while a message waits: for an event loop, which then calls qc_next_message() with a context that has ended, so as not to wait. */
QC_API int qc_subscription_fd(const qc_subscription *subscription);
QC_API void qc_unsubscribe(qc_subscription *subscription);

/*
 * Client-side caching: replies to reads of one key (GET, HGETALL, ZRANGE ...) are kept until the server reports that the key has changed
 * (CLIENT TRACKING, on a connection and in a thread of the cache). Without this connection nothing is kept, and calls go to the server.
 * After a write of your own, the old value may be read until the server's report arrives: see qc_cache_forget().
 *
 * Any number of threads may use a cache. In a forked child it keeps nothing: close it there and open another.
 */
typedef struct qc_cache {
	qc_error err; /* why it keeps nothing yet; it tries again, unless this is QC_INVALID or QC_NO_MEMORY */
} qc_cache;

typedef struct qc_cache_options {
	size_t max_bytes; /* default: 16 MiB; the least recently used key is dropped first */
	qc_args prefixes; /* keep only keys with these prefixes, and let the server report only those; default: all */
} qc_cache_options;

typedef struct qc_cache_stats {
	uint64_t hits, misses;
	uint64_t invalidations; /* keys that have changed */
	uint64_t evictions;     /* keys dropped to make room */
	uint64_t flushes;       /* everything dropped: FLUSHALL, a lost connection */
	size_t keys, bytes;     /* now */
} qc_cache_stats;

/* The context limits only the connecting. The client must outlive the cache. */
QC_API qc_cache *qc_cache_open(qc_client *client, qc_context *context, const qc_cache_options *options);
/* Waits for the cache's thread. No thread may be in a call on the cache. */
QC_API void qc_cache_close(qc_cache *cache);
/* QC_INVALID for anything but a read of one key whose reply depends only on that key. */
QC_API qc_result qc_cache_do_args(qc_cache *cache, qc_context *context, qc_args args);
#define qc_cache_do(cache, context, ...) qc_cache_do_args(cache, context, QC_LIST(__VA_ARGS__))
QC_API void qc_cache_forget(qc_cache *cache, qc_arg key);
QC_API qc_cache_stats qc_cache_counts(qc_cache *cache);

/* Iterators: SCAN; or HSCAN, SSCAN, ZSCAN if `key` is given. */

typedef struct qc_iterator {
	qc_error err;        /* why qc_advance() has returned false; QC_OK at the end */
	const char *data;    /* key, member or field; valid until the next qc_advance(); NULL after its end */
	size_t len;
	const char *value;   /* the value of a hash field, or the score of a member; otherwise NULL */
	size_t value_len;
} qc_iterator;

typedef struct qc_iterate_options {
	const char *match; /* a glob pattern */
	const char *type;  /* SCAN only */
	int64_t count;     /* a hint: how many elements one call looks at */
	const char *command; /* HSCAN, SSCAN or ZSCAN */
	qc_arg key;          /* .key = qc_arg("name") */
} qc_iterate_options;

QC_API qc_iterator *qc_iterate_with(qc_client *client, const qc_iterate_options *options);
#define qc_iterate(client, ...) qc_iterate_with(client, __extension__ &(qc_iterate_options){__VA_ARGS__})
QC_API bool qc_advance(qc_iterator *iterator, qc_context *context);
QC_API void qc_iterator_close(qc_iterator *iterator);

/* For pinned clients only: the protocol level below calls. */

QC_API qc_status qc_send(qc_client *pinned, qc_context *context, qc_args args);
QC_API qc_status qc_send_raw(qc_client *pinned, qc_context *context, const void *data, size_t len);
/* The next reply or push; errors are returned as replies. When the context ends, the connection stays usable. */
QC_API qc_result qc_receive(qc_client *pinned, qc_context *context);
/* Bytes as received: at least one, or QC_NETWORK at the end. Not after qc_receive(). */
QC_API qc_int qc_receive_raw(qc_client *pinned, qc_context *context, void *out, size_t size);
/* The descriptor of the connection's socket. Readable when more has arrived than what was read already. */
QC_API int qc_pinned_fd(const qc_client *pinned);

/* The command table that this library was built with. */

enum qc_command_flags {
	QC_COMMAND_WRITE = 1 << 0,
	QC_COMMAND_READONLY = 1 << 1,
	QC_COMMAND_BLOCKING = 1 << 2,
	QC_COMMAND_CONNECTION = 1 << 3, /* changes the state of its connection: only for pinned clients */
};

typedef struct qc_table_entry {
	const char *name;      /* "SET", "CONFIG GET" */
	const char *arguments; /* "key value [NX|XX] ..." */
	const char *summary, *since, *group, *complexity;
	int arity;
	unsigned flags;
} qc_table_entry;

QC_API size_t qc_table_count(void);
/* Sorted by name; NULL after the last. */
QC_API const qc_table_entry *qc_table_at(size_t index);
/* The command, or its subcommand unless that is NULL, in any letter case. NULL if there is none. */
QC_API const qc_table_entry *qc_table_find(const char *name, const char *subcommand);

QC_API const char *qc_version(void);

/* qc_defer(qc_close): calls qc_close on the variable at the end of its scope. */
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
/* Functions only: the macros are for C. qcache.hpp has members instead. */
#include "qcache_commands.h"
}
#else

/*
 * An argument made from a C string, an integer, a bool (1 or 0), a float or double, or a qc_arg. NULL makes the call fail. Other types
 * don't compile, because their meaning is unclear. Use a cast or qc_bytes() for:
 * - char: (int)c is its number, qc_bytes(&c, 1) the letter. A literal like 'x' is an int in C, so it is a number here.
 * - pointers to unsigned char and similar: they may not be NUL-terminated.
 * - long double: (double)x may lose precision.
 * - bit-fields, for which some compilers have a type of each width: (int)s.field.
 */
#define qc_arg(value)                                                                                                  \
	_Generic((value), char *: qc_arg_text, const char *: qc_arg_text, qc_arg: qc_arg_same, void *: qc_arg_void,    \
		 bool: qc_arg_int, signed char: qc_arg_int, short: qc_arg_int, int: qc_arg_int, long: qc_arg_int,      \
		 long long: qc_arg_int, unsigned char: qc_arg_unsigned, unsigned short: qc_arg_unsigned,               \
		 unsigned: qc_arg_unsigned, unsigned long: qc_arg_unsigned, unsigned long long: qc_arg_unsigned,       \
		 float: qc_arg_double, double: qc_arg_double)(value)

/* The kind for the type of a member. `char *` is unsupported: there is no memory that it could point to. */
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

/* For C++: qc_release_string() and qc_release_message(). */
#define qc_release(result)                                                                                             \
	_Generic((result), qc_string *: qc_release_string, qc_message *: qc_release_message, default: (qc_release))(result)

/* A list of at most 256 arguments: QC_LIST("a", 1, qc_bytes(p, n)). It lives until the end of the scope. */
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

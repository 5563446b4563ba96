/*
 * Requests of the Redis protocol, parsed where they lie: RESP arrays of bulk strings, and inline commands.
 *
 * Hold in mind the *window*: bytes that begin with the first byte of the request in hand. resp_parse() looks at the
 * window and either finishes the request (RESP_REQUEST, `consumed` says how long it was), or wants more
 * bytes (RESP_INCOMPLETE: call again with the same bytes and more behind them; nothing is looked at twice),
 * or refuses (RESP_ERROR). Between two calls the window may move to another address: rebase what has been
 * collected with resp_args_rebase().
 *
 * Arguments are appended to a vector that the caller owns; they point into the window (nothing is copied),
 * but for a large bulk string: at a bulk of at least limits.large_bulk_bytes that is not whole in the window
 * the parser stops with RESP_LARGE_BULK. The caller takes `large_len` bytes from the window behind
 * `consumed` and then from the socket, wherever it likes, cuts them out of the window, hands their
 * address to resp_large_bulk_done(), and goes on parsing: the window then continues at `consumed` with
 * what followed the bulk. Bulks are never allocated here, so a declared length costs nothing.
 * After RESP_ERROR the items from first_arg on are those of a request that never ended: large ones are still
 * the caller's to free.
 *
 * A request without arguments (empty line, `*0`, `*-1`) is consumed as RESP_EMPTY.
 *
 * Line ends. As in Redis, a line that holds a length ends at `\r` and the byte behind it, and a bulk string is
 * followed by two bytes, whatever they are. Beyond Redis, for people who type into netcat: a line with a length may
 * end at a bare `\n` (Redis never accepts one there), and a bulk whose own length line ended so may
 * itself be followed by one `\n`. No byte stream that Redis understands is read differently.
 *
 * Inline commands end at `\n`, with or without `\r`; quoting is redis-cli's (double quotes with \n \r \t \b \a \xHH
 * escapes, single quotes with \'). Unescaped arguments are written over the window, which must be writable.
 *
 * Errors have the texts and the order of checks of Redis 7.0.15, with two differences: a line longer than
 * max_inline_bytes is refused even if it came whole (in Redis that hangs on how it was cut), and a NUL in a line
 * is a byte like any other (Redis never sees what is behind it, and waits).
 *
 * The caller's thread only; no allocation but for the growth of the vector.
 */
#ifndef TRANSPORT_RESP_PARSER_H
#define TRANSPORT_RESP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resp_arg {
	const uint8_t *data;
	uint32_t len;
	uint32_t is_large; /* data is what resp_large_bulk_done() was given, not a place in the window */
};

struct resp_args {
	struct resp_arg *items;
	size_t count, capacity;
};

struct resp_limits {
	uint32_t max_args;         /* at most INT32_MAX, which is Redis 7's limit; 10 before authentication */
	uint64_t max_bulk_bytes;   /* proto-max-bulk-len; 16384 before authentication; at most UINT32_MAX */
	uint32_t max_inline_bytes; /* 65536 as Redis: also for the lines that hold lengths */
	uint32_t large_bulk_bytes; /* from this size on a bulk that isn't whole in the window is RESP_LARGE_BULK */
	bool unauthenticated;      /* only for the texts of the errors */
};

enum resp_status {
	RESP_REQUEST,
	RESP_EMPTY,
	RESP_INCOMPLETE,
	RESP_LARGE_BULK,
	RESP_ERROR,
	RESP_NO_MEMORY, /* the vector could not grow; the same call may be tried again */
};

struct resp_parser {
	size_t consumed;    /* bytes of the window that are done with; see each status */
	size_t first_arg;   /* index in the vector of this request's first argument */
	uint32_t large_len; /* with RESP_LARGE_BULK */
	const char *error;  /* with RESP_ERROR: Redis's text, "Protocol error: ..."; static or in error_text */
	uint32_t args_left; /* from here on private */
	uint32_t bulk_len;
	uint32_t scanned;   /* bytes of an unfinished line that hold no line end */
	uint8_t state;
	bool is_bare;       /* the length line of the bulk in hand ended at a bare \n */
	char error_text[64];
};

/* Ready for the first byte of a request. */
void resp_parser_init(struct resp_parser *parser);

/*
 * Goes on with the request that begins at window[0]. After RESP_REQUEST, RESP_EMPTY the parser is ready
 * for the next window, which begins at window[consumed]. After RESP_ERROR it must be initialised anew.
 */
enum resp_status resp_parse(struct resp_parser *parser, const struct resp_limits *limits, uint8_t *window, size_t len,
			    struct resp_args *args);

/*
 * After RESP_LARGE_BULK: the bulk's bytes are at `data` and have been cut out of the window. RESP_INCOMPLETE: go on
 * with resp_parse(). RESP_NO_MEMORY: nothing has changed.
 */
enum resp_status resp_large_bulk_done(struct resp_parser *parser, const uint8_t *data, struct resp_args *args);

/* The window that items from `first` on point into has moved from `from` to `to`; large ones stay. */
void resp_args_rebase(struct resp_args *args, size_t first, const uint8_t *from, const uint8_t *to);

/* Room for `more` items behind count; false without memory. */
bool resp_args_reserve(struct resp_args *args, size_t more);
void resp_args_fini(struct resp_args *args);

#endif

/*
 * The request parser of the Redis protocol: RESP arrays of bulk strings, and inline commands, parsed in place.
 *
 * The *window* is the caller's bytes from the first byte of the current request on. resp_parse() reads the
 * window and either finishes the request (RESP_REQUEST, `consumed` is its length), or needs more
 * bytes (RESP_INCOMPLETE: call again with the same bytes and more after them; no byte is read twice),
 * or refuses the request (RESP_ERROR). Between two calls the window may move to another address: then update the
 * arguments with resp_args_rebase().
 *
 * Arguments are appended to a vector that the caller owns. They point into the window; nothing is copied.
 * Large bulk strings are the exception: at a bulk of at least limits.large_bulk_bytes that is not complete in the window,
 * the parser stops with RESP_LARGE_BULK. The caller reads `large_len` bytes, first from the window after
 * `consumed` and then from the socket, into its own memory, removes them from the window, passes their
 * address to resp_large_bulk_done(), and continues parsing: the window then continues at `consumed` with
 * the bytes after the bulk. The parser never allocates a bulk, so a declared length costs nothing.
 * After RESP_ERROR the arguments from first_arg on belong to the failed request; the caller must free the large ones.
 *
 * A request without arguments (empty line, `*0`, `*-1`) is consumed as RESP_EMPTY.
 *
 * Line ends. As in Redis, a line with a length ends at `\r` and the byte after it, and a bulk string is
 * followed by two bytes, whatever they are. Beyond Redis, for people who type into netcat: a line with a length may
 * end at a bare `\n` (Redis never accepts one there), and a bulk after such a line may
 * be followed by one `\n`. No byte stream that Redis understands is parsed differently.
 *
 * Inline commands end at `\n`, with or without `\r`; quoting is redis-cli's (double quotes with \n \r \t \b \a \xHH
 * escapes, single quotes with \'). Unescaped arguments overwrite the window, which must be writable.
 *
 * Errors have the texts and the order of checks of Redis 7.0.15, with two differences: a line longer than
 * max_inline_bytes is always refused (in Redis it depends on how the line was split between reads), and a NUL in a line
 * is an ordinary byte (Redis doesn't see the bytes after it, and waits).
 *
 * The caller's thread only; only the vector allocates.
 */
#ifndef TRANSPORT_RESP_PARSER_H
#define TRANSPORT_RESP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resp_arg {
	const uint8_t *data;
	uint32_t len;
	uint32_t is_large; /* data is the address given to resp_large_bulk_done(), not in the window */
};

struct resp_args {
	struct resp_arg *items;
	size_t count, capacity;
};

/* Redis's limits before authentication. AUTH and HELLO must fit into them, so they also bound the length of a password. */
#define RESP_UNAUTHENTICATED_ARGS_MAX 10
#define RESP_UNAUTHENTICATED_BULK_MAX 16384

struct resp_limits {
	uint32_t max_args;         /* at most INT32_MAX, which is Redis 7's limit */
	uint64_t max_bulk_bytes;   /* proto-max-bulk-len; at most UINT32_MAX */
	uint32_t max_inline_bytes; /* 65536 as Redis; also for lines with lengths */
	uint32_t large_bulk_bytes; /* a bulk of this size or more that is not complete in the window is RESP_LARGE_BULK */
	bool unauthenticated;      /* selects error texts only */
};

enum resp_status {
	RESP_REQUEST,
	RESP_EMPTY,
	RESP_INCOMPLETE,
	RESP_LARGE_BULK,
	RESP_ERROR,
	RESP_NO_MEMORY, /* the vector could not grow; the call may be repeated */
};

struct resp_parser {
	size_t consumed;    /* bytes of the window that have been parsed */
	size_t first_arg;   /* index in the vector of this request's first argument */
	uint32_t large_len; /* with RESP_LARGE_BULK */
	const char *error;  /* with RESP_ERROR: Redis's text, "Protocol error: ..."; static or in error_text */
	uint32_t args_left; /* private from here on */
	uint32_t bulk_len;
	uint32_t scanned;   /* bytes of an unfinished line known to contain no line end */
	uint8_t state;
	bool is_bare;       /* the length line of the current bulk ended at a bare \n */
	char error_text[64];
};

/* Ready for the first byte of a request. */
void resp_parser_init(struct resp_parser *parser);

/*
 * Continues with the request that begins at window[0]. After RESP_REQUEST and RESP_EMPTY the parser is ready
 * for the next window, which begins at window[consumed]. After RESP_ERROR it must be initialised again.
 */
enum resp_status resp_parse(struct resp_parser *parser, const struct resp_limits *limits, uint8_t *window, size_t len,
			    struct resp_args *args);

/*
 * After RESP_LARGE_BULK: the bulk's bytes are at `data` and have been removed from the window. Returns RESP_INCOMPLETE: continue
 * with resp_parse(); or RESP_NO_MEMORY: nothing has changed.
 */
enum resp_status resp_large_bulk_done(struct resp_parser *parser, const uint8_t *data, struct resp_args *args);

/* The window has moved from `from` to `to`: updates the arguments from `first` on, except large ones. */
void resp_args_rebase(struct resp_args *args, size_t first, const uint8_t *from, const uint8_t *to);

/* Reserves `more` items after count; false without memory. */
bool resp_args_reserve(struct resp_args *args, size_t more);
void resp_args_fini(struct resp_args *args);

#endif

/*
 * The reply parser for clients: RESP2 and RESP3, from input split at any byte.
 *
 * Feed bytes, then call resp_reader_next() until it returns RESP_READ_MORE. A reply is a tree in one block of memory, created when
 * its last byte has arrived: resp_reply_free() on the root frees all of it, and nothing in it points into the reader.
 *
 * Servers may be hostile too: the depth is bounded (RESP_MAX_DEPTH nested aggregates), and memory grows
 * with the bytes that have arrived, never with a declared length. Streamed strings and aggregates ("$?", "*?"), which no server
 * sends, are refused. Numbers may have a '+' or leading zeros; otherwise the reader accepts exactly what RESP defines.
 *
 * The caller's thread only.
 */
#ifndef TRANSPORT_RESP_READER_H
#define TRANSPORT_RESP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESP_MAX_DEPTH 64

enum resp_type {
	RESP_TYPE_SIMPLE,
	RESP_TYPE_ERROR, /* also RESP3's bulk error */
	RESP_TYPE_INTEGER,
	RESP_TYPE_BULK,
	RESP_TYPE_ARRAY,
	RESP_TYPE_NULL,
	RESP_TYPE_DOUBLE,
	RESP_TYPE_BOOL,
	RESP_TYPE_BIG_NUMBER,
	RESP_TYPE_VERBATIM,
	RESP_TYPE_MAP, /* children: key, value, key, value ... */
	RESP_TYPE_SET,
	RESP_TYPE_PUSH,
	RESP_TYPE_ATTRIBUTE, /* children: key, value ...; the reply it describes follows as a separate reply.
				Only at the top level: an attribute inside a reply is read and dropped */
};

struct resp_reply {
	enum resp_type type;
	int64_t integer;   /* INTEGER, BOOL (0 or 1) */
	double number;     /* DOUBLE */
	char *text;        /* SIMPLE, ERROR, BULK, DOUBLE, BIG_NUMBER, VERBATIM: NUL after the last byte */
	size_t len;        /* bytes of text, without that NUL */
	char format[4];    /* VERBATIM: "txt", "mkd" */
	struct resp_reply *children;
	size_t count;      /* children; a map of n pairs has 2n */
};

enum resp_read_status {
	RESP_READ_REPLY,
	RESP_READ_MORE,      /* feed more bytes first */
	RESP_READ_PROTOCOL,  /* not RESP: resp_reader_error() says why; the connection is unusable */
	RESP_READ_NO_MEMORY, /* likewise */
};

struct resp_reader;

struct resp_reader *resp_reader_create(void);
void resp_reader_destroy(struct resp_reader **reader);

/* A buffer of at least `room` bytes for the next input; NULL without memory. resp_reader_fed() says how many bytes were read into it. */
uint8_t *resp_reader_room(struct resp_reader *reader, size_t room);
void resp_reader_fed(struct resp_reader *reader, size_t len);

/* RESP_READ_REPLY: the caller owns *out_reply. */
enum resp_read_status resp_reader_next(struct resp_reader *reader, struct resp_reply **out_reply);
/* The first byte after the last reply, which is the type of the next one; -1 if there is none. */
int resp_reader_peek(const struct resp_reader *reader);
/* The error after RESP_READ_PROTOCOL; valid as long as the reader. */
const char *resp_reader_error(const struct resp_reader *reader);

/* A tree of one's own that is equal; NULL without memory. *out_bytes, unless that is NULL, is what it takes. */
struct resp_reply *resp_reply_copy(const struct resp_reply *reply, size_t *out_bytes);
/* `reply` is a root from resp_reader_next() or resp_reply_copy(), or NULL. */
void resp_reply_free(struct resp_reply *reply);

#endif

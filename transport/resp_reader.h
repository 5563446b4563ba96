/*
 * Replies of the Redis protocol, read by a client: RESP2 and RESP3, at any byte boundary.
 *
 * Feed bytes, then ask for replies until it says RESP_READ_MORE. A reply is a tree in one block of memory, made when
 * its last byte is there: resp_reply_free() on the root frees all of it, and nothing in it points into the reader.
 *
 * A server is as hostile as a client: depth is bounded (RESP_MAX_DEPTH aggregates within each other), and memory grows
 * with what has arrived, never with what was declared. Streamed strings and aggregates ("$?", "*?"), which no server
 * sends, are refused. Numbers may have a '+' or leading zeros; otherwise it takes what RESP defines and no more.
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
	RESP_TYPE_ATTRIBUTE, /* children: key, value ...; the reply it belongs to follows as a reply of its own.
				Only outermost: an attribute within a reply is read and left out */
};

struct resp_reply {
	enum resp_type type;
	int64_t integer;   /* INTEGER, BOOL (0 or 1) */
	double number;     /* DOUBLE */
	char *text;        /* SIMPLE, ERROR, BULK, DOUBLE, BIG_NUMBER, VERBATIM: NUL behind the last byte */
	size_t len;        /* bytes of text, without that NUL */
	char format[4];    /* VERBATIM: "txt", "mkd" */
	struct resp_reply *children;
	size_t count;      /* children; a map of n pairs has 2n */
};

enum resp_read_status {
	RESP_READ_REPLY,
	RESP_READ_MORE,      /* feed more bytes first */
	RESP_READ_PROTOCOL,  /* not RESP; resp_reader_error() tells; the connection is useless now */
	RESP_READ_NO_MEMORY, /* likewise */
};

struct resp_reader;

struct resp_reader *resp_reader_create(void);
void resp_reader_destroy(struct resp_reader **reader);

/* Where the next bytes may be read to: at least `room` bytes; NULL without memory. Then say how many came. */
uint8_t *resp_reader_room(struct resp_reader *reader, size_t room);
void resp_reader_fed(struct resp_reader *reader, size_t len);

/* RESP_READ_REPLY: *out_reply is the caller's. */
enum resp_read_status resp_reader_next(struct resp_reader *reader, struct resp_reply **out_reply);
/* The first byte of what is left after the last reply, which is the type of the next; -1 when nothing is. */
int resp_reader_peek(const struct resp_reader *reader);
/* What is wrong, after RESP_READ_PROTOCOL; lives as long as the reader. */
const char *resp_reader_error(const struct resp_reader *reader);

/* A tree of one's own that is equal; NULL without memory. *out_bytes, unless that is NULL, is what it takes. */
struct resp_reply *resp_reply_copy(const struct resp_reply *reply, size_t *out_bytes);
/* A root that resp_reader_next() or resp_reply_copy() gave, or NULL. */
void resp_reply_free(struct resp_reply *reply);

#endif

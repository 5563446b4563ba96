/*
 * What travels between a reactor and the store: batches of requests one way, batches of replies the other.
 *
 * A request batch belongs to the reactor that made it, goes to the store by STORE_REQUESTS and comes home, with its
 * buffers, inside the reply batch that answers it. Within one batch and across batches, records of one connection are in
 * the order of its socket.
 *
 * Arguments point into the batch's bytes, or into runs of bytes and blobs that the batch holds; they live until the
 * store gives the batch back at the end of its turn. Who needs them longer (a blocked connection) copies.
 */
#ifndef ACTORS_BATCH_H
#define ACTORS_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/blob.h"
#include "transport/buffer.h"
#include "transport/resp_parser.h"

/* A connection, seen from outside: `id` is never used again, `slot` tells its reactor where to look. */
struct connection_ref {
	uint64_t id;
	uint32_t slot;
	uint32_t reactor; /* index among the reactors */
};

enum request_kind {
	REQUEST_COMMAND,        /* argc >= 1 */
	REQUEST_OPENED,         /* a new connection; origin tells from where */
	REQUEST_CLOSED,         /* it is gone: the last record of this connection */
	REQUEST_PROTOCOL_ERROR, /* argc == 1: the text of the error; the connection is to be closed */
};

/* Where a connection comes from. Belongs to the batch until the store takes it. */
struct connection_origin {
	char address[112];       /* "127.0.0.1:51234", "[::1]:51234", "/path/to.sock:0" */
	char local_address[112];
	int fd;
	bool is_unix;
	bool is_loopback;
};

struct request {
	struct connection_ref connection;
	uint8_t kind;          /* enum request_kind */
	uint32_t argc;
	size_t first_arg;      /* index into the batch's args */
	union {
		struct connection_origin *origin; /* with REQUEST_OPENED */
		uint64_t taken_bytes;  /* with REQUEST_COMMAND: of its replies, by the kernel, when it was read */
	};
	/* The store's notes of its first pass over the batch. */
	const struct command *command;
	uint64_t hash;         /* of the first key; 0 without one */
	uint32_t database;     /* that its session had then: a hint for prefetching */
};

struct request_batch {
	struct request *requests;
	size_t count, capacity;
	struct resp_args args;
	struct buffer bytes;         /* most arguments lie here; never moves once something points into it */
	struct buffer *runs;         /* bytes of requests that came in pieces */
	size_t run_count, run_capacity;
	struct blob **blobs;         /* large arguments, held until the batch is reset */
	size_t blob_count, blob_capacity;
	size_t taken_bytes;          /* of all runs and blobs, and of the arguments of requests that came in pieces */
	size_t run_bytes;            /* of that, without the blobs */
	size_t counted_bytes;        /* by its reactor, of what it takes */
	struct reply_batch *replies; /* an empty one for the answer */
	uint32_t reactor;            /* index of the one that made it */
	size_t output_bytes;         /* that the reactor keeps for its connections */
	size_t input_bytes;          /* the same for what they have not asked to the end, and for themselves */
	uint64_t read_bytes, written_bytes; /* through its sockets since the start */
	size_t done, prepared;       /* requests that the store has executed; looked ahead to */
	struct request_batch *next;  /* in its reactor's pool, or in the store's backlog */
};

struct request_batch *request_batch_create(size_t bytes);
/* Forgets the content, frees runs and blobs that nobody took, keeps the buffers. */
void request_batch_reset(struct request_batch *batch);
void request_batch_destroy(struct request_batch **batch);
/* NULL without memory; false from the others likewise, which then have taken nothing. */
struct request *request_batch_add(struct request_batch *batch);
/* The batch takes the run, or one hold of each blob, until it is reset. Room for runs is reserved before. */
bool request_batch_reserve_runs(struct request_batch *batch, size_t more);
void request_batch_take_run(struct request_batch *batch, struct buffer *run);
/* Appends the arguments of a request that came in pieces. */
bool request_batch_take_args(struct request_batch *batch, const struct resp_args *args);
/* Memory that it takes, with its replies, without the blobs. */
size_t request_batch_bytes(const struct request_batch *batch);
bool request_batch_take_blobs(struct request_batch *batch, struct blob *const *blobs, size_t count);

enum reply_flags {
	REPLY_CLOSE = 1,          /* when this part has been written, close */
	REPLY_HOLD = 2,           /* stop reading: the connection waits in the store */
	REPLY_GO_ON = 4,          /* read again */
	REPLY_AUTHENTICATED = 8,  /* the limits before authentication no longer hold */
	REPLY_UNAUTHENTICATED = 16,
	REPLY_CLOSE_NOW = 32,     /* close without writing what waits: killed */
	REPLY_REPORT = 64,        /* when this part has come: report how much the client has yet to take */
};

/* `text_len` bytes of the batch's text go to the connection, then the blob if there is one. */
struct reply_part {
	struct connection_ref connection;
	uint32_t answered;    /* requests that this part answers */
	uint16_t flags;
	size_t text_len;
	struct blob *blob;    /* held by the part */
};

struct reply_batch {
	struct reply_part *parts;
	size_t count, capacity;
	struct buffer text;          /* the parts' texts, one behind the other */
	struct request_batch *home;  /* the batch that this answers, NULL when nobody had asked */
	struct reply_batch *next;    /* in its reactor's pool */
};

/* What the store is told of a connection ahead of the requests that it has sent. */
enum report_state {
	REPORT_READY,   /* it takes replies */
	REPORT_FULL,    /* so much waits for the client that no other command of it may begin */
	REPORT_GONE,    /* nobody takes replies any more; what the client sent before it closed its side is still to be done */
	REPORT_DROPPED, /* it is broken off: what it has sent is not to be done */
};

/* Of all replies since the connection was opened: bytes that have come to the reactor, and those of them that the kernel has taken. */
struct connection_report {
	struct connection_ref connection;
	enum report_state state;
	uint64_t delivered_bytes, taken_bytes;
};

struct connection_reports {
	size_t count, capacity;
	struct connection_report *items;
};

/* Begins `*reports` where it is NULL. False without memory. */
bool connection_reports_add(struct connection_reports **reports, const struct connection_report *report);
void connection_reports_destroy(struct connection_reports **reports);

struct reply_batch *reply_batch_create(void);
/* NULL without memory. */
struct reply_part *reply_batch_add(struct reply_batch *batch);
void reply_batch_reset(struct reply_batch *batch);
void reply_batch_destroy(struct reply_batch **batch);

#endif

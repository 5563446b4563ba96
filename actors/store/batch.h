/*
 * Batches of requests from a reactor to the store, and batches of replies from the store to a reactor.
 *
 * A request batch belongs to the reactor that made it. It goes to the store in STORE_REQUESTS and returns, with its buffers, inside the
 * reply batch that answers it. The records of one connection keep the order of its socket, within a batch and across batches.
 *
 * Arguments point into the batch's bytes, or into runs and blobs that the batch holds. They live until the store returns the batch.
 * A blocked session copies the arguments that it still needs.
 */
#ifndef ACTORS_STORE_BATCH_H
#define ACTORS_STORE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/blob.h"
#include "transport/buffer.h"
#include "transport/resp_parser.h"

/* A reference to a connection. `id` is never reused; `slot` is its index in the reactor's table. */
struct connection_ref {
	uint64_t id;
	uint32_t slot;
	uint32_t reactor; /* index among the reactors */
};

enum request_kind {
	REQUEST_COMMAND,        /* argc >= 1 */
	REQUEST_OPENED,         /* a new connection; `origin` is set */
	REQUEST_CLOSED,         /* the connection is gone; its last record */
	REQUEST_PROTOCOL_ERROR, /* argc == 1: the error text; the store closes the connection */
};

/* The addresses of a new connection. Owned by the batch. */
struct connection_origin {
	char address[112];       /* "127.0.0.1:51234", "[::1]:51234", "/path/to.sock:0" */
	char local_address[112];
	int fd;
	bool is_unix;
	bool is_loopback;
	bool is_excess;          /* there are maxclients connections already: refuse it */
};

struct request {
	struct connection_ref connection;
	uint8_t kind;          /* enum request_kind */
	uint32_t argc;
	size_t first_arg;      /* index into the batch's args */
	union {
		struct connection_origin *origin; /* with REQUEST_OPENED */
		uint64_t taken_bytes;  /* with REQUEST_COMMAND: total bytes of replies taken by the kernel when the request was read */
	};
	/* Filled in by the store when it prepares the request. */
	const struct command *command;
	uint64_t hash;         /* of the first key; 0 without one */
	uint32_t database;     /* of the session at that time; only a hint for prefetching */
};

struct request_batch {
	struct request *requests;
	size_t count, capacity;
	struct resp_args args;
	struct buffer bytes;         /* most arguments lie here; never moves once something points into it */
	struct buffer *runs;         /* bytes of requests that arrived in pieces */
	size_t run_count, run_capacity;
	struct blob **blobs;         /* large arguments, held until the batch is reset */
	size_t blob_count, blob_capacity;
	size_t taken_bytes;          /* memory of runs, blobs, and argument vectors of requests that arrived in pieces */
	size_t run_bytes;            /* the same without the blobs */
	size_t counted_bytes;        /* the batch's memory as its reactor has counted it */
	struct reply_batch *replies; /* an empty batch for the replies */
	uint32_t reactor;            /* index of the reactor that made it */
	size_t output_bytes;         /* unsent output of all connections of the reactor */
	size_t input_bytes;          /* incomplete requests of these connections, and the connections themselves */
	uint64_t read_bytes, written_bytes; /* through the reactor's sockets since the start */
	size_t done, prepared;       /* number of requests executed; prepared for execution */
	struct request_batch *next;  /* in its reactor's pool, or in the store's backlog */
};

struct request_batch *request_batch_create(size_t bytes);
/* Empties the batch, frees its runs and blobs, keeps its buffers. */
void request_batch_reset(struct request_batch *batch);
void request_batch_destroy(struct request_batch **batch);
/* These return NULL or false if out of memory, and have then taken nothing. */
struct request *request_batch_add(struct request_batch *batch);
/* The batch owns the run, or one reference to each blob, until it is reset. Reserve space for runs before taking them. */
bool request_batch_reserve_runs(struct request_batch *batch, size_t more);
void request_batch_take_run(struct request_batch *batch, struct buffer *run);
/* Appends the arguments of a request that arrived in pieces. */
bool request_batch_take_args(struct request_batch *batch, const struct resp_args *args);
/* Memory of the batch and its replies, without the blobs. */
size_t request_batch_bytes(const struct request_batch *batch);
bool request_batch_take_blobs(struct request_batch *batch, struct blob *const *blobs, size_t count);

enum reply_flags {
	REPLY_CLOSE = 1,          /* close after writing this part */
	REPLY_HOLD = 2,           /* stop reading: the session is blocked */
	REPLY_GO_ON = 4,          /* resume reading */
	REPLY_AUTHENTICATED = 8,  /* the limits for unauthenticated clients no longer apply */
	REPLY_UNAUTHENTICATED = 16,
	REPLY_CLOSE_NOW = 32,     /* the client was killed: close without writing */
	REPLY_REPORT = 64,        /* send a connection_report after receiving this part */
	REPLY_REPORT_TAKEN = 128, /* send one when the kernel has taken this part and all before it */
	REPLY_PACED = 256,        /* from now on this connection gets only what the store has seen taken: no limit applies to its output */
};

/* `text_len` bytes of the batch's text for a connection, then the blob if there is one. */
struct reply_part {
	struct connection_ref connection;
	uint32_t answered;    /* number of requests that this part answers */
	uint16_t flags;
	size_t text_len;
	struct blob *blob;    /* held by the part */
};

struct reply_batch {
	struct reply_part *parts;
	size_t count, capacity;
	struct buffer text;          /* the texts of all parts, concatenated */
	struct request_batch *home;  /* the batch that this answers; NULL for pushes and late replies */
	uint64_t sequence;           /* at the reactor's gate: it waits until this frame is durable */
	struct reply_batch *next;    /* at the gate */
};

/* The state of a connection's output. Reports overtake the requests that the connection has sent. */
enum report_state {
	REPORT_READY,   /* accepts replies */
	REPORT_FULL,    /* too much output is pending: do not begin another command */
	REPORT_GONE,    /* replies cannot be delivered any more; the requests already sent are still to be executed */
	REPORT_DROPPED, /* the connection is broken: its requests are not to be executed */
};

/* Total bytes of replies since the connection was opened: received by the reactor, and taken by the kernel. */
struct connection_report {
	struct connection_ref connection;
	enum report_state state;
	uint64_t delivered_bytes, taken_bytes;
};

struct connection_reports {
	size_t count, capacity;
	struct connection_report *items;
};

/* Creates `*reports` if it is NULL. False if out of memory. */
bool connection_reports_add(struct connection_reports **reports, const struct connection_report *report);
void connection_reports_destroy(struct connection_reports **reports);

struct reply_batch *reply_batch_create(void);
/* NULL if out of memory. */
struct reply_part *reply_batch_add(struct reply_batch *batch);
void reply_batch_reset(struct reply_batch *batch);
void reply_batch_destroy(struct reply_batch **batch);

#endif

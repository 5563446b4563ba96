/*
 * A connection actor: one client's socket, parse state and output. It answers nothing itself. Commands, protocol errors and the end
 * of the connection go to the store as records of a batch, in the order in which they came from the socket.
 *
 * It lives until its input has ended, its last request is answered and its output is sent, or until either side breaks off.
 */
#ifndef ACTORS_REACTOR_CONNECTION_H
#define ACTORS_REACTOR_CONNECTION_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/store/batch.h"
#include "actors/reactor/output.h"
#include "transport/listener.h"
#include "transport/resp_parser.h"

struct reactor;

/* Why a socket is not read now. */
enum pause {
	PAUSE_STARVED = 1, /* no batch has room */
	PAUSE_HELD = 2,    /* blocked in the store, with enough requests waiting there already */
	PAUSE_OUTPUT = 4,  /* the client does not read its replies */
	PAUSE_JUDGING = 8, /* a request exceeds the limits of an unauthenticated client, and an earlier one may be AUTH */
	PAUSE_ENDED = 16,  /* end of input, or the server stops */
};

/* Whether it is one of the maxclients connections. */
enum connection_share { CONNECTION_IS_CLIENT, CONNECTION_IS_EXCESS };

struct connection {
	struct connection_ref ref;
	struct reactor *reactor;
	int fd;
	uint32_t pause;              /* enum pause; the socket is read when it is 0 */
	uint32_t in_flight;          /* requests recorded and not answered */
	enum connection_share share;
	bool is_authenticated;
	bool is_held;
	bool is_closing;             /* closes when the output is sent */
	bool is_refused;             /* a protocol error has been recorded: further input is discarded */
	bool end_is_recorded;        /* REQUEST_CLOSED is recorded: no record may follow */
	bool is_starved;
	bool is_at_end;              /* the client has closed its side, and all input is read */
	bool is_over_limit;          /* broken off for its output limit */
	bool is_paced;               /* the store sends only what the kernel takes, and sets the limits itself */
	bool is_lingering;           /* all is sent; waits for the client to close */
	ev_io readable, writable;

	struct resp_parser parser;
	struct buffer partial;       /* bytes of an incomplete request */
	struct resp_args args;       /* its arguments so far */
	struct blob *large;          /* the bulk being read */
	uint32_t large_len;          /* its declared length */
	struct blob **large_done;    /* finished ones of the same request */
	uint32_t large_done_count;
	size_t large_done_capacity;
	size_t large_bytes;          /* of all of large_done */
	size_t input_taken_bytes;    /* memory for all this, without blobs, as counted in the reactor */
	size_t unauthenticated_bytes;       /* the same while unauthenticated, else 0 */
	size_t held_bytes;           /* read while held */

	struct output output;
	size_t gated_bytes;          /* of replies that wait at the gate */
	uint64_t delivered_bytes;    /* of all replies that have come for it */
	uint64_t report_at_bytes;    /* when the kernel has taken so many of them the store wants a report; 0: it doesn't */
	int64_t over_soft_limit_since_ms; /* monotonic; 0 while below it */
	struct connection *next_starved, *next_doomed;
	struct connection *next_lingering, *previous_lingering;
	int64_t linger_until_ms;     /* monotonic: deadline for the client to take some of its last output, or to close; 0: none */
};

/* Takes the peer's descriptor. Records REQUEST_OPENED. Without memory: NULL, and the descriptor is closed. */
struct connection *connection_open(struct reactor *reactor, struct connection_ref ref, const struct peer *peer, enum connection_share share);

bool connection_is_unauthenticated(const struct connection *connection);

/*
 * Consecutive parts for this connection; the first one's text begins at `text`. connection_deliver() writes them. connection_hold() is
 * for parts that wait at the gate: it counts them as output, and obeys at once what the store says about reading. connection_release()
 * writes parts that have waited. Each may end the connection.
 */
typedef void connection_take_parts(struct connection *connection, const struct reply_part *parts, size_t count, const uint8_t *text);
connection_take_parts connection_deliver, connection_hold, connection_release;

void connection_resume_reading(struct connection *connection, enum pause cause);
void connection_pause_reading(struct connection *connection, enum pause cause);

/* It waits only for the client to close, whose kernel has everything that was sent. */
bool connection_has_delivered(const struct connection *connection);
/* Closes the socket now and drops its output. */
void connection_break_off(struct connection *connection);
/* Frees the struct, after reactor_forget(). */
void connection_free(struct connection *connection);

#endif

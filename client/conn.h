/*
 * One connection: bytes out and replies in, as long as a context and a deadline allow. dial.h makes one.
 *
 * One thread at a time. After an error of any kind but a refusal by the server the connection is `broken`: what comes next on it
 * is unknown, and it can only be closed. Exception: a reading that only its context or deadline has ended may
 * be taken up again by conn_next(), conn_read_raw().
 */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include <sys/types.h>

#include "client/settings.h"
#include "client/context.h"
#include "client/tls.h"
#include "transport/buffer.h"
#include "transport/resp_reader.h"

struct conn {
	int fd, wake_fd;           /* wake_fd: an eventfd for contexts, -1 until one is needed */
	struct tls *tls;           /* NULL without */
	struct resp_reader *reader;
	struct buffer out;         /* scratch for requests */
	const struct settings *settings;
	const struct address *peer;
	size_t address_index;      /* of the peer in the settings */
	int64_t receive_limit_ns;  /* what SO_RCVTIMEO is set to; 0: for ever; -1: the socket doesn't block */
	int64_t idle_since_ns;
	int64_t retires_ns;        /* not to be used any more from then on */
	size_t bytes_sent;         /* since the exchange in hand began */
	bool is_prompt;            /* nothing has been waited for, or read, since then: all of its time is left */
	bool broken, is_dirty;     /* is_dirty: its state was changed; not for others */
	struct conn *newer, *older; /* in the pool */
	unsigned generation;       /* of the pool: a forked child's is another */
	bool is_unwanted;          /* when the pool gave it: of a server that isn't used any more, or idle for too long */
};

/* On a connected socket, which is taken over also on failure. */
qc_error conn_create(const struct settings *settings, size_t address_index, int fd, struct conn **out_conn);
/* From here on a plain socket blocks, for less than the time limit of commands. Dialling has one of its own. */
qc_error conn_let_block(struct conn *conn, const struct settings *settings);
void conn_close(struct conn **conn);
/* In a forked child: the copy is closed, and the parent's peer is told nothing. */
void conn_disown(struct conn **conn);

/* As recv(2) and send(2) on a socket that doesn't block, through TLS if there is any: see tls.h. */
ssize_t conn_read_now(struct conn *conn, void *out, size_t size, short *out_wants);
ssize_t conn_write_now(struct conn *conn, const void *data, size_t len, short *out_wants);
/* The connection is broken; what the errno of `what` says of it. */
qc_error conn_lost(struct conn *conn, int number, const char *what);

/* Nothing but pushes has come while nobody waited, and the peer hasn't closed. */
bool conn_is_alive(struct conn *conn);

/* Begins an exchange: sends, and reads what comes meanwhile, so that two full directions can't wait for each other. */
qc_error conn_send(struct conn *conn, qc_context *context, int64_t deadline_ns, const void *data, size_t len);
/* The next reply or push, whatever it is. */
qc_error conn_next(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply);
/* The next reply to a command: attributes are passed over, pushes told to options.on_push. */
qc_error conn_reply(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply);
/*
 * Every reply that was asked for is read. What came besides, but for pushes, would be taken for the answer to the next command:
 * such a connection is broken (not a dirty one, whose owner knows). Large buffers are given back.
 */
void conn_end_exchange(struct conn *conn);
/* Past the reader. 0 at the end of the stream. */
qc_error conn_read_raw(struct conn *conn, qc_context *context, int64_t deadline_ns, void *out, size_t size, size_t *out_len);

#endif

/*
 * One connection: sends bytes and receives replies until a context ends or a deadline passes. dial.h makes connections.
 *
 * One thread at a time. After any error except an error reply the connection is `broken`: what arrives next is unknown, so it can only be
 * closed. Exception: after a read that was ended only by its context or deadline, conn_next() and conn_read_raw() may continue.
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
	int fd, wake_fd;           /* wake_fd: an eventfd to wake waits, -1 until one is needed */
	struct tls *tls;           /* NULL without TLS */
	struct resp_reader *reader;
	struct buffer out;         /* scratch buffer for requests */
	const struct settings *settings;
	const struct address *peer;
	size_t address_index;      /* index of the server in the settings */
	int64_t receive_limit_ns;  /* the value of SO_RCVTIMEO; 0: no limit; -1: the socket is non-blocking */
	int64_t idle_since_ns;
	int64_t retires_ns;        /* cannot be used any more from this time on */
	size_t bytes_sent;         /* since the current exchange began */
	bool is_prompt;            /* nothing has been waited for or read since then: all of the time limit is left */
	bool broken, is_dirty;     /* is_dirty: the connection's state was changed, so others cannot use it */
	struct conn *newer, *older; /* in the pool */
	unsigned generation;       /* of the pool; a forked child has another */
	bool is_unwanted;          /* when the pool gave it; see struct pool */
};

/* Makes a connection from a connected socket, which it takes over even on failure. */
qc_error conn_create(const struct settings *settings, size_t address_index, int fd, struct conn **out_conn);
/* From now on a plain socket blocks, for less than the time limit of commands. Dialling needs a non-blocking socket. */
qc_error conn_let_block(struct conn *conn, const struct settings *settings);
void conn_close(struct conn **conn);
/* In a forked child: closes the copy without telling the parent's peer anything. */
void conn_disown(struct conn **conn);

/* recv(2) and send(2) without waiting, through TLS if there is any: see tls.h. */
ssize_t conn_read_now(struct conn *conn, void *out, size_t size, short *out_wants);
ssize_t conn_write_now(struct conn *conn, const void *data, size_t len, short *out_wants);
/* Marks the connection broken and makes an error from errno and what was done. */
qc_error conn_lost(struct conn *conn, int number, const char *what);
/* The same for bytes that are not RESP. */
qc_error conn_not_resp(struct conn *conn);

/* Whether the peer has not closed and only pushes have arrived while the connection was idle. */
bool conn_is_alive(struct conn *conn);

/* Begins an exchange: sends, and reads meanwhile, so that client and server cannot both block on full buffers. */
qc_error conn_send(struct conn *conn, qc_context *context, int64_t deadline_ns, const void *data, size_t len);
/* Receives the next reply or push. */
qc_error conn_next(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply);
/* Receives the next reply to a command. Skips attributes; passes pushes to options.on_push. */
qc_error conn_reply(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply);
/*
 * Call when all expected replies are read. If anything but pushes is left, it would be taken as the reply to the next command: the
 * connection becomes broken (unless it is dirty: then its owner reads the rest). Frees large buffers.
 */
void conn_end_exchange(struct conn *conn);
/* Bypasses the reply reader. 0 at the end of the stream. */
qc_error conn_read_raw(struct conn *conn, qc_context *context, int64_t deadline_ns, void *out, size_t size, size_t *out_len);

#endif

#include "client/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/error.h"
#include "client/reply.h"
#include "client/wait.h"

/* The size of one read: several small replies, or a good part of a large one. */
#define READ_BYTES 16384
/* A scratch buffer that has grown beyond this is freed after the exchange. */
#define SCRATCH_MAX_BYTES (1 << 20)
/* Pushes that gathered on an idle connection are read in at most this many pieces. If there are more, the connection is closed. */
#define IDLE_READS_MAX 64

qc_error conn_lost(struct conn *conn, int number, const char *what)
{
	char peer[160];

	conn->broken = true;
	address_show(conn->peer, peer, sizeof(peer));
	if (number == EPROTO && conn->tls)
		return qc_errorf(QC_NETWORK, "%s %s: %s", what, peer, tls_error(conn->tls));
	return qc_wrap(error_errno(QC_NETWORK, number, what), "%s", peer);
}

static qc_error too_late(struct conn *conn)
{
	char peer[160];

	address_show(conn->peer, peer, sizeof(peer));
	return qc_errorf(QC_TIMEOUT, "%s: timeout waiting for a reply", peer);
}

qc_error conn_not_resp(struct conn *conn)
{
	char peer[160];

	conn->broken = true;
	address_show(conn->peer, peer, sizeof(peer));
	return qc_errorf(QC_PROTOCOL, "%s: %s", peer, resp_reader_error(conn->reader));
}

/* Waits until the socket is ready, the context ends, or the deadline passes. */
static qc_error conn_wait(struct conn *conn, short events, qc_context *context, int64_t deadline_ns, int *out_ready)
{
	conn->is_prompt = false;
	qc_error err = wait_ready(conn->fd, events, &conn->wake_fd, context, deadline_ns, out_ready);
	if (err.kind == QC_NETWORK)
		conn->broken = true;
	if (err.kind != QC_OK)
		return err;
	return *out_ready ? err : too_late(conn);
}

static ssize_t read_some(struct conn *conn, void *out, size_t size, int flags, short *out_wants)
{
	*out_wants = POLLIN;
	return conn->tls ? tls_read(conn->tls, out, size, out_wants) : recv(conn->fd, out, size, flags);
}

ssize_t conn_read_now(struct conn *conn, void *out, size_t size, short *out_wants)
{
	return read_some(conn, out, size, MSG_DONTWAIT, out_wants);
}

ssize_t conn_write_now(struct conn *conn, const void *data, size_t len, short *out_wants)
{
	*out_wants = POLLOUT;
	return conn->tls ? tls_write(conn->tls, data, len, out_wants)
			 : send(conn->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * A call that can't be cancelled and has its whole time limit left needs no poll at first: the kernel waits in recv(2), which saves one
 * system call. The socket's limit starts anew with each recv, so only the first read of an exchange may use it.
 */
static bool may_wait_in_recv(const struct conn *conn, const qc_context *context, int64_t deadline_ns)
{
	if (conn->tls || conn->receive_limit_ns < 0 || context_can_end(context))
		return false;
	return deadline_ns == NO_DEADLINE || (conn->receive_limit_ns > 0 && conn->is_prompt);
}

/* Reads at least one byte. */
static qc_error read_wait(struct conn *conn, qc_context *context, int64_t deadline_ns, void *out, size_t size, size_t *out_len)
{
	bool in_recv = may_wait_in_recv(conn, context, deadline_ns);
	short wants = POLLIN;
	/* After the first read there is often more to read, and TLS may hold bytes that poll(2) cannot see. So try to read first. */
	bool look = in_recv || conn->tls || !conn->is_prompt;

	conn->is_prompt = false;
	for (;;) {
		if (look) {
			ssize_t got = read_some(conn, out, size, in_recv ? 0 : MSG_DONTWAIT, &wants);
			if (got > 0) {
				*out_len = (size_t)got;
				return no_error();
			}
			if (got == 0)
				return conn_lost(conn, ECONNRESET, "the server closed the connection");
			if (errno != EAGAIN && errno != EINTR)
				return conn_lost(conn, errno, "receiving");
			/* After an interrupt or the end of the socket's limit, poll(2) waits for the rest of the time. */
			in_recv = in_recv && deadline_ns == NO_DEADLINE;
			if (in_recv)
				continue;
		}
		int ready;
		qc_error err = conn_wait(conn, wants, context, deadline_ns, &ready);
		if (err.kind != QC_OK)
			return err;
		look = true;
	}
}

static qc_error check_time(struct conn *conn, qc_context *context, int64_t deadline_ns)
{
	qc_error err = qc_context_err(context);

	if (err.kind == QC_OK && deadline_ns != NO_DEADLINE && monotonic_ns() >= deadline_ns)
		return too_late(conn);
	return err;
}

static qc_error fill(struct conn *conn, qc_context *context, int64_t deadline_ns)
{
	uint8_t *room = resp_reader_room(conn->reader, READ_BYTES);
	bool is_first = conn->is_prompt;
	size_t got = 0;

	if (!room) {
		conn->broken = true;
		return error_no_memory();
	}
	qc_error err = read_wait(conn, context, deadline_ns, room, READ_BYTES, &got);
	resp_reader_fed(conn->reader, got);
	/* An endless reply arrives without any wait, so the time must be checked here, too. */
	return err.kind == QC_OK && !is_first ? check_time(conn, context, deadline_ns) : err;
}

/* Reads what has arrived while there is still something to send. */
static qc_error drain(struct conn *conn)
{
	short wants;
	uint8_t *room = resp_reader_room(conn->reader, READ_BYTES);

	if (!room)
		return error_no_memory();
	ssize_t got = conn_read_now(conn, room, READ_BYTES, &wants);
	int number = errno;
	resp_reader_fed(conn->reader, got > 0 ? (size_t)got : 0);
	if (got == 0)
		return conn_lost(conn, ECONNRESET, "the server closed the connection");
	return got > 0 || number == EAGAIN || number == EINTR ? no_error() : conn_lost(conn, number, "receiving");
}

/* The number of reads for the error of a server that has refused a request before all of it was sent. */
#define LAST_WORDS_READS 16

/* Sending has failed: the server's last reply may tell why. */
static qc_error add_last_words(struct conn *conn, qc_error err)
{
	struct resp_reply *reply = NULL;
	qc_error said = no_error();

	for (int i = 0; i < LAST_WORDS_READS && drain(conn).kind == QC_OK; i++)
		continue;
	while (resp_reader_next(conn->reader, &reply) == RESP_READ_REPLY) {
		said = qc_reply_err(reply_public(reply));
		resp_reply_free(reply);
	}
	return said.kind == QC_SERVER ? qc_errorf(err.kind, "%s; the server said: %s", err.text, said.text) : err;
}

qc_error conn_send(struct conn *conn, qc_context *context, int64_t deadline_ns, const void *data, size_t len)
{
	const uint8_t *at = data;
	qc_error err = no_error();

	conn->bytes_sent = 0;
	conn->is_prompt = true;
	while (err.kind == QC_OK && conn->bytes_sent < len) {
		short wants;
		ssize_t sent = conn_write_now(conn, at + conn->bytes_sent, len - conn->bytes_sent, &wants);
		if (sent > 0) {
			conn->bytes_sent += (size_t)sent;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent == 0 || errno != EAGAIN) {
			err = conn_lost(conn, sent == 0 ? ECONNRESET : errno, "sending");
			break;
		}
		int ready = 0;
		err = conn_wait(conn, wants | POLLIN, context, deadline_ns, &ready);
		if (err.kind == QC_OK && (ready & POLLIN))
			err = drain(conn);
	}
	if (err.kind == QC_OK)
		return err;
	conn->broken = true;
	return err.kind == QC_NETWORK ? add_last_words(conn, err) : err;
}

qc_error conn_next(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply)
{
	for (;;) {
		switch (resp_reader_next(conn->reader, out_reply)) {
		case RESP_READ_REPLY:
			return no_error();
		case RESP_READ_PROTOCOL:
			return conn_not_resp(conn);
		case RESP_READ_NO_MEMORY:
			conn->broken = true;
			return error_no_memory();
		case RESP_READ_MORE:
			break;
		}
		qc_error err = fill(conn, context, deadline_ns);
		if (err.kind != QC_OK)
			return err;
	}
}

/* Takes ownership of the push. */
static void tell_push(struct conn *conn, struct resp_reply *push)
{
	if (conn->settings->on_push)
		conn->settings->on_push(conn->settings->push_data, reply_public(push));
	resp_reply_free(push);
}

qc_error conn_reply(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply)
{
	for (;;) {
		qc_error err = conn_next(conn, context, deadline_ns, out_reply);
		if (err.kind != QC_OK) {
			conn->broken = true;
			return err;
		}
		if ((*out_reply)->type == RESP_TYPE_PUSH)
			tell_push(conn, *out_reply);
		else if ((*out_reply)->type == RESP_TYPE_ATTRIBUTE)
			resp_reply_free(*out_reply);
		else
			return err;
	}
}

void conn_end_exchange(struct conn *conn)
{
	struct resp_reply *push;

	if (conn->out.capacity > SCRATCH_MAX_BYTES)
		buffer_fini(&conn->out);
	while (!conn->broken && !conn->is_dirty && resp_reader_peek(conn->reader) >= 0) {
		enum resp_read_status status = RESP_READ_PROTOCOL;
		if (resp_reader_peek(conn->reader) == '>')
			status = resp_reader_next(conn->reader, &push);
		if (status == RESP_READ_MORE)
			return;
		if (status == RESP_READ_REPLY)
			tell_push(conn, push);
		else
			conn->broken = true;
	}
}

qc_error conn_read_raw(struct conn *conn, qc_context *context, int64_t deadline_ns, void *out, size_t size, size_t *out_len)
{
	*out_len = 0;
	return read_wait(conn, context, deadline_ns, out, size, out_len);
}

/* Reads what has arrived on an idle connection. False if there is anything but pushes, or too many of them. */
static bool take_pushes(struct conn *conn)
{
	for (int i = 0; i < IDLE_READS_MAX && !conn->broken; i++) {
		short wants;
		uint8_t *room = resp_reader_room(conn->reader, READ_BYTES);
		if (!room)
			return false;
		ssize_t got = conn_read_now(conn, room, READ_BYTES, &wants);
		int number = errno;
		resp_reader_fed(conn->reader, got > 0 ? (size_t)got : 0);
		if (got <= 0)
			return got < 0 && number == EAGAIN;
		conn_end_exchange(conn);
	}
	return false;
}

bool conn_is_alive(struct conn *conn)
{
	struct pollfd fd = {.fd = conn->fd, .events = POLLIN};
	uint8_t byte;

	/* The usual case: one system call finds that nothing has arrived. */
	if (conn->tls ? poll(&fd, 1, 0) == 0 : recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
		return true;
	return take_pushes(conn);
}

void conn_close(struct conn **conn)
{
	struct conn *c = *conn;

	if (!c)
		return;
	tls_close(&c->tls);
	if (c->fd >= 0)
		close(c->fd);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	resp_reader_destroy(&c->reader);
	buffer_fini(&c->out);
	free(c);
	*conn = NULL;
}

void conn_disown(struct conn **conn)
{
	if (*conn && (*conn)->tls)
		tls_disown((*conn)->tls);
	conn_close(conn);
}

/*
 * The part of the time limit that is left to recv(2). Its timeout uses the kernel's timer wheel, which fires late by up to an eighth of the
 * time plus some ticks. poll(2) is exact and waits for the rest. With a short limit only poll is used.
 */
#define RECV_SHARE(ms) ((ms) / 4 * 3)
#define RECV_LEAST_MS 200

qc_error conn_let_block(struct conn *c, const struct settings *settings)
{
	int flags = fcntl(c->fd, F_GETFL);
	int64_t ms = settings->timeout_ms < 0 ? 0 : RECV_SHARE(settings->timeout_ms);
	struct timeval limit = {ms / 1000, ms % 1000 * 1000};

	if (c->tls || (settings->timeout_ms >= 0 && settings->timeout_ms < RECV_LEAST_MS))
		return no_error();
	if (flags < 0 || fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return conn_lost(c, errno, "setsockopt");
	c->receive_limit_ns = ms * 1000000;
	return no_error();
}

/* A dead peer is noticed after a minute: probes begin after KEEPALIVE_IDLE_S and repeat every KEEPALIVE_INTERVAL_S, and the last goes
 * unanswered. */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES 3

static bool set_tcp_options(int fd)
{
	const struct { int level, name, value; } options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
			return false;
	return true;
}

qc_error conn_create(const struct settings *settings, size_t address_index, int fd, struct conn **out_conn)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return error_no_memory();
	}
	c->fd = fd;
	c->wake_fd = -1;
	c->receive_limit_ns = -1;
	c->settings = settings;
	c->peer = &settings->addresses[address_index];
	c->address_index = address_index;
	c->reader = resp_reader_create();
	qc_error err = c->reader ? no_error() : error_no_memory();
	if (err.kind == QC_OK && !c->peer->is_unix && !set_tcp_options(fd))
		err = conn_lost(c, errno, "setsockopt");
	if (err.kind != QC_OK)
		conn_close(&c);
	else
		*out_conn = c;
	return err;
}

#include "client/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/error.h"
#include "client/greet.h"
#include "client/lookup.h"
#include "client/reply.h"
#include "client/request.h"

/* What one read asks for: several small replies, or a good piece of a large one. */
#define READ_BYTES 16384
/* A scratch buffer that has grown beyond this is given back after the exchange. */
#define SCRATCH_MAX_BYTES (1 << 20)

static qc_error lost(struct conn *conn, int number, const char *what)
{
	char peer[160];

	conn->broken = true;
	address_show(conn->peer, peer, sizeof(peer));
	if (number == EPROTO && conn->tls)
		return qc_errorf(QC_NETWORK, "%s %s: %s", what, peer, tls_error(conn->tls));
	return qc_wrap(error_errno(QC_NETWORK, number, what), "%s", peer);
}

static qc_error too_late(struct conn *conn, const char *what)
{
	char peer[160];

	address_show(conn->peer, peer, sizeof(peer));
	return qc_errorf(QC_TIMEOUT, "%s: %s took too long", peer, what);
}

struct fd_waiter {
	struct context_waiter waiter;
	int fd;
};

static void wake_fd(struct context_waiter *waiter)
{
	uint64_t one = 1;

	/* Can't fail but when it is signalled already. */
	if (write(((struct fd_waiter *)waiter)->fd, &one, sizeof(one)) < 0)
		return;
}

/* Until the socket is ready for one of `events`; what it is ready for, or 0 when time is up, or -1 with errno. */
static int wait_plain(int fd, short events, int other_fd, int64_t deadline_ns)
{
	struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = other_fd, .events = POLLIN}};
	struct timespec left = {0, 0};

	if (deadline_ns != NO_DEADLINE) {
		int64_t ns = deadline_ns - monotonic_ns();
		if (ns > 0)
			left = (struct timespec){ns / 1000000000, ns % 1000000000};
	}
	if (ppoll(fds, other_fd >= 0 ? 2 : 1, deadline_ns == NO_DEADLINE ? NULL : &left, NULL) < 0)
		return errno == EINTR ? POLLPRI : -1;
	if (other_fd >= 0 && fds[1].revents) {
		uint64_t count;
		if (read(other_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return -1;
		return fds[0].revents ? fds[0].revents : POLLPRI;
	}
	return fds[0].revents;
}

static bool have_wake_fd(struct conn *conn)
{
	if (conn->wake_fd < 0)
		conn->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return conn->wake_fd >= 0;
}

/* Until the socket is ready, the context ends, or the deadline passes. */
static qc_error conn_wait(struct conn *conn, short events, qc_context *context, int64_t deadline_ns, int *out_ready)
{
	struct fd_waiter waiter = {.waiter.wake = wake_fd};
	int64_t until = context_deadline_ns(context) < deadline_ns ? context_deadline_ns(context) : deadline_ns;
	bool joined = false, lasts = true;

	conn->is_prompt = false;
	if (context_can_end(context)) {
		if (!have_wake_fd(conn))
			return lost(conn, errno, "eventfd");
		waiter.fd = conn->wake_fd;
		lasts = joined = context_join(context, &waiter.waiter);
	}
	do {
		*out_ready = lasts ? wait_plain(conn->fd, events, joined ? conn->wake_fd : -1, until) : 0;
	} while (*out_ready == POLLPRI && qc_context_err(context).kind == QC_OK);
	int number = errno;
	if (joined)
		context_leave(context, &waiter.waiter);
	if (*out_ready < 0)
		return lost(conn, number, "poll");
	if (*out_ready > 0 && *out_ready != POLLPRI)
		return no_error();
	qc_error ended = qc_context_err(context);
	return ended.kind != QC_OK ? ended : too_late(conn, "an answer");
}

static ssize_t read_some(struct conn *conn, void *out, size_t size, int flags, short *out_wants)
{
	*out_wants = POLLIN;
	return conn->tls ? tls_read(conn->tls, out, size, out_wants) : recv(conn->fd, out, size, flags);
}

static ssize_t write_some(struct conn *conn, const void *data, size_t len, short *out_wants)
{
	*out_wants = POLLOUT;
	return conn->tls ? tls_write(conn->tls, data, len, out_wants)
			 : send(conn->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * Who can't be cancelled and has all of the time limit left needs no poll at first: the kernel waits in recv(2) itself, one call
 * instead of two. The socket's limit begins with each call, so only the first read of an exchange may be left to it.
 */
static bool may_wait_in_recv(const struct conn *conn, const qc_context *context, int64_t deadline_ns)
{
	if (conn->tls || conn->receive_limit_ns < 0 || context_can_end(context))
		return false;
	return deadline_ns == NO_DEADLINE || (conn->receive_limit_ns > 0 && conn->is_prompt);
}

/* Reads at least a byte. */
static qc_error read_wait(struct conn *conn, qc_context *context, int64_t deadline_ns, void *out, size_t size, size_t *out_len)
{
	bool in_recv = may_wait_in_recv(conn, context, deadline_ns);
	short wants = POLLIN;
	/* After the first read there is often more at once; and TLS may hold bytes that poll(2) doesn't know of. So look first. */
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
				return lost(conn, ECONNRESET, "the server closed the connection");
			if (errno != EAGAIN && errno != EINTR)
				return lost(conn, errno, "receiving");
			/* It was interrupted, or its limit has passed: what is left of the time is for poll(2). */
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
		return too_late(conn, "an answer");
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
	/* A reply that never ends comes without waiting. */
	return err.kind == QC_OK && !is_first ? check_time(conn, context, deadline_ns) : err;
}

/* What has come by now, while there is still something to send. */
static qc_error drain(struct conn *conn)
{
	short wants;
	uint8_t *room = resp_reader_room(conn->reader, READ_BYTES);

	if (!room)
		return error_no_memory();
	ssize_t got = read_some(conn, room, READ_BYTES, MSG_DONTWAIT, &wants);
	int number = errno;
	resp_reader_fed(conn->reader, got > 0 ? (size_t)got : 0);
	if (got == 0)
		return lost(conn, ECONNRESET, "the server closed the connection");
	return got > 0 || number == EAGAIN || number == EINTR ? no_error() : lost(conn, number, "receiving");
}

qc_error conn_send(struct conn *conn, qc_context *context, int64_t deadline_ns, const void *data, size_t len)
{
	const uint8_t *at = data;
	qc_error err = no_error();

	conn->bytes_sent = 0;
	conn->is_prompt = true;
	while (err.kind == QC_OK && conn->bytes_sent < len) {
		short wants;
		ssize_t sent = write_some(conn, at + conn->bytes_sent, len - conn->bytes_sent, &wants);
		if (sent > 0) {
			conn->bytes_sent += (size_t)sent;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent == 0 || errno != EAGAIN)
			return lost(conn, sent == 0 ? ECONNRESET : errno, "sending");
		int ready = 0;
		err = conn_wait(conn, wants | POLLIN, context, deadline_ns, &ready);
		if (err.kind == QC_OK && (ready & POLLIN))
			err = drain(conn);
	}
	if (err.kind != QC_OK)
		conn->broken = true;
	return err;
}

qc_error conn_next(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply)
{
	for (;;) {
		switch (resp_reader_next(conn->reader, out_reply)) {
		case RESP_READ_REPLY:
			return no_error();
		case RESP_READ_PROTOCOL:
			conn->broken = true;
			return qc_errorf(QC_PROTOCOL, "%s", resp_reader_error(conn->reader));
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

qc_error conn_reply(struct conn *conn, qc_context *context, int64_t deadline_ns, struct resp_reply **out_reply)
{
	for (;;) {
		qc_error err = conn_next(conn, context, deadline_ns, out_reply);
		if (err.kind != QC_OK) {
			conn->broken = true;
			return err;
		}
		if ((*out_reply)->type != RESP_TYPE_PUSH && (*out_reply)->type != RESP_TYPE_ATTRIBUTE)
			return err;
		resp_reply_free(*out_reply);
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
			resp_reply_free(push);
		else
			conn->broken = true;
	}
}

qc_error conn_read_raw(struct conn *conn, qc_context *context, int64_t deadline_ns, void *out, size_t size, size_t *out_len)
{
	*out_len = 0;
	return read_wait(conn, context, deadline_ns, out, size, out_len);
}

bool conn_is_alive(struct conn *conn)
{
	struct pollfd fd = {.fd = conn->fd, .events = POLLIN};
	uint8_t byte;

	if (conn->tls)
		return poll(&fd, 1, 0) == 0;
	return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
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

/* Connects c->fd; the socket doesn't block meanwhile. */
static qc_error connect_to(struct conn *c, const struct sockaddr *address, socklen_t len, qc_context *context, int64_t deadline_ns)
{
	int number = 0, ready;
	socklen_t size = sizeof(number);

	c->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return lost(c, errno, "socket");
	if (connect(c->fd, address, len) == 0)
		return no_error();
	if (errno != EINPROGRESS && errno != EINTR)
		return lost(c, errno, "connecting");
	qc_error err = conn_wait(c, POLLOUT, context, deadline_ns, &ready);
	if (err.kind == QC_TIMEOUT)
		return too_late(c, "connecting");
	if (err.kind != QC_OK)
		return err;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0)
		number = errno;
	return number ? lost(c, number, "connecting") : no_error();
}

static qc_error connect_unix(struct conn *c, qc_context *context, int64_t deadline_ns)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", c->peer->host);
	return connect_to(c, (struct sockaddr *)&address, sizeof(address), context, deadline_ns);
}

/* Each of the host's addresses in turn, until one answers. */
static qc_error connect_tcp(struct conn *c, qc_context *context, int64_t deadline_ns)
{
	struct addrinfo *list = NULL;
	qc_error err = look_up(c->peer->host, c->peer->port, context, deadline_ns, &list);
	int one = 1;

	if (err.kind != QC_OK)
		return err;
	for (struct addrinfo *at = list; at; at = at->ai_next) {
		err = connect_to(c, at->ai_addr, at->ai_addrlen, context, deadline_ns);
		if (err.kind == QC_OK || err.kind == QC_CANCELLED || err.kind == QC_DEADLINE)
			break;
		if (at->ai_next && c->fd >= 0) {
			close(c->fd);
			c->fd = -1;
		}
	}
	freeaddrinfo(list);
	if (err.kind != QC_OK)
		return err;
	c->broken = false;
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0)
		return lost(c, errno, "setsockopt");
	return err;
}

static qc_error secure(struct conn *c, const struct settings *settings, struct tls_context *tls, qc_context *context,
		       int64_t deadline_ns)
{
	const char *name = settings->tls_name ? settings->tls_name : c->peer->host;
	qc_error err = tls_open(tls, c->fd, name, &c->tls);
	short wants;
	int ready;

	while (err.kind == QC_OK && tls_handshake(c->tls, &wants) != 0) {
		if (errno != EAGAIN)
			return lost(c, errno, "TLS with");
		err = conn_wait(c, wants, context, deadline_ns, &ready);
	}
	return err;
}

/*
 * What recv(2) is left to wait of the time limit. It counts by the kernel's timer wheel, which fires late by up to an eighth of
 * the time, and by some ticks; poll(2) is exact, and is what the rest is for. A shorter limit is poll's alone.
 */
#define RECV_SHARE(ms) ((ms) / 4 * 3)
#define RECV_LEAST_MS 200

/* From here on a plain socket blocks, for less than the time limit of commands. Dialling has had one of its own. */
static qc_error let_block(struct conn *c, const struct settings *settings)
{
	int flags = fcntl(c->fd, F_GETFL);
	int64_t ms = settings->timeout_ms < 0 ? 0 : RECV_SHARE(settings->timeout_ms);
	struct timeval limit = {ms / 1000, ms % 1000 * 1000};

	if (settings->timeout_ms >= 0 && settings->timeout_ms < RECV_LEAST_MS)
		return no_error();
	if (flags < 0 || fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return lost(c, errno, "setsockopt");
	c->receive_limit_ns = ms * 1000000;
	return no_error();
}

static qc_error ask(struct conn *c, qc_args args, qc_context *context, int64_t deadline_ns)
{
	struct resp_reply *reply = NULL;

	c->out.len = 0;
	qc_error err = request_write(&c->out, args);
	if (err.kind == QC_OK)
		err = conn_send(c, context, deadline_ns, c->out.data, c->out.len);
	if (err.kind == QC_OK)
		err = conn_reply(c, context, deadline_ns, &reply);
	if (err.kind == QC_OK)
		err = qc_reply_err(reply_public(reply));
	resp_reply_free(reply);
	return err;
}

static qc_error greet(struct conn *c, const struct settings *settings, qc_context *context, int64_t deadline_ns)
{
	enum greet_step step = greet_step_from(settings, GREET_HELLO);
	qc_arg words[GREET_WORDS_MAX];
	qc_error err = no_error();

	while (err.kind == QC_OK && step != GREET_DONE) {
		err = ask(c, greet_words(settings, step, words), context, deadline_ns);
		step = greet_next(settings, step, &err);
	}
	return err;
}

qc_error conn_open(const struct settings *settings, struct tls_context *tls, size_t address_index, qc_context *context,
		   struct conn **out_conn)
{
	int64_t deadline_ns = deadline_after_ms(settings->dial_timeout_ms);
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return error_no_memory();
	c->fd = c->wake_fd = -1;
	c->receive_limit_ns = -1;
	c->peer = &settings->addresses[address_index];
	c->address_index = address_index;
	c->reader = resp_reader_create();
	qc_error err = c->reader ? no_error() : error_no_memory();
	if (err.kind == QC_OK)
		err = c->peer->is_unix ? connect_unix(c, context, deadline_ns) : connect_tcp(c, context, deadline_ns);
	if (err.kind == QC_OK && c->peer->is_tls)
		err = secure(c, settings, tls, context, deadline_ns);
	if (err.kind == QC_OK)
		err = greet(c, settings, context, deadline_ns);
	if (err.kind == QC_OK && !c->tls)
		err = let_block(c, settings);
	if (err.kind != QC_OK)
		conn_close(&c);
	else
		*out_conn = c;
	return err;
}

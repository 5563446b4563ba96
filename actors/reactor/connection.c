/*
 * The life of a connection and its output. Its input is in connection_input.c.
 *
 * A connection ends when the client closes its side (earlier requests are answered first), by a protocol error or QUIT (the store writes
 * the last reply with REPLY_CLOSE), by a kill (REPLY_CLOSE_NOW), or by a broken socket. In each case REQUEST_CLOSED is recorded once,
 * as the last record.
 */
#include "connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/reactor/connection_input.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/reactor/reactor_state.h"

/* Unread replies of an unauthenticated client. */
#define UNAUTHENTICATED_OUTPUT_MAX 4096u
/* Each connection may have this much unsent output, however much the others have. */
#define OUTPUT_SHARE_MIN 16384u

/* Reads and drops input, to learn when the client closes. */
static void discard_input(struct connection *connection)
{
	uint8_t unwanted[16384];
	ssize_t n = read(connection->fd, unwanted, sizeof(unwanted));
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n == 0 && !connection->is_lingering) {
		connection->is_at_end = true;
		connection_end_input(connection);
	} else {
		connection_break_off(connection);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *connection = watcher->data;
	if (connection->is_lingering || connection->is_refused)
		discard_input(connection);
	else
		connection_read(connection);
}

static void record_end(struct connection *connection)
{
	if (connection->end_is_recorded)
		return;
	connection->end_is_recorded = true;
	reactor_record(connection->reactor, connection->ref, REQUEST_CLOSED);
}

/* Tells the store at once if it still works on requests of this client. */
static void report_end(struct connection *connection)
{
	bool is_orderly = connection->end_is_recorded && !connection->is_over_limit;
	if (connection->in_flight > 0)
		reactor_report(connection->reactor, connection, is_orderly ? REPORT_GONE : REPORT_DROPPED);
}

/* Adds to the reactor's totals the change since `before`, a copy of the output. */
static void count_output(struct connection *connection, const struct output *before)
{
	connection->reactor->output_bytes += connection->output.bytes - before->bytes;
	connection->reactor->output_taken_bytes += connection->output.taken_bytes - before->taken_bytes;
}

/* Output that the kernel hasn't taken, or that waits at the gate. */
static size_t waiting_bytes(const struct connection *connection)
{
	return connection->output.bytes + connection->gated_bytes;
}

void connection_break_off(struct connection *connection)
{
	struct reactor *reactor = connection->reactor;
	if (connection->fd < 0)
		return;
	ev_io_stop(reactor->loop, &connection->readable);
	ev_io_stop(reactor->loop, &connection->writable);
	close(connection->fd);
	connection->fd = -1;
	connection->pause |= PAUSE_ENDED;
	report_end(connection);
	record_end(connection);
	reactor_stop_lingering(reactor, connection);
	reactor->output_bytes -= waiting_bytes(connection);
	connection->gated_bytes = 0;
	reactor->output_taken_bytes -= connection->output.taken_bytes;
	output_fini(&connection->output);
	reactor_forget(reactor, connection);
}

/* Closing a socket with unread input or unsent output makes the kernel drop what the client has not received yet. */
static bool may_close_at_once(const struct connection *connection)
{
	int unread = 0, unsent = 0;
	return connection->is_at_end || (ioctl(connection->fd, FIONREAD, &unread) == 0 && unread == 0 &&
					 ioctl(connection->fd, SIOCOUTQ, &unsent) == 0 && unsent == 0);
}

bool connection_has_delivered(const struct connection *connection)
{
	int unsent = 0;
	return connection->is_lingering && ioctl(connection->fd, SIOCOUTQ, &unsent) == 0 && unsent == 0;
}

/* Shuts down the sending side and waits for the client to close, LINGER_MS at most. */
static void linger(struct connection *connection)
{
	record_end(connection);
	shutdown(connection->fd, SHUT_WR);
	connection_drop_input(connection);
	connection->is_lingering = true;
	ev_io_start(connection->reactor->loop, &connection->readable);
	reactor_linger(connection->reactor, connection);
}

/* Closes when all replies are sent. Until then the client must keep reading them. */
static void close_if_finished(struct connection *connection)
{
	if (connection->is_lingering)
		return;
	if (!connection->is_closing && (!(connection->pause & PAUSE_ENDED) || connection->in_flight > 0))
		return;
	if (connection->output.bytes > 0)
		reactor_linger(connection->reactor, connection);
	else if (may_close_at_once(connection))
		connection_break_off(connection);
	else
		linger(connection);
}

void connection_end_input(struct connection *connection)
{
	connection_pause_reading(connection, PAUSE_ENDED);
	record_end(connection);
	close_if_finished(connection);
}

bool connection_is_unauthenticated(const struct connection *connection)
{
	return !connection->is_authenticated && connection->reactor->settings.needs_password;
}

/* Above the hard limit, or above the soft one for too long. */
static bool is_over_limit(struct connection *connection)
{
	const struct output_limit *limit = &connection->reactor->settings.output_limit;
	size_t bytes = waiting_bytes(connection);
	if (limit->hard_bytes && bytes > limit->hard_bytes)
		return true;
	if (connection->output.bytes > UNAUTHENTICATED_OUTPUT_MAX && connection_is_unauthenticated(connection))
		return true;
	if (!limit->soft_bytes || bytes <= limit->soft_bytes) {
		connection->over_soft_limit_since_ms = 0;
		return false;
	}
	if (!connection->over_soft_limit_since_ms)
		connection->over_soft_limit_since_ms = monotonic_ms();
	return monotonic_ms() - connection->over_soft_limit_since_ms > limit->soft_seconds * 1000;
}

/* One connection's share of the output that may wait in all connections of the reactor. */
static size_t output_share(const struct reactor *reactor)
{
	size_t share = reactor->settings.output_budget_bytes / (reactor->connections ? reactor->connections : 1);
	return share > OUTPUT_SHARE_MIN ? share : OUTPUT_SHARE_MIN;
}

static bool is_over_share(const struct connection *connection)
{
	const struct reactor *reactor = connection->reactor;
	return reactor->output_bytes > reactor->settings.output_budget_bytes && waiting_bytes(connection) > output_share(reactor);
}

/* Stops reading the socket, and has the store begin no more of its commands. */
static void hold_replies(struct connection *connection)
{
	if (connection->pause & PAUSE_OUTPUT)
		return;
	connection_pause_reading(connection, PAUSE_OUTPUT);
	reactor_report(connection->reactor, connection, REPORT_FULL);
}

static void resume_replies(struct connection *connection)
{
	if (!(connection->pause & PAUSE_OUTPUT) || waiting_bytes(connection) >= output_share(connection->reactor) / 2)
		return;
	connection_resume_reading(connection, PAUSE_OUTPUT);
	reactor_report(connection->reactor, connection, REPORT_READY);
}

/* The socket is full, or the gate closed. Pausing stops replies; a client that only receives pushes cannot be paused, so it is closed. */
static void check_limits(struct connection *connection, bool is_pushed)
{
	if (connection->is_paced)
		return;
	if (is_over_limit(connection) || (is_over_share(connection) && is_pushed)) {
		log_event(LOG_WARNING, "Client id=%llu closed for overcoming of output buffer limits: %zu bytes wait for it",
			  (unsigned long long)connection->ref.id, waiting_bytes(connection));
		connection->is_over_limit = true;
		connection_break_off(connection);
		return;
	}
	if (is_over_share(connection))
		hold_replies(connection);
}

static void on_output_status(struct connection *connection, enum output_status status, bool is_pushed)
{
	struct reactor *reactor = connection->reactor;
	switch (status) {
	case OUTPUT_EMPTY:
		ev_io_stop(reactor->loop, &connection->writable);
		resume_replies(connection);
		close_if_finished(connection);
		return;
	case OUTPUT_WAITING:
		ev_io_start(reactor->loop, &connection->writable);
		check_limits(connection, is_pushed);
		if (connection->fd >= 0)
			close_if_finished(connection);
		return;
	case OUTPUT_NO_MEMORY:
		log_event(LOG_WARNING, "Client id=%llu closed: no memory for its replies",
			  (unsigned long long)connection->ref.id);
		connection_break_off(connection);
		return;
	case OUTPUT_BROKEN:
		connection_break_off(connection);
		return;
	}
}

/* The store asked to be told when the kernel has taken so much. */
static void report_taken(struct connection *connection)
{
	if (!connection->report_at_bytes || connection->delivered_bytes - connection->output.bytes < connection->report_at_bytes)
		return;
	connection->report_at_bytes = 0;
	reactor_report(connection->reactor, connection, REPORT_READY);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *connection = watcher->data;
	struct output before = connection->output;
	enum output_status status = output_flush(&connection->output, connection->fd, &connection->reactor->written);
	count_output(connection, &before);
	if (status == OUTPUT_WAITING)
		resume_replies(connection);
	on_output_status(connection, status, false);
	if (connection->fd >= 0)
		report_taken(connection);
}

/* What the store says about reading. False: the client was killed, and the connection is broken off. */
static bool obey(struct connection *connection, const struct reply_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (parts[i].flags & REPLY_CLOSE_NOW) {
			connection_break_off(connection);
			return false;
		}
		if (parts[i].flags & REPLY_HOLD)
			connection->is_held = true;
		if (parts[i].flags & REPLY_GO_ON)
			connection->is_held = false;
		if (parts[i].flags & REPLY_AUTHENTICATED)
			connection->is_authenticated = true;
		if (parts[i].flags & REPLY_UNAUTHENTICATED)
			connection->is_authenticated = false;
	}
	if (!connection->is_held) {
		connection->held_bytes = 0;
		connection_resume_reading(connection, PAUSE_HELD);
	}
	return true;
}

/* Parts that are delivered together. */
struct delivery {
	uint32_t flags;
	uint32_t answered;
	size_t bytes;
};

static struct delivery sum_up(const struct reply_part *parts, size_t count)
{
	struct delivery sum = { 0 };
	for (size_t i = 0; i < count; i++) {
		sum.flags |= parts[i].flags;
		sum.answered += parts[i].answered;
		sum.bytes += parts[i].text_len + (parts[i].blob ? parts[i].blob->len : 0);
	}
	return sum;
}

static bool is_pushed(const struct delivery *delivery)
{
	return delivery->bytes > 0 && delivery->answered == 0;
}

static void send_parts(struct connection *connection, const struct delivery *sum, const struct reply_part *parts, size_t count,
		       const uint8_t *text)
{
	connection->delivered_bytes += sum->bytes;
	connection->in_flight -= sum->answered < connection->in_flight ? sum->answered : connection->in_flight;
	if (sum->flags & REPLY_CLOSE) {
		connection->is_closing = true;
		connection_pause_reading(connection, PAUSE_ENDED);
	}
	if (sum->flags & REPLY_PACED)
		connection->is_paced = true;
	if (sum->flags & REPLY_REPORT_TAKEN)
		connection->report_at_bytes = connection->delivered_bytes;
	struct output before = connection->output;
	enum output_status status = output_write_parts(&connection->output, connection->fd, parts, count, text,
						       &connection->reactor->written);
	count_output(connection, &before);
	on_output_status(connection, status, is_pushed(sum));
	if (connection->fd < 0 || connection->is_lingering)
		return;
	if (sum->flags & REPLY_REPORT)
		reactor_report(connection->reactor, connection, connection->pause & PAUSE_OUTPUT ? REPORT_FULL : REPORT_READY);
	report_taken(connection);
	if ((connection->pause & PAUSE_JUDGING) && connection->in_flight == 0)
		connection_judge_again(connection);
}

void connection_deliver(struct connection *connection, const struct reply_part *parts, size_t count, const uint8_t *text)
{
	if (connection->is_lingering || !obey(connection, parts, count))
		return;
	struct delivery sum = sum_up(parts, count);
	send_parts(connection, &sum, parts, count, text);
}

void connection_hold(struct connection *connection, const struct reply_part *parts, size_t count, const uint8_t *text)
{
	struct delivery sum = sum_up(parts, count);
	connection->gated_bytes += sum.bytes;
	connection->reactor->output_bytes += sum.bytes;
	if (!connection->is_lingering && obey(connection, parts, count))
		check_limits(connection, is_pushed(&sum));
}

void connection_release(struct connection *connection, const struct reply_part *parts, size_t count, const uint8_t *text)
{
	struct delivery sum = sum_up(parts, count);
	connection->gated_bytes -= sum.bytes;
	connection->reactor->output_bytes -= sum.bytes;
	if (!connection->is_lingering)
		send_parts(connection, &sum, parts, count, text);
}

void connection_pause_reading(struct connection *connection, enum pause cause)
{
	if (!connection->pause)
		ev_io_stop(connection->reactor->loop, &connection->readable);
	connection->pause |= cause;
}

void connection_resume_reading(struct connection *connection, enum pause cause)
{
	if (!(connection->pause & cause))
		return;
	connection->pause &= ~(uint32_t)cause;
	if (!connection->pause)
		ev_io_start(connection->reactor->loop, &connection->readable);
}

static struct connection_origin *copy_origin(const struct peer *peer)
{
	struct connection_origin *origin = calloc(1, sizeof(*origin));
	if (!origin)
		return NULL;
	strcpy(origin->address, peer->address);
	strcpy(origin->local_address, peer->local_address);
	origin->fd = peer->fd;
	origin->is_unix = peer->is_unix;
	origin->is_loopback = peer->is_loopback;
	return origin;
}

struct connection *connection_open(struct reactor *reactor, struct connection_ref ref, const struct peer *peer, enum connection_share share)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct connection_origin *origin = copy_origin(peer);
	if (!connection || !origin) {
		free(connection);
		free(origin);
		close(peer->fd);
		return NULL;
	}
	connection->ref = ref;
	connection->reactor = reactor;
	connection->fd = peer->fd;
	connection->share = share;
	origin->is_excess = share == CONNECTION_IS_EXCESS;
	connection->is_authenticated = !reactor->settings.needs_password;
	resp_parser_init(&connection->parser);
	ev_io_init(&connection->readable, on_readable, peer->fd, EV_READ);
	ev_io_init(&connection->writable, on_writable, peer->fd, EV_WRITE);
	connection->readable.data = connection->writable.data = connection;
	ev_io_start(reactor->loop, &connection->readable);
	if (!peer->is_unix)
		socket_tune(peer->fd, reactor->settings.keepalive_s);
	reactor_record(reactor, ref, REQUEST_OPENED)->origin = origin;
	return connection;
}

void connection_free(struct connection *connection)
{
	connection_drop_input(connection);
	output_fini(&connection->output);
	free(connection);
}

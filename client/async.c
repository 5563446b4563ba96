/*
 * The part of the asynchronous client that faces the event loop and the caller: watching, writing, reading, and the public calls.
 */
#include "client/async.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/table.h"

#define READ_BYTES 16384
/* One turn of the loop reads at most this much, so that other sources on the loop get their turn. */
#define TURN_BYTES (1 << 20)
/* At most this much output is prepared before the socket has taken it. */
#define OUT_MAX_BYTES (1 << 18)
/* A callback may react to QC_CLOSED with another command. After this many nested calls it is not called any more. */
#define TOLD_CLOSED_MAX 16

static struct async no_async = {.handle.err = {.kind = QC_NO_MEMORY, .text = "out of memory"}};

static struct async *async_of(qc_async *handle)
{
	return (struct async *)handle;
}

/* The loop */

void async_watch(struct async *a)
{
	struct watched now = {.fd = -1};

	if (a->dial) {
		now = (struct watched){dial_fd(a->dial), true, false};
	} else if (a->conn) {
		bool has_more = a->out_sent < a->out.len || (a->state == READY && *a->unsent);
		now = (struct watched){a->conn->fd, true, (has_more && a->write_wants != POLLIN) || a->read_wants == POLLOUT};
	}
	if (now.fd == a->watched.fd && now.read == a->watched.read && now.write == a->watched.write)
		return;
	a->watched = now;
	a->loop.watch(a->loop.data, &a->handle, now.fd, now.read, now.write);
}

/* The deadline of the connection's current state. */
static int64_t state_deadline(const struct async *a)
{
	switch (a->state) {
	case DIALLING:
		return dial_due_ns(a->dial);
	case PAUSING:
		return a->pause_ns;
	case READY:
		return a->entries != *a->unsent ? a->entries->deadline_ns : NO_DEADLINE;
	case RESTING:
		break;
	}
	return NO_DEADLINE;
}

/* The earlier of that and the deadline of the first command that waits for a connection. */
static int64_t next_deadline(const struct async *a)
{
	int64_t state_ns = state_deadline(a);

	return a->state != READY && a->entries && a->entries->deadline_ns < state_ns ? a->entries->deadline_ns : state_ns;
}

/* Sets the timer if something is due before it. When it fires too early, it is set again. */
static void set_timer(struct async *a)
{
	int64_t deadline_ns = a->refused ? 0 : next_deadline(a);

	if (deadline_ns >= a->timer_ns)
		return;
	int64_t left_ns = deadline_ns - monotonic_ns();
	a->timer_ns = deadline_ns;
	a->loop.set_timer(a->loop.data, &a->handle, left_ns > 0 ? left_ns / 1000000 + 1 : 0);
}

/* Output */

void async_flush(struct async *a)
{
	while (a->out_sent < a->out.len) {
		ssize_t sent = conn_write_now(a->conn, a->out.data + a->out_sent, a->out.len - a->out_sent, &a->write_wants);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		a->write_wants = 0;
		if (sent <= 0) {
			async_lost(a, conn_lost(a->conn, sent ? errno : ECONNRESET, "sending"));
			return;
		}
		a->out_sent += (size_t)sent;
	}
	a->out.len = a->out_sent = 0;
}

/* Moves bytes from the entries to the buffer and to the socket, until the socket is full. */
static void send_entries(struct async *a)
{
	while (a->state == READY && *a->unsent && a->out.len - a->out_sent < OUT_MAX_BYTES) {
		struct entry *entry = *a->unsent;
		buffer_append(&a->out, entry->bytes, entry->len);
		if (a->out.failed) {
			async_lost(a, error_no_memory());
			return;
		}
		entry->deadline_ns = async_answer_deadline(a, entry);
		entry->attempts++;
		a->unsent = &entry->next;
		if (!*a->unsent || a->out.len - a->out_sent >= OUT_MAX_BYTES)
			async_flush(a);
	}
}

void async_become_ready(struct async *a)
{
	a->state = READY;
	a->handle.err = no_error();
	a->dials = 0;
	send_entries(a);
}

/* Input */

static qc_result result_of(struct resp_reply *reply)
{
	qc_result result = {.err = qc_reply_err(reply_public(reply)), .reply = reply_public(reply)};

	if (qc_failed(result))
		qc_release(&result);
	return result;
}

void async_tell_push(struct async *a, qc_result push)
{
	if (a->on_push)
		a->on_push(&a->handle, &push, a->push_data);
	qc_release(&push);
}

/* A push that confirms a subscription is the reply to its command. All other pushes go to on_push. */
static void on_push(struct async *a, struct resp_reply *push)
{
	static const char end[] = "subscribe";
	const struct resp_reply *kind = push->count ? push->children : NULL;
	bool confirms = kind && kind->type == RESP_TYPE_BULK && kind->len >= sizeof(end) - 1 &&
			memcmp(kind->text + kind->len - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;

	if (confirms && a->entries != *a->unsent && (a->entries->flags & COMMAND_ANSWERS_BY_PUSH))
		async_complete(a, async_pop_first(a), result_of(push));
	else
		async_tell_push(a, result_of(push));
}

/* Takes ownership of the reply. */
static void on_reply(struct async *a, struct resp_reply *reply)
{
	if (reply->type == RESP_TYPE_PUSH) {
		on_push(a, reply);
	} else if (reply->type == RESP_TYPE_ATTRIBUTE) {
		resp_reply_free(reply);
	} else if (a->entries == *a->unsent) {
		resp_reply_free(reply);
		async_lost(a, qc_errorf(QC_PROTOCOL, "a reply without a command"));
	} else {
		async_complete(a, async_pop_first(a), result_of(reply));
	}
}

static void take_replies(struct async *a)
{
	struct conn *conn = a->conn;
	struct resp_reader *reader = conn->reader;

	while (!a->closed && a->conn == conn) {
		struct resp_reply *reply;
		switch (resp_reader_next(reader, &reply)) {
		case RESP_READ_REPLY:
			on_reply(a, reply);
			break;
		case RESP_READ_MORE:
			return;
		case RESP_READ_PROTOCOL:
			async_lost(a, conn_not_resp(conn));
			return;
		case RESP_READ_NO_MEMORY:
			async_lost(a, error_no_memory());
			return;
		}
	}
}

static void receive(struct async *a)
{
	struct conn *conn = a->conn;

	for (size_t total = 0; total < TURN_BYTES && !a->closed && a->conn == conn;) {
		uint8_t *room = resp_reader_room(conn->reader, READ_BYTES);
		if (!room) {
			async_lost(a, error_no_memory());
			return;
		}
		ssize_t got = conn_read_now(conn, room, READ_BYTES, &a->read_wants);
		int number = errno;
		resp_reader_fed(conn->reader, got > 0 ? (size_t)got : 0);
		if (got < 0 && (number == EAGAIN || number == EINTR))
			return;
		a->read_wants = 0;
		if (got <= 0) {
			async_lost(a, got ? conn_lost(conn, number, "receiving")
					  : conn_lost(conn, ECONNRESET, "the server closed the connection"));
			return;
		}
		take_replies(a);
		/* A short read has emptied the socket, but TLS may hold more bytes. */
		if (got < READ_BYTES && (a->conn != conn || !conn->tls))
			return;
		total += (size_t)got;
	}
}

/* What the loop or the caller has begun ends here. */

static void async_free(struct async *a)
{
	void (*released)(void *) = a->loop.released;
	void *data = a->loop.data;

	tls_context_destroy(&a->tls_context);
	settings_fini(&a->settings);
	origin_fini(&a->origin);
	buffer_fini(&a->out);
	free(a);
	if (released)
		released(data);
}

static void enter(struct async *a)
{
	a->depth++;
	if (a->is_unusable || origin_is_here(&a->origin) || !origin_claim(&a->origin))
		return;
	origin_move(&a->origin);
	async_disown(a);
}

static void leave(struct async *a)
{
	/* Carries out what callbacks or the caller have asked for while there is no connection. */
	if (a->depth == 1 && !a->closed && a->state == RESTING && a->entries)
		async_dial(a);
	if (--a->depth > 0)
		return;
	if (a->closed) {
		async_free(a);
		return;
	}
	async_watch(a);
	set_timer(a);
}

/* A read may have to wait until the socket is writable, and a write until it is readable: see tls.h. */
static void serve(struct async *a, bool readable, bool writable)
{
	if (readable || a->read_wants == POLLOUT)
		receive(a);
	if (!a->closed && a->state == READY && (writable || a->write_wants == POLLIN))
		async_flush(a);
	if (!a->closed && a->state == READY && a->out_sent == a->out.len)
		send_entries(a);
}

void qc_async_ready(qc_async *handle, bool readable, bool writable)
{
	struct async *a = async_of(handle);

	enter(a);
	if (a->dial)
		async_advance(a);
	else if (a->conn)
		serve(a, readable, writable);
	leave(a);
}

void qc_async_expired(qc_async *handle)
{
	struct async *a = async_of(handle);

	enter(a);
	a->timer_ns = NO_DEADLINE;
	async_fail_refused(a);
	if (!a->closed && a->state != READY)
		async_fail_late(a, monotonic_ns());
	if (!a->closed && state_deadline(a) <= monotonic_ns()) {
		char peer[160];
		address_show(&a->settings.addresses[a->address_index], peer, sizeof(peer));
		if (a->state == PAUSING)
			async_dial(a);
		else if (a->state == DIALLING)
			async_advance(a);
		else
			async_lost(a, qc_errorf(QC_TIMEOUT, "%s: timeout waiting for a reply", peer));
	}
	leave(a);
}

qc_async *qc_async_open(const qc_options *options, const qc_async_loop *loop)
{
	struct async *a = calloc(1, sizeof(*a));

	if (!a) {
		if (loop->released)
			loop->released(loop->data);
		return &no_async.handle;
	}
	a->loop = *loop;
	a->watched.fd = -1;
	a->last = a->unsent = &a->entries;
	a->last_refused = &a->refused;
	a->timer_ns = NO_DEADLINE;
	a->handle.err = settings_init(&a->settings, options);
	if (!qc_failed(a->handle) && a->settings.sentinel)
		a->handle.err = qc_errorf(QC_INVALID, "asynchronous clients do not support Sentinels");
	if (!qc_failed(a->handle) && a->settings.cluster)
		a->handle.err = qc_errorf(QC_INVALID, "asynchronous clients do not support clusters");
	if (!qc_failed(a->handle))
		a->handle.err = origin_init(&a->origin);
	for (size_t i = 0; !qc_failed(a->handle) && i < a->settings.address_count; i++)
		if (a->settings.addresses[i].is_tls && !a->tls_context)
			a->handle.err = tls_context_create(&a->settings, &a->tls_context);
	a->is_unusable = qc_failed(a->handle);
	if (!a->is_unusable) {
		enter(a);
		async_dial(a);
		leave(a);
	}
	return &a->handle;
}

void qc_async_close(qc_async *handle)
{
	struct async *a = async_of(handle);
	qc_error err = qc_errorf(QC_CLOSED, "closed");

	if (!a || a == &no_async || a->closed)
		return;
	enter(a);
	a->closed = true;
	async_close_socket(a);
	a->loop.set_timer(a->loop.data, &a->handle, -1);
	a->state = RESTING;
	async_fail_refused(a);
	async_fail_all(a, &err);
	leave(a);
}

void qc_async_on_push(qc_async *handle, qc_callback *callback, void *data)
{
	struct async *a = async_of(handle);

	if (a == &no_async)
		return;
	a->on_push = callback;
	a->push_data = data;
}

/* Called at once, since the loop will not call again. */
static void tell_closed(struct async *a, qc_callback *callback, void *data)
{
	qc_result result = {.err = qc_errorf(QC_CLOSED, "closed"), .reply = NULL};

	if (!callback || a->told_closed == TOLD_CLOSED_MAX)
		return;
	a->told_closed++;
	callback(&a->handle, &result, data);
	a->told_closed--;
}

/* NULL if out of memory. An error in the arguments is kept in the entry and reported later. */
static struct entry *entry_create(qc_args args)
{
	struct buffer bytes = {.data = NULL};
	qc_error err = request_write(&bytes, args);
	struct entry *entry = calloc(1, sizeof(*entry) + bytes.len);

	if (entry) {
		entry->err = err;
		entry->flags = request_flags(args);
		entry->wait_ms = request_wait_ms(args, entry->flags);
		entry->len = bytes.len;
		if (bytes.len)
			memcpy(entry->bytes, bytes.data, bytes.len);
	}
	buffer_fini(&bytes);
	return entry;
}

static void give(struct async *a, struct entry *entry)
{
	if (a->is_unusable)
		entry->err = a->handle.err;
	if (entry->err.kind != QC_OK) {
		async_refuse(a, entry);
		return;
	}
	if (a->state != READY)
		entry->deadline_ns = deadline_after_ms(a->settings.timeout_ms);
	*a->last = entry;
	a->last = &entry->next;
}

void qc_async_do_args(qc_async *handle, qc_callback *callback, void *data, qc_args args)
{
	struct async *a = async_of(handle);
	struct entry *entry = a == &no_async ? NULL : entry_create(args);

	if (!entry) {
		qc_result result = {.err = error_no_memory(), .reply = NULL};
		if (callback)
			callback(handle, &result, data);
		return;
	}
	entry->callback = callback;
	entry->data = data;
	enter(a);
	if (a->closed) {
		free(entry);
		tell_closed(a, callback, data);
	} else {
		/* Sent when the loop reports the socket writable, together with commands added until then. */
		give(a, entry);
	}
	leave(a);
}

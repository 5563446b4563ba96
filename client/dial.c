/*
 * Each stage is a function that goes as far as it can without waiting: it fails, or moves on to the next stage, or registers what it waits
 * for and returns.
 */
#include "client/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"

/* The size of one read during the greeting: a whole TLS record, so that no decrypted bytes are left where epoll cannot see them. */
#define READ_BYTES 16384

static const struct address *server_of(const struct dial *d)
{
	return &d->settings->addresses[(d->first + d->tried) % d->settings->address_count];
}

static void unwatch(struct dial *d)
{
	if (d->watched_fd >= 0)
		epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, d->watched_fd, NULL);
	d->watched_fd = -1;
}

static qc_error watch(struct dial *d, int fd, short events)
{
	struct epoll_event event = {.events = events & POLLOUT ? EPOLLOUT : EPOLLIN, .data.fd = fd};
	int how = fd == d->watched_fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (epoll_ctl(d->epoll_fd, how, fd, &event) < 0)
		return error_errno(QC_NETWORK, errno, "epoll");
	d->watched_fd = fd;
	return no_error();
}

static qc_error too_late(const struct dial *d)
{
	static const char *const what[] = {
		[DIAL_LOOKING_UP] = "resolving the host name",
		[DIAL_RACING] = "connecting",
		[DIAL_SECURING] = "the TLS handshake",
		[DIAL_GREETING] = "the greeting",
	};
	char peer[160];

	address_show(server_of(d), peer, sizeof(peer));
	return qc_errorf(QC_TIMEOUT, "%s: timeout during %s", peer, what[d->stage]);
}

/* Stages */

static qc_error begin_race(struct dial *d, struct addrinfo *list)
{
	bool begun = race_begin_tcp(&d->race, d->epoll_fd, list);

	freeaddrinfo(list);
	d->stage = DIAL_RACING;
	return begun ? no_error() : error_no_memory();
}

static qc_error begin_server(struct dial *d)
{
	const struct address *address = server_of(d);
	struct addrinfo *list = NULL;

	d->deadline_ns = deadline_after_ms(d->settings->dial_timeout_ms);
	d->stage = DIAL_LOOKING_UP;
	if (address->is_unix) {
		d->stage = DIAL_RACING;
		return race_begin_unix(&d->race, d->epoll_fd, address->host) ? no_error() : error_no_memory();
	}
	qc_error err = lookup_start(address->host, address->port, &list, &d->lookup);
	if (err.kind != QC_OK)
		return err;
	return list ? begin_race(d, list) : watch(d, lookup_fd(d->lookup), POLLIN);
}

static qc_error look_up(struct dial *d)
{
	struct addrinfo *list = NULL;
	qc_error err = no_error();
	struct pollfd fd = {.fd = lookup_fd(d->lookup), .events = POLLIN};

	if (poll(&fd, 1, 0) <= 0)
		return err;
	unwatch(d);
	if (!lookup_take(&d->lookup, &list, &err) || err.kind != QC_OK)
		return err;
	return begin_race(d, list);
}

static qc_error begin_greeting(struct dial *d)
{
	/* The server has accepted: from here on timeout_ms applies, as to any reply. */
	int64_t answer_ns = deadline_after_ms(d->settings->timeout_ms);

	if (answer_ns < d->deadline_ns)
		d->deadline_ns = answer_ns;
	d->stage = DIAL_GREETING;
	return greeting_begin(&d->greeting, d->settings, d->is_old);
}

static qc_error race(struct dial *d)
{
	const struct address *address = server_of(d);
	char peer[160];
	int fd;

	switch (race_advance(&d->race, &fd)) {
	case RACE_RUNS:
		return no_error();
	case RACE_LOST:
		address_show(address, peer, sizeof(peer));
		return qc_wrap(error_errno(QC_NETWORK, d->race.last_errno, "connecting"), "%s", peer);
	case RACE_WON:
		break;
	}
	race_end(&d->race);
	qc_error err = conn_create(d->settings, (size_t)(address - d->settings->addresses), fd, &d->conn);
	if (err.kind != QC_OK)
		return err;
	if (!address->is_tls)
		return begin_greeting(d);
	d->stage = DIAL_SECURING;
	return tls_open(d->tls, fd, d->settings->tls_name ? d->settings->tls_name : address->host, &d->conn->tls);
}

static qc_error secure(struct dial *d)
{
	short wants;

	if (tls_handshake(d->conn->tls, &wants) == 0)
		return begin_greeting(d);
	return errno == EAGAIN ? watch(d, d->conn->fd, wants) : conn_lost(d->conn, errno, "TLS with");
}

/* Sends the rest of the current command. *out_wants is 0 if nothing is left. */
static qc_error say(struct conn *c, short *out_wants)
{
	*out_wants = 0;
	while (c->bytes_sent < c->out.len) {
		ssize_t sent = conn_write_now(c, c->out.data + c->bytes_sent, c->out.len - c->bytes_sent, out_wants);
		if (sent > 0)
			c->bytes_sent += (size_t)sent;
		else if (sent < 0 && errno == EAGAIN)
			return no_error();
		else if (sent == 0 || errno != EINTR)
			return conn_lost(c, sent ? errno : ECONNRESET, "sending");
	}
	*out_wants = 0;
	return no_error();
}

/* Reads once. *out_wants is 0 if something has arrived. */
static qc_error hear(struct conn *c, short *out_wants)
{
	uint8_t *room = resp_reader_room(c->reader, READ_BYTES);

	if (!room)
		return error_no_memory();
	ssize_t got = conn_read_now(c, room, READ_BYTES, out_wants);
	int number = errno;
	resp_reader_fed(c->reader, got > 0 ? (size_t)got : 0);
	if (got > 0)
		*out_wants = 0;
	else if (got == 0)
		return conn_lost(c, ECONNRESET, "the server closed the connection");
	else if (number != EAGAIN && number != EINTR)
		return conn_lost(c, number, "receiving");
	return no_error();
}

/* The bytes sent may include a password. */
static void forget_words(struct conn *c)
{
	explicit_bzero(c->out.data, c->out.len);
	c->out.len = c->bytes_sent = 0;
}

/* Moves on by one step if the reply to the current one has arrived. */
static qc_error take_answer(struct dial *d, bool *out_came)
{
	struct resp_reply *reply;

	*out_came = false;
	while (!*out_came) {
		enum resp_read_status status = resp_reader_next(d->conn->reader, &reply);
		if (status == RESP_READ_MORE)
			return no_error();
		if (status != RESP_READ_REPLY)
			return status == RESP_READ_NO_MEMORY ? error_no_memory() : conn_not_resp(d->conn);
		*out_came = reply->type != RESP_TYPE_PUSH && reply->type != RESP_TYPE_ATTRIBUTE;
		qc_error err = *out_came ? greeting_take(&d->greeting, reply_public(reply)) : no_error();
		resp_reply_free(reply);
		if (!*out_came)
			continue;
		forget_words(d->conn);
		if (err.kind != QC_OK)
			return err;
	}
	return no_error();
}

static qc_error compose(struct dial *d)
{
	qc_arg words[GREET_WORDS_MAX];

	return d->conn->out.len > 0 ? no_error()
				    : request_write(&d->conn->out, greeting_words(&d->greeting, words));
}

/* One read per call: a server that sends without end must not keep the caller from checking the time. */
static qc_error greet(struct dial *d)
{
	for (bool may_read = true; d->greeting.step != GREET_DONE;) {
		short wants = POLLIN;
		bool came = false;
		qc_error err = compose(d);
		if (err.kind == QC_OK)
			err = say(d->conn, &wants);
		if (err.kind == QC_OK && wants == 0)
			err = take_answer(d, &came);
		if (err.kind != QC_OK || came) {
			if (err.kind != QC_OK)
				return err;
			continue;
		}
		if (wants == 0 && may_read)
			err = hear(d->conn, &wants);
		if (err.kind != QC_OK)
			return err;
		if (wants != 0 || !may_read)
			return watch(d, d->conn->fd, wants ? wants : POLLIN);
		may_read = false;
	}
	greeting_end(&d->greeting);
	d->stage = DIAL_READY;
	return no_error();
}

/* The next server */

static void drop_attempt(struct dial *d)
{
	unwatch(d);
	lookup_abandon(&d->lookup);
	race_end(&d->race);
	greeting_end(&d->greeting);
	conn_close(&d->conn);
}

/* Whether the server closed the connection because it doesn't know HELLO. Then it is tried again without HELLO. */
static bool closes_at_hello(const struct dial *d, const qc_error *err)
{
	return d->stage == DIAL_GREETING && d->greeting.step == GREET_HELLO && !d->is_old && err->kind == QC_NETWORK;
}

/* False if no server is left to try. */
static bool begin_next(struct dial *d, qc_error *err)
{
	bool again = closes_at_hello(d, err);

	drop_attempt(d);
	for (;;) {
		d->is_old = again;
		d->tried += !again;
		again = false;
		if (d->tried >= d->settings->address_count)
			return false;
		*err = begin_server(d);
		if (err->kind == QC_OK)
			return true;
		drop_attempt(d);
	}
}

qc_error dial_start(const struct settings *settings, struct tls_context *tls, size_t first, struct dial **out_dial)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return error_no_memory();
	d->settings = settings;
	d->tls = tls;
	d->first = first;
	d->wake_fd = d->watched_fd = d->race.epoll_fd = -1;
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	qc_error err = d->epoll_fd >= 0 ? begin_server(d) : error_errno(QC_NETWORK, errno, "epoll");
	if (err.kind != QC_OK && d->epoll_fd >= 0 && begin_next(d, &err))
		err = no_error();
	if (err.kind != QC_OK)
		dial_destroy(&d);
	else
		*out_dial = d;
	return err;
}

bool dial_is_overdue(const struct dial *d)
{
	return d->deadline_ns != NO_DEADLINE && monotonic_ns() >= d->deadline_ns;
}

enum dial_state dial_advance(struct dial *d, qc_error *out_err)
{
	static qc_error (*const stages[])(struct dial *) = {
		[DIAL_LOOKING_UP] = look_up, [DIAL_RACING] = race, [DIAL_SECURING] = secure, [DIAL_GREETING] = greet};

	while (d->stage != DIAL_READY) {
		enum dial_stage stage = d->stage;
		qc_error err = stages[stage](d);
		if (err.kind == QC_OK && d->stage != stage)
			continue;
		if (err.kind == QC_OK && !dial_is_overdue(d))
			return DIAL_GOES_ON;
		if (err.kind == QC_OK)
			err = too_late(d);
		if (!begin_next(d, &err)) {
			*out_err = err;
			return DIAL_FAILED;
		}
	}
	unwatch(d);
	return DIAL_DONE;
}

int dial_fd(const struct dial *d)
{
	return d->epoll_fd;
}

int64_t dial_due_ns(const struct dial *d)
{
	int64_t race_ns = d->stage == DIAL_RACING ? race_due_ns(&d->race) : NO_DEADLINE;

	return race_ns < d->deadline_ns ? race_ns : d->deadline_ns;
}

struct conn *dial_take(struct dial *d)
{
	struct conn *conn = d->conn;

	d->conn = NULL;
	conn->wake_fd = d->wake_fd;
	d->wake_fd = -1;
	conn_end_exchange(conn);
	return conn;
}

static void close_descriptors(struct dial *d)
{
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
}

void dial_destroy(struct dial **dial)
{
	if (!*dial)
		return;
	drop_attempt(*dial);
	close_descriptors(*dial);
	free(*dial);
	*dial = NULL;
}

void dial_disown(struct dial **dial)
{
	if (!*dial)
		return;
	race_disown(&(*dial)->race);
	conn_disown(&(*dial)->conn);
	close_descriptors(*dial);
	free(*dial);
	*dial = NULL;
}

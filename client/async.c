/*
 * One connection under somebody else's loop. Commands stand in one list, in order: first those that are sent and wait for their
 * replies, from `entries` to before `unsent`; then those that wait for the connection. Bytes go from entries to `out`, and from there to
 * the socket as it takes them.
 *
 * RESTING -> CONNECTING -> SECURING -> GREETING -> READY; a failure leads to PAUSING, and from there to CONNECTING. After
 * retries + 1 dials in vain the commands that wait fail, and it rests until somebody wants something.
 *
 * A callback may close the handle: what runs callbacks holds `depth`, and the last one out frees.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/qcache_async.h"

#include "client/context.h"
#include "client/error.h"
#include "client/greet.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/table.h"
#include "client/tls.h"

#define READ_BYTES 16384
/* One turn of the loop reads so much at most, so that others on the loop get theirs. */
#define TURN_BYTES (1 << 20)
/* So much is gathered before the socket has taken what there is. */
#define OUT_MAX_BYTES (1 << 18)

enum state { RESTING, CONNECTING, SECURING, GREETING, READY, PAUSING };

struct entry {
	struct entry *next;
	qc_callback *callback;
	void *data;
	qc_error err;      /* of a command that was refused before it could be sent */
	int64_t deadline_ns;
	unsigned flags;
	int attempts;
	size_t len;
	uint8_t bytes[];
};

struct watched {
	int fd;
	bool read, write;
};

struct async {
	qc_async handle;
	qc_async_loop loop;
	struct settings settings;
	struct tls_context *tls_context;
	enum state state;
	bool is_unusable; /* its options are wrong: nothing can be done with it */
	int fd;
	struct watched watched;
	struct tls *tls;
	struct resp_reader *reader;
	struct buffer out;
	size_t out_sent;
	struct entry *entries, **last; /* all that wait */
	struct entry **unsent;         /* where those not sent begin */
	struct entry *refused, **last_refused;
	qc_callback *on_push;
	void *push_data;
	enum greet_step step;
	size_t address_index;
	int dials;                     /* in vain, in a row */
	int64_t deadline_ns, timer_ns; /* of the state in hand; what the timer is set to */
	short wants;                   /* of TLS */
	int depth;
	bool closed;
};

static struct async no_async = {.handle.err = {.kind = QC_NO_MEMORY, .text = "out of memory"}, .fd = -1};

static void dial(struct async *a);
static void lost(struct async *a, qc_error err);
static void tell_push(struct async *a, qc_result push);

static struct async *async_of(qc_async *handle)
{
	return (struct async *)handle;
}

/* The loop */

static void watch(struct async *a)
{
	bool write = a->state == CONNECTING || a->out_sent < a->out.len || (a->wants & POLLOUT) ||
		     (a->state == READY && *a->unsent);
	struct watched now = {a->fd, a->fd >= 0 && a->state != CONNECTING, a->fd >= 0 && write};

	if (now.fd == a->watched.fd && now.read == a->watched.read && now.write == a->watched.write)
		return;
	a->watched = now;
	a->loop.watch(a->loop.data, &a->handle, now.fd, now.read, now.write);
}

static int64_t next_deadline(const struct async *a)
{
	if (a->refused)
		return 0;
	if (a->state != READY)
		return a->state == RESTING ? NO_DEADLINE : a->deadline_ns;
	return a->entries != *a->unsent ? a->entries->deadline_ns : NO_DEADLINE;
}

/* Sets the timer when something is due before it; when it comes too early it is set again. */
static void set_timer(struct async *a)
{
	int64_t deadline_ns = next_deadline(a);

	if (deadline_ns >= a->timer_ns)
		return;
	int64_t left_ns = deadline_ns - monotonic_ns();
	a->timer_ns = deadline_ns;
	a->loop.set_timer(a->loop.data, &a->handle, left_ns > 0 ? left_ns / 1000000 + 1 : 0);
}

/* Entries */

/* Takes the result over. */
static void complete(struct async *a, struct entry *entry, qc_result result)
{
	if (entry->callback)
		entry->callback(&a->handle, &result, entry->data);
	qc_release(&result);
	free(entry);
}

static void fail(struct async *a, struct entry *entry, const qc_error *err)
{
	complete(a, entry, (qc_result){.err = *err, .reply = NULL});
}

static struct entry *pop_first(struct async *a)
{
	struct entry *entry = a->entries;

	a->entries = entry->next;
	if (a->unsent == &entry->next)
		a->unsent = &a->entries;
	if (a->last == &entry->next)
		a->last = &a->entries;
	return entry;
}

static void fail_all(struct async *a, const qc_error *err)
{
	/* What callbacks add meanwhile is not meant. */
	struct entry *list = a->entries;

	a->entries = NULL;
	a->last = a->unsent = &a->entries;
	while (list) {
		struct entry *entry = list;
		list = entry->next;
		fail(a, entry, err);
	}
}

/* Those sent fail, but for reads that may be sent again, which go back to the front of those that wait. */
static void fail_sent(struct async *a, const qc_error *err)
{
	int tries = a->settings.retries < 0 ? 1 : a->settings.retries + 1;
	struct entry *sent = a->entries, *rest = *a->unsent, **keep = &a->entries, *failed = NULL, **last = &failed;

	for (struct entry *entry = sent, *next; entry != rest; entry = next) {
		next = entry->next;
		bool again = (entry->flags & QC_COMMAND_READONLY) && err->kind == QC_NETWORK && entry->attempts < tries;
		struct entry ***to = again ? &keep : &last;
		**to = entry;
		*to = &entry->next;
	}
	*last = NULL;
	*keep = rest;
	if (!rest)
		a->last = keep;
	a->unsent = &a->entries;
	while (failed) {
		struct entry *entry = failed;
		failed = entry->next;
		fail(a, entry, err);
	}
}

/* The connection */

static void close_socket(struct async *a)
{
	int fd = a->fd;

	tls_close(&a->tls);
	/* Unwatched before it is closed: the number may be used again at once. */
	a->fd = -1;
	watch(a);
	if (fd >= 0)
		close(fd);
	a->wants = 0;
	resp_reader_destroy(&a->reader);
	a->out.len = a->out_sent = 0;
	if (a->out.failed)
		buffer_fini(&a->out);
}

static qc_error peer_error(struct async *a, int number, const char *what)
{
	char peer[160];

	address_show(&a->settings.addresses[a->address_index], peer, sizeof(peer));
	if (number == EPROTO && a->tls)
		return qc_errorf(QC_NETWORK, "%s: %s", peer, tls_error(a->tls));
	return qc_wrap(error_errno(QC_NETWORK, number, what), "%s", peer);
}

static void pause_before_dial(struct async *a)
{
	int64_t ms = a->settings.backoff_min_ms;
	uint16_t chance = 0;

	for (int i = 1; i < a->dials && ms < a->settings.backoff_max_ms; i++)
		ms *= 2;
	if (ms > a->settings.backoff_max_ms)
		ms = a->settings.backoff_max_ms;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint16_t)monotonic_ns();
	a->state = PAUSING;
	a->deadline_ns = monotonic_ns() + ms * 500000 + ms * 500000 * chance / UINT16_MAX;
}

/* The connection, or the attempt at one, is over. */
static void lost(struct async *a, qc_error err)
{
	bool was_ready = a->state == READY;
	int tries = (a->settings.retries < 0 ? 1 : a->settings.retries + 1) * (int)a->settings.address_count;

	a->handle.err = err;
	close_socket(a);
	a->state = RESTING;
	a->dials = was_ready ? 0 : a->dials + 1;
	if (!was_ready)
		a->address_index = (a->address_index + 1) % a->settings.address_count;
	fail_sent(a, &err);
	if (was_ready && !a->closed)
		tell_push(a, (qc_result){.err = err, .reply = NULL});
	if (a->closed)
		return;
	if (a->dials >= tries || err.kind == QC_SERVER) {
		a->dials = 0;
		fail_all(a, &err);
	}
	if (!a->closed && (a->entries || was_ready || a->dials > 0))
		pause_before_dial(a);
}

static void greet(struct async *a);

static void connected(struct async *a)
{
	const struct address *address = &a->settings.addresses[a->address_index];
	int one = 1;

	if (!address->is_unix)
		setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!address->is_tls) {
		greet(a);
		return;
	}
	qc_error err = tls_open(a->tls_context, a->fd, a->settings.tls_name ? a->settings.tls_name : address->host, &a->tls);
	a->state = SECURING;
	a->wants = POLLOUT;
	if (err.kind != QC_OK)
		lost(a, err);
}

static void secure(struct async *a)
{
	if (tls_handshake(a->tls, &a->wants) == 0) {
		a->wants = 0;
		greet(a);
	} else if (errno != EAGAIN) {
		lost(a, peer_error(a, errno, "TLS"));
	}
}

static int start_connect(struct async *a, const struct sockaddr *address, socklen_t len)
{
	a->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return errno;
	if (connect(a->fd, address, len) == 0 || errno == EINPROGRESS || errno == EINTR)
		return 0;
	return errno;
}

static int connect_unix(struct async *a, const struct address *address)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", address->host);
	return start_connect(a, (struct sockaddr *)&un, sizeof(un));
}

static qc_error connect_tcp(struct async *a, const struct address *address)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	int result = getaddrinfo(address->host, address->port, &hints, &list), number = 0;

	if (result != 0)
		return qc_errorf(result == EAI_MEMORY ? QC_NO_MEMORY : QC_NETWORK, "looking up %s: %s", address->host,
				 gai_strerror(result));
	/* One is tried at a time, and a server that listens on IPv6 alone is rare. */
	const struct addrinfo *chosen = list;
	while (chosen->ai_next && chosen->ai_family != AF_INET)
		chosen = chosen->ai_next;
	number = start_connect(a, chosen->ai_addr, chosen->ai_addrlen);
	freeaddrinfo(list);
	return number ? peer_error(a, number, "connecting") : no_error();
}

static void dial(struct async *a)
{
	const struct address *address = &a->settings.addresses[a->address_index];
	qc_error err = no_error();

	a->state = CONNECTING;
	a->deadline_ns = deadline_after_ms(a->settings.dial_timeout_ms);
	a->reader = resp_reader_create();
	if (!a->reader) {
		lost(a, error_no_memory());
		return;
	}
	if (address->is_unix) {
		int number = connect_unix(a, address);
		err = number ? peer_error(a, number, "connecting") : err;
	} else {
		err = connect_tcp(a, address);
	}
	if (err.kind != QC_OK)
		lost(a, err);
}

static void finish_connect(struct async *a)
{
	int number = 0;
	socklen_t size = sizeof(number);

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0)
		number = errno;
	if (number)
		lost(a, peer_error(a, number, "connecting"));
	else
		connected(a);
}

/* Output */

static void flush(struct async *a)
{
	while (a->out_sent < a->out.len) {
		const uint8_t *at = a->out.data + a->out_sent;
		size_t len = a->out.len - a->out_sent;
		ssize_t sent = a->tls ? tls_write(a->tls, at, len, &a->wants) : send(a->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (sent <= 0) {
			lost(a, peer_error(a, sent ? errno : ECONNRESET, "sending"));
			return;
		}
		a->wants = 0;
		a->out_sent += (size_t)sent;
	}
	a->out.len = a->out_sent = 0;
}

/* From the entries into the buffer and to the socket, as long as that takes it. */
static void send_entries(struct async *a)
{
	int64_t deadline_ns = deadline_after_ms(a->settings.timeout_ms);

	while (a->state == READY && *a->unsent && a->out.len - a->out_sent < OUT_MAX_BYTES) {
		struct entry *entry = *a->unsent;
		buffer_append(&a->out, entry->bytes, entry->len);
		if (a->out.failed) {
			lost(a, error_no_memory());
			return;
		}
		entry->deadline_ns = entry->flags & QC_COMMAND_BLOCKING ? NO_DEADLINE : deadline_ns;
		entry->attempts++;
		a->unsent = &entry->next;
		if (!*a->unsent || a->out.len - a->out_sent >= OUT_MAX_BYTES)
			flush(a);
	}
}

static void become_ready(struct async *a)
{
	a->state = READY;
	a->handle.err = no_error();
	a->dials = 0;
	send_entries(a);
}

static void say(struct async *a)
{
	qc_arg words[GREET_WORDS_MAX];

	if (a->step == GREET_DONE) {
		become_ready(a);
		return;
	}
	qc_error err = request_write(&a->out, greet_words(&a->settings, a->step, words));
	if (err.kind != QC_OK)
		lost(a, err);
	else
		flush(a);
}

static void greet(struct async *a)
{
	a->state = GREETING;
	a->step = greet_step_from(&a->settings, GREET_HELLO);
	say(a);
}

/* Input */

static void on_greeting(struct async *a, struct resp_reply *reply)
{
	qc_error err = qc_reply_err(reply_public(reply));

	resp_reply_free(reply);
	a->step = greet_next(&a->settings, a->step, &err);
	if (err.kind != QC_OK)
		lost(a, err);
	else
		say(a);
}

static qc_result result_of(struct resp_reply *reply)
{
	qc_result result = {.err = qc_reply_err(reply_public(reply)), .reply = reply_public(reply)};

	if (qc_failed(result))
		qc_release(&result);
	return result;
}

static void tell_push(struct async *a, qc_result push)
{
	if (a->on_push)
		a->on_push(&a->handle, &push, a->push_data);
	qc_release(&push);
}

/* The push that confirms a subscription is the reply to its command; all others go to who wants them. */
static void on_push(struct async *a, struct resp_reply *push)
{
	static const char end[] = "subscribe";
	const struct resp_reply *kind = push->count ? push->children : NULL;
	bool confirms = kind && kind->type == RESP_TYPE_BULK && kind->len >= sizeof(end) - 1 &&
			memcmp(kind->text + kind->len - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;

	if (confirms && a->entries != *a->unsent && (a->entries->flags & COMMAND_ANSWERS_BY_PUSH))
		complete(a, pop_first(a), result_of(push));
	else
		tell_push(a, result_of(push));
}

/* Takes the reply over. */
static void on_reply(struct async *a, struct resp_reply *reply)
{
	if (reply->type == RESP_TYPE_PUSH) {
		on_push(a, reply);
	} else if (reply->type == RESP_TYPE_ATTRIBUTE) {
		resp_reply_free(reply);
	} else if (a->state == GREETING) {
		on_greeting(a, reply);
	} else if (a->entries == *a->unsent) {
		resp_reply_free(reply);
		lost(a, qc_errorf(QC_PROTOCOL, "a reply that nobody asked for"));
	} else {
		complete(a, pop_first(a), result_of(reply));
	}
}

static void take_replies(struct async *a)
{
	struct resp_reader *reader = a->reader;

	while (!a->closed && a->reader == reader) {
		struct resp_reply *reply;
		switch (resp_reader_next(reader, &reply)) {
		case RESP_READ_REPLY:
			on_reply(a, reply);
			break;
		case RESP_READ_MORE:
			return;
		case RESP_READ_PROTOCOL:
			lost(a, qc_errorf(QC_PROTOCOL, "%s", resp_reader_error(reader)));
			return;
		case RESP_READ_NO_MEMORY:
			lost(a, error_no_memory());
			return;
		}
	}
}

static void receive(struct async *a)
{
	struct resp_reader *reader = a->reader;

	for (size_t total = 0; total < TURN_BYTES && !a->closed && a->reader == reader;) {
		uint8_t *room = resp_reader_room(reader, READ_BYTES);
		if (!room) {
			lost(a, error_no_memory());
			return;
		}
		short wants = 0;
		ssize_t got = a->tls ? tls_read(a->tls, room, READ_BYTES, &wants) : recv(a->fd, room, READ_BYTES, MSG_DONTWAIT);
		int number = errno;
		resp_reader_fed(reader, got > 0 ? (size_t)got : 0);
		if (got < 0 && (number == EAGAIN || number == EINTR))
			return;
		if (got <= 0) {
			lost(a, peer_error(a, got ? number : ECONNRESET, "receiving"));
			return;
		}
		take_replies(a);
		/* A short read has emptied the socket; TLS may still hold something. */
		if (got < READ_BYTES && !a->tls)
			return;
		total += (size_t)got;
	}
}

/* Whatever the loop or the caller began ends here. */

static void async_free(struct async *a)
{
	void (*released)(void *) = a->loop.released;
	void *data = a->loop.data;

	tls_context_destroy(&a->tls_context);
	settings_fini(&a->settings);
	buffer_fini(&a->out);
	free(a);
	if (released)
		released(data);
}

static void enter(struct async *a)
{
	a->depth++;
}

static void leave(struct async *a)
{
	/* What callbacks, or the caller, want done while there is no connection. */
	if (a->depth == 1 && !a->closed && a->state == RESTING && a->entries)
		dial(a);
	if (--a->depth > 0)
		return;
	if (a->closed) {
		async_free(a);
		return;
	}
	watch(a);
	set_timer(a);
}

static void fail_refused(struct async *a)
{
	while (a->refused) {
		struct entry *entry = a->refused;
		a->refused = entry->next;
		if (!a->refused)
			a->last_refused = &a->refused;
		fail(a, entry, &entry->err);
	}
}

void qc_async_ready(qc_async *handle, bool readable, bool writable)
{
	struct async *a = async_of(handle);

	enter(a);
	if (a->state == CONNECTING && writable)
		finish_connect(a);
	else if (a->state == SECURING)
		secure(a);
	if (readable && (a->state == GREETING || a->state == READY))
		receive(a);
	if (!a->closed && (a->state == GREETING || a->state == READY) && a->out_sent < a->out.len)
		flush(a);
	if (!a->closed && a->state == READY)
		send_entries(a);
	leave(a);
}

void qc_async_expired(qc_async *handle)
{
	struct async *a = async_of(handle);

	enter(a);
	a->timer_ns = NO_DEADLINE;
	fail_refused(a);
	if (!a->closed && next_deadline(a) <= monotonic_ns()) {
		char peer[160];
		address_show(&a->settings.addresses[a->address_index], peer, sizeof(peer));
		if (a->state == PAUSING)
			dial(a);
		else
			lost(a, qc_errorf(QC_TIMEOUT, "%s took too long", peer));
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
	a->fd = a->watched.fd = -1;
	a->last = a->unsent = &a->entries;
	a->last_refused = &a->refused;
	a->timer_ns = NO_DEADLINE;
	a->handle.err = settings_init(&a->settings, options);
	for (size_t i = 0; !qc_failed(a->handle) && i < a->settings.address_count; i++)
		if (a->settings.addresses[i].is_tls && !a->tls_context)
			a->handle.err = tls_context_create(&a->settings, &a->tls_context);
	a->is_unusable = qc_failed(a->handle);
	if (!a->is_unusable) {
		enter(a);
		dial(a);
		leave(a);
	}
	return &a->handle;
}

void qc_async_close(qc_async *handle)
{
	struct async *a = async_of(handle);
	qc_error err = qc_errorf(QC_CLOSED, "closed");

	if (a == &no_async || a->closed)
		return;
	enter(a);
	a->closed = true;
	close_socket(a);
	a->loop.set_timer(a->loop.data, &a->handle, -1);
	a->state = RESTING;
	fail_refused(a);
	fail_all(a, &err);
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

/* What can't even be tried: told by the timer, not from inside of the call. */
static void refuse(struct async *a, struct entry *entry, qc_error err)
{
	entry->err = err;
	*a->last_refused = entry;
	a->last_refused = &entry->next;
	set_timer(a);
}

void qc_async_do_args(qc_async *handle, qc_callback *callback, void *data, qc_args args)
{
	struct async *a = async_of(handle);
	struct buffer bytes = {.data = NULL};
	qc_error err = request_write(&bytes, args);
	struct entry *entry = calloc(1, sizeof(*entry) + bytes.len);

	if (!entry || a == &no_async) {
		qc_result result = {.err = error_no_memory(), .reply = NULL};
		if (callback)
			callback(handle, &result, data);
		buffer_fini(&bytes);
		free(entry);
		return;
	}
	entry->callback = callback;
	entry->data = data;
	entry->flags = request_flags(args);
	entry->len = bytes.len;
	if (bytes.len)
		memcpy(entry->bytes, bytes.data, bytes.len);
	buffer_fini(&bytes);
	if (a->closed)
		err = qc_errorf(QC_CLOSED, "closed");
	else if (a->is_unusable)
		err = handle->err;
	if (err.kind != QC_OK) {
		refuse(a, entry, err);
		return;
	}
	*a->last = entry;
	a->last = &entry->next;
	/* It goes out when the loop finds the socket writable, together with what is added until then. */
	enter(a);
	leave(a);
}

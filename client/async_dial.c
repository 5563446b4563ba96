#include "client/async.h"

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

#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"

void async_close_socket(struct async *a)
{
	int fd = a->fd;

	tls_close(&a->tls);
	/* Unwatched before it is closed: the number may be used again at once. */
	a->fd = -1;
	async_watch(a);
	if (fd >= 0)
		close(fd);
	a->wants = 0;
	resp_reader_destroy(&a->reader);
	a->out.len = a->out_sent = 0;
	if (a->out.failed)
		buffer_fini(&a->out);
}

qc_error async_peer_error(struct async *a, int number, const char *what)
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

/* May a later dial go better, however many have been in vain? */
static bool may_pass(const qc_error *err)
{
	return err->kind == QC_NETWORK || err->kind == QC_TIMEOUT || qc_has_code(*err, "LOADING");
}

/* Is there nothing to wait for any more? What else than a refusal fails may have been an accident, the first few times. */
static bool is_hopeless(const qc_error *err, bool tried_enough)
{
	return !may_pass(err) && (err->kind == QC_SERVER || tried_enough);
}

void async_lost(struct async *a, qc_error err)
{
	bool was_ready = a->state == READY;
	int tries = (a->settings.retries < 0 ? 1 : a->settings.retries + 1) * (int)a->settings.address_count;

	a->handle.err = err;
	async_close_socket(a);
	a->state = RESTING;
	a->dials = was_ready ? 0 : a->dials + 1;
	if (!was_ready)
		a->address_index = (a->address_index + 1) % a->settings.address_count;
	async_fail_sent(a, &err);
	if (was_ready)
		async_restart_waiting(a);
	if (was_ready && !a->closed)
		async_tell_push(a, (qc_result){.err = err, .reply = NULL});
	if (a->closed)
		return;
	if (is_hopeless(&err, a->dials >= tries)) {
		a->dials = 0;
		async_fail_all(a, &err);
	}
	if (a->dials >= tries && !a->entries)
		a->dials = 0;
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
		async_lost(a, err);
}

void async_secure(struct async *a)
{
	if (tls_handshake(a->tls, &a->wants) == 0) {
		a->wants = 0;
		greet(a);
	} else if (errno != EAGAIN) {
		async_lost(a, async_peer_error(a, errno, "TLS"));
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
	return number ? async_peer_error(a, number, "connecting") : no_error();
}

void async_dial(struct async *a)
{
	const struct address *address = &a->settings.addresses[a->address_index];
	qc_error err = no_error();

	a->state = CONNECTING;
	a->deadline_ns = deadline_after_ms(a->settings.dial_timeout_ms);
	a->reader = resp_reader_create();
	if (!a->reader) {
		async_lost(a, error_no_memory());
		return;
	}
	if (address->is_unix) {
		int number = connect_unix(a, address);
		err = number ? async_peer_error(a, number, "connecting") : err;
	} else {
		err = connect_tcp(a, address);
	}
	if (err.kind != QC_OK)
		async_lost(a, err);
}

void async_finish_connect(struct async *a)
{
	int number = 0;
	socklen_t size = sizeof(number);

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0)
		number = errno;
	if (number)
		async_lost(a, async_peer_error(a, number, "connecting"));
	else
		connected(a);
}

static void say(struct async *a)
{
	qc_arg words[GREET_WORDS_MAX];

	if (a->step == GREET_DONE) {
		async_become_ready(a);
		return;
	}
	qc_error err = request_write(&a->out, greet_words(&a->settings, a->step, words));
	if (err.kind != QC_OK)
		async_lost(a, err);
	else
		async_flush(a);
}

static void greet(struct async *a)
{
	a->state = GREETING;
	a->step = greet_step_from(&a->settings, GREET_HELLO);
	say(a);
}

void async_on_greeting(struct async *a, struct resp_reply *reply)
{
	qc_error err = qc_reply_err(reply_public(reply));

	resp_reply_free(reply);
	a->step = greet_next(&a->settings, a->step, &err);
	if (err.kind != QC_OK)
		async_lost(a, err);
	else
		say(a);
}

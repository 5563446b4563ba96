#include "support/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/wire.h"

#define WORDS_MAX 64
#define READ_BYTES 65536

/* input[at .. len) has been read from the socket but not consumed. */
struct peer {
	int fd;
	char *input;
	size_t at, len, capacity;
	size_t reply_len;
	char kept; /* the byte under the NUL behind a reply */
	bool has_kept;
};

static struct peer *peer_on(int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	if (!peer)
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	peer->fd = fd;
	return peer;
}

static struct peer *peer_dial(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0)
		return NULL;
	if (connect(fd, address, len) < 0) {
		int reason = errno;
		close(fd);
		errno = reason;
		return NULL;
	}
	if (address->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return peer_on(fd);
}

struct peer *peer_connect_to(const char *address, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return peer_dial((struct sockaddr *)&v4, sizeof(v4));
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
		return peer_dial((struct sockaddr *)&v6, sizeof(v6));
	errno = EINVAL;
	return NULL;
}

static struct peer *must(struct peer *peer, const char *what)
{
	if (!peer) {
		fprintf(stderr, "connect %s: %s\n", what, strerror(errno));
		abort();
	}
	return peer;
}

struct peer *peer_connect(const struct server *server)
{
	return must(peer_connect_to("127.0.0.1", server_port(server)), "to 127.0.0.1");
}

struct peer *peer_connect_unix(const struct server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server_socket_path(server));
	return must(peer_dial((struct sockaddr *)&address, sizeof(address)), address.sun_path);
}

void peer_close(struct peer **peer)
{
	if (!*peer)
		return;
	close((*peer)->fd);
	free((*peer)->input);
	free(*peer);
	*peer = NULL;
}

void peer_reset(struct peer **peer)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	setsockopt((*peer)->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	peer_close(peer);
}

int peer_fd(const struct peer *peer)
{
	return peer->fd;
}

static bool wait_for(const struct peer *peer, short events, int64_t deadline)
{
	struct pollfd ready = { .fd = peer->fd, .events = events };
	int count;
	do
		count = poll(&ready, 1, deadline_left_ms(deadline));
	while (count < 0 && errno == EINTR);
	return count == 1;
}

bool peer_send(struct peer *peer, const void *data, size_t len)
{
	const char *from = data;
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (len > 0) {
		ssize_t sent = send(peer->fd, from, len, MSG_NOSIGNAL);
		if (sent > 0) {
			from += sent;
			len -= (size_t)sent;
			continue;
		}
		if (errno != EAGAIN || !wait_for(peer, POLLOUT, deadline)) {
			fprintf(stderr, "send: %s, %zu bytes left\n", strerror(errno), len);
			return false;
		}
	}
	return true;
}

bool peer_send_text(struct peer *peer, const char *text)
{
	return peer_send(peer, text, strlen(text));
}

/* The kernel counts bytes that the other side hasn't read yet, but gives no event when that changes: this polls. */
bool peer_await_taken(const struct peer *peer)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	int waiting = 0;
	while (ioctl(peer->fd, SIOCOUTQ, &waiting) == 0 && waiting > 0 && deadline_left_ms(deadline) > 0)
		sched_yield();
	return waiting == 0;
}

void peer_half_close(struct peer *peer)
{
	shutdown(peer->fd, SHUT_WR);
}

static void unterminate(struct peer *peer)
{
	if (peer->has_kept)
		peer->input[peer->at] = peer->kept;
	peer->has_kept = false;
}

static void make_room(struct peer *peer)
{
	if (peer->at == peer->len)
		peer->at = peer->len = 0;
	if (peer->capacity - peer->len >= READ_BYTES + 1)
		return;
	if (peer->at > peer->capacity / 2) {
		memmove(peer->input, peer->input + peer->at, peer->len - peer->at);
		peer->len -= peer->at;
		peer->at = 0;
		return make_room(peer);
	}
	peer->capacity = peer->capacity * 2 + READ_BYTES * 2;
	peer->input = realloc(peer->input, peer->capacity);
	if (!peer->input)
		abort();
}

enum read_outcome { READ_SOME, READ_END, READ_LATE };

static enum read_outcome read_more(struct peer *peer, int64_t deadline)
{
	unterminate(peer);
	make_room(peer);
	for (;;) {
		ssize_t got = recv(peer->fd, peer->input + peer->len, peer->capacity - peer->len - 1, 0);
		if (got > 0) {
			peer->len += (size_t)got;
			return READ_SOME;
		}
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			return READ_END;
		if (!wait_for(peer, POLLIN, deadline))
			return READ_LATE;
	}
}

static bool report(const struct peer *peer, const char *expected, size_t len, const char *why)
{
	char wanted[256], got[256];
	fprintf(stderr, "expected \"%s\"\nreceived \"%s\" (%s)\n", wire_show(expected, len, wanted, sizeof(wanted)),
		wire_show(peer->input + peer->at, peer->len - peer->at, got, sizeof(got)), why);
	return false;
}

bool peer_expect(struct peer *peer, const void *data, size_t len)
{
	const char *expected = data;
	int64_t deadline = deadline_after(PATIENCE_MS);
	unterminate(peer);
	for (size_t done = 0; done < len;) {
		size_t have = peer->len - peer->at;
		size_t compare = have < len - done ? have : len - done;
		if (compare > 0 && memcmp(peer->input + peer->at, expected + done, compare) != 0)
			return report(peer, expected + done, len - done, "differs");
		peer->at += compare;
		done += compare;
		if (done == len)
			break;
		enum read_outcome outcome = read_more(peer, deadline);
		if (outcome != READ_SOME)
			return report(peer, expected + done, len - done, outcome == READ_END ? "closed" : "too late");
	}
	return true;
}

bool peer_expect_text(struct peer *peer, const char *text)
{
	return peer_expect(peer, text, strlen(text));
}

bool peer_exchange(struct peer *peer, const char *send, const char *expected)
{
	return peer_send_text(peer, send) && peer_expect_text(peer, expected);
}

bool peer_expect_times(struct peer *peer, const char *text, size_t count)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < count; i++)
		if (!peer_expect(peer, text, len)) {
			fprintf(stderr, "after %zu of %zu\n", i, count);
			return false;
		}
	return true;
}

bool peer_drain_until_closed(struct peer *peer)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	for (;;) {
		enum read_outcome outcome = read_more(peer, deadline);
		if (outcome != READ_SOME)
			return outcome == READ_END;
		peer->at = peer->len;
	}
}

bool peer_expect_closed(struct peer *peer)
{
	unterminate(peer);
	if (peer->at < peer->len)
		return report(peer, "", 0, "more than expected");
	enum read_outcome outcome = read_more(peer, deadline_after(PATIENCE_MS));
	if (outcome == READ_END)
		return true;
	return report(peer, "", 0, outcome == READ_LATE ? "still open" : "more than expected");
}

bool peer_has_input(struct peer *peer)
{
	unterminate(peer);
	return peer->at < peer->len || wait_for(peer, POLLIN, monotonic_ms());
}

bool peer_has_reply(struct peer *peer)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	unterminate(peer);
	while (wire_reply_length(peer->input + peer->at, peer->len - peer->at) == 0)
		if (read_more(peer, deadline) != READ_SOME)
			return false;
	return true;
}

const char *peer_reply(struct peer *peer)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	unterminate(peer);
	size_t length;
	while ((length = wire_reply_length(peer->input + peer->at, peer->len - peer->at)) == 0) {
		enum read_outcome outcome = read_more(peer, deadline);
		if (outcome != READ_SOME) {
			report(peer, "a reply", 7, outcome == READ_END ? "closed" : "too late");
			return NULL;
		}
	}
	if (length == WIRE_MALFORMED) {
		report(peer, "a reply", 7, "malformed");
		return NULL;
	}
	const char *reply = peer->input + peer->at;
	peer->at += length;
	peer->reply_len = length;
	peer->kept = peer->input[peer->at];
	peer->has_kept = true;
	peer->input[peer->at] = '\0';
	return reply;
}

size_t peer_reply_length(const struct peer *peer)
{
	return peer->reply_len;
}

static const char *command_v(struct peer *peer, const char *word, va_list rest)
{
	const char *words[WORDS_MAX];
	size_t count = 0, len;
	for (; word && count < WORDS_MAX; word = va_arg(rest, const char *))
		words[count++] = word;
	char *text = wire_command(count, words, NULL, &len);
	bool sent = peer_send(peer, text, len);
	free(text);
	return sent ? peer_reply(peer) : NULL;
}

const char *peer_command(struct peer *peer, const char *word, ...)
{
	va_list rest;
	va_start(rest, word);
	const char *reply = command_v(peer, word, rest);
	va_end(rest);
	return reply;
}

static bool is_exactly(const struct peer *peer, const char *reply, const char *wanted)
{
	return peer->reply_len == strlen(wanted) && memcmp(reply, wanted, peer->reply_len) == 0;
}

bool peer_command_gives(struct peer *peer, const char *expected, const char *word, ...)
{
	va_list rest;
	va_start(rest, word);
	const char *reply = command_v(peer, word, rest);
	va_end(rest);
	if (!reply)
		return false;
	if (is_exactly(peer, reply, expected))
		return true;
	fprintf(stderr, "expected \"%s\"\nreceived \"%s\" for %s\n", expected, reply, word);
	return false;
}

/* Repeats the command until the reply is the wanted one. */
static bool ask_until(struct peer *peer, va_list words, const char *word, bool (*is_good)(const struct peer *peer, const char *reply,
			const char *wanted), const char *wanted)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	for (;;) {
		va_list again;
		va_copy(again, words);
		const char *reply = command_v(peer, word, again);
		va_end(again);
		if (reply && is_good(peer, reply, wanted))
			return true;
		if (!reply || deadline_left_ms(deadline) == 0) {
			fprintf(stderr, "waited for \"%s\"\nreceived \"%s\" for %s\n", wanted, reply ? reply : "nothing", word);
			return false;
		}
	}
}

static bool has_in_it(const struct peer *peer, const char *reply, const char *wanted)
{
	return strstr(reply, wanted) != NULL;
}

bool peer_comes_to_give(struct peer *peer, const char *expected, const char *word, ...)
{
	va_list rest;
	va_start(rest, word);
	bool does = ask_until(peer, rest, word, is_exactly, expected);
	va_end(rest);
	return does;
}

bool peer_comes_to_show(struct peer *peer, const char *text, const char *word, ...)
{
	va_list rest;
	va_start(rest, word);
	bool does = ask_until(peer, rest, word, has_in_it, text);
	va_end(rest);
	return does;
}

bool info_comes_to(struct peer *peer, const char *section, const char *field, int64_t number)
{
	char line[96];
	snprintf(line, sizeof(line), "\n%s:%" PRId64 "\r\n", field, number);
	return COMES_TO_SHOW(peer, line, "INFO", section);
}

int64_t info_number(const char *text, const char *field)
{
	size_t len = strlen(field);
	for (const char *at = text; at && (at = strstr(at, field)); at += len)
		if ((at == text || at[-1] == '\n') && at[len] == ':')
			return strtoll(at + len + 1, NULL, 10);
	return -1;
}

#include "client_library/fake.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fake {
	int listener;
	atomic_int current; /* the current connection, so that fake_stop() can end a wait; -1 if none */
	uint16_t port;
	pthread_t thread;
	fake_script *script;
	void *data;
	atomic_uint connections;
	atomic_bool stopping;
};

static void die(const char *what)
{
	perror(what);
	abort();
}

static void *run(void *context)
{
	struct fake *fake = context;

	for (;;) {
		int fd = accept(fake->listener, NULL, NULL);
		if (fd < 0 || fake->stopping) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		fake->current = fd;
		fake->script(fake, fd, fake->connections++, fake->data);
		fake->current = -1;
		close(fd);
	}
}

struct fake *fake_start(fake_script *script, void *data)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	if (!fake)
		die("fake");
	fake->script = script;
	fake->data = data;
	fake->current = -1;
	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fake->listener < 0 || bind(fake->listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(fake->listener, 64) < 0 || getsockname(fake->listener, (struct sockaddr *)&address, &len) < 0)
		die("fake: listen");
	fake->port = ntohs(address.sin_port);
	if (pthread_create(&fake->thread, NULL, run, fake) != 0)
		die("fake: thread");
	return fake;
}

uint16_t fake_port(const struct fake *fake)
{
	return fake->port;
}

unsigned fake_connections(struct fake *fake)
{
	return fake->connections;
}

void fake_stop(struct fake **fake)
{
	struct fake *f = *fake;

	f->stopping = true;
	shutdown(f->listener, SHUT_RDWR);
	int fd = f->current;
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
	free(f);
	*fake = NULL;
}

static bool read_line(int fd, char *out, size_t size)
{
	size_t len = 0;
	char c;

	while (read(fd, &c, 1) == 1) {
		if (c == '\n') {
			out[len] = 0;
			return true;
		}
		if (c != '\r' && len + 1 < size)
			out[len++] = c;
	}
	return false;
}

bool fake_read(int fd, char *out, size_t size)
{
	char line[64];

	if (!read_line(fd, line, sizeof(line)) || *line != '*')
		return false;
	long count = atol(line + 1);
	for (long i = 0; i < count; i++) {
		if (!read_line(fd, line, sizeof(line)))
			return false;
		size_t len = (size_t)atol(line + 1);
		for (size_t at = 0; at < len + 2; at++) {
			char c;
			if (read(fd, &c, 1) != 1)
				return false;
			if (i == 0 && at < len && at + 1 < size) {
				out[at] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
				out[at + 1] = 0;
			}
		}
	}
	return true;
}

void fake_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		data += sent;
		len -= (size_t)sent;
	}
}

void fake_send_text(int fd, const char *text)
{
	fake_send(fd, text, strlen(text));
}

bool fake_greet(int fd)
{
	char word[32];

	if (!fake_read(fd, word, sizeof(word)) || strcmp(word, "hello") != 0)
		return false;
	fake_send_text(fd, "-ERR unknown command 'HELLO'\r\n");
	return true;
}

void fake_reset(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int fail_with(int fd, int code)
{
	if (fd >= 0)
		close(fd);
	errno = code;
	return LISTENER_FAILED;
}

void listener_share(int fd, enum listener_sharing sharing)
{
	int value = sharing == LISTENER_SHARES;
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value)); /* if it fails, bind() will report it */
}

static int open_at(const struct sockaddr *address, socklen_t len, int backlog, enum listener_sharing sharing)
{
	int on = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return LISTENER_FAILED;
	if (sharing == LISTENER_SHARES)
		listener_share(fd, LISTENER_SHARES);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (address->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
	    bind(fd, address, len) != 0 || listen(fd, backlog) != 0)
		return fail_with(fd, errno);
	if (sharing == LISTENER_SHARES)
		listener_share(fd, LISTENER_ALONE);
	return fd;
}

int listener_open_tcp(const struct listener_address *address, int backlog, enum listener_sharing sharing)
{
	return open_at((const struct sockaddr *)&address->bytes, address->len, backlog, sharing);
}

static bool is_among(const struct listener_address *address, const struct listener_address *others, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (others[i].len == address->len && memcmp(&others[i].bytes, &address->bytes, address->len) == 0)
			return true;
	return false;
}

/* A name may have the same address several times (in /etc/hosts). */
static size_t take_addresses(const struct addrinfo *found, struct listener_address *out_addresses, size_t room)
{
	size_t count = 0;
	for (; found; found = found->ai_next) {
		struct listener_address address = { .len = found->ai_addrlen };
		memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
		if (count < room && !is_among(&address, out_addresses, count))
			out_addresses[count++] = address;
	}
	return count;
}

size_t listener_resolve(const char *name, uint16_t port, struct listener_address *out_addresses, size_t room,
			const char **out_reason)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	char service[8];

	snprintf(service, sizeof(service), "%u", port);
	if (strcmp(name, "*") == 0 || strcmp(name, "::*") == 0) {
		hints.ai_family = name[0] == '*' ? AF_INET : AF_INET6;
		name = NULL;
	}
	int code = getaddrinfo(name, service, &hints, &found);
	if (code != 0) {
		*out_reason = code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code);
		return 0;
	}
	size_t count = take_addresses(found, out_addresses, room);
	freeaddrinfo(found);
	return count;
}

/* Removes a socket on which no process listens; refuses anything else. */
static bool remove_stale(const struct sockaddr_un *address)
{
	struct stat info;
	if (lstat(address->sun_path, &info) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(info.st_mode)) {
		errno = EEXIST;
		return false;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	/* Other errors mean that the socket is in use: its backlog is full, or it has another type, as syslog's has. */
	bool is_stale = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;
	close(fd);
	if (is_stale)
		return unlink(address->sun_path) == 0;
	errno = EADDRINUSE;
	return false;
}

int listener_open_unix(const char *path, int backlog, uint32_t permissions)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_Static_assert(LISTENER_PATH_BYTES == sizeof(address.sun_path) - 1, "the system has room for another length");
	if (strlen(path) > LISTENER_PATH_BYTES)
		return fail_with(-1, ENAMETOOLONG);
	strcpy(address.sun_path, path);
	if (!remove_stale(&address))
		return LISTENER_FAILED;
	/* umask() instead of chmod(): the socket has its mode from the start, and no file that takes the name gets it. */
	mode_t mask = permissions ? umask(~(mode_t)permissions & 0777) : 0;
	int fd = open_at((const struct sockaddr *)&address, sizeof(address), backlog, LISTENER_ALONE);
	int reason = errno;
	if (permissions)
		umask(mask);
	errno = reason;
	return fd;
}

static void write_address(const struct sockaddr_storage *address, char *out, bool *out_is_loopback)
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(out, PEER_TEXT_BYTES, "%s:%u", host, ntohs(v4->sin_port));
		*out_is_loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(out, PEER_TEXT_BYTES, "[%s]:%u", host, ntohs(v6->sin6_port));
		*out_is_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	}
}

void listener_address_print(const struct listener_address *address, char out[PEER_TEXT_BYTES])
{
	bool ignored;
	write_address(&address->bytes, out, &ignored);
}

static void describe_peer(struct peer *peer, const struct sockaddr_storage *remote)
{
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);
	bool ignored;

	getsockname(peer->fd, (struct sockaddr *)&local, &len);
	peer->is_unix = local.ss_family == AF_UNIX;
	if (peer->is_unix) {
		peer->is_loopback = true;
		snprintf(peer->address, PEER_TEXT_BYTES, "%.*s:0", PEER_TEXT_BYTES - 3,
			 ((const struct sockaddr_un *)&local)->sun_path);
		strcpy(peer->local_address, peer->address);
		return;
	}
	write_address(remote, peer->address, &peer->is_loopback);
	write_address(&local, peer->local_address, &ignored);
}

enum accept_status listener_accept(int listener, struct peer *out_peer)
{
	struct sockaddr_storage remote = { 0 };
	socklen_t len = sizeof(remote);
	int fd = accept4(listener, (struct sockaddr *)&remote, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return ACCEPT_NO_RESOURCE;
		return ACCEPT_NONE;
	}
	memset(out_peer, 0, sizeof(*out_peer));
	out_peer->fd = fd;
	describe_peer(out_peer, &remote);
	return ACCEPT_TAKEN;
}

/* Linux refuses a longer time and then uses two hours. */
#define KEEPALIVE_MAX_S 32767

void socket_tune(int fd, int64_t keepalive_s)
{
	/* Errors are ignored: the socket works without these options. */
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (keepalive_s <= 0)
		return;
	int idle = keepalive_s < KEEPALIVE_MAX_S ? (int)keepalive_s : KEEPALIVE_MAX_S;
	int interval = idle / 3 > 0 ? idle / 3 : 1;
	int probes = 3;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/*
 * Listening sockets and accepted ones: IPv4, IPv6, unix.
 *
 * LISTENER_FAILED: nothing is left open, and errno is that of the failing call. All sockets are non-blocking and
 * closed on exec.
 */
#ifndef TRANSPORT_LISTENER_H
#define TRANSPORT_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LISTENER_FAILED (-1)
#define PEER_TEXT_BYTES 112
/* The longest path of a unix socket, without its NUL. */
#define LISTENER_PATH_BYTES 107

enum listener_sharing { LISTENER_ALONE, LISTENER_SHARES };

/* An address with its port, as bind() takes it. */
struct listener_address {
	struct sockaddr_storage bytes;
	socklen_t len;
};

/* "127.0.0.1:6379", "[::1]:6379" */
void listener_address_print(const struct listener_address *address, char out[PEER_TEXT_BYTES]);

/*
 * `name` is an IPv4 or IPv6 address, "*" for all IPv4, "::*" for all IPv6 (without IPv4), or a host name: looking up a host name may
 * block. Writes up to `room` different addresses and returns how many; 0: *out_reason says
 * why (a static text).
 */
size_t listener_resolve(const char *name, uint16_t port, struct listener_address *out_addresses, size_t room,
			const char **out_reason);

/* Returns a listening descriptor. LISTENER_SHARES: other sockets that share may have the port; the new one shares only during this call. */
int listener_open_tcp(const struct listener_address *address, int backlog, enum listener_sharing sharing);

/* Lets another listener that shares be opened on the same port (SO_REUSEPORT), or no longer. */
void listener_share(int fd, enum listener_sharing sharing);

/*
 * Replaces a stale socket at `path`, but no other kind of file. `permissions` are chmod's; 0 uses the umask. Changes
 * the process's umask temporarily: no other thread may create files meanwhile.
 */
int listener_open_unix(const char *path, int backlog, uint32_t permissions);

enum accept_status {
	ACCEPT_TAKEN,
	ACCEPT_NONE,        /* no client is waiting, or it has left */
	ACCEPT_NO_RESOURCE, /* no descriptor or memory: errno */
};

struct peer {
	int fd;
	bool is_unix;
	bool is_loopback;                   /* true for unix sockets */
	char address[PEER_TEXT_BYTES];      /* "1.2.3.4:5", "[::1]:5", "/path:0" */
	char local_address[PEER_TEXT_BYTES];
};

enum accept_status listener_accept(int listener, struct peer *out_peer);

/* Disables Nagle; sends keepalive probes after `keepalive_s` idle seconds, never if 0. TCP sockets only. */
void socket_tune(int fd, int64_t keepalive_s);

#endif

/*
 * Listening sockets and what an accepted one needs: IPv4, IPv6, unix.
 *
 * Outcomes: LISTENER_FAILED leaves nothing open and errno as the failing call set it. All sockets are non-blocking and
 * closed on exec.
 */
#ifndef TRANSPORT_LISTENER_H
#define TRANSPORT_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#define LISTENER_FAILED (-1)
#define PEER_TEXT_BYTES 112

enum listener_sharing { LISTENER_ALONE, LISTENER_SHARES };

/*
 * `address` is an IPv4 or IPv6 address, "*" for all IPv4, "::*" for all IPv6 (without IPv4), or a name that the
 * resolver knows (may block). Returns a listening descriptor. LISTENER_SHARES: beside others
 * on the port that share; the new one shares no longer than this call.
 */
int listener_open_tcp(const char *address, uint16_t port, int backlog, enum listener_sharing sharing);

/* Whether another listener may be opened on a part of this one's addresses, while both share. */
void listener_share(int fd, enum listener_sharing sharing);

/* Replaces a stale socket at `path`. `permissions` are chmod's, 0 leaves them to the umask. */
int listener_open_unix(const char *path, int backlog, uint32_t permissions);

enum accept_status {
	ACCEPT_TAKEN,
	ACCEPT_NONE,        /* nobody is waiting, or who was has left */
	ACCEPT_NO_RESOURCE, /* out of descriptors or memory: errno */
};

struct peer {
	int fd;
	bool is_unix;
	bool is_loopback;                   /* true for unix sockets */
	char address[PEER_TEXT_BYTES];      /* "1.2.3.4:5", "[::1]:5", "/path:0" */
	char local_address[PEER_TEXT_BYTES];
};

enum accept_status listener_accept(int listener, struct peer *out_peer);

/* Nagle off; keepalive probes after `keepalive_s` seconds of silence, 0 for none. TCP sockets only. */
void socket_tune(int fd, int64_t keepalive_s);

#endif

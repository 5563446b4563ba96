/*
 * Connects to a host with several addresses as in RFC 8305 ("Happy Eyeballs"): IPv6 and IPv4 take turns; each address gets a head start of
 * RACE_HEAD_START_MS before the next is tried in parallel; the first to connect wins. So an address that drops packets costs only the head
 * start, not the time of the whole dial.
 *
 * Nothing here waits: descriptors are registered with the caller's epoll instance.
 */
#ifndef CLIENT_RACE_H
#define CLIENT_RACE_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define RACE_HEAD_START_MS 250
/* The number of parallel attempts. Others wait until one has failed. */
#define RACERS_MAX 8

struct target {
	struct sockaddr_storage address;
	socklen_t len;
};

struct race {
	int epoll_fd;
	struct target *targets;
	size_t count, next;    /* `next`: the first address not tried yet */
	int fds[RACERS_MAX];
	size_t running;
	int64_t next_at_ns;    /* when the next attempt may begin in parallel */
	int last_errno;        /* of the last failed attempt */
};

/* Each initialises the race, which race_end() must release. False if out of memory. */
bool race_begin_unix(struct race *race, int epoll_fd, const char *path);
bool race_begin_tcp(struct race *race, int epoll_fd, const struct addrinfo *list);
void race_end(struct race *race);
/* In a forked child: doesn't touch the parent's epoll instance. */
void race_disown(struct race *race);

enum race_state { RACE_RUNS, RACE_WON, RACE_LOST };

/* *out_fd is the winner's non-blocking socket, which the caller owns. If lost, see last_errno. */
enum race_state race_advance(struct race *race, int *out_fd);
/* When to call race_advance() even if no descriptor is ready. */
int64_t race_due_ns(const struct race *race);

#endif

/*
 * Connecting to a host that may have several addresses, as RFC 8305 ("Happy Eyeballs") has it: the families take turns, an
 * address gets RACE_HEAD_START_MS before the next one is tried beside it, and the first that answers wins. So an address that swallows
 * what is sent to it costs that much, and not the time of the whole dial.
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
/* So many at once; the rest wait until one has failed. */
#define RACERS_MAX 8

struct target {
	struct sockaddr_storage address;
	socklen_t len;
};

struct race {
	int epoll_fd;
	struct target *targets;
	size_t count, next;    /* `next`: the first that hasn't begun */
	int fds[RACERS_MAX];
	size_t running;
	int64_t next_at_ns;    /* when the next may begin beside those that run */
	int last_errno;        /* of the last that has failed */
};

/* Each takes the race's place over, which race_end() gives up. False without memory. */
bool race_begin_unix(struct race *race, int epoll_fd, const char *path);
bool race_begin_tcp(struct race *race, int epoll_fd, const struct addrinfo *list);
void race_end(struct race *race);
/* In a forked child: the parent's epoll instance is left as it is. */
void race_disown(struct race *race);

enum race_state { RACE_RUNS, RACE_WON, RACE_LOST };

/* *out_fd is the winner's, which is the caller's then; its socket doesn't block. Lost: see last_errno. */
enum race_state race_advance(struct race *race, int *out_fd);
/* When it is to be advanced though no descriptor is ready. */
int64_t race_due_ns(const struct race *race);

#endif

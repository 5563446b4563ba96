#include "client/race.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/context.h"

static bool begin(struct race *race, int epoll_fd, size_t count)
{
	*race = (struct race){.epoll_fd = epoll_fd, .last_errno = EADDRNOTAVAIL};
	race->targets = calloc(count, sizeof(*race->targets));
	return race->targets != NULL;
}

bool race_begin_unix(struct race *race, int epoll_fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!begin(race, epoll_fd, 1))
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	memcpy(&race->targets[0].address, &address, sizeof(address));
	race->targets[0].len = sizeof(address);
	race->count = 1;
	return true;
}

static const struct addrinfo *next_of(const struct addrinfo *list, int family, bool same)
{
	while (list && (list->ai_family == family) != same)
		list = list->ai_next;
	return list;
}

bool race_begin_tcp(struct race *race, int epoll_fd, const struct addrinfo *list)
{
	const int family = list->ai_family;
	const struct addrinfo *lanes[2] = {list, next_of(list, family, false)};
	size_t count = 0;

	for (const struct addrinfo *at = list; at; at = at->ai_next)
		count++;
	if (!begin(race, epoll_fd, count))
		return false;
	/* The families take turns. Within a family the order is the resolver's (RFC 6724). */
	for (int lane = 0; lanes[0] || lanes[1]; lane = !lane) {
		const struct addrinfo *at = lanes[lane];
		if (!at)
			continue;
		struct target *target = &race->targets[race->count++];
		memcpy(&target->address, at->ai_addr, at->ai_addrlen);
		target->len = at->ai_addrlen;
		lanes[lane] = next_of(at->ai_next, family, lane == 0);
	}
	return true;
}

/* If a forked child has a copy, a closed descriptor stays registered with epoll: so remove it first. */
static void drop(struct race *race, size_t index)
{
	epoll_ctl(race->epoll_fd, EPOLL_CTL_DEL, race->fds[index], NULL);
	close(race->fds[index]);
	race->fds[index] = race->fds[--race->running];
}

void race_end(struct race *race)
{
	while (race->running > 0)
		drop(race, 0);
	free(race->targets);
	*race = (struct race){.epoll_fd = -1};
}

void race_disown(struct race *race)
{
	while (race->running > 0)
		close(race->fds[--race->running]);
	race_end(race);
}

static enum race_state win(struct race *race, size_t index, int *out_fd)
{
	*out_fd = race->fds[index];
	epoll_ctl(race->epoll_fd, EPOLL_CTL_DEL, *out_fd, NULL);
	race->fds[index] = race->fds[--race->running];
	return RACE_WON;
}

static bool watch(struct race *race, int fd)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};

	return epoll_ctl(race->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Starts connecting to the next address. If that fails at once, it is skipped. */
static void start_next(struct race *race)
{
	const struct target *target = &race->targets[race->next++];
	int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && watch(race, fd) &&
	    (connect(fd, (const struct sockaddr *)&target->address, target->len) == 0 || errno == EINPROGRESS || errno == EINTR)) {
		race->fds[race->running++] = fd;
		race->next_at_ns = deadline_after_ms(RACE_HEAD_START_MS);
		return;
	}
	race->last_errno = errno;
	if (fd >= 0)
		close(fd);
}

static int result_of(int fd)
{
	int number = 0;
	socklen_t size = sizeof(number);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0 ? errno : number;
}

/* Checks each running attempt once. */
static enum race_state look(struct race *race, int *out_fd)
{
	for (size_t i = race->running; i-- > 0;) {
		struct pollfd fd = {.fd = race->fds[i], .events = POLLOUT};
		if (poll(&fd, 1, 0) <= 0)
			continue;
		int number = result_of(fd.fd);
		if (number == 0)
			return win(race, i, out_fd);
		race->last_errno = number;
		drop(race, i);
		race->next_at_ns = 0;
	}
	return RACE_RUNS;
}

static bool may_start(const struct race *race)
{
	return race->next < race->count && race->running < RACERS_MAX;
}

enum race_state race_advance(struct race *race, int *out_fd)
{
	enum race_state state = look(race, out_fd);

	while (state == RACE_RUNS && may_start(race) && (race->running == 0 || monotonic_ns() >= race->next_at_ns)) {
		start_next(race);
		/* A local connection succeeds or fails at once. */
		state = look(race, out_fd);
	}
	return state == RACE_RUNS && race->running == 0 ? RACE_LOST : state;
}

int64_t race_due_ns(const struct race *race)
{
	return may_start(race) ? race->next_at_ns : NO_DEADLINE;
}

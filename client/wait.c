#include "client/wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "client/error.h"

struct fd_waiter {
	struct context_waiter waiter;
	int fd;
};

static void wake_fd_of(struct context_waiter *waiter)
{
	uint64_t one = 1;

	/* Can only fail if it is signalled already. */
	if (write(((struct fd_waiter *)waiter)->fd, &one, sizeof(one)) < 0)
		return;
}

/* Returns what `fd` is ready for; 0 after the deadline; POLLPRI if the context should be checked; -1 with errno. */
static int wait_once(int fd, short events, int wake_fd, int64_t deadline_ns)
{
	struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = wake_fd, .events = POLLIN}};
	struct timespec left = {0, 0};

	if (deadline_ns != NO_DEADLINE) {
		int64_t ns = deadline_ns - monotonic_ns();
		if (ns > 0)
			left = (struct timespec){ns / 1000000000, ns % 1000000000};
	}
	if (ppoll(fds, wake_fd >= 0 ? 2 : 1, deadline_ns == NO_DEADLINE ? NULL : &left, NULL) < 0)
		return errno == EINTR ? POLLPRI : -1;
	if (wake_fd >= 0 && fds[1].revents) {
		uint64_t count;
		if (read(wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return -1;
		return fds[0].revents ? fds[0].revents : POLLPRI;
	}
	return fds[0].revents;
}

qc_error wait_ready(int fd, short events, int *wake_fd, qc_context *context, int64_t deadline_ns, int *out_ready)
{
	struct fd_waiter waiter = {.waiter.wake = wake_fd_of};
	int64_t until = context_deadline_ns(context) < deadline_ns ? context_deadline_ns(context) : deadline_ns;
	bool joined = false, lasts = true;

	if (context_can_end(context)) {
		if (*wake_fd < 0)
			*wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (*wake_fd < 0)
			return error_errno(QC_NETWORK, errno, "eventfd");
		waiter.fd = *wake_fd;
		lasts = joined = context_join(context, &waiter.waiter);
	}
	do {
		*out_ready = lasts ? wait_once(fd, events, joined ? *wake_fd : -1, until) : 0;
	} while (*out_ready == POLLPRI && qc_context_err(context).kind == QC_OK);
	int number = errno;
	if (joined)
		context_leave(context, &waiter.waiter);
	if (*out_ready < 0)
		return error_errno(QC_NETWORK, number, "poll");
	if (*out_ready > 0 && *out_ready != POLLPRI)
		return no_error();
	*out_ready = 0;
	return qc_context_err(context);
}

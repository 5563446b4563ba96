#include "actors/runtime/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/runtime/log.h"

/* The socket on which the daemon's parent waits; -1 when no parent waits. */
static int waiting_parent = -1;

static bool redirect_to_null(int first, int last)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return false;
	bool redirected = true;
	for (int fd = first; fd <= last; fd++)
		redirected = dup2(null, fd) == fd && redirected;
	if (null > last)
		close(null);
	return redirected;
}

/* In the parent: waits until the daemon is ready or has died. */
static _Noreturn void wait_for_daemon(int ready, pid_t child)
{
	char byte;
	ssize_t got;
	waitpid(child, NULL, 0);
	do {
		got = read(ready, &byte, 1);
	} while (got < 0 && errno == EINTR);
	_exit(got == 1 ? 0 : 1);
}

bool process_daemonise(void)
{
	int ready[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ready) != 0)
		return false;
	pid_t child = fork();
	if (child < 0) {
		int reason = errno;
		close(ready[0]);
		close(ready[1]);
		errno = reason;
		return false;
	}
	if (child > 0) {
		close(ready[1]);
		wait_for_daemon(ready[0], child);
	}
	close(ready[0]);
	setsid();
	/* Fork again: a session leader could acquire a terminal. */
	child = fork();
	if (child < 0)
		return false;
	if (child > 0)
		_exit(0);
	waiting_parent = ready[1];
	return redirect_to_null(STDIN_FILENO, STDOUT_FILENO);
}

/* The protocol of sd_notify(3): one datagram of NAME=VALUE lines to the socket in NOTIFY_SOCKET. */
static void notify_manager(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = name ? strlen(name) : 0;
	if (len == 0 || len >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@')) {
		log_event(LOG_WARNING, "the service manager can't be told: NOTIFY_SOCKET is not the name of a socket");
		return;
	}
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract socket */
	socklen_t address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, address_len) < 0)
		log_event(LOG_WARNING, "the service manager can't be told: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static const struct {
	enum supervision mode;
	const char *name, *variable;
} supervisors[] = {
	{ SUPERVISED_UPSTART, "upstart", "UPSTART_JOB" },
	{ SUPERVISED_SYSTEMD, "systemd", "NOTIFY_SOCKET" },
};
#define SUPERVISORS (sizeof(supervisors) / sizeof(supervisors[0]))

enum supervision process_supervisor(enum supervision mode)
{
	for (size_t i = 0; i < SUPERVISORS; i++)
		if ((mode == SUPERVISED_AUTO || mode == supervisors[i].mode) && getenv(supervisors[i].variable))
			return supervisors[i].mode;
	return SUPERVISED_NO;
}

void process_report_supervision(enum supervision mode)
{
	enum supervision found = process_supervisor(mode);
	for (size_t i = 0; i < SUPERVISORS; i++) {
		if (supervisors[i].mode == found)
			log_event(LOG_NOTICE, "Supervised by %s", supervisors[i].name);
		else if (supervisors[i].mode == mode)
			log_event(LOG_WARNING, "supervised %s: %s is not in the environment, nobody is told when the server is ready",
				  supervisors[i].name, supervisors[i].variable);
	}
}

static void tell_parent(void)
{
	if (!redirect_to_null(STDERR_FILENO, STDERR_FILENO))
		log_event(LOG_WARNING, "stderr can't be redirected: %s", strerror(errno));
	if (send(waiting_parent, "", 1, MSG_NOSIGNAL) != 1)
		log_event(LOG_NOTICE, "the process that started this one is gone");
	close(waiting_parent);
	waiting_parent = -1;
}

void process_report_ready(enum supervision mode)
{
	enum supervision supervisor = process_supervisor(mode);
	if (supervisor == SUPERVISED_SYSTEMD)
		notify_manager("READY=1\nSTATUS=Ready to accept connections\n");
	if (supervisor == SUPERVISED_UPSTART)
		raise(SIGSTOP);
	if (waiting_parent >= 0)
		tell_parent();
}

void process_report_stopping(enum supervision mode)
{
	if (process_supervisor(mode) == SUPERVISED_SYSTEMD)
		notify_manager("STOPPING=1\n");
}

bool process_enter_directory(const char *path)
{
	return chdir(path) == 0;
}

/* False, with errno, if a regular file belongs to another user. *out_is_file: it is a regular file, to be truncated. */
static bool may_write(int fd, bool *out_is_file)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return false;
	*out_is_file = S_ISREG(status.st_mode);
	errno = EPERM;
	return !*out_is_file || status.st_uid == geteuid();
}

bool process_write_pidfile(const char *path)
{
	bool is_file;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644);
	if (fd < 0)
		return false;
	bool is_written = may_write(fd, &is_file) && (!is_file || ftruncate(fd, 0) == 0) && dprintf(fd, "%d\n", (int)getpid()) > 0;
	int reason = errno;
	if (close(fd) != 0 && is_written)
		return false;
	errno = reason;
	return is_written;
}

int64_t process_raise_descriptor_limit(int64_t max_clients, int64_t reactors, int64_t *out_limit)
{
	struct rlimit limit;
	rlim_t reserved = PROCESS_RESERVED_DESCRIPTORS + PROCESS_DESCRIPTORS_PER_REACTOR * (rlim_t)(reactors - 1);
	rlim_t wanted = (rlim_t)max_clients + reserved;
	*out_limit = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	/* Only a privileged process may exceed the hard limit; others raise the soft limit up to it. */
	struct rlimit raised = { wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted };
	struct rlimit highest = { limit.rlim_max, limit.rlim_max };
	if (limit.rlim_cur < wanted && setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	else if (limit.rlim_cur < wanted && setrlimit(RLIMIT_NOFILE, &highest) == 0)
		limit = highest;
	*out_limit = limit.rlim_cur < INT64_MAX ? (int64_t)limit.rlim_cur : INT64_MAX;
	if (limit.rlim_cur >= wanted)
		return max_clients;
	return limit.rlim_cur <= reserved ? 0 : (int64_t)(limit.rlim_cur - reserved);
}

int64_t process_backlog_max(void)
{
	long long most = INT64_MAX;
	FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
	if (!file)
		return INT64_MAX;
	if (fscanf(file, "%lld", &most) != 1)
		most = INT64_MAX;
	fclose(file);
	return most;
}

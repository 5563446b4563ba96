#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"

void process_reset_signals(void)
{
	sigset_t none;
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const char *const argv[], const char *output_path)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int in = open("/dev/null", O_RDONLY);
	int out = open(output_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	process_reset_signals();
	execvp(argv[0], (char *const *)argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t process_start(const char *const argv[], const char *output_path)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0) {
		perror("fork");
		abort();
	}
	if (pid == 0) {
		if (getppid() != parent)
			_exit(125);
		become(argv, output_path);
	}
	return pid;
}

/* A pidfd is readable once its process has ended. False when the deadline passes first. */
static bool await_end(pid_t pid, int64_t deadline)
{
	int fd = pidfd_open(pid, 0);
	if (fd < 0)
		return errno == ESRCH;
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	int ready;
	do
		ready = poll(&ended, 1, deadline_left_ms(deadline));
	while (ready < 0 && errno == EINTR);
	close(fd);
	return ready == 1;
}

bool process_wait(pid_t pid, int64_t within_ms, int *out_status)
{
	if (!await_end(pid, deadline_after(within_ms)))
		return false;
	return waitpid(pid, out_status, 0) == pid;
}

bool process_wait_gone(pid_t pid, int64_t within_ms)
{
	return await_end(pid, deadline_after(within_ms));
}

void process_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

char *process_run(const char *const argv[], int *out_status)
{
	char directory[64], path[96];
	scratch_create(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/output", directory);
	pid_t pid = process_start(argv, path);
	if (!process_wait(pid, PATIENCE_MS, out_status)) {
		process_kill(pid);
		*out_status = -1;
	}
	char *text = file_text(path);
	scratch_remove(directory);
	return text;
}

char *file_text(const char *path)
{
	size_t len = 0, capacity = 4096;
	char *text = malloc(capacity + 1);
	FILE *file = fopen(path, "re");
	while (file && !feof(file) && !ferror(file)) {
		if (len == capacity)
			text = realloc(text, (capacity *= 2) + 1);
		if (!text)
			abort();
		len += fread(text + len, 1, capacity - len, file);
	}
	if (file)
		fclose(file);
	text[len] = '\0';
	return text;
}

void scratch_create(char *out_path, size_t size)
{
	/* Short, since the path of a unix socket has 107 bytes at most. */
	snprintf(out_path, size, "/tmp/qcache-test.XXXXXX");
	if (!mkdtemp(out_path)) {
		perror(out_path);
		abort();
	}
}

const char *scratch_file(const char *directory, const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

void scratch_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

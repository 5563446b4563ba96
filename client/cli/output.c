#include "client/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/cli/session.h"
#include "client/cli/tty.h"

/* Ctrl-C is checked after each piece. */
#define PIECE 4096

/* The program that replaces standard output. */
static struct {
	pid_t pid;     /* 0: none */
	int saved;     /* our own standard output */
	bool has_closed;  /* it has stopped reading */
	bool has_tty;  /* whether we had changed the terminal's modes before */
} program;

static void write_piece(const char *data, size_t len)
{
	for (size_t done = 0; done < len && !program.has_closed;) {
		ssize_t n = write(STDOUT_FILENO, data + done, len - done);
		if (n < 0 && errno == EPIPE && program.pid) {
			program.has_closed = true;
		} else if (n < 0 && errno == EPIPE) {
			exit(0);
		} else if (n < 0 && errno != EINTR) {
			perror("qcache-cli: standard output");
			exit(1);
		}
		done += n > 0 ? (size_t)n : 0;
	}
}

void print(struct text *text)
{
	write_piece(text->data, text->len);
	text_clear(text);
}

void print_to_stderr(struct text *text)
{
	fwrite(text->data, 1, text->len, stderr);
	text_clear(text);
}

bool print_until_interrupt(struct text *text)
{
	size_t done = 0;

	while (done < text->len && !interrupt_is_pending() && !program.has_closed) {
		size_t piece = text->len - done < PIECE ? text->len - done : PIECE;
		write_piece(text->data + done, piece);
		done += piece;
	}
	bool whole = done == text->len && !program.has_closed;
	text_clear(text);
	return whole;
}

extern char **environ;

static void take_tty_again(void)
{
	if (program.has_tty)
		tty_run();
}

/* Resets the signals as a shell would, so that Ctrl-C and a closed pipe end the program. */
static int start(const char *line, int input, pid_t *out_pid)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)line, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int number = posix_spawn(out_pid, "/bin/sh", &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return number;
}

bool output_to_program(const char *line)
{
	int ends[2], number;

	fflush(stdout);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		perror("qcache-cli: cannot create a pipe");
		return false;
	}
	program.has_tty = tty_restore();
	number = start(line, ends[0], &program.pid);
	close(ends[0]);
	program.has_closed = false;
	program.saved = number ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (program.saved >= 0 && dup2(ends[1], STDOUT_FILENO) < 0)
		number = errno;
	close(ends[1]);
	if (number == 0)
		return true;
	fprintf(stderr, "qcache-cli: /bin/sh: %s\n", strerror(number));
	program.pid = 0;
	take_tty_again();
	return false;
}

void output_back(void)
{
	int status;

	fflush(stdout);
	dup2(program.saved, STDOUT_FILENO);
	close(program.saved);
	while (waitpid(program.pid, &status, 0) < 0 && errno == EINTR)
		continue;
	program.pid = 0;
	program.has_closed = false;
	take_tty_again();
}

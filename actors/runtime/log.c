#include "log.h"
#include "actors/runtime/printable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "actors/runtime/clock.h"

/*
 * Only log_open() and log_close() change these, while there is one thread. In between the descriptor's number stays the same; dup3()
 * exchanges the file behind it in one step, so any thread may write to it meanwhile.
 */
static int descriptor = STDOUT_FILENO;
static char *followed_path; /* absolute, since the process may change its working directory; NULL for stdout */

/* Relaxed: neither orders other memory. */
static _Atomic int lowest_level = LOG_NOTICE;
static _Atomic uint64_t lost_lines;

static _Thread_local const _Atomic int *level_in_use; /* NULL: lowest_level is in force */

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

/* NULL without memory, or if the working directory is unknown. */
static char *absolute(const char *path)
{
	char *directory = path[0] == '/' ? NULL : getcwd(NULL, 0), *whole = NULL;
	if (path[0] == '/')
		return strdup(path);
	if (directory && asprintf(&whole, "%s/%s", directory, path) < 0)
		whole = NULL;
	free(directory);
	return whole;
}

bool log_open(const char *path, enum log_level level)
{
	int fd = STDOUT_FILENO;
	char *whole = NULL;
	if (path[0] != '\0') {
		whole = absolute(path);
		fd = whole ? open_file(whole) : -1;
		if (fd < 0) {
			free(whole);
			return false;
		}
	}
	log_close();
	descriptor = fd;
	followed_path = whole;
	log_set_level(level);
	return true;
}

void log_use_level(const _Atomic int *level)
{
	level_in_use = level;
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&lowest_level, level, memory_order_relaxed);
}

void log_close(void)
{
	if (descriptor != STDOUT_FILENO)
		close(descriptor);
	descriptor = STDOUT_FILENO;
	free(followed_path);
	followed_path = NULL;
}

/* True when the open file still has its name. */
static bool is_in_place(void)
{
	struct stat named, opened;
	return stat(followed_path, &named) == 0 && fstat(descriptor, &opened) == 0 && named.st_dev == opened.st_dev &&
	       named.st_ino == opened.st_ino;
}

/* Opens the log's name again if another file, or none, has it. Two threads may do so at once: both open the same file. False: lines go to
 * the former file. */
static bool follow_name(void)
{
	if (!followed_path || is_in_place())
		return true;
	int fd = open_file(followed_path);
	if (fd < 0)
		return false;
	bool follows = dup3(fd, descriptor, O_CLOEXEC) == descriptor;
	close(fd);
	return follows;
}

int log_descriptor(void)
{
	follow_name();
	return descriptor;
}

static size_t put_prefix(char *line, size_t size, enum log_level level)
{
	static const char marks[] = ".-*#";
	int64_t now_ms = wall_clock_ms();
	time_t now_s = now_ms / 1000;
	struct tm local;
	char when[32];
	localtime_r(&now_s, &local);
	strftime(when, sizeof(when), "%d %b %Y %H:%M:%S", &local);
	return (size_t)snprintf(line, size, "%d:M %s.%03d %c ", (int)getpid(), when, (int)(now_ms % 1000),
				marks[level]);
}

static bool write_line(int fd, const char *line, size_t len)
{
	ssize_t written;
	do {
		written = write(fd, line, len);
	} while (written < 0 && errno == EINTR);
	return written == (ssize_t)len;
}

static void put_line(enum log_level level, const char *text)
{
	char line[LOG_LINE_BYTES];
	size_t len = put_prefix(line, sizeof(line), level);
	len += printable_escape(text, line + len, sizeof(line) - len);
	line[len++] = '\n';
	/* The former file may be deleted, so nobody would see the line. */
	if (!follow_name())
		write_line(STDERR_FILENO, line, len);
	if (!write_line(descriptor, line, len))
		atomic_fetch_add_explicit(&lost_lines, 1, memory_order_relaxed);
}

void log_event(enum log_level level, const char *format, ...)
{
	const _Atomic int *lowest = level_in_use ? level_in_use : &lowest_level;
	if ((int)level < atomic_load_explicit(lowest, memory_order_relaxed))
		return;
	int saved_errno = errno;
	char text[LOG_LINE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	uint64_t lost = atomic_exchange_explicit(&lost_lines, 0, memory_order_relaxed);
	if (lost > 0) {
		char notice[80];
		snprintf(notice, sizeof(notice), "%llu lines could not be written to the log",
			 (unsigned long long)lost);
		put_line(LOG_WARNING, notice);
		/* If the notice was lost too, count the lines that it reports again. */
		if (atomic_load_explicit(&lost_lines, memory_order_relaxed) > 0)
			atomic_fetch_add_explicit(&lost_lines, lost - 1, memory_order_relaxed);
	}
	put_line(level, text);
	errno = saved_errno;
}

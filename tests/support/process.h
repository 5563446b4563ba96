/*
 * Child processes of a test. Their output goes to a file, waiting for them has a deadline, and they die with the test program.
 */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Resets signals to their defaults. A shell ignores some in background jobs, and children inherit that. */
void process_reset_signals(void);

/* Starts argv[0], found in PATH, with stdin from /dev/null and both outputs appended to the file. Aborts when it can't fork. */
pid_t process_start(const char *const argv[], const char *output_path);

/* Waits for the end; false when it doesn't come in time. *out_status is that of waitpid(2). */
bool process_wait(pid_t pid, int64_t within_ms, int *out_status);

/* Waits for the end of a process that isn't a child: a daemon. */
bool process_wait_gone(pid_t pid, int64_t within_ms);

/* Kills and reaps. */
void process_kill(pid_t pid);

/* Runs the program for PATIENCE_MS at most and returns its output, which the caller frees; *out_status is -1 if it was killed. */
char *process_run(const char *const argv[], int *out_status);

/* The text of a file, "" when there is none; the caller frees it. */
char *file_text(const char *path);

/* Makes a directory for a test. scratch_remove() removes it with its contents. */
void scratch_create(char *out_path, size_t size);
void scratch_remove(const char *path);
/* "DIRECTORY/NAME"; valid until eight more calls. */
const char *scratch_file(const char *directory, const char *name);

#endif

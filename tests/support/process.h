/*
 * Child processes of a test: started with their output in a file, awaited with a deadline, never left behind (they die
 * with the test program).
 */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As a program expects signals: whoever started the tests may ignore some, as a shell does for what it starts in the background. */
void process_reset_signals(void);

/* Starts argv[0] (looked up in PATH) with stdin from /dev/null and both outputs appended to the file. Aborts when it can't fork. */
pid_t process_start(const char *const argv[], const char *output_path);

/* Waits for the end; false when it doesn't come. *out_status is as waitpid(2) gives it. */
bool process_wait(pid_t pid, int64_t within_ms, int *out_status);

/* Waits for the end of a process that isn't a child: a daemon. */
bool process_wait_gone(pid_t pid, int64_t within_ms);

/* Kills and reaps. */
void process_kill(pid_t pid);

/* Starts, waits PATIENCE_MS, and returns what it wrote, for the caller to free; *out_status is -1 when it had to be killed. */
char *process_run(const char *const argv[], int *out_status);

/* The whole of a file, NUL behind it, for the caller to free; "" when there is none. */
char *file_text(const char *path);

/* Makes a directory of its own for a test; removed with all that is in it by scratch_remove(). */
void scratch_create(char *out_path, size_t size);
void scratch_remove(const char *path);

#endif

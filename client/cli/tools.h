/*
 * The tools. Each runs until it is done or interrupted, and returns the exit status.
 */
#ifndef CLIENT_CLI_TOOLS_H
#define CLIENT_CLI_TOOLS_H

#include <stdint.h>

#include "client/cli/session.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_CONNECTION = 3, EXIT_CANCELLED = 130 };

int tool_stat(struct session *session);
int tool_latency(struct session *session);
int tool_latency_history(struct session *session);
int tool_latency_dist(struct session *session);
int tool_intrinsic_latency(struct session *session);
int tool_actors(struct session *session);
int tool_slowlog(struct session *session);
int tool_bigkeys(struct session *session);
int tool_memkeys(struct session *session);
int tool_keystats(struct session *session);
int tool_hotkeys(struct session *session);
int tool_scan(struct session *session);
int tool_lru_test(struct session *session);
int tool_pipe(struct session *session);
int tool_import(struct session *session);
int tool_rdb(struct session *session);
int tool_functions_rdb(struct session *session);

int outcome_status(enum outcome outcome);
/* The exit status after a failed call. Prints error replies; session_call() has printed all other errors. */
int give_up(qc_error err);

/* Microseconds of the monotonic clock. */
int64_t clock_us(void);
/* Pauses. False if Ctrl-C was pressed. */
bool pause_us(int64_t us);
/* Formats like "1.2M". */
const char *human(double number, char out[16]);

/* Progress on stderr, if it is a terminal, a few times per second: share, speed, remaining time. `total` 0: unknown. */
struct progress {
	const char *what;
	uint64_t total;
	int64_t began_us, shown_us;
	bool is_shown;
};

void progress_start(struct progress *progress, const char *what, uint64_t total);
void progress_show(struct progress *progress, uint64_t done, uint64_t count);
void progress_end(struct progress *progress);

#endif

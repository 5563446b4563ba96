/*
 * SCAN over all keys, with the options for pattern, type, cursor, count and pause.
 */
#ifndef CLIENT_CLI_SCAN_H
#define CLIENT_CLI_SCAN_H

#include "client/cli/session.h"

struct scan {
	struct session *session;
	char cursor[24]; /* where SCAN continues; "0" before the first step and after the last */
	qc_result page;
	uint64_t steps;
	qc_error err;
};

/* `session` must be connected. */
void scan_init(struct scan *scan, struct session *session);
void scan_fini(struct scan *scan);
/*
 * Returns the next keys, an array (maybe empty) that is valid until the next call. NULL after the last keys, after Ctrl-C, and after an
 * error, which is in scan->err.
 */
const qc_reply *scan_next(struct scan *scan);

#endif

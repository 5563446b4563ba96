/*
 * SCAN over all keys, as the options say: which, from where, how many at a time, how often with a pause.
 */
#ifndef CLIENT_CLI_SCAN_H
#define CLIENT_CLI_SCAN_H

#include "client/cli/session.h"

struct scan {
	struct session *session;
	char cursor[24]; /* where it goes on; "0" before the first step, and behind the last */
	qc_result page;
	uint64_t steps;
	qc_error err;
};

/* `session` is connected. */
void scan_init(struct scan *scan, struct session *session);
void scan_fini(struct scan *scan);
/*
 * The next keys (maybe none), an array that is valid until the next call; NULL behind the last, with an error in scan->err, or when
 * Ctrl-C was pressed.
 */
const qc_reply *scan_next(struct scan *scan);

#endif

/*
 * Executing the commands of one session. Only the turn may call these functions, except execute_end().
 */
#ifndef ACTORS_STORE_EXECUTE_H
#define ACTORS_STORE_EXECUTE_H

#include "actors/store/batch.h"
#include "actors/store/session.h"

/* Executes the next request of a batch, or queues it if its session is blocked. */
void execute_request(struct store *store, const struct request_batch *batch, const struct request *request);

/* Resumes a blocked session: executes its command, then its queued requests, until it blocks again or the turn has no time left. */
void execute_blocked(struct store *store, struct session *session);

/* Ends a session whose connection is gone: resumes it with WAKE_CLOSED if it is blocked, and frees it. */
void execute_end(struct store *store, struct session *session);

#endif

/*
 * What the turn executes, for one session at a time. Only turn.c calls, but for execute_end().
 */
#ifndef ACTORS_STORE_EXECUTE_H
#define ACTORS_STORE_EXECUTE_H

#include "actors/store/batch.h"
#include "actors/store/session.h"

/* The next request of a batch; it waits in its session when that is blocked. */
void execute_request(struct store *store, const struct request_batch *batch, const struct request *request);

/* A blocked session goes on: its command, then what came behind it, until it blocks again or the turn has no time left. */
void execute_blocked(struct store *store, struct session *session);

/* Ends a session whose connection is gone: what it waits for is given up, and it is freed. */
void execute_end(struct store *store, struct session *session);

#endif

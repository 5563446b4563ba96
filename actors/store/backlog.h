/*
 * Batches of requests that are not completely executed. For turn.c and inbox.c.
 */
#ifndef ACTORS_STORE_BACKLOG_H
#define ACTORS_STORE_BACKLOG_H

#include <stdbool.h>

struct request_batch;
struct store;

/* Takes a batch received from its reactor. */
void backlog_add(struct store *store, struct request_batch *batch);
/* Executes as much as the turn has time for, of all reactors in rotation. */
void backlog_execute(struct store *store);
/* There are requests that wait only for a turn. A batch whose reactor has unsent reply text of full size resumes after that is taken. */
bool backlog_is_ready(const struct store *store);

#endif

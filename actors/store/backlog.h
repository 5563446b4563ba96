/*
 * Batches of requests that wait to be executed, or are half executed. For turn.c and inbox.c.
 */
#ifndef ACTORS_STORE_BACKLOG_H
#define ACTORS_STORE_BACKLOG_H

#include <stdbool.h>

struct request_batch;
struct store;

/* A batch that has come from its reactor. */
void backlog_add(struct store *store, struct request_batch *batch);
/* As much as the turn has time for, of all reactors; another one comes first each time. */
void backlog_execute(struct store *store);
/* There are requests that only wait for a turn: one whose reactor has yet to take what is written for it goes on when that is taken. */
bool backlog_is_ready(const struct store *store);

#endif

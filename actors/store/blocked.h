/*
 * Blocked clients: sessions that wait, each on one topic, with or without a deadline. This is a queue; it executes nothing.
 *
 * A blocked session holds deep copies of the command that blocked it and of all later requests, REQUEST_CLOSED included. Waking moves
 * sessions to BLOCKED_WOKEN in the order in which they blocked; the turn executes them from there. Sessions that blocked before their
 * command began (BLOCKED_PAUSE, BUS_CREDIT, SNAPSHOT, MEMORY, TURN) are not woken: the turn checks whether the first of each may run.
 *
 * Private to the store's runtime; handlers use session_block() and session_unblock().
 */
#ifndef ACTORS_STORE_BLOCKED_H
#define ACTORS_STORE_BLOCKED_H

#include "actors/store/call.h"
#include "actors/store/session.h"

struct waiting_request {
	struct waiting_request *next;
	enum request_kind kind;
	const struct command *command;
	uint64_t hash, secrets;
	size_t bytes;
	uint32_t argc;
	struct resp_arg argv[];
};

/* ---- waiting ---- */

/* Blocks the session on BLOCKED_TURN: its next commands wait for another turn. */
void blocked_set_aside(struct store *store, struct session *session);
/* Moves a session whose command has not begun to BLOCKED_TURN: the command begins as soon as a turn has time. */
void blocked_let_go_on(struct store *store, struct session *session);
/* Moves all sessions from one topic to another, which must be empty. False when there are none. */
bool blocked_move(struct store *store, enum blocked_topic from, enum blocked_topic to);
/* Does the wait end when the client disconnects? */
bool blocked_ends_with_client(const struct session *session);

/* Queues a request in a blocked session. False if out of memory. */
bool blocked_add_request(struct store *store, struct session *session, const struct request *request, const struct resp_arg *argv);
/* The first queued request; there must be one. The caller frees it. */
struct waiting_request *blocked_take_next(struct session *session);
void blocked_free_request(struct store *store, struct session *session, struct waiting_request *request);
void blocked_free_requests(struct store *store, struct session *session);

/* The call of a queued request. */
struct call blocked_call(struct store *store, struct session *session, const struct waiting_request *request);

/* ---- going on ---- */

/* Wakes all sessions on the topic. `answer` is passed to their resume functions and must live until the turn has executed them. */
void blocked_wake_all(struct store *store, enum blocked_topic topic, void *answer);
/* The same, but takes the answer (or NULL): it is destroyed after the sessions were executed, or at once if there are none. Once a turn. */
void blocked_answer(struct store *store, enum blocked_topic topic, void *answer, void (*destroy)(void *answer));
void blocked_forget_answer(struct store *store);
/* Wakes all sessions whose deadline has passed. */
void blocked_wake_due(struct store *store);
/* Monotonic; INT64_MAX when there is no deadline. */
int64_t blocked_next_deadline_ms(const struct store *store);

/* The session that has waited longest on the topic; NULL when there is none. */
struct session *blocked_first(const struct store *store, enum blocked_topic topic);
/* Removes the session from its topic: the turn executes its command. */
void blocked_take(struct store *store, struct session *session);

#endif

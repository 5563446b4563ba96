/*
 * Blocked clients: sessions that wait, each on one topic, with a deadline or without one. A queue: nothing is executed here.
 *
 * A blocked session holds a deep copy of the command that blocked it and of what came behind that, the connection's end included.
 * Whoever learns that what is waited for has come wakes: then the sessions are on BLOCKED_WOKEN, from which the turn takes them, in the order in
 * which they began to wait. Those that wait before their command begins stay on their topic, and the turn asks whether the
 * first may go on.
 *
 * Private to the store's runtime; handlers block and unblock by session.h.
 */
#ifndef ACTORS_STORE_BLOCKED_H
#define ACTORS_STORE_BLOCKED_H

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

/* The session's next commands wait for another turn. */
void blocked_set_aside(struct store *store, struct session *session);
/* What a command waited for before it began has come: it begins as soon as a turn has time. */
void blocked_let_go_on(struct store *store, struct session *session);
/* Those who wait for one thing now wait for the other, which nobody waits for yet. False when there are none. */
bool blocked_move(struct store *store, enum blocked_topic from, enum blocked_topic to);
/* What the session waits for means nothing without its client. */
bool blocked_ends_with_client(const struct session *session);

/* A request that comes while the session is blocked. False without memory. */
bool blocked_add_request(struct store *store, struct session *session, const struct request *request, const struct resp_arg *argv);
/* The first of these, or NULL; the caller's to free. */
struct waiting_request *blocked_take_next(struct session *session);
void blocked_free_request(struct store *store, struct session *session, struct waiting_request *request);
void blocked_free_requests(struct store *store, struct session *session);

/* Of a command's arguments but its name; of those of the command that blocked the session. */
struct args_size {
	size_t bytes;      /* as they were sent, but for what is counted as waiting */
	size_t blob_bytes; /* that the blobs among them take */
};
struct args_size call_args_size(const struct call *call);
struct args_size blocked_args_size(const struct session *session);

/* ---- going on ---- */

/* All who wait on the topic; `answer` is what their resume functions are given, and must live until the turn has executed them. */
void blocked_wake_all(struct store *store, enum blocked_topic topic, void *answer);
/* The same with an answer that is given away: destroyed when they have been executed, at once if nobody waits. One in a turn. NULL: none. */
void blocked_answer(struct store *store, enum blocked_topic topic, void *answer, void (*destroy)(void *answer));
void blocked_forget_answer(struct store *store);
/* Those whose deadline has come. */
void blocked_wake_due(struct store *store);
/* Monotonic; INT64_MAX when nobody has one. */
int64_t blocked_next_deadline_ms(const struct store *store);

/* The one that has waited longest on the topic; NULL. */
struct session *blocked_first(const struct store *store, enum blocked_topic topic);
/* It waits no longer: the turn executes its command. */
void blocked_take(struct store *store, struct session *session);

#endif

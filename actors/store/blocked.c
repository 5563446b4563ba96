/*
 * Queues of blocked sessions by topic, their deadlines, and their queued requests. session.h has the contract with commands.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "transport/array.h"

/* Adds `change` to the bytes of queued requests. */
static void count_waiting(struct store *store, struct session *session, size_t change)
{
	session->waiting_bytes += change;
	store->blocked.waiting_bytes += change;
}

/* Copies the arguments behind the vector, and holds references to blobs. NULL if out of memory. */
static struct waiting_request *copy_request(struct store *store, struct session *session, const struct resp_arg *argv, uint32_t argc,
					    const struct command *command, uint64_t hash)
{
	size_t bytes = sizeof(struct waiting_request) + argc * sizeof(struct resp_arg);
	for (uint32_t i = 0; i < argc; i++)
		bytes += argv[i].is_large ? 0 : argv[i].len;
	struct waiting_request *copy = malloc(bytes);
	if (!copy)
		return NULL;
	*copy = (struct waiting_request){ .kind = REQUEST_COMMAND, .command = command, .hash = hash, .bytes = bytes, .argc = argc };
	count_waiting(store, session, bytes);
	uint8_t *at = (uint8_t *)&copy->argv[argc];
	for (uint32_t i = 0; i < argc; i++) {
		copy->argv[i] = argv[i];
		if (argv[i].is_large) {
			blob_hold(blob_from_data(argv[i].data));
			continue;
		}
		if (argv[i].len)
			memcpy(at, argv[i].data, argv[i].len);
		copy->argv[i].data = at;
		at += argv[i].len;
	}
	return copy;
}

struct call blocked_call(struct store *store, struct session *session, const struct waiting_request *request)
{
	return (struct call){
		.store = store,
		.session = session,
		.command = request->command,
		.argv = request->argv,
		.argc = request->argc,
		.now_ms = store->turn.now_ms,
		.hash = request->hash,
		.secrets = request->secrets,
		.is_queued = true,
	};
}

void blocked_free_request(struct store *store, struct session *session, struct waiting_request *request)
{
	count_waiting(store, session, -request->bytes);
	for (uint32_t i = 0; i < request->argc; i++)
		if (request->argv[i].is_large) {
			struct blob *blob = blob_from_data(request->argv[i].data);
			blob_release(&blob);
		}
	free(request);
}

/* ---- deadlines: a binary heap ---- */

static void place(struct deadlines *deadlines, size_t at, struct session *session)
{
	deadlines->items[at] = session;
	session->deadline_at = at;
}

static void sift_up(struct deadlines *deadlines, size_t at, struct session *session)
{
	while (at > 0 && deadlines->items[(at - 1) / 2]->deadline_ms > session->deadline_ms) {
		place(deadlines, at, deadlines->items[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(deadlines, at, session);
}

static void sift_down(struct deadlines *deadlines, size_t at, struct session *session)
{
	for (size_t child; (child = 2 * at + 1) < deadlines->count; at = child) {
		if (child + 1 < deadlines->count &&
		    deadlines->items[child + 1]->deadline_ms < deadlines->items[child]->deadline_ms)
			child++;
		if (deadlines->items[child]->deadline_ms >= session->deadline_ms)
			break;
		place(deadlines, at, deadlines->items[child]);
	}
	place(deadlines, at, session);
}

static void add_deadline(struct deadlines *deadlines, struct session *session)
{
	if (!array_reserve(&deadlines->items, &deadlines->capacity, deadlines->count + 1, sizeof(*deadlines->items), 64))
		crash_out_of_memory("the deadlines of blocked clients");
	sift_up(deadlines, deadlines->count++, session);
}

static void remove_deadline(struct deadlines *deadlines, struct session *session)
{
	struct session *last = deadlines->items[--deadlines->count];
	size_t at = session->deadline_at;
	if (last == session)
		return;
	if (last->deadline_ms < session->deadline_ms)
		sift_up(deadlines, at, last);
	else
		sift_down(deadlines, at, last);
}

int64_t blocked_next_deadline_ms(const struct store *store)
{
	return store->blocked.deadlines.count ? store->blocked.deadlines.items[0]->deadline_ms : INT64_MAX;
}

/* ---- lists by topic ---- */

static void link_to(struct blocked_list *list, struct session *session)
{
	session->topic_next = NULL;
	session->topic_previous = list->last;
	*(list->last ? &list->last->topic_next : &list->first) = session;
	list->last = session;
}

static void unlink_from(struct store *store, struct session *session)
{
	struct blocked_list *list = &store->blocked.lists[session->topic];
	*(session->topic_previous ? &session->topic_previous->topic_next : &list->first) = session->topic_next;
	*(session->topic_next ? &session->topic_next->topic_previous : &list->last) = session->topic_previous;
	if (session->deadline_ms != INT64_MAX)
		remove_deadline(&store->blocked.deadlines, session);
	session->deadline_ms = INT64_MAX;
	session->deadline_reason = WAKE_DEADLINE;
	session->flags &= ~(uint32_t)SESSION_BLOCKED;
	store->blocked.count--;
}

static void enlist(struct store *store, struct session *session, enum blocked_topic topic, int64_t deadline_ms)
{
	if (session->flags & SESSION_BLOCKED)
		crash_broken_invariant("session %llu is blocked twice", (unsigned long long)session->connection.id);
	session->topic = topic;
	session->deadline_ms = deadline_ms;
	session->flags |= SESSION_BLOCKED;
	link_to(&store->blocked.lists[topic], session);
	if (deadline_ms != INT64_MAX)
		add_deadline(&store->blocked.deadlines, session);
	store->blocked.count++;
}

static void block(struct store *store, struct session *session, enum blocked_topic topic, int64_t deadline_ms)
{
	enlist(store, session, topic, deadline_ms);
	struct reply_part *part = store_part(store, session->connection);
	part->flags = (uint16_t)((part->flags & ~REPLY_GO_ON) | REPLY_HOLD);
}

void blocked_set_aside(struct store *store, struct session *session)
{
	block(store, session, BLOCKED_TURN, INT64_MAX);
}

void blocked_let_go_on(struct store *store, struct session *session)
{
	unlink_from(store, session);
	enlist(store, session, BLOCKED_TURN, INT64_MAX);
}

/* A request that was queued or blocked before is reused without copying it again. */
static struct waiting_request *keep_request(struct call *call)
{
	struct session *session = call->session;
	struct waiting_request *request = session->executing;
	if (request && request->argv == call->argv)
		session->executing = NULL;
	else
		request = copy_request(call->store, session, call->argv, call->argc, call->command, call->hash);
	if (request) {
		request->command = call->command;
		request->hash = call->hash;
		request->secrets = call->secrets;
	}
	return request;
}

void session_block(struct call *call, enum blocked_topic topic, int64_t deadline_ms, session_resume *resume, void *state)
{
	struct session *session = call->session;
	session->resume = resume;
	session->state = state;
	session->blocked_request = keep_request(call);
	if (session->blocked_request) {
		block(call->store, session, topic, deadline_ms);
		return;
	}
	if (resume)
		resume(call, WAKE_CLOSED, NULL);
	reply_error(call, "OOM out of memory for queuing a command");
}

bool blocked_ends_with_client(const struct session *session)
{
	static const bool ends[BLOCKED_TOPICS] = { [BLOCKED_NOTHING] = true, [BLOCKED_PAUSE] = true, [BLOCKED_SLICE] = true,
						   [BLOCKED_DURABLE] = true, [BLOCKED_AOF_FIGURES] = true, [BLOCKED_REPLICAS] = true,
						   [BLOCKED_SHUTDOWN] = true };
	return ends[session->topic];
}

bool blocked_add_request(struct store *store, struct session *session, const struct request *request, const struct resp_arg *argv)
{
	struct waiting_request *copy = copy_request(store, session, argv, request->argc, request->command, request->hash);
	if (!copy)
		return false;
	copy->kind = (enum request_kind)request->kind;
	if (copy->kind == REQUEST_CLOSED)
		session->flags |= SESSION_ENDED;
	*(session->waiting_last ? &session->waiting_last->next : &session->waiting_first) = copy;
	session->waiting_last = copy;
	return true;
}

struct waiting_request *blocked_take_next(struct session *session)
{
	struct waiting_request *request = session->waiting_first;
	session->waiting_first = request->next;
	if (!session->waiting_first)
		session->waiting_last = NULL;
	return request;
}

void blocked_free_requests(struct store *store, struct session *session)
{
	while (session->waiting_first)
		blocked_free_request(store, session, blocked_take_next(session));
}

/* Makes the deadline due now instead of waking at once: another session's command is being executed. */
void session_unblock(struct store *store, struct session *session, enum wake_reason reason)
{
	if (session->deadline_ms != INT64_MAX)
		remove_deadline(&store->blocked.deadlines, session);
	session->deadline_ms = store->turn.monotonic_ms;
	session->deadline_reason = reason;
	add_deadline(&store->blocked.deadlines, session);
}

bool blocked_move(struct store *store, enum blocked_topic from, enum blocked_topic to)
{
	for (struct session *session = store->blocked.lists[from].first; session; session = session->topic_next)
		session->topic = to;
	store->blocked.lists[to] = store->blocked.lists[from];
	store->blocked.lists[from] = (struct blocked_list){ 0 };
	return store->blocked.lists[to].first != NULL;
}

/* ---- waking ---- */

struct session *blocked_first(const struct store *store, enum blocked_topic topic)
{
	return store->blocked.lists[topic].first;
}

void blocked_take(struct store *store, struct session *session)
{
	unlink_from(store, session);
}

static void wake(struct store *store, struct session *session, enum wake_reason reason, void *answer)
{
	unlink_from(store, session);
	session->woken_by = reason;
	session->answer = answer;
	enlist(store, session, BLOCKED_WOKEN, INT64_MAX);
}

void blocked_wake_all(struct store *store, enum blocked_topic topic, void *answer)
{
	while (store->blocked.lists[topic].first)
		wake(store, store->blocked.lists[topic].first, WAKE_ANSWER, answer);
}

void blocked_answer(struct store *store, enum blocked_topic topic, void *answer, void (*destroy)(void *answer))
{
	if (answer && !store->blocked.lists[topic].first) {
		destroy(answer);
		return;
	}
	blocked_wake_all(store, topic, answer);
	store->blocked.answer = answer;
	store->blocked.destroy_answer = destroy;
}

void blocked_forget_answer(struct store *store)
{
	if (store->blocked.answer)
		store->blocked.destroy_answer(store->blocked.answer);
	store->blocked.answer = NULL;
}

void blocked_wake_due(struct store *store)
{
	while (blocked_next_deadline_ms(store) <= store->turn.monotonic_ms) {
		struct session *session = store->blocked.deadlines.items[0];
		wake(store, session, session->deadline_reason, NULL);
	}
}

/*
 * Executing the commands of one session: new requests, commands that were blocked, and the requests queued behind them.
 */
#include "actors/store/execute.h"

#include <string.h>

#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "actors/store/turn_limits.h"

/* CLIENT REPLY SKIP applies to the next command only. */
static void update_reply_skip(struct session *session)
{
	if (session->flags & SESSION_REPLY_SKIP_NEXT)
		session->flags = (session->flags & ~(uint32_t)SESSION_REPLY_SKIP_NEXT) | SESSION_REPLY_SKIP;
	else
		session->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
}

/* Replaces a reply that ran out of memory with an error. If part of it has left the buffer as a blob, the connection is closed instead. */
static void replace_failed_reply(struct store *store, struct session *session, size_t text_began)
{
	struct reactor_side *side = &store->reactors[session->connection.reactor];
	static const char error[] = "-OOM no memory for the reply\r\n";
	if (!side->open || !side->open->text.failed)
		return;
	struct buffer *text = &side->open->text;
	text->failed = false;
	if (text_began >= side->part_begins) {
		text->len = text_began;
		buffer_append(text, error, sizeof(error) - 1);
		return;
	}
	text->len = side->part_begins;
	store_part(store, session->connection)->flags |= REPLY_CLOSE;
	session->flags |= SESSION_CLOSING;
}

static size_t text_length(const struct store *store, const struct session *session)
{
	const struct reactor_side *side = &store->reactors[session->connection.reactor];
	return side->open ? side->open->text.len : 0;
}

static void finish(struct store *store, struct session *session, uint32_t flags_before)
{
	if (session->flags & SESSION_BLOCKED)
		return;
	struct reply_part *part = store_part(store, session->connection);
	part->answered++;
	if ((session->flags ^ flags_before) & SESSION_AUTHENTICATED) {
		uint32_t others = part->flags & ~(uint32_t)(REPLY_AUTHENTICATED | REPLY_UNAUTHENTICATED);
		bool is_in = session->flags & SESSION_AUTHENTICATED;
		part->flags = (uint16_t)(others | (is_in ? REPLY_AUTHENTICATED : REPLY_UNAUTHENTICATED));
	}
	if ((session->flags | flags_before) & (SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT))
		update_reply_skip(session);
}

bool store_has_credit(const struct store *store)
{
	return !(store->bus.wanted & BUS_FRAMES) || bus_has_credit(store->bus.bus, BUS_FRAMES);
}

static bool must_wait_for_bus(const struct store *store, const struct call *call)
{
	return (call->command->flags & COMMAND_WRITE) && !store_has_credit(store);
}

/* Waits if this turn cannot free enough memory, and is refused if nothing more can be evicted. */
static bool must_wait_for_memory(struct store *store, struct call *call)
{
	if (store->config.maxmemory == 0 || !(call->command->flags & COMMAND_DENYOOM))
		return false;
	enum memory_outcome outcome = store_evict(store, call);
	call->rejected = outcome == MEMORY_FULL;
	if (call->rejected)
		reply_above_maxmemory(call);
	return outcome == MEMORY_LATER;
}

/* What the command must wait for before it begins; BLOCKED_TOPICS if nothing. Memory last: until then nothing is evicted for it. */
static enum blocked_topic find_obstacle(struct store *store, struct call *call)
{
	if (store_pause_holds(store, call->command))
		return BLOCKED_PAUSE;
	if (must_wait_for_bus(store, call))
		return BLOCKED_BUS_CREDIT;
	if (call_waits_for_snapshot(call))
		return BLOCKED_SNAPSHOT;
	return must_wait_for_memory(store, call) ? BLOCKED_MEMORY : BLOCKED_TOPICS;
}

static void postpone(struct call *call, enum blocked_topic obstacle)
{
	call->postponed = true;
	session_block(call, obstacle, INT64_MAX, NULL, NULL);
}

static void execute_in_frame(struct call *call)
{
	store_frame_begin(call->store);
	if (call->command->flags & COMMAND_WRITE)
		call_expire_keys(call);
	call->command->handler(call);
	store_frame_end(call->store);
}

static void execute_or_postpone(struct store *store, struct call *call)
{
	enum blocked_topic obstacle = find_obstacle(store, call);
	if (obstacle != BLOCKED_TOPICS)
		postpone(call, obstacle);
	else if (!call->rejected)
		execute_in_frame(call);
}

static void run(struct store *store, struct session *session, struct call *call)
{
	uint32_t flags_before = session->flags;
	size_t text_began = text_length(store, session);
	bool is_monitored = store->bus.wanted & BUS_COMMANDS; /* MONITOR itself is not shown */
	if (session->flags & SESSION_OUTPUT_FULL)
		postpone(call, BLOCKED_OUTPUT);
	else if (command_admit(call))
		execute_or_postpone(store, call);
	if (is_monitored && !call->rejected && !call->postponed)
		store_publish_command(store, session, call);
	store_count_call(store, call);
	replace_failed_reply(store, session, text_began);
	finish(store, session, flags_before);
}

static void resume(struct store *store, struct session *session, struct call *call, enum wake_reason reason, void *answer)
{
	uint32_t flags_before = session->flags;
	size_t text_began = text_length(store, session);
	store_begin_timing(store);
	store_frame_begin(store);
	session->resume(call, reason, answer);
	store_frame_end(store);
	if (reason == WAKE_CLOSED)
		return;
	store_count_resumed_call(store, call);
	replace_failed_reply(store, session, text_began);
	finish(store, session, flags_before);
}

/* The error follows all pending replies of the connection. */
static void refuse_protocol(struct store *store, struct session *session, const struct resp_arg *text)
{
	char error[96] = "ERR ";
	size_t len = text->len < sizeof(error) - 4 ? text->len : sizeof(error) - 4;
	memcpy(error + 4, text->data, len);
	store->stats.counters.protocol_errors++;
	log_event(LOG_VERBOSE, "%.*s from client id=%llu addr=%s", (int)(len), (const char *)text->data,
		  (unsigned long long)session->connection.id, session->address);
	session->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP);
	resp_write_error(store_text(store, session), error, len + 4);
	store_count_error(store, error);
	store_part(store, session->connection)->flags |= REPLY_CLOSE;
	session->flags |= SESSION_CLOSING;
}

/* ---- waiting commands ---- */

/* Frees the request after its execution, unless it has blocked the session again. */
static void free_executing(struct store *store, struct session *session)
{
	if (session->executing)
		blocked_free_request(store, session, session->executing);
	session->executing = NULL;
}

/* Resumes or begins the command that blocked the session. */
static void go_on(struct store *store, struct session *session, enum wake_reason reason, void *answer)
{
	struct waiting_request *request = session->blocked_request;
	blocked_take(store, session);
	if (!request)
		return;
	struct call call = blocked_call(store, session, request);
	session->blocked_request = NULL;
	session->executing = request;
	if (session->resume) {
		resume(store, session, &call, reason, answer);
	} else if (reason != WAKE_CLOSED) { /* the command has not begun yet */
		store_begin_timing(store);
		run(store, session, &call);
	}
	free_executing(store, session);
}

void execute_end(struct store *store, struct session *session)
{
	session_begin_end(store, session);
	if (session->flags & SESSION_BLOCKED)
		go_on(store, session, WAKE_CLOSED, NULL);
	session_close(store, session);
}

/* The session has executed everything it received. */
static void end_connection(struct store *store, struct session *session)
{
	store_part(store, session->connection)->flags |= REPLY_CLOSE;
	execute_end(store, session);
}

static void execute(struct store *store, struct session *session, enum request_kind kind, struct call *call)
{
	if (kind == REQUEST_CLOSED)
		end_connection(store, session);
	else if (session->flags & SESSION_CLOSING)
		store_begin_timing(store); /* requests after REPLY_CLOSE are ignored */
	else if (kind == REQUEST_COMMAND)
		run(store, session, call);
	else
		refuse_protocol(store, session, call->argv);
}

/* Executes the next queued request. True: it was REQUEST_CLOSED, and the session is freed. */
static bool run_next(struct store *store, struct session *session)
{
	struct waiting_request *request = blocked_take_next(session);
	if (request->kind == REQUEST_CLOSED) {
		blocked_free_request(store, session, request);
		execute(store, session, REQUEST_CLOSED, NULL);
		return true;
	}
	struct call call = blocked_call(store, session, request);
	session->executing = request;
	execute(store, session, request->kind, &call);
	free_executing(store, session);
	return false;
}

/* Executes the queued requests after the command that has finished, as long as the turn has time. */
static void run_waiting(struct store *store, struct session *session)
{
	while (session->waiting_first && !(session->flags & SESSION_BLOCKED)) {
		if (!turn_may_go_on(store, session->connection.reactor))
			blocked_set_aside(store, session);
		else if (run_next(store, session))
			return;
	}
	if (!(session->flags & (SESSION_BLOCKED | SESSION_CLOSING))) {
		struct reply_part *part = store_part(store, session->connection);
		part->flags = (uint16_t)((part->flags & ~REPLY_HOLD) | REPLY_GO_ON);
	} else if ((session->flags & SESSION_BLOCKED) && (session->flags & SESSION_ENDED) && blocked_ends_with_client(session)) {
		execute(store, session, REQUEST_CLOSED, NULL);
	}
}

void execute_blocked(struct store *store, struct session *session)
{
	bool is_woken = session->topic == BLOCKED_WOKEN;
	enum wake_reason reason = is_woken ? session->woken_by : WAKE_ANSWER;
	go_on(store, session, session->flags & SESSION_CLOSING ? WAKE_CLOSED : reason, is_woken ? session->answer : NULL);
	run_waiting(store, session);
}

/* ---- requests ---- */

/* Requests of a blocked session are queued. So is REQUEST_CLOSED, unless the wait ends with the client or the client was killed. */
static bool must_queue(const struct session *session, const struct request *request)
{
	if (!(session->flags & SESSION_BLOCKED))
		return false;
	return request->kind != REQUEST_CLOSED || !((session->flags & SESSION_CLOSING) || blocked_ends_with_client(session));
}

/* A request that cannot be queued would never be answered, so the client is closed. */
static void give_up(struct store *store, struct session *session, const struct request *request)
{
	log_event(LOG_WARNING, "Client id=%llu closed: out of memory for queuing a command",
		  (unsigned long long)session->connection.id);
	if (request->kind == REQUEST_CLOSED)
		execute(store, session, REQUEST_CLOSED, NULL);
	else
		session_kill(store, session);
}

static void execute_for(struct store *store, const struct request_batch *batch, const struct request *request,
			struct session *session)
{
	const struct resp_arg *argv = request->argc ? &batch->args.items[request->first_arg] : NULL;
	if (request->taken_bytes > session->taken_bytes)
		session->taken_bytes = request->taken_bytes;
	if (must_queue(session, request)) {
		if (!blocked_add_request(store, session, request, argv))
			give_up(store, session, request);
		store_begin_timing(store);
		return;
	}
	struct call call = {
		.store = store,
		.session = session,
		.command = request->command,
		.argv = argv,
		.argc = request->argc,
		.now_ms = store->turn.now_ms,
		.hash = request->hash,
	};
	execute(store, session, (enum request_kind)request->kind, &call);
}

void execute_request(struct store *store, const struct request_batch *batch, const struct request *request)
{
	struct session *session = request->kind == REQUEST_OPENED ? session_open(store, request) :
								    session_at(store, request->connection);
	if (session && request->kind != REQUEST_OPENED) {
		execute_for(store, batch, request, session);
		return;
	}
	/* A refused connection has no session. */
	if (request->kind == REQUEST_CLOSED)
		store_part(store, request->connection)->flags |= REPLY_CLOSE;
	store_begin_timing(store);
}

/*
 * Executing: from a batch of requests to replies and effects.
 *
 * A batch is executed in order. Ahead of the request in hand the command and the hash of its first key are worked out, and what
 * leads to the key is prefetched step by step: by the time a request is executed its data are in the cache.
 *
 * A batch may be left half executed, when the turn has lasted for TURN_NS or written TEXT_BYTES_MAX, or the store is
 * frozen; it goes on in a later turn. What it has answered so far leaves with the turn, and the batch
 * goes home when it is through.
 */
#include <string.h>

#include "actors/runtime/log.h"
#include "actors/store/state.h"

/* How far ahead: enough for a trip to memory each (about 80 ns, against some 100 ns a request). */
#define DIRECTORY_AHEAD 24
#define BUCKETS_AHEAD 16
#define ENTRIES_AHEAD 8
/* After this long a turn begins no further command: a full batch of plain ones takes half of it. */
#define TURN_NS 500000u

/* Once for each request, in order: a batch may be gone on with, and to hash a large key takes long. */
static void prepare(const struct store *store, struct request_batch *batch, size_t index)
{
	if (index >= batch->count || index < batch->prepared)
		return;
	batch->prepared = index + 1;
	struct request *request = &batch->requests[index];
	if (request->kind != REQUEST_COMMAND)
		return;
	const struct resp_arg *argv = &batch->args.items[request->first_arg];
	const struct command *command = command_find(argv[0].data, argv[0].len);
	request->command = command;
	if (!command || command->first_key <= 0 || (uint32_t)command->first_key >= request->argc)
		return;
	const struct resp_arg *key = &argv[command->first_key];
	request->hash = keyspace_hash(slice_of(key->data, key->len));
	const struct session *session = session_at(store, request->connection);
	request->database = session ? session->database : 0;
	keyspace_prefetch_directory(databases_read(&store->databases, request->database), request->hash);
}

static void prefetch(const struct store *store, const struct request_batch *batch, size_t index,
		     void (*part)(const struct keyspace *, uint64_t hash))
{
	if (index >= batch->count)
		return;
	const struct request *request = &batch->requests[index];
	if (request->hash)
		part(databases_read(&store->databases, request->database), request->hash);
}

/* CLIENT REPLY SKIP mutes the next command only. */
static void settle_skipping(struct session *session)
{
	if (session->flags & SESSION_REPLY_SKIP_NEXT)
		session->flags = (session->flags & ~(uint32_t)SESSION_REPLY_SKIP_NEXT) | SESSION_REPLY_SKIP;
	else
		session->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
}

/* A reply that found no memory half-way is taken back and becomes an error; if half of it is not here any more, its last. */
static void settle_memory(struct store *store, struct session *session, size_t text_began)
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
	if (session->flags & SESSION_PARKED)
		return;
	struct reply_part *part = store_part(store, session->connection);
	part->answered++;
	if ((session->flags ^ flags_before) & SESSION_AUTHENTICATED) {
		uint32_t others = part->flags & ~(uint32_t)(REPLY_AUTHENTICATED | REPLY_UNAUTHENTICATED);
		bool is_in = session->flags & SESSION_AUTHENTICATED;
		part->flags = (uint16_t)(others | (is_in ? REPLY_AUTHENTICATED : REPLY_UNAUTHENTICATED));
	}
	if ((session->flags | flags_before) & (SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT))
		settle_skipping(session);
}

bool store_has_credit(const struct store *store)
{
	return !(store->wanted & BUS_FRAMES) || bus_has_credit(store->bus, BUS_FRAMES);
}

static bool must_wait_for_bus(const struct store *store, const struct call *call)
{
	return call->command && (call->command->flags & COMMAND_WRITE) && !store_has_credit(store);
}

/* Room that this turn can't make is waited for; where none can be made dispatch refuses the command. */
static bool must_wait_for_memory(struct store *store, struct call *call)
{
	if (store->config.maxmemory == 0 || !call->command || !(call->command->flags & COMMAND_DENYOOM))
		return false;
	enum room room = store_make_room(store, call_args_size(call));
	call->finds_no_room = room == ROOM_NONE;
	return room == ROOM_LATER;
}

/* What the command must wait for before it begins; PARK_TOPICS: nothing. */
static enum park_topic find_obstacle(struct store *store, const struct session *session, struct call *call)
{
	if (session->flags & SESSION_OUTPUT_FULL)
		return PARK_OUTPUT;
	if (must_wait_for_bus(store, call))
		return PARK_BUS_CREDIT;
	return must_wait_for_memory(store, call) ? PARK_MEMORY : PARK_TOPICS;
}

void store_run(struct store *store, struct session *session, struct call *call)
{
	uint32_t flags_before = session->flags;
	size_t text_began = text_length(store, session);
	enum park_topic obstacle = find_obstacle(store, session, call);
	if (obstacle != PARK_TOPICS) {
		session_park(call, obstacle, INT64_MAX, NULL, NULL);
		store_begin_lap(store);
		finish(store, session, flags_before);
		return;
	}
	bool is_watched = store->wanted & BUS_COMMANDS; /* MONITOR itself is not shown */
	store_frame_begin(store);
	command_dispatch(call);
	store_frame_end(store);
	if (is_watched && !call->rejected && !call->postponed)
		store_feed_command(store, session, call);
	store_account(store, call);
	settle_memory(store, session, text_began);
	finish(store, session, flags_before);
}

void store_resume(struct store *store, struct session *session, struct call *call, enum wake_reason reason, void *answer)
{
	uint32_t flags_before = session->flags;
	size_t text_began = text_length(store, session);
	store_begin_lap(store);
	store_frame_begin(store);
	session->resume(call, reason, answer);
	store_frame_end(store);
	if (reason == WAKE_CLOSED)
		return;
	store_account_resumed(store, call);
	settle_memory(store, session, text_began);
	finish(store, session, flags_before);
}

/* Behind everything that the connection is still owed. */
static void refuse_protocol(struct store *store, struct session *session, const struct resp_arg *text)
{
	char error[96] = "ERR ";
	size_t len = text->len < sizeof(error) - 4 ? text->len : sizeof(error) - 4;
	memcpy(error + 4, text->data, len);
	store->counters.protocol_errors++;
	log_event(LOG_VERBOSE, "%.*s from client id=%llu addr=%s", (int)(len), (const char *)text->data,
		  (unsigned long long)session->connection.id, session->address);
	session->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP);
	resp_write_error(store_text(store, session), error, len + 4);
	store_count_error(store, error);
	store_part(store, session->connection)->flags |= REPLY_CLOSE;
	session->flags |= SESSION_CLOSING;
}

/* Nothing follows from the client, and nothing is owed to it any more. */
static void end_connection(struct store *store, struct session *session)
{
	store_part(store, session->connection)->flags |= REPLY_CLOSE;
	session_close(store, session);
}

void store_execute(struct store *store, struct session *session, enum request_kind kind, struct call *call)
{
	if (kind == REQUEST_CLOSED)
		end_connection(store, session);
	else if (session->flags & SESSION_CLOSING)
		store_begin_lap(store); /* what comes after the end of the replies is ignored */
	else if (kind == REQUEST_COMMAND)
		store_run(store, session, call);
	else
		refuse_protocol(store, session, call->argv);
}

/* Requests of a parked session wait; its end too, unless what it waits for ends with it or it has been killed. */
static bool must_queue(const struct session *session, const struct request *request)
{
	if (!(session->flags & SESSION_PARKED))
		return false;
	return request->kind != REQUEST_CLOSED || !((session->flags & SESSION_CLOSING) || session_ends_with_client(session));
}

/* What can't be kept until its turn comes would leave the client without an answer: so it is left without a connection. */
static void give_up(struct store *store, struct session *session, const struct request *request)
{
	log_event(LOG_WARNING, "Client id=%llu closed: no memory for a command that has to wait",
		  (unsigned long long)session->connection.id);
	if (request->kind == REQUEST_CLOSED)
		store_execute(store, session, REQUEST_CLOSED, NULL);
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
		if (!session_queue(store, session, request, argv))
			give_up(store, session, request);
		store_begin_lap(store);
		return;
	}
	struct call call = {
		.store = store,
		.session = session,
		.command = request->command,
		.argv = argv,
		.argc = request->argc,
		.now_ms = store->now_ms,
		.hash = request->hash,
	};
	store_execute(store, session, (enum request_kind)request->kind, &call);
}

static void execute(struct store *store, const struct request_batch *batch, const struct request *request)
{
	struct session *session = request->kind == REQUEST_OPENED ? session_open(store, request) :
								    session_at(store, request->connection);
	if (session && request->kind != REQUEST_OPENED) {
		execute_for(store, batch, request, session);
		return;
	}
	/* Who was refused has no session. */
	if (request->kind == REQUEST_CLOSED)
		store_part(store, request->connection)->flags |= REPLY_CLOSE;
	store_begin_lap(store);
}

bool store_is_free(const struct store *store)
{
	return store->monotonic_ms >= store->frozen_until_ms;
}

/* A lap ends with each command: asking costs no look at the clock. */
static bool time_is_left(const struct store *store)
{
	return store->lap_ticks < store->turn_ends_ticks;
}

static bool text_is_left(const struct store *store, uint32_t reactor)
{
	const struct reply_batch *open = store->reactors[reactor].open;
	return !open || open->text.len < TEXT_BYTES_MAX;
}

bool store_may_go_on(const struct store *store, uint32_t reactor)
{
	return store_is_free(store) && time_is_left(store) && text_is_left(store, reactor);
}

static bool first_has_room(const struct store *store, enum park_topic topic)
{
	const struct session *first = store->parked[topic].first;
	return first && text_is_left(store, first->connection.reactor);
}

bool store_may_wake_first(const struct store *store, enum park_topic topic)
{
	return first_has_room(store, topic) && store_is_free(store) && time_is_left(store);
}

/* Whose reactor has yet to take what is written for it goes on when that is taken, which is a turn of its own. */
bool store_is_behind(const struct store *store)
{
	bool has_backlog = false;
	for (uint32_t i = 0; i < store->reactor_count && !has_backlog; i++)
		has_backlog = store->reactors[i].backlog_first && text_is_left(store, i);
	bool has_credited = first_has_room(store, PARK_BUS_CREDIT) && store_has_credit(store);
	bool has_unpaused = first_has_room(store, PARK_PAUSE) && !store_is_paused(store);
	return store_is_free(store) && (has_backlog || first_has_room(store, PARK_TURN) || has_credited || has_unpaused);
}

void store_begin_turn(struct store *store)
{
	store_begin_lap(store);
	store->turn_began_ticks = store->lap_ticks;
	store->turn_ends_ticks = store->lap_ticks + stopwatch_ticks(&store->watch, TURN_NS);
}

/*
 * The turn's time is over. A connection that has used up much of it, since `began`, and has sent more of the same is set aside:
 * what it has sent is queued in its session, and the others in its batch need not wait for that.
 */
static void set_aside_if_slow(struct store *store, const struct request_batch *batch, uint64_t began)
{
	const struct request *last = &batch->requests[batch->done - 1], *next = last + 1;
	bool has_more = batch->done < batch->count && next->connection.id == last->connection.id;
	if (!has_more || store->lap_ticks - began < stopwatch_ticks(&store->watch, TURN_NS / 4))
		return;
	struct session *session = session_at(store, last->connection);
	if (session && !(session->flags & (SESSION_PARKED | SESSION_CLOSING)))
		session_set_aside(store, session);
}

/* True when the batch is through. At least one command is executed: to hash a large key may take longer than a turn should. */
static bool execute_batch(struct store *store, struct request_batch *batch)
{
	store_borrow_replies(store, batch);
	for (size_t i = batch->done; i < batch->done + DIRECTORY_AHEAD; i++)
		prepare(store, batch, i);
	for (size_t i = batch->done; i < batch->done + BUCKETS_AHEAD; i++)
		prefetch(store, batch, i, keyspace_prefetch_bucket);
	for (size_t i = batch->done; i < batch->done + ENTRIES_AHEAD; i++)
		prefetch(store, batch, i, keyspace_prefetch_entry);
	store_begin_lap(store);
	uint64_t connection = 0, began = store->lap_ticks;
	while (batch->done < batch->count && store_is_free(store)) {
		const struct request *request = &batch->requests[batch->done];
		if (request->connection.id != connection) {
			connection = request->connection.id;
			began = store->lap_ticks;
		}
		prepare(store, batch, batch->done + DIRECTORY_AHEAD);
		prefetch(store, batch, batch->done + BUCKETS_AHEAD, keyspace_prefetch_bucket);
		prefetch(store, batch, batch->done + ENTRIES_AHEAD, keyspace_prefetch_entry);
		batch->done++;
		execute(store, batch, request);
		if (!time_is_left(store)) {
			set_aside_if_slow(store, batch, began);
			break;
		}
		if (!text_is_left(store, batch->reactor))
			break;
	}
	return batch->done == batch->count;
}

static void execute_backlog_of(struct store *store, uint32_t reactor)
{
	struct reactor_side *side = &store->reactors[reactor];
	struct request_batch *batch;
	while ((batch = side->backlog_first) && store_may_go_on(store, reactor)) {
		if (!execute_batch(store, batch) || !store_is_free(store))
			return;
		side->backlog_first = batch->next;
		if (!batch->next)
			side->backlog_last = NULL;
		store->backlog_bytes -= batch->run_bytes;
		store_post_replies(store, reactor, batch);
	}
}

/* Another reactor comes first each time. */
static void execute_backlog(struct store *store)
{
	for (uint32_t i = 0; i < store->reactor_count; i++)
		execute_backlog_of(store, (store->first_reactor + i) % store->reactor_count);
	store->first_reactor = (store->first_reactor + 1) % store->reactor_count;
}

/*
 * Batches come before sessions that were set aside, so that slow commands wait for quick ones; but where some wait already they have
 * half of the turn for themselves, and at least one of their commands is done. What others are owed by then leaves before that.
 */
void store_execute_ready(struct store *store)
{
	uint64_t half = stopwatch_ticks(&store->watch, TURN_NS / 2), end = store->turn_ends_ticks;
	bool some_wait = store->parked[PARK_TURN].first != NULL;
	if (some_wait)
		store->turn_ends_ticks = store->turn_began_ticks + half;
	store_wake_ready(store);
	execute_backlog(store);
	store->turn_ends_ticks = end;
	if (some_wait) {
		store_post_pushes(store);
		store_begin_lap(store);
		if (store->lap_ticks + half > end)
			store->turn_ends_ticks = store->lap_ticks + half;
	}
	store_wake_set_aside(store);
}

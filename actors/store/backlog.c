/*
 * Batches of requests that are not completely executed, for each reactor in order of arrival.
 *
 * A batch is executed in order. Some requests ahead, the store looks up the command, hashes the first key, and prefetches the way to the
 * entry in three steps. When a request is executed, its data are in the cache.
 *
 * A batch is left unfinished when the turn's time is over, its text is full, or the store is frozen; it continues in a later turn. The
 * replies written so far leave at the end of the turn. The batch itself returns to its reactor when it is finished.
 */
#include "actors/store/backlog.h"

#include "actors/store/blocked.h"
#include "actors/store/execute.h"
#include "actors/store/state.h"
#include "actors/store/turn_limits.h"

/* Requests ahead, for each step. A step waits for memory about 80 ns; a request takes about 100 ns. */
#define DIRECTORY_AHEAD 24
#define BUCKETS_AHEAD 16
#define ENTRIES_AHEAD 8

/* Prepares each request once, even if the batch is interrupted: hashing a large key takes long. */
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

/* The commands of one connection that this turn executes one after the other. */
struct run {
	uint64_t connection; /* its id */
	uint64_t began_ticks;
	size_t first;        /* index of the first request */
};

/* They have used a quarter of a turn, and a 64th of one each. Quick commands are not slow however many there are: one read bounds them. */
static bool is_slow(const struct store *store, const struct run *run, size_t end)
{
	uint64_t used = store->turn.timing_began_ticks - run->began_ticks, turn = turn_ticks(store);
	return used >= turn / 4 && used >= (end - run->first) * (turn / 64);
}

/*
 * The turn's time is over. If the last connection was slow and has sent more commands, it is set aside: its commands are copied to its
 * session, and the other connections of the batch need not wait for them.
 */
static void set_aside_if_slow(struct store *store, const struct request_batch *batch, const struct run *run)
{
	const struct request *last = &batch->requests[batch->done - 1], *next = last + 1;
	bool has_more = batch->done < batch->count && next->connection.id == last->connection.id;
	if (!has_more || !is_slow(store, run, batch->done))
		return;
	struct session *session = session_at(store, last->connection);
	if (session && !(session->flags & (SESSION_BLOCKED | SESSION_CLOSING)))
		blocked_set_aside(store, session);
}

/* True when the batch is finished. Executes at least one command, since hashing a large key may use up the turn's time. */
static bool execute_batch(struct store *store, struct request_batch *batch)
{
	store_borrow_replies(store, batch);
	for (size_t i = batch->done; i < batch->done + DIRECTORY_AHEAD; i++)
		prepare(store, batch, i);
	for (size_t i = batch->done; i < batch->done + BUCKETS_AHEAD; i++)
		prefetch(store, batch, i, keyspace_prefetch_bucket);
	for (size_t i = batch->done; i < batch->done + ENTRIES_AHEAD; i++)
		prefetch(store, batch, i, keyspace_prefetch_entry);
	store_begin_timing(store);
	struct run run = { 0 };
	while (batch->done < batch->count && !store_is_frozen(store)) {
		const struct request *request = &batch->requests[batch->done];
		if (request->connection.id != run.connection)
			run = (struct run){ request->connection.id, store->turn.timing_began_ticks, batch->done };
		prepare(store, batch, batch->done + DIRECTORY_AHEAD);
		prefetch(store, batch, batch->done + BUCKETS_AHEAD, keyspace_prefetch_bucket);
		prefetch(store, batch, batch->done + ENTRIES_AHEAD, keyspace_prefetch_entry);
		batch->done++;
		execute_request(store, batch, request);
		if (!turn_has_time(store)) {
			set_aside_if_slow(store, batch, &run);
			break;
		}
		if (!turn_has_output_space(store, batch->reactor))
			break;
	}
	return batch->done == batch->count;
}

static void execute_of(struct store *store, uint32_t reactor)
{
	struct reactor_side *side = &store->reactors[reactor];
	struct request_batch *batch;
	while ((batch = side->backlog_first) && turn_may_go_on(store, reactor)) {
		if (!execute_batch(store, batch) || store_is_frozen(store))
			return;
		side->backlog_first = batch->next;
		if (!batch->next)
			side->backlog_last = NULL;
		store->execution.backlog_bytes -= batch->run_bytes;
		store_post_replies(store, reactor, batch);
	}
}

void backlog_execute(struct store *store)
{
	for (uint32_t i = 0; i < store->reactor_count; i++)
		execute_of(store, (store->execution.first_reactor + i) % store->reactor_count);
	store->execution.first_reactor = (store->execution.first_reactor + 1) % store->reactor_count;
}

void backlog_add(struct store *store, struct request_batch *batch)
{
	struct reactor_side *side = &store->reactors[batch->reactor];
	batch->next = NULL;
	*(side->backlog_last ? &side->backlog_last->next : &side->backlog_first) = batch;
	side->backlog_last = batch;
	store->execution.backlog_bytes += batch->run_bytes;
}

bool backlog_is_ready(const struct store *store)
{
	for (uint32_t i = 0; i < store->reactor_count; i++)
		if (store->reactors[i].backlog_first && turn_has_output_space(store, i))
			return true;
	return false;
}

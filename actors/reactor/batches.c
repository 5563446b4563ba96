/*
 * The batches of a reactor: one fills while others are under way, and those that have come home lie in a pool. Reports of connections and of
 * memory travel beside them.
 */
#include "actors/reactor/reactor_state.h"
#include "actors/runtime/crash.h"
#include "actors/store/figures.h"

/*
 * Batches that the pool did not use between two trims are freed, except one. After a burst the pool holds REACTOR_BATCHES_MAX batches, of
 * half a megabyte and more each.
 */
#define POOL_TRIM_SECONDS 1.0
#define POOL_KEPT 1

/* The size of a batch may have changed. Its blobs are counted in blob.c. */
static void count_batch(struct reactor *reactor, struct request_batch *batch)
{
	size_t bytes = request_batch_bytes(batch);
	reactor->batch_bytes += bytes - batch->counted_bytes;
	batch->counted_bytes = bytes;
}

static struct request_batch *take_from_pool(struct reactor *reactor)
{
	struct request_batch *batch = reactor->pool;
	reactor->pool = batch->next;
	batch->next = NULL;
	if (--reactor->pool_count < reactor->pool_least)
		reactor->pool_least = reactor->pool_count;
	return batch;
}

static void put_into_pool(struct reactor *reactor, struct request_batch *batch)
{
	batch->next = reactor->pool;
	reactor->pool = batch;
	if (++reactor->pool_count > POOL_KEPT && !ev_is_active(&reactor->pool_trim))
		ev_timer_again(reactor->loop, &reactor->pool_trim);
}

static void on_pool_trim(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct reactor *reactor = watcher->data;
	for (uint32_t unused = reactor->pool_least; unused > 0 && reactor->pool_count > POOL_KEPT; unused--) {
		struct request_batch *batch = take_from_pool(reactor);
		reactor->batch_bytes -= batch->counted_bytes;
		request_batch_destroy(&batch);
	}
	reactor->pool_least = reactor->pool_count;
	if (reactor->pool_count <= POOL_KEPT)
		ev_timer_stop(loop, watcher);
}

static struct request_batch *take_batch(struct reactor *reactor)
{
	struct request_batch *batch = reactor->pool ? take_from_pool(reactor) : request_batch_create(BATCH_BYTES);
	if (!batch)
		crash_out_of_memory("a batch of requests");
	batch->reactor = reactor->actor->index;
	count_batch(reactor, batch);
	return batch;
}

/* Memory for connections and their incomplete requests. */
static size_t input_bytes(const struct reactor *reactor)
{
	size_t slots = reactor->slot_capacity * sizeof(*reactor->slots) + reactor->free_capacity * sizeof(*reactor->free_slots);
	return reactor->input_taken_bytes + reactor->connections * sizeof(struct connection) + slots;
}

/* Memory for replies that wait for the kernel or at the gate. */
static size_t output_taken_bytes(const struct reactor *reactor)
{
	return reactor->output_taken_bytes + reactor->gate.taken_bytes;
}

static void post_filling(struct reactor *reactor)
{
	struct request_batch *batch = reactor->filling;
	reactor->filling = take_batch(reactor);
	count_batch(reactor, batch);
	batch->output_bytes = reactor->output_reported_bytes = output_taken_bytes(reactor);
	batch->input_bytes = reactor->input_reported_bytes = input_bytes(reactor);
	batch->read_bytes = reactor->bytes_read;
	batch->written_bytes = reactor->written.bytes;
	reactor->batches_out++;
	reactor->taken_out += batch->taken_bytes;
	actor_post(reactor->actor, reactor->store, STORE_REQUESTS, 0, batch);
}

static bool batch_is_full(const struct request_batch *batch)
{
	return batch->count >= BATCH_REQUESTS_MAX || batch->bytes.capacity - batch->bytes.len < BATCH_ROOM_MIN ||
	       batch->taken_bytes > BATCH_TAKEN_MAX;
}

struct request_batch *reactor_batch(struct reactor *reactor)
{
	actor_assert_turn(reactor->actor);
	if (!batch_is_full(reactor->filling))
		return reactor->filling;
	if (reactor->batches_out >= REACTOR_BATCHES_MAX || reactor->taken_out > REACTOR_TAKEN_MAX)
		return NULL;
	post_filling(reactor);
	return reactor->filling;
}

struct request *reactor_record(struct reactor *reactor, struct connection_ref connection, enum request_kind kind)
{
	actor_assert_turn(reactor->actor);
	struct request *request = request_batch_add(reactor->filling);
	if (!request)
		crash_out_of_memory("a record of a batch");
	*request = (struct request){ .connection = connection, .kind = kind };
	return request;
}

void reactor_report(struct reactor *reactor, const struct connection *connection, enum report_state state)
{
	actor_assert_turn(reactor->actor);
	struct connection_report report = {
		.connection = connection->ref,
		.state = state,
		.delivered_bytes = connection->delivered_bytes,
		.taken_bytes = connection->delivered_bytes - connection->output.bytes,
	};
	if (!connection_reports_add(&reactor->reports, &report))
		crash_out_of_memory("a report of a connection");
}

/* At most one message of reports is under way. */
static void post_reports(struct reactor *reactor)
{
	struct connection_reports *reports = reactor->reports;
	if (!reports || reactor->reports_are_out || reactor->stop_is_answered)
		return;
	reactor->reports = NULL;
	reactor->reports_are_out = true;
	actor_post(reactor->actor, reactor->store, STORE_REPORTS, 0, reports);
}

static bool differs_much(size_t now, size_t told)
{
	return (now > told ? now - told : told - now) > REPORT_STEP_BYTES;
}

static bool must_report_memory(const struct reactor *reactor)
{
	return differs_much(output_taken_bytes(reactor), reactor->output_reported_bytes) ||
	       differs_much(input_bytes(reactor), reactor->input_reported_bytes);
}

void batches_flush(struct reactor *reactor)
{
	post_reports(reactor);
	if ((reactor->filling->count || (must_report_memory(reactor) && !reactor->stop_is_answered)) && reactor->batches_out == 0)
		post_filling(reactor);
}

void batches_take_home(struct reactor *reactor, struct request_batch *home, struct reply_batch *replies)
{
	reactor->taken_out -= home->taken_bytes;
	request_batch_reset(home);
	if (home->replies)
		reply_batch_destroy(&replies);
	else
		home->replies = replies;
	count_batch(reactor, home);
	put_into_pool(reactor, home);
	reactor->batches_out--;
}

void batches_init(struct reactor *reactor)
{
	reactor->filling = take_batch(reactor);
	ev_timer_init(&reactor->pool_trim, on_pool_trim, 0.0, POOL_TRIM_SECONDS);
	reactor->pool_trim.data = reactor;
}

void batches_fini(struct reactor *reactor)
{
	request_batch_destroy(&reactor->filling);
	while (reactor->pool) {
		struct request_batch *batch = take_from_pool(reactor);
		request_batch_destroy(&batch);
	}
	connection_reports_destroy(&reactor->reports);
}

/*
 * One iteration of the loop: requests from readable sockets fill the batch (connection_input.c), reply batches that have come are written
 * out (connection.c), and before the loop waits again the batch is posted if none is under way.
 *
 * A stop ends accepting and reading. Requests already read are answered and written out, for shutdown-timeout seconds at most. The loop
 * ends when no actor can post to this reactor any more and its mailbox is empty.
 */
#include "reactor.h"

#include <stdlib.h>
#include <unistd.h>

#include "actors/reactor/acceptor.h"
#include "actors/reactor/connection_input.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/reactor/reactor_state.h"
#include "actors/store/figures.h"
#include "transport/array.h"

/* How long a client may take none of its last replies, and how long it may then take to close. */
#define LINGER_MS 5000
/* In a stop, how often to look which clients have received everything. */
#define STOP_LOOK_MS 50

/* ---- before the loop waits ---- */

static void answer_stop_if_done(struct reactor *reactor)
{
	if (!reactor->is_stopping || reactor->stop_is_answered || reactor->connections || reactor->batches_out ||
	    reactor->reports_are_out)
		return;
	reactor->stop_is_answered = true;
	ev_timer_stop(reactor->loop, &reactor->drain);
	actor_post(reactor->actor, runtime_actor(reactor->actor->runtime, ACTOR_SUPERVISOR, 0), REACTOR_STOP_DONE, 0, NULL);
}

static void leave_if_done(struct reactor *reactor)
{
	if (reactor->may_leave && actor_mailbox_depth(reactor->actor) == 0)
		actor_leave(reactor->actor);
}

static void free_doomed(struct reactor *reactor)
{
	while (reactor->doomed) {
		struct connection *connection = reactor->doomed;
		reactor->doomed = connection->next_doomed;
		connection_free(connection);
	}
}

/* Runs just before the loop waits. */
static void on_flush(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct reactor *reactor = watcher->data;
	free_doomed(reactor);
	acceptor_report_closed(reactor);
	batches_flush(reactor);
	answer_stop_if_done(reactor);
	leave_if_done(reactor);
}

/* ---- connections ---- */

void reactor_starve(struct reactor *reactor, struct connection *connection)
{
	connection_pause_reading(connection, PAUSE_STARVED);
	if (connection->is_starved)
		return;
	connection->is_starved = true;
	connection->next_starved = reactor->starved;
	reactor->starved = connection;
}

static void resume_starved(struct reactor *reactor)
{
	struct connection *connection = reactor->starved;
	reactor->starved = NULL;
	while (connection) {
		struct connection *next = connection->next_starved;
		connection->is_starved = false;
		connection_resume_reading(connection, PAUSE_STARVED);
		if ((connection->pause & PAUSE_JUDGING) && connection->in_flight == 0)
			connection_judge_again(connection);
		connection = next;
	}
}

static void unlink_starved(struct reactor *reactor, struct connection *connection)
{
	struct connection **at = &reactor->starved;
	while (connection->is_starved && *at) {
		if (*at == connection) {
			*at = connection->next_starved;
			connection->is_starved = false;
			return;
		}
		at = &(*at)->next_starved;
	}
}

static void arm_linger(struct reactor *reactor)
{
	ev_timer_stop(reactor->loop, &reactor->linger);
	if (!reactor->first_lingering)
		return;
	int64_t left_ms = reactor->first_lingering->linger_until_ms - monotonic_ms();
	if (reactor->is_stopping && left_ms > STOP_LOOK_MS)
		left_ms = STOP_LOOK_MS;
	ev_timer_set(&reactor->linger, left_ms > 0 ? (double)left_ms / 1000.0 : 0.0, 0.0);
	ev_timer_start(reactor->loop, &reactor->linger);
}

void reactor_linger(struct reactor *reactor, struct connection *connection)
{
	reactor_stop_lingering(reactor, connection);
	connection->linger_until_ms = monotonic_ms() + LINGER_MS;
	connection->previous_lingering = reactor->last_lingering;
	*(reactor->last_lingering ? &reactor->last_lingering->next_lingering : &reactor->first_lingering) = connection;
	reactor->last_lingering = connection;
	connection->next_lingering = NULL;
	if (reactor->first_lingering == connection)
		arm_linger(reactor);
}

void reactor_stop_lingering(struct reactor *reactor, struct connection *connection)
{
	struct connection *next = connection->next_lingering, *previous = connection->previous_lingering;
	if (!connection->linger_until_ms)
		return;
	connection->linger_until_ms = 0;
	*(previous ? &previous->next_lingering : &reactor->first_lingering) = next;
	*(next ? &next->previous_lingering : &reactor->last_lingering) = previous;
	if (!previous)
		arm_linger(reactor);
}

static void log_untaken(const struct connection *connection)
{
	if (connection->output.bytes > 0)
		log_event(LOG_WARNING,
			  "Client id=%llu has taken nothing for %d ms: %zu bytes of its replies and %u of its requests are dropped",
			  (unsigned long long)connection->ref.id, LINGER_MS, connection->output.bytes, connection->in_flight);
}

/* In a stop nobody waits for clients that have all replies and leave their side open, as those at rest in a pool do. */
static void on_linger_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct reactor *reactor = watcher->data;
	int64_t now_ms = monotonic_ms();
	struct connection *connection = reactor->first_lingering, *next;
	for (; connection && (reactor->is_stopping || connection->linger_until_ms <= now_ms); connection = next) {
		next = connection->next_lingering;
		if (connection->linger_until_ms > now_ms && !connection_has_delivered(connection))
			continue;
		log_untaken(connection);
		connection_break_off(connection);
	}
	arm_linger(reactor);
}

static bool reserve_slot(struct reactor *reactor)
{
	size_t needed = (size_t)reactor->slot_count + 1;
	return array_reserve(&reactor->slots, &reactor->slot_capacity, needed, sizeof(*reactor->slots), 64) &&
	       array_reserve(&reactor->free_slots, &reactor->free_capacity, needed, sizeof(*reactor->free_slots), 64);
}

/* Free slots come before new ones, so that the store's table of sessions, indexed by slot, stays small. */
static bool take_slot(struct reactor *reactor, uint32_t *out_slot)
{
	if (reactor->free_count) {
		*out_slot = reactor->free_slots[--reactor->free_count];
		return true;
	}
	if (!reserve_slot(reactor))
		return false;
	*out_slot = reactor->slot_count++;
	return true;
}

void reactor_forget(struct reactor *reactor, struct connection *connection)
{
	actor_assert_turn(reactor->actor);
	uint32_t slot = connection->ref.slot;
	unlink_starved(reactor, connection);
	reactor->slots[slot] = NULL;
	reactor->free_slots[reactor->free_count++] = slot;
	reactor->connections--;
	acceptor_count_closed(reactor, connection->share);
	connection->next_doomed = reactor->doomed;
	reactor->doomed = connection;
}

struct connection *reactor_open_connection(struct reactor *reactor, uint64_t id, const struct peer *peer, enum connection_share share)
{
	struct connection_ref ref = { .id = id, .reactor = reactor->actor->index };
	if (reactor->is_stopping || !take_slot(reactor, &ref.slot)) {
		close(peer->fd);
		acceptor_count_closed(reactor, share);
		return NULL;
	}
	struct connection *connection = connection_open(reactor, ref, peer, share);
	reactor->slots[ref.slot] = connection;
	if (connection) {
		reactor->connections++;
		return connection;
	}
	reactor->free_slots[reactor->free_count++] = ref.slot;
	acceptor_count_closed(reactor, share);
	return NULL;
}

struct connection *reactor_find(const struct reactor *reactor, struct connection_ref ref)
{
	struct connection *connection = ref.slot < reactor->slot_count ? reactor->slots[ref.slot] : NULL;
	return connection && connection->ref.id == ref.id ? connection : NULL;
}

/* ---- messages ---- */

/* Gives each connection its parts. */
static void give_parts(struct reactor *reactor, const struct reply_batch *batch, connection_take_parts *take)
{
	const uint8_t *text = batch->text.data;
	for (size_t i = 0, end; i < batch->count; i = end) {
		size_t bytes = 0;
		for (end = i; end < batch->count && batch->parts[end].connection.id == batch->parts[i].connection.id; end++)
			bytes += batch->parts[end].text_len;
		struct connection *connection = reactor_find(reactor, batch->parts[i].connection);
		if (connection)
			take(connection, &batch->parts[i], end - i, text);
		text += bytes;
	}
}

static void take_home(struct reactor *reactor, struct request_batch *home, struct reply_batch *replies)
{
	batches_take_home(reactor, home, replies);
	resume_starved(reactor);
}

/* The store keeps at most one message of each type under way. */
static void report_taken(struct reactor *reactor, enum to_reactor type)
{
	actor_post(reactor->actor, reactor->store, STORE_TAKEN, type, NULL);
}

/* Delivers the replies, or lets them wait: true if they passed. */
static bool pass_gate(struct reactor *reactor, uint64_t sequence, struct reply_batch *replies)
{
	bool passes = gate_passes(&reactor->gate, sequence);
	give_parts(reactor, replies, passes ? connection_deliver : connection_hold);
	if (passes)
		reply_batch_reset(replies);
	else
		gate_hold(&reactor->gate, sequence, replies);
	return passes;
}

/* Whether the replies wait or not, the request batch goes home. */
static void on_replies(struct reactor *reactor, uint64_t sequence, struct reply_batch *replies)
{
	struct request_batch *home = replies->home;
	replies->home = NULL;
	if (!pass_gate(reactor, sequence, replies))
		replies = NULL;
	if (home) {
		take_home(reactor, home, replies);
		return;
	}
	reply_batch_destroy(&replies);
	report_taken(reactor, REACTOR_REPLIES);
}

static void on_durable(struct reactor *reactor, uint64_t mark)
{
	struct reply_batch *batch;
	gate_set_mark(&reactor->gate, mark);
	while ((batch = gate_take(&reactor->gate))) {
		give_parts(reactor, batch, connection_release);
		reply_batch_destroy(&batch);
	}
	actor_post(reactor->actor, runtime_actor(reactor->actor->runtime, ACTOR_AOF, 0), AOF_MARK_TAKEN, 0, NULL);
}

static void on_settings(struct reactor *reactor, struct settings *settings)
{
	reactor->settings = *settings;
	free(settings);
	report_taken(reactor, REACTOR_SETTINGS);
}

static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct reactor *reactor = watcher->data;
	actor_post(reactor->actor, reactor->store, STORE_TICK, 0, NULL);
}

static void on_arm_timer(struct reactor *reactor, uint64_t deadline_ms)
{
	int64_t left_ms = (int64_t)deadline_ms - monotonic_ms();
	ev_timer_stop(reactor->loop, &reactor->tick);
	ev_now_update(reactor->loop);
	ev_timer_set(&reactor->tick, left_ms > 0 ? (double)left_ms / 1000.0 : 0.0, 0.0);
	ev_timer_start(reactor->loop, &reactor->tick);
	report_taken(reactor, REACTOR_ARM_TIMER);
}

static void describe_connection(const struct connection *connection, struct connection_figure *out)
{
	*out = (struct connection_figure){
		.id = connection->ref.id,
		.input_bytes = connection_input_bytes(connection),
		.input_free = connection_input_free(connection),
		.args_bytes = connection_args_bytes(connection),
		.own_bytes = sizeof(*connection),
		.output_bytes = connection->output.bytes + connection->gated_bytes,
		.output_parts = connection->output.pieces,
		.in_flight = connection->in_flight,
	};
}

static void on_describe(struct reactor *reactor)
{
	struct connection_figures *figures = calloc(1, sizeof(*figures));
	if (figures)
		figures->items = calloc(reactor->connections + 1, sizeof(*figures->items));
	if (!figures || !figures->items)
		crash_out_of_memory("the figures of connections");
	for (uint32_t i = 0; i < reactor->slot_count; i++)
		if (reactor->slots[i])
			describe_connection(reactor->slots[i], &figures->items[figures->count++]);
	figures->batch_bytes = reactor->batch_bytes;
	figures->reads = reactor->reads;
	figures->writes = reactor->written.calls;
	figures->input_bytes = reactor->bytes_read;
	figures->output_bytes = reactor->written.bytes;
	actor_post(reactor->actor, reactor->store, STORE_CONNECTION_FIGURES, 0, figures);
}

static void close_all(struct reactor *reactor)
{
	for (uint32_t i = 0; i < reactor->slot_count; i++)
		if (reactor->slots[i])
			connection_break_off(reactor->slots[i]);
}

/* One line about the replies that clients will not get. */
static void log_dropped(const struct reactor *reactor)
{
	uint64_t clients = 0, requests = 0;
	for (uint32_t i = 0; i < reactor->slot_count; i++) {
		const struct connection *connection = reactor->slots[i];
		if (!connection || (connection->in_flight == 0 && connection->output.bytes == 0))
			continue;
		clients++;
		requests += connection->in_flight;
	}
	if (clients)
		log_event(LOG_WARNING,
			  "The time to stop is over (shutdown-timeout %lld): %llu requests of %llu clients are dropped, and %zu bytes of "
			  "replies that they have not taken",
			  (long long)reactor->settings.shutdown_timeout_s, (unsigned long long)requests,
			  (unsigned long long)clients, reactor->output_bytes);
}

static void on_drain_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct reactor *reactor = watcher->data;
	log_dropped(reactor);
	close_all(reactor);
	actor_post(reactor->actor, runtime_actor(reactor->actor->runtime, ACTOR_SUPERVISOR, 0), REACTOR_CUT, 0, NULL);
}

static void on_listen(struct reactor *reactor, struct descriptors *descriptors)
{
	reactor_listen(reactor, descriptors);
	free(descriptors);
	actor_post(reactor->actor, runtime_actor(reactor->actor->runtime, ACTOR_SUPERVISOR, 0), REACTOR_LISTEN_DONE, 0, NULL);
}

static void on_stop(struct reactor *reactor, bool is_now)
{
	reactor->is_stopping = true;
	reactor_stop_listening(reactor);
	for (uint32_t i = 0; i < reactor->slot_count; i++)
		if (reactor->slots[i])
			connection_end_input(reactor->slots[i]);
	ev_now_update(reactor->loop);
	ev_timer_init(&reactor->drain, on_drain_over, is_now ? 0.0 : (double)reactor->settings.shutdown_timeout_s, 0.0);
	reactor->drain.data = reactor;
	ev_timer_start(reactor->loop, &reactor->drain);
	arm_linger(reactor);
}

static void on_leave(struct reactor *reactor)
{
	ev_timer_stop(reactor->loop, &reactor->tick);
	ev_timer_stop(reactor->loop, &reactor->pool_trim);
	reactor->may_leave = true;
}

static void reactor_turn(void *state, struct message message)
{
	struct reactor *reactor = state;
	switch ((enum to_reactor)message.type) {
	case REACTOR_REPLIES: on_replies(reactor, message.number, PAYLOAD(REACTOR_REPLIES, message)); return;
	case REACTOR_DURABLE: on_durable(reactor, message.number); return;
	case REACTOR_ADOPT: reactor_adopt(reactor, PAYLOAD(REACTOR_ADOPT, message)); return;
	case REACTOR_CLIENTS_CLOSED: acceptor_on_closed(reactor, message.sender, message.number); return;
	case REACTOR_CLOSED_TAKEN: reactor->closed_are_out = false; return;
	case REACTOR_REPORTS_TAKEN: reactor->reports_are_out = false; return;
	case REACTOR_SETTINGS: on_settings(reactor, PAYLOAD(REACTOR_SETTINGS, message)); return;
	case REACTOR_ARM_TIMER: on_arm_timer(reactor, message.number); return;
	case REACTOR_DESCRIBE: on_describe(reactor); return;
	case REACTOR_LISTEN: on_listen(reactor, PAYLOAD(REACTOR_LISTEN, message)); return;
	case REACTOR_STOP: on_stop(reactor, message.number); return;
	case REACTOR_LEAVE: on_leave(reactor); return;
	}
}

struct reactor *reactor_create(struct runtime *runtime, uint32_t index, const struct settings *settings)
{
	struct reactor *reactor = calloc(1, sizeof(*reactor));
	if (!reactor)
		crash_out_of_memory("a reactor");
	reactor->actor = runtime_actor(runtime, ACTOR_REACTOR, index);
	reactor->store = runtime_actor(runtime, ACTOR_STORE, 0);
	reactor->loop = reactor->actor->loop;
	reactor->settings = *settings;
	gate_init(&reactor->gate);
	batches_init(reactor);
	ev_prepare_init(&reactor->flush, on_flush);
	reactor->flush.data = reactor;
	ev_prepare_start(reactor->loop, &reactor->flush);
	ev_timer_init(&reactor->tick, on_tick, 0.0, 0.0);
	reactor->tick.data = reactor;
	ev_init(&reactor->linger, on_linger_over);
	reactor->linger.data = reactor;
	actor_bind(reactor->actor, reactor_turn, reactor);
	return reactor;
}

void reactor_destroy(struct reactor **reactor_at)
{
	struct reactor *reactor = *reactor_at;
	free_doomed(reactor);
	gate_fini(&reactor->gate);
	batches_fini(reactor);
	free(reactor->slots);
	free(reactor->free_slots);
	free(reactor->listening);
	free(reactor);
	*reactor_at = NULL;
}

#include "simulation/reactor_double.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/reactor/reactor_state.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/host.h"
#include "actors/store/figures.h"

#define WORDS_MAX 16
#define SLOTS_MAX 256
/* shutdown-timeout, by default. */
#define DRAIN_MS 10000
/* A blocked client is read on until this many requests are unanswered. */
#define HELD_REQUESTS 8

static void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (!memory)
		abort();
	return memory;
}

/* ---- batches ---- */

static struct request_batch *make_batch(const struct reactor_double *reactor)
{
	struct request_batch *batch = request_batch_create(BATCH_BYTES);
	if (!batch)
		abort();
	batch->reactor = reactor->actor->index;
	return batch;
}

static void post_filling(struct reactor_double *reactor)
{
	struct request_batch *batch = reactor->filling;
	reactor->filling = make_batch(reactor);
	reactor->batches_out++;
	scheduler_note("%s posts a batch of %zu", reactor->actor->name, batch->count);
	actor_post(reactor->actor, reactor->store, STORE_REQUESTS, 0, batch);
}

static bool is_full(const struct reactor_double *reactor)
{
	return reactor->filling->count >= reactor->batch_requests_max ||
	       reactor->filling->bytes.capacity - reactor->filling->bytes.len < BATCH_ROOM_MIN;
}

static bool may_flush(void *context)
{
	const struct reactor_double *reactor = context;
	return reactor->filling->count > 0 &&
	       (reactor->batches_out == 0 || (is_full(reactor) && reactor->batches_out < REACTOR_BATCHES_MAX));
}

static void flush(void *context)
{
	struct reactor_double *reactor = context;
	actor_enter(reactor->actor);
	post_filling(reactor);
	actor_exit();
}

static struct request *record(struct client *client, enum request_kind kind)
{
	struct request *request = request_batch_add(client->reactor->filling);
	if (!request)
		abort();
	*request = (struct request){ .connection = client->ref, .kind = kind };
	return request;
}

/* ---- reports ---- */

static void post_reports(struct reactor_double *reactor)
{
	struct connection_reports *reports = reactor->reports;
	if (!reports || reactor->reports_are_out)
		return;
	reactor->reports = NULL;
	reactor->reports_are_out = true;
	actor_post(reactor->actor, reactor->store, STORE_REPORTS, 0, reports);
}

static void on_reports_taken(struct reactor_double *reactor)
{
	reactor->reports_are_out = false;
	post_reports(reactor);
}

static void report(struct client *client, enum report_state state)
{
	struct connection_report made = {
		.connection = client->ref,
		.state = state,
		.delivered_bytes = client->delivered_bytes,
		.taken_bytes = client->reads_nothing ? 0 : client->delivered_bytes,
	};
	if (!connection_reports_add(&client->reactor->reports, &made))
		abort();
	post_reports(client->reactor);
}

void client_report(struct client *client, enum report_state state)
{
	actor_enter(client->reactor->actor);
	report(client, state);
	actor_exit();
}

/* ---- the life of clients ---- */

static uint32_t take_slot(struct reactor_double *reactor)
{
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		if (!reactor->slots[i])
			return i;
	abort();
}

struct client *client_open(struct reactor_double *reactor)
{
	if (reactor->is_stopping)
		return NULL;
	struct client *client = must_allocate(1, sizeof(*client));
	struct connection_origin *origin = must_allocate(1, sizeof(*origin));
	client->reactor = reactor;
	client->ref = (struct connection_ref){ .id = reactor->next_id, .slot = take_slot(reactor), .reactor = reactor->actor->index };
	reactor->next_id += reactor->id_step;
	reactor->slots[client->ref.slot] = client;
	reactor->connections++;
	client->next = reactor->clients;
	reactor->clients = client;
	snprintf(origin->address, sizeof(origin->address), "127.0.0.1:%llu", (unsigned long long)client->ref.id);
	snprintf(origin->local_address, sizeof(origin->local_address), "127.0.0.1:6379");
	origin->is_loopback = true;
	record(client, REQUEST_OPENED)->origin = origin;
	scheduler_note("client %llu opens at %s", (unsigned long long)client->ref.id, reactor->actor->name);
	return client;
}

static void forget(struct client *client)
{
	struct reactor_double *reactor = client->reactor;
	client->is_gone = true;
	reactor->slots[client->ref.slot] = NULL;
	reactor->connections--;
	scheduler_note("client %llu is gone", (unsigned long long)client->ref.id);
}

static void record_end(struct client *client)
{
	if (!client->is_ended)
		record(client, REQUEST_CLOSED);
	client->is_ended = true;
}

static void forget_if_finished(struct client *client)
{
	if (client->is_gone || !(client->is_closing || (client->is_ended && client->answered == client->sent)))
		return;
	record_end(client);
	forget(client);
}

void client_end(struct client *client)
{
	record_end(client);
	forget_if_finished(client);
}

void client_break_off(struct client *client)
{
	if (client->is_gone)
		return;
	record_end(client);
	forget(client);
}

bool client_may_send(const struct client *client)
{
	const struct reactor_double *reactor = client->reactor;
	bool is_held_back = client->is_held && client->sent - client->answered >= HELD_REQUESTS;
	return !is_held_back && !client->is_ended && !client->is_closing && !client->is_gone && !is_full(reactor);
}

static const uint8_t *add_blob(struct request_batch *batch, const char *word, size_t len)
{
	struct blob *blob = blob_create((uint32_t)len);
	if (!blob || !request_batch_take_blobs(batch, &blob, 1))
		abort();
	memcpy(blob->data, word, len);
	blob->len = (uint32_t)len;
	return blob->data;
}

/* Adds an argument as a reactor would: a large one as a blob. */
static struct resp_arg add_word(struct request_batch *batch, const char *word)
{
	size_t len = strlen(word);
	struct resp_arg arg = { .len = (uint32_t)len, .is_large = len >= BLOB_MIN_BYTES };
	if (!arg.is_large && batch->bytes.capacity - batch->bytes.len < len)
		abort();
	arg.data = arg.is_large ? add_blob(batch, word, len) : batch->bytes.data + batch->bytes.len;
	if (!arg.is_large)
		buffer_append(&batch->bytes, word, len);
	return arg;
}

void client_send_words(struct client *client, uint32_t count, const char *const *words)
{
	struct request_batch *batch = client->reactor->filling;
	struct request *request = record(client, REQUEST_COMMAND);
	request->argc = count;
	request->taken_bytes = client->reads_nothing ? 0 : client->delivered_bytes;
	request->first_arg = batch->args.count;
	for (uint32_t i = 0; i < count; i++) {
		if (!resp_args_reserve(&batch->args, 1))
			abort();
		batch->args.items[batch->args.count++] = add_word(batch, words[i]);
	}
	client->sent++;
	scheduler_note("client %llu sends %s %s %.20s", (unsigned long long)client->ref.id, words[0], count > 1 ? words[1] : "",
		       count > 2 ? words[2] : "");
}

void client_send(struct client *client, ...)
{
	const char *words[WORDS_MAX];
	uint32_t count = 0;
	va_list arguments;
	va_start(arguments, client);
	for (const char *word; count < WORDS_MAX && (word = va_arg(arguments, const char *));)
		words[count++] = word;
	va_end(arguments);
	client_send_words(client, count, words);
}

const char *client_take(struct client *client)
{
	buffer_append(&client->received, "", 1);
	client->received.len = 0;
	return (const char *)client->received.data;
}

/* ---- replies ---- */

static struct client *find(const struct reactor_double *reactor, struct connection_ref ref)
{
	struct client *client = reactor->slots[ref.slot];
	return client && client->ref.id == ref.id ? client : NULL;
}

static void deliver(struct client *client, const struct reply_part *part, const uint8_t *text)
{
	if (part->answered > client->sent - client->answered)
		crash_broken_invariant("client %llu is given more answers than it has asked for", (unsigned long long)client->ref.id);
	client->answered += part->answered;
	if (part->flags & REPLY_HOLD)
		client->is_held = true;
	if (part->flags & REPLY_GO_ON)
		client->is_held = false;
	client->delivered_bytes += part->text_len + (part->blob ? part->blob->len : 0);
	client->is_closing |= part->flags & (REPLY_CLOSE | REPLY_CLOSE_NOW);
	if (!(part->flags & REPLY_CLOSE_NOW)) {
		buffer_append(&client->received, text, part->text_len);
		if (part->blob)
			buffer_append(&client->received, part->blob->data, part->blob->len);
	}
	scheduler_note("client %llu: %u answered, %zu bytes, flags %x", (unsigned long long)client->ref.id, part->answered,
		       part->text_len, part->flags);
	if (part->flags & (REPLY_REPORT | REPLY_REPORT_TAKEN))
		report(client, REPORT_READY);
	if (client->reactor->on_received)
		client->reactor->on_received(client);
	forget_if_finished(client);
}

static void deliver_all(struct reactor_double *reactor, struct reply_batch *replies)
{
	const uint8_t *text = replies->text.data;
	for (size_t i = 0; i < replies->count; i++) {
		struct client *client = find(reactor, replies->parts[i].connection);
		if (client)
			deliver(client, &replies->parts[i], text);
		text += replies->parts[i].text_len;
	}
	reply_batch_destroy(&replies);
}

static void on_replies(struct reactor_double *reactor, uint64_t sequence, struct reply_batch *replies)
{
	if (replies->home)
		reactor->batches_out--;
	else
		actor_post(reactor->actor, reactor->store, STORE_TAKEN, REACTOR_REPLIES, NULL);
	request_batch_destroy(&replies->home);
	if (gate_passes(&reactor->gate, sequence))
		deliver_all(reactor, replies);
	else
		gate_hold(&reactor->gate, sequence, replies);
}

static void on_durable(struct reactor_double *reactor, uint64_t mark)
{
	struct reply_batch *batch;
	gate_set_mark(&reactor->gate, mark);
	while ((batch = gate_take(&reactor->gate)))
		deliver_all(reactor, batch);
	actor_post(reactor->actor, runtime_actor(reactor->actor->runtime, ACTOR_AOF, 0), AOF_MARK_TAKEN, 0, NULL);
}

/* ---- the other messages ---- */

static bool is_tick_due(void *context)
{
	return ((const struct reactor_double *)context)->tick_ms <= monotonic_ms();
}

static void tick(void *context)
{
	struct reactor_double *reactor = context;
	reactor->tick_ms = INT64_MAX;
	actor_enter(reactor->actor);
	actor_post(reactor->actor, reactor->store, STORE_TICK, 0, NULL);
	actor_exit();
}

static void on_arm_timer(struct reactor_double *reactor, uint64_t at_ms)
{
	reactor->tick_ms = (int64_t)at_ms;
	actor_post(reactor->actor, reactor->store, STORE_TAKEN, REACTOR_ARM_TIMER, NULL);
}

static void on_settings(struct reactor_double *reactor, struct settings *settings)
{
	free(settings);
	actor_post(reactor->actor, reactor->store, STORE_TAKEN, REACTOR_SETTINGS, NULL);
}

static void on_describe(struct reactor_double *reactor)
{
	struct connection_figures *figures = must_allocate(1, sizeof(*figures));
	figures->items = must_allocate(reactor->connections + 1, sizeof(*figures->items));
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		if (reactor->slots[i])
			figures->items[figures->count++].id = reactor->slots[i]->ref.id;
	actor_post(reactor->actor, reactor->store, STORE_CONNECTION_FIGURES, 0, figures);
}

static void on_listen(struct reactor_double *reactor, struct descriptors *descriptors)
{
	free(descriptors);
	actor_post(reactor->actor, runtime_actor(reactor->actor->runtime, ACTOR_SUPERVISOR, 0), REACTOR_LISTEN_DONE, 0, NULL);
}

/* ---- stopping ---- */

static void end_all(struct reactor_double *reactor, void (*end)(struct client *client))
{
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		if (reactor->slots[i])
			end(reactor->slots[i]);
}

static struct actor *supervisor(const struct reactor_double *reactor)
{
	return runtime_actor(reactor->actor->runtime, ACTOR_SUPERVISOR, 0);
}

static bool may_answer_stop(void *context)
{
	const struct reactor_double *reactor = context;
	return reactor->is_stopping && !reactor->stop_is_answered && reactor->connections == 0 && reactor->batches_out == 0 &&
	       reactor->filling->count == 0 && !reactor->reports_are_out;
}

static void answer_stop(void *context)
{
	struct reactor_double *reactor = context;
	reactor->stop_is_answered = true;
	actor_enter(reactor->actor);
	actor_post(reactor->actor, supervisor(reactor), REACTOR_STOP_DONE, 0, NULL);
	actor_exit();
}

static bool is_drain_over(void *context)
{
	const struct reactor_double *reactor = context;
	return !reactor->stop_is_answered && monotonic_ms() >= reactor->drain_until_ms;
}

static void cut(void *context)
{
	struct reactor_double *reactor = context;
	reactor->drain_until_ms = INT64_MAX;
	end_all(reactor, client_break_off);
	actor_enter(reactor->actor);
	actor_post(reactor->actor, supervisor(reactor), REACTOR_CUT, 0, NULL);
	actor_exit();
}

static void on_stop(struct reactor_double *reactor, bool is_now)
{
	reactor->is_stopping = true;
	reactor->drain_until_ms = monotonic_ms() + (is_now ? 0 : reactor->drain_ms);
	end_all(reactor, client_end);
}

static void reactor_double_turn(void *state, struct message message)
{
	struct reactor_double *reactor = state;
	switch ((enum to_reactor)message.type) {
	case REACTOR_REPLIES: on_replies(reactor, message.number, PAYLOAD(REACTOR_REPLIES, message)); return;
	case REACTOR_DURABLE: on_durable(reactor, message.number); return;
	case REACTOR_REPORTS_TAKEN: on_reports_taken(reactor); return;
	case REACTOR_SETTINGS: on_settings(reactor, PAYLOAD(REACTOR_SETTINGS, message)); return;
	case REACTOR_ARM_TIMER: on_arm_timer(reactor, message.number); return;
	case REACTOR_DESCRIBE: on_describe(reactor); return;
	case REACTOR_LISTEN: on_listen(reactor, PAYLOAD(REACTOR_LISTEN, message)); return;
	case REACTOR_STOP: on_stop(reactor, message.number); return;
	case REACTOR_LEAVE: reactor->tick_ms = INT64_MAX; return;
	case REACTOR_ADOPT:
	case REACTOR_CLIENTS_CLOSED:
	case REACTOR_CLOSED_TAKEN: crash_broken_invariant("a reactor's double accepts nobody");
	}
}

struct reactor_double *reactor_double_create(struct runtime *runtime, uint32_t index)
{
	struct reactor_double *reactor = must_allocate(1, sizeof(*reactor));
	reactor->actor = runtime_actor(runtime, ACTOR_REACTOR, index);
	reactor->store = runtime_actor(runtime, ACTOR_STORE, 0);
	reactor->slots = must_allocate(SLOTS_MAX, sizeof(*reactor->slots));
	reactor->batch_requests_max = BATCH_REQUESTS_MAX;
	reactor->filling = make_batch(reactor);
	gate_init(&reactor->gate);
	reactor->tick_ms = reactor->drain_until_ms = INT64_MAX;
	reactor->drain_ms = DRAIN_MS;
	reactor->next_id = 1 + index;
	reactor->id_step = runtime_count(runtime, ACTOR_REACTOR);
	reactor->flush = (struct source){ .is_ready = may_flush, .run = flush, .context = reactor, .pace = 100 };
	reactor->tick = (struct source){ .is_ready = is_tick_due, .run = tick, .context = reactor, .pace = 100 };
	reactor->drain = (struct source){ .is_ready = is_drain_over, .run = cut, .context = reactor, .pace = 100 };
	reactor->stop = (struct source){ .is_ready = may_answer_stop, .run = answer_stop, .context = reactor, .pace = 100 };
	scheduler_add(&reactor->flush);
	scheduler_add(&reactor->tick);
	scheduler_add(&reactor->drain);
	scheduler_add(&reactor->stop);
	actor_bind(reactor->actor, reactor_double_turn, reactor);
	return reactor;
}

void reactor_double_destroy(struct reactor_double **reactor_at)
{
	struct reactor_double *reactor = *reactor_at;
	scheduler_remove(&reactor->flush);
	scheduler_remove(&reactor->tick);
	scheduler_remove(&reactor->drain);
	scheduler_remove(&reactor->stop);
	for (struct client *client = reactor->clients, *next; client; client = next) {
		next = client->next;
		buffer_fini(&client->received);
		free(client);
	}
	gate_fini(&reactor->gate);
	request_batch_destroy(&reactor->filling);
	connection_reports_destroy(&reactor->reports);
	free(reactor->slots);
	free(reactor);
	*reactor_at = NULL;
}

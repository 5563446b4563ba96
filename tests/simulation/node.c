#include "simulation/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/discard.h"
#include "actors/observer/observer.h"
#include "actors/persistence/aof.h"
#include "actors/persistence/data_files.h"
#include "actors/persistence/syncer.h"
#include "actors/reactor/reactor.h"
#include "actors/reaper/reaper.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/host.h"
#include "actors/runtime/log.h"
#include "actors/store/commands/command.h"
#include "actors/store/state.h"
#include "actors/store/store_actor.h"
#include "storage/eviction.h"
#include "storage/keyspace.h"
#include "storage/memory.h"

static struct node *nodes;

static void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (!memory)
		abort();
	return memory;
}

/* ---- checks of every message ---- */

static struct recorder *find_recorder(const struct actor *actor)
{
	for (struct node *node = nodes; node; node = node->next)
		for (uint32_t i = 0; i < node->recorder_count; i++)
			if (node->recorders[i]->subscriber.actor == actor)
				return node->recorders[i];
	return NULL;
}

static uint32_t node_of(const struct actor *actor)
{
	for (const struct node *node = nodes; node; node = node->next)
		if (node->runtime == actor->runtime)
			return node->number;
	abort();
}

static struct snapshot_check *find_check(const struct actor *actor)
{
	for (struct node *node = nodes; node; node = node->next)
		if (node->runtime == actor->runtime)
			return &node->snapshot_check;
	abort();
}

static bool is_stopping(const struct recorder *recorder)
{
	for (const struct node *node = nodes; node; node = node->next)
		if (node->runtime == recorder->subscriber.actor->runtime)
			return node->stop.has_begun;
	return false;
}

/* A message may overshoot the credit, but none may be posted without credit: only the ATTACH at the stop. */
static void take_credit(struct recorder *recorder, const struct message *message, size_t bytes)
{
	bool is_attach = message->type == SUBSCRIBER_ATTACH || message->type == BLOCKING_SUBSCRIBER_ATTACH;
	if (recorder->credit_left <= 0 && !(is_attach && is_stopping(recorder)))
		crash_broken_invariant("%s is posted to with %lld bytes of credit", recorder->subscriber.actor->name,
				       (long long)recorder->credit_left);
	recorder->credit_left -= (int64_t)bytes;
}

static void give_credit(struct recorder *recorder, uint64_t bytes)
{
	recorder->credit_left += (int64_t)bytes;
	if (recorder->credit_left > recorder->credit_bytes)
		crash_broken_invariant("%s gives back more than it has taken", recorder->subscriber.actor->name);
}

/* Posted to the recorder, and of what credit. */
static void on_posted(struct recorder *recorder, const struct message *message)
{
	switch (message->type) {
	case SUBSCRIBER_FRAMES: take_credit(recorder, message, PAYLOAD(SUBSCRIBER_FRAMES, *message)->bytes); return;
	case BLOCKING_SUBSCRIBER_FRAMES: take_credit(recorder, message, PAYLOAD(BLOCKING_SUBSCRIBER_FRAMES, *message)->bytes); return;
	case SUBSCRIBER_ATTACH:
	case BLOCKING_SUBSCRIBER_ATTACH: take_credit(recorder, message, BUS_ATTACH_BYTES); return;
	}
}

static struct recorder *find_sender(const struct actor *receiver, const struct message *message)
{
	for (struct node *node = nodes; node; node = node->next)
		for (uint32_t i = 0; node->runtime == receiver->runtime && i < node->recorder_count; i++)
			if (node->recorders[i]->subscriber.actor->number == message->sender)
				return node->recorders[i];
	return NULL;
}

static void on_message(void *context, enum channel_event event, void *receiver, const struct message *message)
{
	struct actor *actor = receiver;
	struct recorder *to = find_recorder(actor), *from = find_sender(actor, message);
	snapshot_check_message(find_check(actor), event, message);
	scheduler_note("%s of node %u %s %s from %u, number %llu", actor->name, node_of(actor), event == CHANNEL_POSTED ? "will have" : "has",
		       message_name(message->type), message->sender, (unsigned long long)message->number);
	if (to && event == CHANNEL_POSTED)
		on_posted(to, message);
	bool is_credit = message->type == STORE_SUBSCRIBER_CREDIT || message->type == STORE_BLOCKING_SUBSCRIBER_CREDIT;
	if (from && is_credit && event == CHANNEL_RECEIVED)
		give_credit(from, message->number);
}

/* ---- the doubles of supervisor and worker ---- */

static void forget_config(struct config *config)
{
	config_fini(config);
	free(config);
}

static struct actor *only(const struct node *node, enum actor_kind kind)
{
	return runtime_actor(node->runtime, kind, 0);
}

static void on_listen(struct node *node, struct config *wanted)
{
	actor_post(node->supervisor, only(node, ACTOR_WORKER), WORKER_RESOLVE, 0, wanted);
}

static void on_resolved(struct node *node)
{
	struct descriptors *none = must_allocate(1, sizeof(*none));
	actor_post(node->supervisor, node->reactors[0]->actor, REACTOR_LISTEN, 0, none);
}

static void on_load_failed(struct node *node, struct config_error *error)
{
	snprintf(node->refusal, sizeof(node->refusal), "%s", error->text);
	free(error);
}

static void supervisor_turn(void *state, struct message message)
{
	struct node *node = state;
	switch ((enum to_supervisor)message.type) {
	case SUPERVISOR_SHUTDOWN: stop_order_begin(&node->stop, message.number); return;
	case SUPERVISOR_SHUTDOWN_WAITS: return;
	case SUPERVISOR_SHUTDOWN_FAILED: node->shutdowns_failed++; return;
	case SUPERVISOR_LISTEN: on_listen(node, PAYLOAD(SUPERVISOR_LISTEN, message)); return;
	case WORKER_RESOLVE_DONE: on_resolved(node); return;
	case REACTOR_LISTEN_DONE: actor_post(node->supervisor, only(node, ACTOR_STORE), SUPERVISOR_LISTEN_DONE, 0, NULL); return;
	case REACTOR_CUT: stop_order_cut(&node->stop); return;
	case SUPERVISOR_LOADED: node->has_loaded = true; return;
	case SUPERVISOR_LOAD_FAILED: on_load_failed(node, PAYLOAD(SUPERVISOR_LOAD_FAILED, message)); return;
	case REACTOR_STOP_DONE:
	case STORE_STOP_DONE:
	case AOF_STOP_DONE:
	case SYNCER_STOP_DONE:
	case SNAPSHOT_STOP_DONE:
	case OBSERVER_STOP_DONE:
	case REPLICATION_STOP_DONE:
	case SUBSCRIBER_STOP_DONE:
	case BLOCKING_SUBSCRIBER_STOP_DONE:
	case REAPER_STOP_DONE:
	case WORKER_STOP_DONE:
		stop_order_take_answer(&node->stop);
		return;
	}
}

/* A double: it looks up no names and writes no file. */
static void worker_turn(void *state, struct message message)
{
	struct node *node = state;
	struct actor *worker = only(node, ACTOR_WORKER);
	switch ((enum to_worker)message.type) {
	case WORKER_RESOLVE:
		forget_config(PAYLOAD(WORKER_RESOLVE, message));
		actor_post(worker, node->supervisor, WORKER_RESOLVE_DONE, 0, NULL);
		return;
	case WORKER_REWRITE:
		forget_config(PAYLOAD(WORKER_REWRITE, message));
		actor_post(worker, only(node, ACTOR_STORE), WORKER_REWRITE_DONE, 0, NULL);
		return;
	case WORKER_STOP: actor_post(worker, node->supervisor, WORKER_STOP_DONE, 0, NULL); return;
	}
}

bool node_has_stopped(const struct node *node)
{
	return stop_order_is_over(&node->stop);
}

void node_signal(struct node *node, int number)
{
	actor_enter(node->supervisor);
	actor_post(node->supervisor, only(node, ACTOR_STORE), STORE_SIGNAL, (uint64_t)number, NULL);
	actor_exit();
}

static void stop(struct node *node, bool is_now)
{
	actor_enter(node->supervisor);
	stop_order_begin(&node->stop, is_now);
	actor_exit();
}

void node_stop(struct node *node)
{
	stop(node, false);
}

void node_stop_now(struct node *node)
{
	stop(node, true);
}

/* ---- life ---- */

static void prepare_process(void)
{
	static bool is_prepared;
	if (is_prepared)
		return;
	is_prepared = true;
	memory_init();
	command_table_init();
}

static void set_directive(struct config *config, const char *name, const char *value)
{
	struct config_pair pair = { slice_of(name, strlen(name)), slice_of(value, strlen(value)) };
	struct config_changes changes;
	struct config_error error;
	if (!config_set(config, &pair, 1, CONFIG_FROM_HERE, &changes, &error))
		abort();
}

static void create_subscribers(struct node *node, const struct node_options *options, struct store_subscription *subscriptions)
{
	node->observer = observer_create(node->runtime, command_count());
	subscriptions[0] = (struct store_subscription){ .actor = only(node, ACTOR_OBSERVER), .interest = BUS_TALLY };
	replication_init(&node->replication, node->runtime);
	subscriptions[1] = (struct store_subscription){
		.actor = only(node, ACTOR_REPLICATION), .is_optional = true,
		.credit_bytes = REPLICATION_CREDIT_BYTES, .message_max_bytes = REPLICATION_MESSAGE_MAX_BYTES
	};
	subscriptions += 2;
	node->recorder_count = options->recorders;
	node->recorders = must_allocate(options->recorders + 1, sizeof(*node->recorders));
	for (uint32_t i = 0; i < options->recorders; i++) {
		enum actor_kind kind = i % 2 == 0 ? ACTOR_BLOCKING_SUBSCRIBER : ACTOR_SUBSCRIBER;
		subscriptions[i] = (struct store_subscription){
			.actor = runtime_actor(node->runtime, kind, i / 2),
			.interest = options->joins_later[i] ? 0 : BUS_FRAMES,
			.credit_bytes = options->credit_bytes[i],
			.is_optional = options->is_optional[i],
		};
		node->recorders[i] = recorder_create(&subscriptions[i], (uint32_t)node->config.databases);
	}
}

static struct store_subscription create_aof(struct node *node, const struct node_options *options)
{
	node->aof = aof_create(node->runtime, &node->config, node->files);
	node->syncer = must_allocate(1, sizeof(*node->syncer));
	syncer_init(node->syncer, node->runtime, options->disk);
	return (struct store_subscription){ .actor = only(node, ACTOR_AOF) };
}

static void create_actors(struct node *node, const struct node_options *options)
{
	struct store_subscription *subscriptions = must_allocate(3 + options->recorders, sizeof(*subscriptions));
	uint32_t count = 2 + options->recorders;
	node->supervisor = runtime_actor(node->runtime, ACTOR_SUPERVISOR, 0);
	actor_bind(node->supervisor, supervisor_turn, node);
	actor_bind(only(node, ACTOR_WORKER), worker_turn, node);
	stop_order_init(&node->stop, node->supervisor);
	node->reactor_count = options->reactors;
	node->reactors = must_allocate(options->reactors, sizeof(*node->reactors));
	for (uint32_t i = 0; i < options->reactors; i++)
		node->reactors[i] = reactor_double_create(node->runtime, i);
	create_subscribers(node, options, subscriptions);
	snapshot_writer_init(&node->snapshot_writer, node->runtime, options->disk ? options->disk : simulated_disk_functions(node->disk));
	node->reaper = must_allocate(1, sizeof(*node->reaper));
	reaper_init(node->reaper, node->runtime);
	if (node->files)
		subscriptions[count++] = create_aof(node, options);
	node->store = store_create(node->runtime, &node->config, subscriptions, count);
	if (node->files && aof_must_load(node->aof))
		store_expect_data(node->store, node->files->bytes);
	free(subscriptions);
	snapshot_check_init(&node->snapshot_check, node->store, options->disk ? options->checked_disk : node->disk);
}

static void init_config(struct config *config, const struct node_options *options)
{
	config_init(config);
	config->enable_debug_command = PROTECTED_USE_YES;
	config->loglevel = options->is_quiet ? LOG_WARNING + 1 : LOG_WARNING;
	config->maxmemory = options->maxmemory;
	config->repl_diskless_sync_delay = 0;
	config->maxmemory_policy = EVICT_VOLATILE_LRU;
	config->appendonly = options->disk && !options->is_off;
	config->dir[0] = '\0'; /* the simulated disk has no working directory of the process's name */
	config->appendfsync = options->appendfsync;
	if (options->snapshot_memory_limit)
		config->snapshot_memory_limit = options->snapshot_memory_limit;
	if (options->saves)
		set_directive(config, "save", "1 1");
	config->aof_ballast_size = options->ballast_bytes;
	config->aof_load_corrupt_tail_max_size = options->corrupt_tail_max_bytes;
}

/* False: the files are refused. */
static bool open_files(struct node *node, const struct node_options *options)
{
	struct config_error error;
	if (!options->disk || (node->files = data_files_open(options->disk, &node->config, &error)))
		return true;
	if (options->out_refusal)
		strcpy(options->out_refusal, error.text);
	return false;
}

static void begin(struct node *node)
{
	runtime_open(node->runtime);
	if (!node->aof || !aof_must_load(node->aof)) {
		node->has_loaded = true;
		return;
	}
	actor_enter(node->supervisor);
	actor_post(node->supervisor, only(node, ACTOR_AOF), AOF_LOAD, 0, NULL);
	actor_exit();
}

struct node *node_create(const struct node_options *options)
{
	struct node *node = must_allocate(1, sizeof(*node));
	prepare_process();
	keyspace_seed_hash_repeatably(scheduler_seed());
	node->disk = simulated_disk_create(scheduler_seed());
	init_config(&node->config, options);
	if (!open_files(node, options)) {
		simulated_disk_destroy(&node->disk);
		config_fini(&node->config);
		free(node);
		return NULL;
	}
	uint32_t counts[ACTOR_KINDS] = {
		[ACTOR_SUPERVISOR] = 1,
		[ACTOR_REACTOR] = options->reactors,
		[ACTOR_STORE] = 1,
		[ACTOR_AOF] = node->files ? 1 : 0,
		[ACTOR_SYNCER] = node->files ? 1 : 0,
		[ACTOR_SNAPSHOT] = 1,
		[ACTOR_OBSERVER] = 1,
		[ACTOR_REPLICATION] = 1,
		[ACTOR_BLOCKING_SUBSCRIBER] = (options->recorders + 1) / 2,
		[ACTOR_SUBSCRIBER] = options->recorders / 2,
		[ACTOR_REAPER] = 1,
		[ACTOR_WORKER] = 1,
	};
	node->runtime = runtime_create(counts);
	create_actors(node, options);
	node->number = nodes ? nodes->number + 1 : 0;
	node->next = nodes;
	nodes = node;
	channel_set_watch(on_message, NULL);
	begin(node);
	return node;
}

static void forget(struct node *node)
{
	struct node **at = &nodes;
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
}

void node_destroy(struct node **node_at)
{
	struct node *node = *node_at;
	runtime_stop(node->runtime, discard_message);
	forget(node);
	for (uint32_t i = 0; i < node->reactor_count; i++)
		reactor_double_destroy(&node->reactors[i]);
	for (uint32_t i = 0; i < node->recorder_count; i++)
		recorder_destroy(&node->recorders[i]);
	store_destroy(&node->store);
	if (node->aof)
		aof_destroy(&node->aof);
	observer_destroy(&node->observer);
	snapshot_writer_fini(&node->snapshot_writer);
	replication_fini(&node->replication);
	snapshot_check_fini(&node->snapshot_check);
	simulated_disk_destroy(&node->disk);
	runtime_destroy(&node->runtime);
	config_fini(&node->config);
	free(node->reaper);
	free(node->syncer);
	free(node->reactors);
	free(node->recorders);
	free(node);
	*node_at = NULL;
}

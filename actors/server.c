/*
 * The supervisor is the main thread's actor. It waits for a reason to stop, then goes through `stops`: a line posts a message
 * to all actors of a kind and waits for as many answers. A second signal does not wait for anyone.
 */
#include "server.h"

#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/reactor/acceptor.h"
#include "actors/runtime/actor.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/observer/observer.h"
#include "actors/places.h"
#include "actors/process.h"
#include "actors/reaper/reaper.h"
#include "actors/store/commands/command.h"
#include "actors/store/store_actor.h"
#include "storage/keyspace.h"
#include "storage/memory.h"
#include "transport/bus.h"

#define THREAD_STACK_BYTES (1024u * 1024)

struct server {
	struct config config;
	struct runtime *runtime;
	struct actor *supervisor;
	struct reactor **reactors;
	uint32_t reactor_count;
	struct store *store;
	struct observer *observer;
	struct reaper reaper;
	struct places places, next_places; /* open; to be open once the reactor has taken them */
	pthread_t *threads;          /* the reactors', then the reaper's */
	uint32_t thread_count;

	ev_signal on_term, on_int;
	ev_async stop_asked;
	uint32_t stop_step;          /* in `stops` */
	uint32_t answers_missing;
	bool is_stopping;
};

static const struct {
	enum message_type order;
	enum actor_kind kind;
	bool is_answered;
} stops[] = {
	{ REACTOR_STOP, ACTOR_REACTOR, true },
	{ STORE_STOP, ACTOR_STORE, true },
	{ REACTOR_LEAVE, ACTOR_REACTOR, false },
	{ SUBSCRIBER_STOP, ACTOR_SUBSCRIBER, true },
	{ REAPER_STOP, ACTOR_REAPER, true },
};
#define STOPS (sizeof(stops) / sizeof(stops[0]))

/* ---- the supervisor ---- */

static void stop_next(struct server *server)
{
	while (server->answers_missing == 0) {
		if (server->stop_step == STOPS) {
			actor_leave(server->supervisor);
			return;
		}
		enum actor_kind kind = stops[server->stop_step].kind;
		uint32_t count = runtime_count(server->runtime, kind);
		for (uint32_t i = 0; i < count; i++)
			actor_post(server->supervisor, runtime_actor(server->runtime, kind, i),
				   stops[server->stop_step].order, 0, NULL);
		server->answers_missing = stops[server->stop_step].is_answered ? count : 0;
		server->stop_step++;
	}
}

static void begin_stop(struct server *server, const char *why)
{
	if (server->is_stopping)
		return;
	server->is_stopping = true;
	log_event(LOG_NOTICE, "%s, finishing what has been asked for and stopping", why);
	process_report_stopping((enum supervision)server->config.supervised);
	stop_next(server);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct server *server = watcher->data;
	if (server->is_stopping) {
		log_event(LOG_WARNING, "Received %s again, stopping now", watcher->signum == SIGTERM ? "SIGTERM" : "SIGINT");
		if (server->config.pidfile[0])
			process_remove_pidfile(server->config.pidfile);
		_exit(1);
	}
	begin_stop(server, watcher->signum == SIGTERM ? "Received SIGTERM" : "Received SIGINT");
}

static void on_stop_asked(struct ev_loop *loop, ev_async *watcher, int events)
{
	begin_stop(watcher->data, "Asked to stop");
}

static void watch_signals(struct server *server)
{
	struct ev_loop *loop = server->supervisor->loop;
	ev_signal_init(&server->on_term, on_signal, SIGTERM);
	ev_signal_init(&server->on_int, on_signal, SIGINT);
	ev_async_init(&server->stop_asked, on_stop_asked);
	server->on_term.data = server->on_int.data = server->stop_asked.data = server;
	ev_signal_start(loop, &server->on_term);
	ev_signal_start(loop, &server->on_int);
	ev_async_start(loop, &server->stop_asked);
}

void server_ask_to_stop(struct server *server)
{
	ev_async_send(server->supervisor->loop, &server->stop_asked);
}

/* ---- listening ---- */

static void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (!memory)
		crash_broken_invariant("no memory for the server");
	return memory;
}

static struct descriptors *descriptors_of(const struct places *places)
{
	struct descriptors *descriptors = must_allocate(1, sizeof(*descriptors) + places->count * sizeof(int));
	descriptors->count = places->count;
	for (uint32_t i = 0; i < places->count; i++)
		descriptors->items[i] = places->items[i].fd;
	return descriptors;
}

static void on_listen(struct server *server, struct config *wanted)
{
	bool is_open = !server->is_stopping && places_open(&server->next_places, &server->places, wanted);
	if (is_open)
		actor_post(server->supervisor, server->reactors[0]->actor, REACTOR_LISTEN, 0, descriptors_of(&server->next_places));
	else
		actor_post(server->supervisor, runtime_actor(server->runtime, ACTOR_STORE, 0), SUPERVISOR_LISTEN_FAILED, 0, NULL);
	config_fini(wanted);
	free(wanted);
}

/* In the log all of them, in the process's title the first. */
static void show_places(const struct server *server)
{
	char where[1024];
	places_print(&server->places, where, sizeof(where));
	log_event(LOG_NOTICE, "Listening on %s", where[0] ? where : "nothing");
	char *further = strstr(where, ", ");
	if (further)
		*further = '\0';
	process_set_title(where);
}

static void on_listen_done(struct server *server)
{
	places_fini(&server->places);
	server->places = server->next_places;
	server->next_places = (struct places){ 0 };
	show_places(server);
	actor_post(server->supervisor, runtime_actor(server->runtime, ACTOR_STORE, 0), SUPERVISOR_LISTEN_DONE, 0, NULL);
}

/* ---- CONFIG REWRITE ---- */

static void on_rewrite(struct server *server, struct config *config)
{
	struct actor *store = runtime_actor(server->runtime, ACTOR_STORE, 0);
	struct config_error *error = must_allocate(1, sizeof(*error));
	if (config_rewrite(config, error)) {
		free(error);
		actor_post(server->supervisor, store, SUPERVISOR_REWRITE_DONE, 0, NULL);
	} else {
		actor_post(server->supervisor, store, SUPERVISOR_REWRITE_FAILED, 0, error);
	}
	config_fini(config);
	free(config);
}

static void supervisor_turn(void *state, struct message message)
{
	struct server *server = state;
	switch (message.type) {
	case SUPERVISOR_SHUTDOWN:
		begin_stop(server, "User requested shutdown");
		return;
	case SUPERVISOR_LISTEN: on_listen(server, message.payload); return;
	case REACTOR_LISTEN_DONE: on_listen_done(server); return;
	case SUPERVISOR_REWRITE: on_rewrite(server, message.payload); return;
	case REACTOR_STOP_DONE:
	case STORE_STOP_DONE:
	case SUBSCRIBER_STOP_DONE:
	case REAPER_STOP_DONE:
		server->answers_missing--;
		stop_next(server);
		return;
	}
	crash_broken_invariant("the supervisor has no turn for %s", message_name(message.type));
}

/* ---- life ---- */

/* In all threads, who inherit it: the supervisor's loop reads them from a descriptor. */
static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

/* What all servers of a process share. */
static void prepare_process(void)
{
	memory_init();
	keyspace_seed_hash();
	command_table_init();
}

static void create_actors(struct server *server, const struct server_subscriber *subscribers, uint32_t count)
{
	struct store_subscription *subscriptions = must_allocate(1 + count, sizeof(*subscriptions));
	struct settings settings = store_settings(&server->config);

	server->supervisor = runtime_actor(server->runtime, ACTOR_SUPERVISOR, 0);
	actor_bind(server->supervisor, supervisor_turn, server);
	for (uint32_t i = 0; i < server->reactor_count; i++)
		server->reactors[i] = reactor_create(server->runtime, i, &settings);
	server->observer = observer_create(server->runtime, command_count());
	subscriptions[0].interest = BUS_TALLY;
	for (uint32_t i = 0; i < count; i++) {
		subscriptions[1 + i].interest = subscribers[i].interest;
		subscriptions[1 + i].credit_bytes = subscribers[i].credit_bytes;
		subscribers[i].bind(server->runtime, 1 + i, subscribers[i].context);
	}
	reaper_init(&server->reaper, server->runtime);
	server->store = store_create(server->runtime, &server->config, subscriptions);
	free(subscriptions);
}

struct server *server_create(const struct config *config, const struct server_subscriber *subscribers, uint32_t count)
{
	struct server *server = must_allocate(1, sizeof(*server));
	config_copy(&server->config, config);
	server->reactor_count = (uint32_t)config->io_threads;
	server->reactors = must_allocate(server->reactor_count, sizeof(*server->reactors));
	ignore_signals();
	block_signals();
	static pthread_once_t prepared = PTHREAD_ONCE_INIT;
	pthread_once(&prepared, prepare_process);
	uint32_t counts[ACTOR_KINDS] = {
		[ACTOR_SUPERVISOR] = 1,
		[ACTOR_REACTOR] = server->reactor_count,
		[ACTOR_STORE] = 1,
		[ACTOR_SUBSCRIBER] = 1 + count,
		[ACTOR_REAPER] = 1,
	};
	server->runtime = runtime_create(counts);
	create_actors(server, subscribers, count);
	if (!places_open(&server->places, &(struct places){ 0 }, config)) {
		server_destroy(&server);
		return NULL;
	}
	return server;
}

static void *run_thread(void *context)
{
	crash_prepare_thread();
	actor_run(context);
	return NULL;
}

static void start_thread(struct server *server, struct actor *actor)
{
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	if (pthread_create(&server->threads[server->thread_count++], &attributes, run_thread, actor) != 0)
		crash_broken_invariant("no thread for %s", actor->name);
	pthread_setname_np(server->threads[server->thread_count - 1], actor->name);
	pthread_attr_destroy(&attributes);
}

static void log_start(const struct server *server)
{
	show_places(server);
	log_event(LOG_NOTICE, "%u reactor thread(s), %u pool threads for the store and the bus, 1 reaper", server->reactor_count,
		  channel_pool_threads());
	log_event(LOG_NOTICE, "Ready to accept connections");
}

static void listen_first(struct server *server)
{
	struct descriptors *descriptors = descriptors_of(&server->places);
	reactor_listen(server->reactors[0], descriptors);
	free(descriptors);
}

void server_run(struct server *server, void (*ready)(void *context), void *context)
{
	watch_signals(server);
	runtime_open(server->runtime);
	listen_first(server);
	server->threads = must_allocate(server->reactor_count + 1, sizeof(pthread_t));
	for (uint32_t i = 0; i < server->reactor_count; i++)
		start_thread(server, server->reactors[i]->actor);
	start_thread(server, server->reaper.actor);
	log_start(server);
	if (ready)
		ready(context);
	actor_run(server->supervisor);
	for (uint32_t i = 0; i < server->thread_count; i++)
		pthread_join(server->threads[i], NULL);
	ev_signal_stop(server->supervisor->loop, &server->on_term);
	ev_signal_stop(server->supervisor->loop, &server->on_int);
	ev_async_stop(server->supervisor->loop, &server->stop_asked);
	if (server->config.unixsocket[0])
		unlink(server->config.unixsocket);
}

void server_destroy(struct server **server_at)
{
	struct server *server = *server_at;
	/* Actors first: mailboxes may not call into what is gone, and nobody posts any more. */
	runtime_stop(server->runtime);
	for (uint32_t i = 0; i < server->reactor_count; i++)
		reactor_destroy(&server->reactors[i]);
	store_destroy(&server->store);
	observer_destroy(&server->observer);
	runtime_destroy(&server->runtime);
	places_fini(&server->places);
	config_fini(&server->config);
	free(server->reactors);
	free(server->threads);
	free(server);
	*server_at = NULL;
}

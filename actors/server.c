/*
 * The supervisor is the main thread's actor. It waits for a reason to stop, then stops all other actors in order
 * (stop_order.h).
 *
 * A signal asks the store to shut down, as SHUTDOWN does; the store may save the data first. Then a stop takes bounded time. Requests are answered until shutdown-timeout; then the reactors close their connections
 * (REACTOR_CUT) and the store drops the remaining requests. If one command runs even longer, the process exits without it
 * LAST_RESORT_SECONDS later.
 */
#include "server.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/reactor/reactor.h"
#include "actors/runtime/actor.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/observer/observer.h"
#include "actors/persistence/aof.h"
#include "actors/persistence/disk.h"
#include "actors/persistence/data_files.h"
#include "actors/persistence/syncer.h"
#include "actors/runtime/owned_file.h"
#include "actors/worker/listeners.h"
#include "actors/runtime/process.h"
#include "actors/persistence/disk.h"
#include "actors/persistence/snapshot_writer.h"
#include "actors/reaper/reaper.h"
#include "actors/replication/replication.h"
#include "actors/discard.h"
#include "actors/stop_order.h"
#include "actors/store/commands/command.h"
#include "actors/store/store_actor.h"
#include "actors/worker/worker.h"
#include "storage/keyspace.h"
#include "storage/memory.h"
#include "transport/bus.h"

/* lzf_compress() alone has a table of 512 KB on the stack of the snapshot writer, beside the libraries' thread-local memory. */
#define THREAD_STACK_BYTES (4u * 1024 * 1024)
/* No store turn should take so long, but some commands take time in proportion to their arguments. */
#define LAST_RESORT_SECONDS 5.0

struct server {
	struct config config;
	struct runtime *runtime;
	struct actor *supervisor;
	struct reactor **reactors;
	uint32_t reactor_count;
	struct store *store;
	struct data_files *files;     /* until the AOF owns them */
	struct aof *aof;
	struct syncer syncer;
	struct observer *observer;
	struct snapshot_writer snapshot_writer;
	struct replication_actor replication;
	struct reaper reaper;
	struct worker worker;
	struct listeners listeners, next_listeners; /* open now; open once the reactor has taken them */
	struct owned_file pidfile, socket_file;
	pthread_t *threads;          /* the reactors', then the helpers' */
	uint32_t thread_count;

	ev_signal on_term, on_int;
	ev_async stop_asked, begun;
	ev_timer last_resort;        /* runs until the store has taken STORE_SIGNAL, and from the first REACTOR_CUT */
	const char *asked_why;       /* STORE_SIGNAL was posted and is not answered; NULL: it was not */
	struct stop_order stop;
	void (*ready)(void *context);
	void *context;
	struct config_error *load_error; /* NULL: the data were loaded, or there were none */
};

/* ---- the supervisor ---- */

static void begin_stop(struct server *server, const char *why, bool is_now)
{
	if (server->stop.has_begun)
		return;
	log_event(LOG_NOTICE, "%s, answering pending requests and stopping", why);
	process_report_stopping((enum supervision)server->config.supervised);
	stop_order_begin(&server->stop, is_now);
}

static void on_stop_done(struct server *server)
{
	if (!stop_order_take_answer(&server->stop))
		return;
	ev_timer_stop(server->supervisor->loop, &server->last_resort);
	actor_leave(server->supervisor);
}

static void remove_files(struct server *server)
{
	owned_file_remove(&server->pidfile);
	owned_file_remove(&server->socket_file);
}

static _Noreturn void end_at_once(struct server *server)
{
	remove_files(server);
	_exit(1);
}

static void limit_patience(struct server *server, double seconds)
{
	server->last_resort.repeat = seconds;
	ev_timer_again(server->supervisor->loop, &server->last_resort);
}

/* The store may have to save the data first, and may refuse. */
static void ask_store(struct server *server, const char *why, int signal_number)
{
	if (server->stop.has_begun || server->asked_why)
		return;
	log_event(LOG_NOTICE, "%s", why);
	server->asked_why = why;
	limit_patience(server, (double)server->config.shutdown_timeout + LAST_RESORT_SECONDS);
	actor_post(server->supervisor, runtime_actor(server->runtime, ACTOR_STORE, 0), STORE_SIGNAL, (uint64_t)signal_number, NULL);
}

/* As in Redis: a second SIGINT comes from a user who insists; a second SIGTERM is often a copy sent by a service manager. */
static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct server *server = watcher->data;
	bool is_int = watcher->signum == SIGINT;
	if (!server->stop.has_begun && !server->asked_why) {
		ask_store(server, is_int ? "Received SIGINT" : "Received SIGTERM", watcher->signum);
	} else if (is_int) {
		log_event(LOG_WARNING, "Received SIGINT while stopping, exiting now");
		end_at_once(server);
	} else {
		log_event(LOG_NOTICE, "Received SIGTERM while stopping; send SIGINT to exit at once");
	}
}

static void on_last_resort(struct ev_loop *loop, ev_timer *watcher, int events)
{
	log_event(LOG_WARNING, "A command is still running %.0f seconds after shutdown-timeout, exiting without it",
		  LAST_RESORT_SECONDS);
	end_at_once(watcher->data);
}

static void on_cut(struct server *server)
{
	if (stop_order_cut(&server->stop))
		limit_patience(server, LAST_RESORT_SECONDS);
}

/* The store is alive: it may take its time. */
static void on_shutdown_waits(struct server *server)
{
	ev_timer_stop(server->supervisor->loop, &server->last_resort);
}

static void on_shutdown_failed(struct server *server)
{
	ev_timer_stop(server->supervisor->loop, &server->last_resort);
	server->asked_why = NULL;
}

static void on_shutdown(struct server *server, bool is_now)
{
	ev_timer_stop(server->supervisor->loop, &server->last_resort);
	if (server->asked_why)
		begin_stop(server, server->asked_why, is_now);
	else
		begin_stop(server, is_now ? "User requested shutdown now" : "User requested shutdown", is_now);
}

static void on_loaded(struct server *server)
{
	log_event(LOG_NOTICE, "Ready to accept connections");
	if (server->ready)
		server->ready(server->context);
}

static void on_load_failed(struct server *server, struct config_error *error)
{
	server->load_error = error;
	log_event(LOG_WARNING, "Can't start: %s", error->text);
	begin_stop(server, "The data can't be loaded", true);
}

/* The loop runs. */
static void on_begun(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct server *server = watcher->data;
	if (aof_must_load(server->aof))
		actor_post(server->supervisor, runtime_actor(server->runtime, ACTOR_AOF, 0), AOF_LOAD, 0, NULL);
	else
		on_loaded(server);
}

static void on_stop_asked(struct ev_loop *loop, ev_async *watcher, int events)
{
	ask_store(watcher->data, "Asked to stop", 0);
}

static void watch_signals(struct server *server)
{
	struct ev_loop *loop = server->supervisor->loop;
	ev_signal_init(&server->on_term, on_signal, SIGTERM);
	ev_signal_init(&server->on_int, on_signal, SIGINT);
	ev_async_init(&server->stop_asked, on_stop_asked);
	ev_async_init(&server->begun, on_begun);
	ev_init(&server->last_resort, on_last_resort);
	server->on_term.data = server->on_int.data = server->stop_asked.data = server->begun.data = server->last_resort.data = server;
	ev_signal_start(loop, &server->on_term);
	ev_signal_start(loop, &server->on_int);
	ev_async_start(loop, &server->stop_asked);
	ev_async_start(loop, &server->begun);
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
		crash_out_of_memory("the server");
	return memory;
}

static struct descriptors *descriptors_of(const struct listeners *listeners)
{
	struct descriptors *descriptors = must_allocate(1, sizeof(*descriptors) + listeners->count * sizeof(int));
	descriptors->count = listeners->count;
	for (uint32_t i = 0; i < listeners->count; i++)
		descriptors->items[i] = listeners->items[i].fd;
	return descriptors;
}

/* The worker looks up host names: signals must not wait for a name server. */
static void on_listen(struct server *server, struct config *wanted)
{
	actor_post(server->supervisor, server->worker.actor, WORKER_RESOLVE, 0, wanted);
}

static void on_resolved(struct server *server, struct listen_plan *plan)
{
	struct config_error error = { "can't change the listening addresses: the server is stopping" };
	bool is_open = !server->stop.has_begun && listeners_open(&server->next_listeners, &server->listeners, plan, &error);
	listen_plan_destroy(&plan);
	if (is_open) {
		actor_post(server->supervisor, runtime_actor(server->runtime, ACTOR_REACTOR, 0), REACTOR_LISTEN, 0,
			   descriptors_of(&server->next_listeners));
		return;
	}
	log_event(LOG_WARNING, "%s", error.text);
	actor_post(server->supervisor, runtime_actor(server->runtime, ACTOR_STORE, 0), SUPERVISOR_LISTEN_FAILED, 0, NULL);
}

/* All addresses go to the log, the first one into the process title. */
static void show_listeners(const struct server *server)
{
	char where[1024];
	listeners_print(&server->listeners, where, sizeof(where));
	log_event(LOG_NOTICE, "Listening on %s", where[0] ? where : "nothing");
	char *further = strstr(where, ", ");
	if (further)
		*further = '\0';
	process_set_title(where);
}

static void on_listen_done(struct server *server)
{
	listeners_fini(&server->listeners);
	server->listeners = server->next_listeners;
	server->next_listeners = (struct listeners){ 0 };
	show_listeners(server);
	actor_post(server->supervisor, runtime_actor(server->runtime, ACTOR_STORE, 0), SUPERVISOR_LISTEN_DONE, 0, NULL);
}

static void supervisor_turn(void *state, struct message message)
{
	struct server *server = state;
	switch ((enum to_supervisor)message.type) {
	case SUPERVISOR_SHUTDOWN: on_shutdown(server, message.number); return;
	case SUPERVISOR_SHUTDOWN_WAITS: on_shutdown_waits(server); return;
	case SUPERVISOR_SHUTDOWN_FAILED: on_shutdown_failed(server); return;
	case SUPERVISOR_LISTEN: on_listen(server, PAYLOAD(SUPERVISOR_LISTEN, message)); return;
	case WORKER_RESOLVE_DONE: on_resolved(server, PAYLOAD(WORKER_RESOLVE_DONE, message)); return;
	case REACTOR_LISTEN_DONE: on_listen_done(server); return;
	case REACTOR_CUT: on_cut(server); return;
	case SUPERVISOR_LOADED: on_loaded(server); return;
	case SUPERVISOR_LOAD_FAILED: on_load_failed(server, PAYLOAD(SUPERVISOR_LOAD_FAILED, message)); return;
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
		on_stop_done(server);
		return;
	}
}

/* ---- life ---- */

/* In all threads, which inherit the mask: the supervisor's loop reads signals from a descriptor. */
static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* As Redis does, except SIGALRM, at which Redis writes a report. Other signals have their default action, as in Redis. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGHUP, SIGALRM };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

/* State that all servers of a process share. */
static void prepare_process(void)
{
	memory_init();
	keyspace_seed_hash();
	command_table_init();
}

static enum actor_kind kind_of(const struct server_subscriber *subscriber)
{
	return subscriber->may_block ? ACTOR_BLOCKING_SUBSCRIBER : ACTOR_SUBSCRIBER;
}

static void bind_subscribers(struct server *server, const struct server_subscriber *subscribers, uint32_t count,
			     struct store_subscription *out_subscriptions)
{
	uint32_t next[ACTOR_KINDS] = { 0 };
	for (uint32_t i = 0; i < count; i++) {
		enum actor_kind kind = kind_of(&subscribers[i]);
		out_subscriptions[i] = (struct store_subscription){
			.actor = runtime_actor(server->runtime, kind, next[kind]++),
			.interest = subscribers[i].interest,
			.credit_bytes = subscribers[i].credit_bytes,
			.is_optional = subscribers[i].is_optional,
		};
		subscribers[i].bind(out_subscriptions[i].actor, subscribers[i].context);
	}
}

/* All but the subscribers of the program that embeds the server. */
static void check_none_is_forgotten(const uint32_t counts[ACTOR_KINDS])
{
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++)
		if (counts[kind] == 0 && kind != ACTOR_SUBSCRIBER && kind != ACTOR_BLOCKING_SUBSCRIBER)
			crash_broken_invariant("server_create() creates no actor of kind %u", kind);
}

static void create_actors(struct server *server, const struct server_subscriber *subscribers, uint32_t count)
{
	struct store_subscription *subscriptions = must_allocate(3 + count, sizeof(*subscriptions));
	struct settings settings = store_settings(&server->config);

	server->supervisor = runtime_actor(server->runtime, ACTOR_SUPERVISOR, 0);
	actor_bind(server->supervisor, supervisor_turn, server);
	stop_order_init(&server->stop, server->supervisor);
	for (uint32_t i = 0; i < server->reactor_count; i++)
		server->reactors[i] = reactor_create(server->runtime, i, &settings);
	server->observer = observer_create(server->runtime, command_count());
	subscriptions[0] = (struct store_subscription){
		.actor = runtime_actor(server->runtime, ACTOR_OBSERVER, 0), .interest = BUS_TALLY
	};
	server->aof = aof_create(server->runtime, &server->config, server->files);
	syncer_init(&server->syncer, server->runtime, disk_real());
	replication_init(&server->replication, server->runtime);
	subscriptions[1] = (struct store_subscription){
		.actor = runtime_actor(server->runtime, ACTOR_AOF, 0), .interest = 0
	};
	subscriptions[2] = (struct store_subscription){
		.actor = runtime_actor(server->runtime, ACTOR_REPLICATION, 0), .is_optional = true,
		.credit_bytes = REPLICATION_CREDIT_BYTES, .message_max_bytes = REPLICATION_MESSAGE_MAX_BYTES
	};
	bind_subscribers(server, subscribers, count, subscriptions + 3);
	snapshot_writer_init(&server->snapshot_writer, server->runtime, disk_real());
	reaper_init(&server->reaper, server->runtime);
	worker_init(&server->worker, server->runtime);
	server->store = store_create(server->runtime, &server->config, subscriptions, 3 + count);
	if (aof_must_load(server->aof))
		store_expect_data(server->store, data_files_bytes(server->files));
	free(subscriptions);
}

static bool open_listeners(struct server *server, struct config_error *out_error)
{
	struct listen_plan *plan = listen_plan_create(&server->config);
	bool is_open = listeners_open(&server->listeners, &(struct listeners){ 0 }, plan, out_error);
	listen_plan_destroy(&plan);
	server->socket_file = owned_file_at(server->config.dir, is_open ? server->config.unixsocket : "");
	return is_open;
}

static void forget_server(struct server *server)
{
	listeners_fini(&server->listeners);
	config_fini(&server->config);
	free(server);
}

struct server *server_create(const struct config *config, const struct server_subscriber *subscribers, uint32_t count,
			     struct config_error *out_error)
{
	struct server *server = must_allocate(1, sizeof(*server));
	config_copy(&server->config, config);
	/* Open before signals are blocked: while a host name is looked up, a signal ends the process. */
	if (!open_listeners(server, out_error) || !(server->files = data_files_open(disk_real(), config, out_error))) {
		forget_server(server);
		return NULL;
	}
	server->reactor_count = (uint32_t)config->io_threads;
	server->reactors = must_allocate(server->reactor_count, sizeof(*server->reactors));
	ignore_signals();
	block_signals();
	snapshot_file_clean(disk_real(), config->dir);
	static pthread_once_t prepared = PTHREAD_ONCE_INIT;
	pthread_once(&prepared, prepare_process);
	uint32_t counts[ACTOR_KINDS] = {
		[ACTOR_SUPERVISOR] = 1,
		[ACTOR_REACTOR] = server->reactor_count,
		[ACTOR_STORE] = 1,
		[ACTOR_AOF] = 1,
		[ACTOR_SYNCER] = 1,
		[ACTOR_SNAPSHOT] = 1,
		[ACTOR_OBSERVER] = 1,
		[ACTOR_REPLICATION] = 1,
		[ACTOR_REAPER] = 1,
		[ACTOR_WORKER] = 1,
	};
	check_none_is_forgotten(counts);
	for (uint32_t i = 0; i < count; i++)
		counts[kind_of(&subscribers[i])]++;
	server->runtime = runtime_create(counts);
	create_actors(server, subscribers, count);
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
	show_listeners(server);
	log_event(LOG_NOTICE, "%u reactor thread(s), %u pool threads for the store and the bus, 1 reaper, 1 worker", server->reactor_count,
		  channel_pool_threads());
}

static void listen_first(struct server *server)
{
	struct descriptors *descriptors = descriptors_of(&server->listeners);
	reactor_listen(server->reactors[0], descriptors);
	free(descriptors);
}

/* One for each actor with a loop, reactors first. The supervisor runs on this one. */
static void start_threads(struct server *server)
{
	uint32_t actors = 0;
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++)
		actors += runtime_count(server->runtime, kind);
	server->threads = must_allocate(actors, sizeof(pthread_t));
	for (uint32_t kind = ACTOR_REACTOR; kind < ACTOR_KINDS; kind++)
		for (uint32_t i = 0; i < runtime_count(server->runtime, kind); i++)
			if (actor_has_thread(runtime_actor(server->runtime, kind, i)))
				start_thread(server, runtime_actor(server->runtime, kind, i));
}

_Static_assert(ACTOR_SUPERVISOR == 0 && ACTOR_REACTOR == 1, "the threads of the reactors come first");

static void write_pidfile(struct server *server)
{
	const char *path = server->config.pidfile;
	if (path[0] && !process_write_pidfile(path))
		log_event(LOG_WARNING, "Can't write pidfile %s: %s", path, strerror(errno));
	else
		server->pidfile = owned_file_at(server->config.dir, path);
}

bool server_run(struct server *server, void (*ready)(void *context), void *context, struct config_error *out_error)
{
	server->ready = ready;
	server->context = context;
	write_pidfile(server);
	watch_signals(server);
	runtime_open(server->runtime);
	listen_first(server);
	start_threads(server);
	log_start(server);
	ev_async_send(server->supervisor->loop, &server->begun);
	actor_run(server->supervisor);
	for (uint32_t i = 0; i < server->reactor_count; i++)
		pthread_join(server->threads[i], NULL);
	remove_files(server);
	if (server->load_error)
		*out_error = *server->load_error;
	return !server->load_error;
}

/* Runs the supervisor's loop until reaper and worker have answered. */
static void await_helpers(struct server *server)
{
	if (server->stop.has_begun && !stop_order_is_over(&server->stop))
		actor_run(server->supervisor);
	for (uint32_t i = server->reactor_count; i < server->thread_count; i++)
		pthread_join(server->threads[i], NULL);
	ev_signal_stop(server->supervisor->loop, &server->on_term);
	ev_signal_stop(server->supervisor->loop, &server->on_int);
	ev_async_stop(server->supervisor->loop, &server->stop_asked);
	ev_async_stop(server->supervisor->loop, &server->begun);
}

void server_destroy(struct server **server_at)
{
	struct server *server = *server_at;
	await_helpers(server);
	/* The runtime stops first, so that no mailbox calls into a destroyed actor. */
	runtime_stop(server->runtime, discard_message);
	for (uint32_t i = 0; i < server->reactor_count; i++)
		reactor_destroy(&server->reactors[i]);
	store_destroy(&server->store);
	aof_destroy(&server->aof);
	observer_destroy(&server->observer);
	snapshot_writer_fini(&server->snapshot_writer);
	replication_fini(&server->replication);
	runtime_destroy(&server->runtime);
	listeners_fini(&server->next_listeners);
	free(server->reactors);
	free(server->threads);
	free(server->load_error);
	forget_server(server);
	*server_at = NULL;
}

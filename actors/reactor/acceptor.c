#include "acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/reactor/reactor_state.h"

/* Connections accepted per wake-up, so that a burst of them leaves the others their turn. */
#define ACCEPTS_MAX 128
/* Without descriptors, memory or excess connections accepting pauses for this long: the socket stays readable, and the loop would spin. */
#define SHORTAGE_PAUSE_SECONDS 0.1
#define SHORTAGE_LOG_INTERVAL_MS 1000
/* More than the default length of a listener's queue in any kernel. */
#define QUEUE_MAX 4096
/* Half of the edge's slots. With more waiting, the acceptor keeps the next connection itself. */
#define ADOPTIONS_WAITING_MAX 4096

struct accepted {
	uint64_t id;
	struct peer peer;
};

void accepted_destroy(struct accepted **accepted)
{
	close((*accepted)->peer.fd);
	free(*accepted);
	*accepted = NULL;
}

/* ---- the number of clients ---- */

static bool is_first(const struct reactor *reactor)
{
	return reactor->actor->index == 0;
}

void acceptor_count_closed(struct reactor *reactor, enum connection_share share)
{
	if (share == CONNECTION_IS_EXCESS)
		return;
	if (is_first(reactor))
		reactor->clients--;
	else
		reactor->closed_clients++;
}

void acceptor_report_closed(struct reactor *reactor)
{
	if (reactor->closed_clients == 0 || reactor->closed_are_out || reactor->is_stopping)
		return;
	reactor->closed_are_out = true;
	actor_post(reactor->actor, runtime_actor(reactor->actor->runtime, ACTOR_REACTOR, 0), REACTOR_CLIENTS_CLOSED, reactor->closed_clients,
		   NULL);
	reactor->closed_clients = 0;
}

void acceptor_on_closed(struct reactor *reactor, uint32_t sender, uint64_t count)
{
	struct runtime *runtime = reactor->actor->runtime;
	reactor->clients -= count;
	for (uint32_t i = 1; i < runtime_count(runtime, ACTOR_REACTOR) && !reactor->is_stopping; i++) {
		struct actor *from = runtime_actor(runtime, ACTOR_REACTOR, i);
		if (from->number == sender)
			actor_post(reactor->actor, from, REACTOR_CLOSED_TAKEN, 0, NULL);
	}
}

/* The store writes the refusal, and the client has some seconds to take it; less while more excess connections come. */
static void open_excess(struct reactor *reactor, uint64_t id, const struct peer *peer)
{
	struct connection_ref *place = &reactor->excess[reactor->next_excess];
	struct connection *oldest = reactor_find(reactor, *place);
	if (oldest)
		connection_break_off(oldest);
	reactor->next_excess = (reactor->next_excess + 1) % PROCESS_EXCESS_CONNECTIONS;
	struct connection *connection = reactor_open_connection(reactor, id, peer, CONNECTION_IS_EXCESS);
	*place = connection ? connection->ref : (struct connection_ref){ 0 };
}

/* As many excess connections as there may be wait for their refusal: the store is busy. */
static bool excess_must_wait(const struct reactor *reactor)
{
	const struct connection *oldest = reactor_find(reactor, reactor->excess[reactor->next_excess]);
	return reactor->clients >= reactor->settings.max_clients && oldest && !oldest->is_closing;
}

/* ---- accepting ---- */

static void hand_over(struct reactor *reactor, const struct peer *peer)
{
	uint64_t id = ++reactor->next_connection_id;
	if (reactor->clients >= reactor->settings.max_clients) {
		open_excess(reactor, id, peer);
		return;
	}
	reactor->clients++;
	struct runtime *runtime = reactor->actor->runtime;
	uint32_t index = reactor->next_reactor++ % runtime_count(runtime, ACTOR_REACTOR);
	struct actor *to = runtime_actor(runtime, ACTOR_REACTOR, index);
	struct accepted *accepted = to == reactor->actor || actor_mailbox_depth(to) > ADOPTIONS_WAITING_MAX ?
					    NULL :
					    malloc(sizeof(*accepted));
	if (!accepted) {
		reactor_open_connection(reactor, id, peer, CONNECTION_IS_CLIENT);
		return;
	}
	*accepted = (struct accepted){ .id = id, .peer = *peer };
	actor_post(reactor->actor, to, REACTOR_ADOPT, 0, accepted);
}

static void start_accepting(struct reactor *reactor)
{
	for (uint32_t i = 0; i < reactor->listening_count; i++)
		ev_io_start(reactor->loop, &reactor->listening[i].watcher);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
	start_accepting(watcher->data);
}

/* Connections not accepted stay in the kernel's queue. */
static void pause_accepting(struct reactor *reactor, const char *reason)
{
	int64_t now_ms = monotonic_ms();
	if (!reactor->shortage_logged_ms || now_ms - reactor->shortage_logged_ms >= SHORTAGE_LOG_INTERVAL_MS) {
		log_event(LOG_WARNING, "Can't accept clients for now: %s", reason);
		reactor->shortage_logged_ms = now_ms;
	}
	for (uint32_t i = 0; i < reactor->listening_count; i++)
		ev_io_stop(reactor->loop, &reactor->listening[i].watcher);
	ev_timer_stop(reactor->loop, &reactor->shortage);
	ev_timer_init(&reactor->shortage, on_pause_over, SHORTAGE_PAUSE_SECONDS, 0.0);
	reactor->shortage.data = reactor;
	ev_timer_start(reactor->loop, &reactor->shortage);
}

static void on_listening(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct reactor *reactor = watcher->data;
	struct peer peer;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		if (excess_must_wait(reactor)) {
			pause_accepting(reactor, "too many of those above maxclients wait for their refusal");
			return;
		}
		enum accept_status status = listener_accept(watcher->fd, &peer);
		if (status == ACCEPT_NO_RESOURCE)
			pause_accepting(reactor, strerror(errno));
		if (status != ACCEPT_TAKEN)
			return;
		hand_over(reactor, &peer);
	}
}

static bool is_among(const struct descriptors *descriptors, int fd)
{
	for (uint32_t i = 0; i < descriptors->count; i++)
		if (descriptors->items[i] == fd)
			return true;
	return false;
}

/* Connections in the queue are still served: their clients see them as established. */
static void close_listening(struct reactor *reactor, int fd)
{
	struct peer peer;
	for (int i = 0; i < QUEUE_MAX && listener_accept(fd, &peer) == ACCEPT_TAKEN; i++)
		hand_over(reactor, &peer);
	close(fd);
}

void reactor_listen(struct reactor *reactor, const struct descriptors *descriptors)
{
	ev_timer_stop(reactor->loop, &reactor->shortage);
	for (uint32_t i = 0; i < reactor->listening_count; i++) {
		ev_io_stop(reactor->loop, &reactor->listening[i].watcher);
		if (!is_among(descriptors, reactor->listening[i].fd))
			close_listening(reactor, reactor->listening[i].fd);
	}
	free(reactor->listening);
	reactor->listening = calloc(descriptors->count + 1, sizeof(*reactor->listening));
	if (!reactor->listening)
		crash_out_of_memory("listeners");
	reactor->listening_count = descriptors->count;
	for (uint32_t i = 0; i < descriptors->count; i++) {
		reactor->listening[i].fd = descriptors->items[i];
		ev_io_init(&reactor->listening[i].watcher, on_listening, descriptors->items[i], EV_READ);
		reactor->listening[i].watcher.data = reactor;
	}
	start_accepting(reactor);
}

void reactor_stop_listening(struct reactor *reactor)
{
	ev_timer_stop(reactor->loop, &reactor->shortage);
	for (uint32_t i = 0; i < reactor->listening_count; i++) {
		ev_io_stop(reactor->loop, &reactor->listening[i].watcher);
		close(reactor->listening[i].fd);
	}
	reactor->listening_count = 0;
}

void reactor_adopt(struct reactor *reactor, struct accepted *accepted)
{
	reactor_open_connection(reactor, accepted->id, &accepted->peer, CONNECTION_IS_CLIENT);
	free(accepted);
}

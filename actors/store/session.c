/*
 * Opening and closing sessions, as the reactors' records say. New connections are refused here: maxclients, protected mode.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "transport/array.h"

static const char too_many_clients[] = "ERR max number of clients reached";
static const char shutting_down[] = "ERR the server is shutting down";
static const char protected_mode[] =
	"DENIED qcache is in protected mode: no password is set for the default user, so only connections from "
	"this machine itself are accepted. To connect from another machine, set a password (requirepass, in the "
	"configuration file or by CONFIG SET from this machine) and restart or reconnect; or, if nobody else can "
	"reach this server, switch protected mode off (protected-mode no).";

/* Client names may be long; the log shows at most this much. */
#define LOGGED_NAME_BYTES 64

struct session *session_at(const struct store *store, struct connection_ref connection)
{
	const struct reactor_side *side = &store->reactors[connection.reactor];
	struct session *session = connection.slot < side->session_capacity ? side->sessions[connection.slot] : NULL;
	return session && session->connection.id == connection.id ? session : NULL;
}

static bool reserve_slot(struct reactor_side *side, uint32_t slot)
{
	size_t before = side->session_capacity;
	if (!array_reserve(&side->sessions, &side->session_capacity, (size_t)slot + 1, sizeof(*side->sessions), 64))
		return false;
	memset(side->sessions + before, 0, (side->session_capacity - before) * sizeof(*side->sessions));
	return true;
}

/* Ids increase, but batches of different reactors overtake each other: insert the session after the last smaller id. */
static void link_session(struct store *store, struct session *session)
{
	struct session *before = store->sessions.last;
	while (before && before->connection.id > session->connection.id)
		before = before->previous;
	session->previous = before;
	session->next = before ? before->next : store->sessions.first;
	*(before ? &before->next : &store->sessions.first) = session;
	*(session->next ? &session->next->previous : &store->sessions.last) = session;
	store->sessions.count++;
}

static void unlink_session(struct store *store, struct session *session)
{
	if (store->sessions.idle_cursor == session)
		store->sessions.idle_cursor = session->next;
	*(session->previous ? &session->previous->next : &store->sessions.first) = session->next;
	*(session->next ? &session->next->previous : &store->sessions.last) = session->previous;
	store->sessions.count--;
}

static const char *reason_to_refuse(const struct store *store, const struct request *request)
{
	if (store->is_dropping)
		return shutting_down;
	/* Sessions count too: one goes on after its connection if its commands must be executed. */
	if (request->origin->is_excess || store->sessions.count >= (uint64_t)store->config.maxclients)
		return too_many_clients;
	if (store->config.protected_mode && !store->config.requirepass[0] && !request->origin->is_loopback)
		return protected_mode;
	return NULL;
}

/* A refused connection gets no session, so its requests are ignored. */
static void refuse(struct store *store, const struct request *request, const char *reason)
{
	struct reply_part *part = store_part(store, request->connection);
	resp_write_error(&store->reactors[request->connection.reactor].open->text, reason, strlen(reason));
	part->flags |= REPLY_CLOSE;
	store->stats.counters.connections_rejected++;
	log_event(LOG_VERBOSE, "Refused %s: %s", request->origin->address, reason);
}

size_t session_own_bytes(const struct session *session)
{
	return sizeof(*session) + strlen(session->address) + 1 + strlen(session->local_address) + 1 + session->name_bytes;
}

static void free_session(struct session *session)
{
	free(session->name);
	free(session->address);
	free(session->local_address);
	free(session);
}

/* NULL if out of memory. */
static struct session *make_session(struct store *store, const struct request *request)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	session->connection = request->connection;
	session->address = strdup(request->origin->address);
	session->local_address = strdup(request->origin->local_address);
	if (session->address && session->local_address &&
	    reserve_slot(&store->reactors[session->connection.reactor], session->connection.slot) &&
	    session_index_add(&store->sessions.index, session))
		return session;
	free_session(session);
	return NULL;
}

struct session *session_open(struct store *store, const struct request *request)
{
	const char *reason = reason_to_refuse(store, request);
	struct session *session = NULL;
	store->stats.counters.connections_received++;
	if (!reason && !(session = make_session(store, request)))
		reason = "ERR out of memory for another client";
	if (reason) {
		refuse(store, request, reason);
		return NULL;
	}
	session->fd = request->origin->fd;
	session->resp = RESP2;
	session->user = "default";
	session->opened_ms = session->last_command_ms = store->turn.monotonic_ms;
	session->deadline_ms = INT64_MAX;
	if (request->origin->is_unix)
		session->flags |= SESSION_UNIX_SOCKET;
	if (request->origin->is_loopback)
		session->flags |= SESSION_LOCAL;
	if (!store->config.requirepass[0])
		session->flags |= SESSION_AUTHENTICATED;
	store->reactors[request->connection.reactor].sessions[request->connection.slot] = session;
	link_session(store, session);
	store->sessions.bytes += session_own_bytes(session);
	log_event(LOG_VERBOSE, "Accepted %s", session->address);
	return session;
}

void session_begin_end(const struct store *store, struct session *session)
{
	const char *who = session->flags & SESSION_CLOSING ? "Closed" : "Client closed", *name = session->name ? session->name : "";
	if (!store->is_stopping) /* shutdown closes all sessions: no line for each */
		log_event(LOG_VERBOSE, "%s connection id=%" PRIu64 " addr=%s name=%.*s db=%u user=%s age=%lld", who,
			  session->connection.id, session->address, LOGGED_NAME_BYTES, name, session->database, session->user,
			  (long long)(store->turn.monotonic_ms - session->opened_ms) / 1000);
	session->flags |= SESSION_CLOSING;
}

static void link_monitor(struct store *store, struct session *session)
{
	session->flags |= SESSION_MONITOR;
	session->monitor_previous = NULL;
	session->monitor_next = store->sessions.first_monitor;
	if (store->sessions.first_monitor)
		store->sessions.first_monitor->monitor_previous = session;
	store->sessions.first_monitor = session;
	store_update_interest(store);
}

static void unlink_monitor(struct store *store, struct session *session)
{
	session->flags &= ~(uint32_t)SESSION_MONITOR;
	*(session->monitor_previous ? &session->monitor_previous->monitor_next : &store->sessions.first_monitor) = session->monitor_next;
	if (session->monitor_next)
		session->monitor_next->monitor_previous = session->monitor_previous;
	store_update_interest(store);
}

void session_close(struct store *store, struct session *session)
{
	if (session->flags & SESSION_MONITOR)
		unlink_monitor(store, session);
	replica_forget(store, session);
	blocked_free_requests(store, session);
	unlink_session(store, session);
	session_index_remove(&store->sessions.index, session);
	/* If the session has outlived its connection, the slot may already hold a new session. */
	struct session **slot = &store->reactors[session->connection.reactor].sessions[session->connection.slot];
	if (*slot == session)
		*slot = NULL;
	store->sessions.bytes -= session_own_bytes(session);
	free_session(session);
}

struct session *session_find(struct store *store, uint64_t id)
{
	struct session *session = session_index_find(&store->sessions.index, id);
	return session && !(session->flags & SESSION_CLOSING) ? session : NULL;
}

bool session_set_name(struct store *store, struct session *session, struct slice name)
{
	char *copy = NULL;
	if (name.len > 0 && !(copy = strndup((const char *)name.data, name.len)))
		return false;
	free(session->name);
	store->sessions.bytes -= session->name_bytes;
	session->name = copy;
	session->name_bytes = copy ? name.len + 1 : 0;
	store->sessions.bytes += session->name_bytes;
	return true;
}

/* The session is freed when the reactor's REQUEST_CLOSED arrives. */
void session_kill(struct store *store, struct session *session)
{
	session->flags |= SESSION_CLOSING;
	store_part(store, session->connection)->flags |= REPLY_CLOSE_NOW;
}

bool session_is_blocked(const struct session *session)
{
	return session->flags & SESSION_BLOCKED;
}

bool session_is_local(const struct session *session)
{
	return session->flags & SESSION_LOCAL;
}

void session_set_monitor(struct call *call)
{
	if (call->session->flags & SESSION_MONITOR)
		return;
	link_monitor(call->store, call->session);
}

void session_clear_monitor(struct call *call)
{
	if (!(call->session->flags & SESSION_MONITOR))
		return;
	unlink_monitor(call->store, call->session);
}

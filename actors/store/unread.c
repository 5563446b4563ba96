/*
 * Replies that clients have not read yet: counting them, blocking clients that have too many, closing clients beyond their limits.
 *
 * The store counts the bytes it writes for a session. The reactor says how many of them it has received and how many the kernel has taken:
 * with each request, and in reports that overtake the requests. So the store knows the unread bytes except for those between store and
 * reactor. When these are more than WINDOW_BYTES, the next command of the session waits (BLOCKED_OUTPUT) for a report. It also waits
 * while the reactor reports the connection as full (REPORT_FULL).
 *
 * A reply that exceeds the client's hard limit is cut while it is written, and the connection is closed. The same happens if copies for
 * replies would take too much of `maxmemory`. Values shared with the keyspace are not copies.
 */
#include "actors/runtime/log.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"

/* The most bytes between store and reactor for one session; a quarter of the client's hard limit if that is less. */
#define WINDOW_BYTES ((uint64_t)4 << 20)
/* Copies for replies of all clients may take this part of maxmemory. The client that needs more is closed. */
#define COPIES_PART_OF_MEMORY 2
/* Smaller copies are not checked. */
#define COPIES_CHECKED_BYTES ((size_t)256 << 10)

static uint64_t hard_limit(const struct store *store)
{
	return store->config.client_output_buffer_limit[CLIENT_CLASS_NORMAL].hard_bytes;
}

static uint64_t window(const struct store *store)
{
	uint64_t hard = hard_limit(store);
	return hard && hard / 4 < WINDOW_BYTES ? hard / 4 : WINDOW_BYTES;
}

static uint64_t largest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void session_count_sent(const struct store *store, struct session *session, struct reply_part *part, size_t bytes)
{
	session->sent_bytes += bytes;
	uint64_t under_way = session->sent_bytes - largest(session->delivered_bytes, session->taken_bytes);
	if (under_way <= window(store) || (session->flags & (SESSION_OUTPUT_FULL | SESSION_GONE | SESSION_CLOSING)))
		return;
	session->flags |= SESSION_OUTPUT_FULL;
	part->flags |= REPLY_REPORT;
}

static bool is_over_limit(const struct store *store, const struct session *session, size_t more)
{
	uint64_t hard = hard_limit(store);
	return hard && session->sent_bytes + more - session->taken_bytes > hard;
}

static bool is_too_much_memory(const struct store *store, size_t copied)
{
	uint64_t most = (uint64_t)store->config.maxmemory;
	return most && copied >= COPIES_CHECKED_BYTES && store_in_flight_bytes(store) + copied > most / COPIES_PART_OF_MEMORY;
}

bool session_may_send(struct store *store, struct session *session, size_t more, size_t copied)
{
	if (session->flags & (SESSION_CLOSING | SESSION_GONE))
		return false;
	if (!is_over_limit(store, session, more) && !is_too_much_memory(store, copied))
		return true;
	log_event(LOG_WARNING, "Client id=%llu addr=%s closed for overcoming of output buffer limits: its reply is too large",
		  (unsigned long long)session->connection.id, session->address);
	session_kill(store, session);
	return false;
}

/* The counts only increase: a count that came with a request may be older than a report. */
static void take_figures(struct session *session, const struct connection_report *report)
{
	session->delivered_bytes = largest(session->delivered_bytes, report->delivered_bytes);
	session->taken_bytes = largest(session->taken_bytes, report->taken_bytes);
}

static void take_report(struct store *store, const struct connection_report *report)
{
	struct session *session = session_at(store, report->connection);
	if (!session)
		return;
	take_figures(session, report);
	session->flags &= ~(uint32_t)SESSION_OUTPUT_FULL;
	switch (report->state) {
	case REPORT_READY: break;
	case REPORT_FULL: session->flags |= session->flags & SESSION_GONE ? 0 : SESSION_OUTPUT_FULL; break;
	case REPORT_GONE: session->flags |= SESSION_GONE; break;
	case REPORT_DROPPED: session->flags |= SESSION_CLOSING; break;
	}
	if (!(session->flags & SESSION_OUTPUT_FULL) && (session->flags & SESSION_BLOCKED) && session->topic == BLOCKED_OUTPUT)
		blocked_let_go_on(store, session);
}

void store_on_reports(struct store *store, struct reactor_side *from, struct connection_reports *reports)
{
	for (size_t i = 0; i < reports->count; i++)
		take_report(store, &reports->items[i]);
	connection_reports_destroy(&reports);
	actor_post(store->actor, from->actor, REACTOR_REPORTS_TAKEN, 0, NULL);
}

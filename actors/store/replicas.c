#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "actors/runtime/random.h"
#include "actors/store/blocked.h"
#include "actors/store/replication.h"
#include "actors/store/state.h"

/* What may be on its way to a replica's socket. The reactor reports when half of it was taken, so that the socket is never idle. */
#define WINDOW_BYTES ((uint64_t)2 << 20)

/* ---- life ---- */

struct replica *replica_of(struct session *session)
{
	if (!session->replica)
		session->replica = calloc(1, sizeof(*session->replica));
	if (session->replica)
		session->replica->session = session;
	return session->replica;
}

bool replica_is_alive(const struct replica *replica)
{
	return !(replica->session->flags & (SESSION_CLOSING | SESSION_GONE));
}

/* INFO lists the oldest first. */
static void begin(struct store *store, struct replica *replica, enum replica_state state)
{
	struct replica **at = &store->replication.first;
	while (*at)
		at = &(*at)->next;
	*at = replica;
	replica->state = state;
	replica->since_ms = replica->heard_ms = store->turn.monotonic_ms;
	replica->session->flags |= SESSION_REPLICA;
}

static void unlink_replica(struct store *store, struct replica *replica)
{
	struct replica **at = &store->replication.first;
	while (*at && *at != replica)
		at = &(*at)->next;
	if (*at)
		*at = replica->next;
	if (!store->replication.first)
		store->replication.alone_since_ms = store->turn.monotonic_ms;
}

static bool has_snapshot(const struct replica *replica)
{
	return replica->state == REPLICA_AT_CUT || replica->state == REPLICA_RECEIVES;
}

static bool snapshot_is_wanted(const struct store *store)
{
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next)
		if (has_snapshot(replica) && replica_is_alive(replica))
			return true;
	return false;
}

void replica_forget(struct store *store, struct session *session)
{
	struct replica *replica = session->replica;
	if (!replica)
		return;
	session->replica = NULL;
	if (replica->state != REPLICA_TOLD)
		unlink_replica(store, replica);
	if (has_snapshot(replica) && !snapshot_is_wanted(store))
		store_abort_snapshot_for_replicas(store);
	free(replica);
}

void replica_drop(struct store *store, struct replica *replica, const char *reason)
{
	struct session *session = replica->session;
	log_event(LOG_WARNING, "Replica id=%" PRIu64 " addr=%s closed: %s", session->connection.id, session->address, reason);
	session_kill(store, session);
	replica_forget(store, session);
}

/* ---- sending ---- */

static uint64_t unread_bytes(const struct replica *replica)
{
	return replica->session->sent_bytes - replica->session->taken_bytes;
}

static bool has_room(const struct replica *replica)
{
	return unread_bytes(replica) < WINDOW_BYTES;
}

static void send_blob(struct store *store, struct replica *replica, struct blob *blob)
{
	struct session *session = replica->session;
	struct reply_part *part = store_send_blob(store, session, blob);
	part->flags |= REPLY_PACED;
	if (replica->report_at_bytes || unread_bytes(replica) < WINDOW_BYTES / 2)
		return;
	part->flags |= REPLY_REPORT_TAKEN;
	replica->report_at_bytes = session->sent_bytes;
}

/* False without memory. */
static bool send_copy(struct store *store, struct replica *replica, const void *data, size_t len)
{
	struct blob *blob = blob_create((uint32_t)len);
	if (!blob)
		return false;
	memcpy(blob->data, data, len);
	blob->len = (uint32_t)len;
	send_blob(store, replica, blob);
	blob_release(&blob);
	return true;
}

static void send_text(struct store *store, struct replica *replica, const char *text)
{
	if (!send_copy(store, replica, text, strlen(text)))
		replica_drop(store, replica, "out of memory");
}

/* A partial synchronisation may begin in the middle of a piece. */
static bool send_piece(struct store *store, struct replica *replica, const struct stream_piece *piece)
{
	size_t skipped = (size_t)(replica->offset - piece->begin);
	replica->offset = piece->begin + piece->blob->len;
	if (skipped > 0)
		return send_copy(store, replica, piece->blob->data + skipped, piece->blob->len - skipped);
	send_blob(store, replica, piece->blob);
	return true;
}

static bool send_stream(struct store *store, struct replica *replica)
{
	const struct replica_stream *stream = &store->replication.stream;
	if (replica->offset == stream->end || !has_room(replica))
		return true;
	const struct stream_piece *piece = replica_stream_find(stream, replica->offset);
	for (; replica->offset < stream->end && has_room(replica); piece++)
		if (!send_piece(store, replica, piece))
			return false;
	return true;
}

/* ---- limits ---- */

/* What its socket has taken shows that it is alive. */
static void note_taken(const struct store *store, struct replica *replica)
{
	uint64_t taken = replica->session->taken_bytes;
	if (taken == replica->taken_bytes)
		return;
	replica->taken_bytes = taken;
	replica->heard_ms = store->turn.monotonic_ms;
	if (taken >= replica->report_at_bytes)
		replica->report_at_bytes = 0;
}

static uint64_t waiting_bytes(const struct store *store, const struct replica *replica)
{
	bool has_offset = replica->state >= REPLICA_RECEIVES;
	return unread_bytes(replica) + (has_offset ? store->replication.stream.end - replica->offset : 0);
}

/* A limit below the size of the backlog, which is kept anyway, would save nothing. */
static uint64_t limit_of(const struct store *store, uint64_t bytes)
{
	uint64_t backlog = (uint64_t)store->config.repl_backlog_size;
	return bytes && bytes < backlog ? backlog : bytes;
}

static bool is_above(uint64_t bytes, uint64_t limit)
{
	return limit && bytes > limit;
}

static bool is_too_far_behind(const struct store *store, struct replica *replica)
{
	const struct output_limit *limit = &store->config.client_output_buffer_limit[CLIENT_CLASS_REPLICA];
	uint64_t bytes = waiting_bytes(store, replica);
	int64_t now_ms = store->turn.monotonic_ms;
	if (is_above(bytes, limit_of(store, limit->hard_bytes)))
		return true;
	if (!is_above(bytes, limit_of(store, limit->soft_bytes)))
		replica->over_soft_limit_since_ms = 0;
	else if (!replica->over_soft_limit_since_ms)
		replica->over_soft_limit_since_ms = now_ms;
	return replica->over_soft_limit_since_ms && now_ms - replica->over_soft_limit_since_ms > limit->soft_seconds * 1000;
}

void replica_go_on(struct store *store, struct replica *replica)
{
	if (!replica_is_alive(replica))
		return;
	note_taken(store, replica);
	if (replica->state == REPLICA_ONLINE && !send_stream(store, replica))
		replica_drop(store, replica, "out of memory");
	else if (is_too_far_behind(store, replica))
		replica_drop(store, replica, "it is too far behind (client-output-buffer-limit replica)");
}

/* One that loads a snapshot says nothing for as long as it takes. */
void replica_check(struct store *store, struct replica *replica)
{
	bool is_timed = replica->state == REPLICA_ONLINE || replica->state == REPLICA_RECEIVES;
	if (!replica_is_alive(replica))
		return;
	if (replica->state == REPLICA_WAITS || replica->state == REPLICA_AT_CUT)
		send_text(store, replica, "\n");
	else if (is_timed && store->turn.monotonic_ms - replica->heard_ms > store->config.repl_timeout * 1000)
		replica_drop(store, replica, "nothing was heard of it for repl-timeout seconds");
}

/* ---- partial synchronisation ---- */

static bool is_id(struct slice id, const char *known)
{
	return id.len == REPLICATION_ID_LENGTH && memcmp(id.data, known, id.len) == 0;
}

static bool has_what_follows(const struct store *store, struct slice id, uint64_t offset)
{
	const struct replication *replication = &store->replication;
	bool is_known = is_id(id, store->identity.replication_id) ||
			(is_id(id, replication->former_id) && offset <= replication->former_end);
	return is_known && replication->is_on && offset >= replication->stream.begin && offset <= replication->stream.end;
}

static void count_refusal(struct store *store, struct slice id, int64_t offset)
{
	if (id.len == 1 && id.data[0] == '?')
		return;
	store->replication.refused_partial_syncs++;
	log_event(LOG_NOTICE, "Partial resynchronisation not possible: a replica asked for offset %" PRId64 ", the stream goes from %" PRIu64
			      " to %" PRIu64 " of %s", offset, store->replication.stream.begin + 1, store->replication.stream.end + 1,
		  store->identity.replication_id);
}

/* The protocol counts bytes from 1. */
bool replica_continue(struct store *store, struct replica *replica, struct slice id, int64_t offset)
{
	char text[64];
	if (offset < 1 || !has_what_follows(store, id, (uint64_t)offset - 1)) {
		count_refusal(store, id, offset);
		return false;
	}
	replica->offset = replica->acknowledged = (uint64_t)offset - 1;
	begin(store, replica, REPLICA_ONLINE);
	store->replication.partial_syncs++;
	log_event(LOG_NOTICE, "Replica %s goes on at offset %" PRId64 ", %" PRIu64 " bytes behind", replica->session->address, offset,
		  store->replication.stream.end - replica->offset);
	snprintf(text, sizeof(text), replica->knows_psync2 ? "+CONTINUE %s\r\n" : "+CONTINUE\r\n", store->identity.replication_id);
	send_text(store, replica, text);
	return true;
}

/* ---- full synchronisation ---- */

void replica_await_snapshot(struct store *store, struct replica *replica)
{
	begin(store, replica, REPLICA_WAITS);
	store->replication.full_syncs++;
	log_event(LOG_NOTICE, "Replica %s asks for synchronization", replica->session->address);
}

bool replicas_await_snapshot(const struct store *store)
{
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next)
		if (replica->state == REPLICA_WAITS && replica_is_alive(replica))
			return true;
	return false;
}

void replicas_on_snapshot_begun(struct store *store)
{
	char *mark = store->replication.end_mark;
	for (size_t i = 0; i < REPLICATION_ID_LENGTH; i += 8)
		snprintf(mark + i, 9, "%08" PRIx32, (uint32_t)store_random(store));
	for (struct replica *replica = store->replication.first; replica; replica = replica->next)
		if (replica->state == REPLICA_WAITS)
			replica->state = REPLICA_AT_CUT;
}

static void begin_to_send(struct store *store, struct replica *replica)
{
	char text[192];
	int len = 0;
	replica->state = REPLICA_RECEIVES;
	replica->offset = replica->acknowledged = store->replication.cut.offset;
	replica->heard_ms = store->turn.monotonic_ms;
	if (!replica->asked_by_sync)
		len = snprintf(text, sizeof(text), "+FULLRESYNC %s %" PRIu64 "\r\n", store->identity.replication_id, replica->offset);
	snprintf(text + len, sizeof(text) - (size_t)len, "$EOF:%s\r\n", store->replication.end_mark);
	if (replica_is_alive(replica))
		send_text(store, replica, text);
}

void replicas_on_cut(struct store *store)
{
	for (struct replica *replica = store->replication.first, *next; replica; replica = next) {
		next = replica->next;
		if (replica->state == REPLICA_AT_CUT)
			begin_to_send(store, replica);
	}
}

bool replicas_take_records(const struct store *store)
{
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next)
		if (replica->state == REPLICA_AT_CUT || (replica->state == REPLICA_RECEIVES && replica_is_alive(replica) && !has_room(replica)))
			return false;
	return true;
}

void replicas_on_snapshot_bytes(struct store *store, struct blob *bytes)
{
	for (struct replica *replica = store->replication.first; replica; replica = replica->next)
		if (replica->state == REPLICA_RECEIVES && replica_is_alive(replica))
			send_blob(store, replica, bytes);
	blob_release(&bytes);
}

static void end_sending(struct store *store, struct replica *replica)
{
	struct session *session = replica->session;
	replica->state = REPLICA_LOADS;
	if (!replica_is_alive(replica) || !send_copy(store, replica, store->replication.end_mark, REPLICATION_ID_LENGTH))
		return;
	if (!replica->wants_only_snapshot)
		return;
	store_part(store, session->connection)->flags |= REPLY_CLOSE;
	session->flags |= SESSION_CLOSING;
}

void replicas_on_snapshot_done(struct store *store)
{
	for (struct replica *replica = store->replication.first; replica; replica = replica->next)
		if (replica->state == REPLICA_RECEIVES)
			end_sending(store, replica);
}

void replicas_on_snapshot_failed(struct store *store, const char *reason)
{
	for (struct replica *replica = store->replication.first, *next; replica; replica = next) {
		next = replica->next;
		if (has_snapshot(replica) && replica_is_alive(replica))
			replica_drop(store, replica, reason);
	}
}

/* ---- acknowledgements ---- */

static void go_online(struct store *store, struct replica *replica)
{
	replica->state = REPLICA_ONLINE;
	log_event(LOG_NOTICE, "Synchronization with replica %s succeeded", replica->session->address);
}

/* It can't have more than it was sent. */
void replica_acknowledge(struct store *store, struct replica *replica, uint64_t offset)
{
	if (replica->state == REPLICA_LOADS)
		go_online(store, replica);
	if (replica->state != REPLICA_ONLINE)
		return;
	replica->heard_ms = store->turn.monotonic_ms;
	if (offset <= replica->acknowledged || offset > replica->offset)
		return;
	replica->acknowledged = offset;
	blocked_wake_all(store, BLOCKED_REPLICAS, NULL);
}

uint32_t replicas_at(const struct store *store, uint64_t offset)
{
	uint32_t count = 0;
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next)
		count += replica->state == REPLICA_ONLINE && replica_is_alive(replica) && replica->acknowledged >= offset;
	return count;
}

uint32_t replicas_good(const struct store *store)
{
	uint32_t count = 0;
	int64_t lag_ms = store->config.min_replicas_max_lag * 1000;
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next)
		count += replica->state == REPLICA_ONLINE && replica_is_alive(replica) &&
			 store->turn.monotonic_ms - replica->heard_ms <= lag_ms;
	return count;
}

uint32_t replicas_count(const struct store *store)
{
	uint32_t count = 0;
	for (const struct replica *replica = store->replication.first; replica; replica = replica->next)
		count += replica_is_alive(replica);
	return count;
}

const char *replication_refusal(const struct store *store)
{
	const struct config *config = &store->config;
	if (config->min_replicas_to_write == 0 || config->min_replicas_max_lag == 0 || replicas_good(store) >= config->min_replicas_to_write)
		return NULL;
	return "NOREPLICAS Not enough good replicas to write.";
}

/* ---- describing ---- */

/* "127.0.0.1:51234" and "[::1]:51234" without the port, and without brackets as Redis has it. */
void replica_get_address(const struct replica *replica, char *out_address, size_t size)
{
	const char *address = replica->session->address, *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : strlen(address);
	bool is_bracketed = len >= 2 && address[0] == '[';
	if (replica->address[0])
		snprintf(out_address, size, "%s", replica->address);
	else
		snprintf(out_address, size, "%.*s", (int)(is_bracketed ? len - 2 : len), address + is_bracketed);
}

const char *replica_state_name(const struct replica *replica)
{
	static const char *const names[] = {
		[REPLICA_WAITS] = "wait_bgsave", [REPLICA_AT_CUT] = "wait_bgsave", [REPLICA_RECEIVES] = "send_bulk",
		[REPLICA_LOADS] = "online", [REPLICA_ONLINE] = "online",
	};
	return names[replica->state];
}

#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/store/state.h"

/* ---- where replies go ---- */

static void open_batch(struct reactor_side *side)
{
	side->open = reply_batch_create();
	if (!side->open)
		crash_out_of_memory("a batch of replies");
	side->part_begins = 0;
}

/* Uses the empty reply batch that each request batch carries, so that none is allocated. */
void store_borrow_replies(struct store *store, struct request_batch *batch)
{
	struct reactor_side *side = &store->reactors[batch->reactor];
	if (side->open || !batch->replies)
		return;
	side->open = batch->replies;
	side->part_begins = 0;
	batch->replies = NULL;
}

/* Sets the text length of the last part. */
static void end_part(struct store *store, struct reactor_side *side)
{
	struct reply_batch *batch = side->open;
	size_t len = batch->text.len - side->part_begins;
	side->part_begins = batch->text.len;
	if (len == 0)
		return;
	struct reply_part *part = &batch->parts[batch->count - 1];
	struct session *session = session_at(store, part->connection);
	part->text_len = len;
	if (session)
		session_count_sent(store, session, part, len);
}

struct reply_part *store_part(struct store *store, struct connection_ref connection)
{
	actor_assert_turn(store->actor);
	struct reactor_side *side = &store->reactors[connection.reactor];
	if (!side->open)
		open_batch(side);
	struct reply_batch *batch = side->open;
	if (batch->count) {
		struct reply_part *last = &batch->parts[batch->count - 1];
		if (last->connection.id == connection.id && !last->blob)
			return last;
	}
	end_part(store, side);
	struct reply_part *part = reply_batch_add(batch);
	if (!part)
		crash_out_of_memory("a part of a batch of replies");
	part->connection = connection;
	return part;
}

/* A larger buffer of discarded text is freed with the next reply. */
#define DISCARDED_KEEP_BYTES (64u * 1024)

static struct buffer *discarded_text(struct store *store)
{
	store->turn.discarded.len = 0;
	if (store->turn.discarded.capacity > DISCARDED_KEEP_BYTES)
		buffer_fini(&store->turn.discarded);
	return &store->turn.discarded;
}

struct reply_part *store_send_blob(struct store *store, struct session *session, struct blob *blob)
{
	struct reply_part *part = store_part(store, session->connection);
	part->blob = blob_hold(blob); /* what follows is another part */
	session_count_sent(store, session, part, blob->len);
	return part;
}

/* True only within one long reply: no command begins when the text is full. */
static bool is_text_too_long(const struct reactor_side *side)
{
	size_t len = side->open->text.len;
	return len > TEXT_BYTES_MAX && len - side->part_begins > TEXT_PIECE_BYTES;
}

static void send_text_as_blob(struct store *store, struct session *session, struct reactor_side *side)
{
	struct buffer *text = &side->open->text;
	size_t len = text->len - side->part_begins;
	bool may_send = session_may_send(store, session, len, len);
	struct blob *blob = may_send ? blob_create((uint32_t)len) : NULL;
	if (!may_send || blob)
		text->len = side->part_begins;
	else
		text->failed = true;
	if (!blob)
		return;
	memcpy(blob->data, text->data + text->len, len);
	blob->len = (uint32_t)len;
	store_send_blob(store, session, blob);
	blob_release(&blob);
}

struct buffer *store_text(struct store *store, struct session *session)
{
	struct reactor_side *side = &store->reactors[session->connection.reactor];
	if (!(session->flags & SESSION_DEAF)) {
		store_part(store, session->connection);
		if (!is_text_too_long(side))
			return &side->open->text;
		send_text_as_blob(store, session, side);
	}
	if (session->flags & SESSION_DEAF)
		return discarded_text(store);
	store_part(store, session->connection);
	return &side->open->text;
}

void store_post_replies(struct store *store, uint32_t reactor, struct request_batch *home)
{
	struct reactor_side *side = &store->reactors[reactor];
	if (!side->open) /* no replies, but a request batch to return */
		open_batch(side);
	struct reply_batch *batch = side->open;
	end_part(store, side);
	batch->home = home;
	side->open = NULL;
	if (!home)
		side->is_out[REACTOR_REPLIES] = true;
	actor_post(store->actor, side->actor, REACTOR_REPLIES, durability_sequence(store), batch);
}

void store_post_pushes(struct store *store)
{
	if (store->turn.monotonic_ms < store->execution.frozen_until_ms)
		return;
	for (uint32_t i = 0; i < store->reactor_count && !store->is_stopping; i++)
		if (store->reactors[i].open && !store->reactors[i].is_out[REACTOR_REPLIES])
			store_post_replies(store, i, NULL);
}

static struct buffer *text_of(struct call *call)
{
	return store_text(call->store, call->session);
}

bool reply_is_cut(const struct call *call)
{
	return call->session->flags & (SESSION_CLOSING | SESSION_GONE);
}

bool reply_fits(struct call *call, size_t bytes)
{
	return session_may_send(call->store, call->session, bytes, bytes);
}

/* Long runs of bytes are sent as a blob. */
static void write_bytes(struct call *call, struct slice bytes)
{
	struct buffer *text = text_of(call);
	if (text == &call->store->turn.discarded)
		return;
	if (bytes.len <= TEXT_PIECE_BYTES) {
		buffer_append(text, bytes.data, bytes.len);
		return;
	}
	if (!reply_fits(call, bytes.len))
		return;
	struct blob *blob = bytes.len <= UINT32_MAX ? blob_create((uint32_t)bytes.len) : NULL;
	if (!blob) {
		text->failed = true;
		return;
	}
	memcpy(blob->data, bytes.data, bytes.len);
	blob->len = (uint32_t)bytes.len;
	store_send_blob(call->store, call->session, blob);
	blob_release(&blob);
}

/* ---- replies ---- */

void reply_ok(struct call *call)
{
	buffer_append(text_of(call), "+OK\r\n", 5);
}

void reply_simple(struct call *call, const char *text)
{
	resp_write_simple(text_of(call), text);
}

/* Counts by the error code, the first word of the text. Codes beyond ERROR_KINDS_MAX are only counted in the total. */
void store_count_error(struct store *store, const char *text)
{
	size_t len = strcspn(text, " "), at = 0;
	store->stats.counters.error_replies++;
	if (len >= sizeof(store->stats.errors[0].code))
		return;
	while (at < store->stats.error_kinds &&
	       !(strncmp(store->stats.errors[at].code, text, len) == 0 && !store->stats.errors[at].code[len]))
		at++;
	if (at == ERROR_KINDS_MAX)
		return;
	if (at == store->stats.error_kinds) {
		store->stats.errors[at] = (struct error_count){ .count = 0 };
		memcpy(store->stats.errors[at].code, text, len);
		store->stats.error_kinds++;
	}
	store->stats.errors[at].count++;
}

void reply_error(struct call *call, const char *text)
{
	call->failed = true;
	store_count_error(call->store, text);
	resp_write_error(text_of(call), text, strlen(text));
}

void reply_errorf(struct call *call, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int len = vasprintf(&text, format, arguments);
	va_end(arguments);
	reply_error(call, len >= 0 ? text : "ERR out of memory");
	if (len >= 0)
		free(text);
}

void reply_integer(struct call *call, int64_t value)
{
	resp_write_integer(text_of(call), value);
}

void reply_bulk(struct call *call, struct slice value)
{
	struct buffer *text = text_of(call);
	if (text == &call->store->turn.discarded)
		return;
	if (value.len <= TEXT_PIECE_BYTES) {
		resp_write_bulk(text, value.data, value.len);
		return;
	}
	resp_write_bulk_header(text, value.len);
	write_bytes(call, value);
	write_bytes(call, slice_of("\r\n", 2));
}

void reply_text(struct call *call, const char *text)
{
	resp_write_bulk(text_of(call), text, strlen(text));
}

void reply_entry(struct call *call, const struct entry *entry)
{
	struct blob *blob = entry_blob(entry);
	if (blob)
		reply_blob(call, blob);
	else
		reply_bulk(call, entry_string(entry));
}

void reply_blob(struct call *call, struct blob *blob)
{
	struct buffer *text = text_of(call);
	if (text == &call->store->turn.discarded || text->failed || !session_may_send(call->store, call->session, blob->len, 0))
		return;
	resp_write_bulk_header(text, blob->len);
	store_send_blob(call->store, call->session, blob);
	buffer_append(text_of(call), "\r\n", 2);
}

void reply_null(struct call *call)
{
	resp_write_null(text_of(call), call->session->resp);
}

void reply_array(struct call *call, size_t count)
{
	resp_write_array(text_of(call), count);
}

void reply_map(struct call *call, size_t pairs)
{
	resp_write_map(text_of(call), call->session->resp, pairs);
}

void reply_set(struct call *call, size_t count)
{
	resp_write_set(text_of(call), call->session->resp, count);
}

void reply_push(struct call *call, size_t count)
{
	resp_write_push(text_of(call), call->session->resp, count);
}

void reply_big_number(struct call *call, const char *digits)
{
	resp_write_big_number(text_of(call), call->session->resp, digits, strlen(digits));
}

void reply_attribute(struct call *call, size_t pairs)
{
	resp_write_attribute(text_of(call), pairs);
}

void reply_bool(struct call *call, bool value)
{
	resp_write_bool(text_of(call), call->session->resp, value);
}

void reply_double(struct call *call, double value)
{
	resp_write_double(text_of(call), call->session->resp, value);
}

void reply_verbatim(struct call *call, const char *format, struct slice text)
{
	if (call->session->resp == RESP2) {
		reply_bulk(call, text);
		return;
	}
	if (text.len <= TEXT_PIECE_BYTES) {
		resp_write_verbatim(text_of(call), RESP3, format, text.data, text.len);
		return;
	}
	buffer_printf(text_of(call), "=%zu\r\n%.3s:", text.len + 4, format);
	write_bytes(call, text);
	write_bytes(call, slice_of("\r\n", 2));
}

void reply_syntax_error(struct call *call)
{
	reply_error(call, "ERR syntax error");
}

void reply_wrong_type(struct call *call)
{
	reply_error(call, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void reply_above_maxmemory(struct call *call)
{
	reply_error(call, "OOM command not allowed when used memory > 'maxmemory'.");
}

void reply_no_memory(struct call *call)
{
	reply_error(call, "OOM command not executed: out of memory");
}

void reply_wrong_arity(struct call *call)
{
	char name[64];
	command_full_name(call->command, name, sizeof(name));
	reply_errorf(call, "ERR wrong number of arguments for '%s' command", name);
}

void reply_close(struct call *call)
{
	store_part(call->store, call->session->connection)->flags |= REPLY_CLOSE;
	call->session->flags |= SESSION_CLOSING;
}

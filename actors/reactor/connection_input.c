/*
 * The happy path: one read into the tail of the batch's bytes; every request is parsed in place, and nothing is copied.
 *
 * An incomplete request moves to the connection: its bytes to `partial`, its arguments so far to `args`. Reads then go to `partial` until
 * the request is complete, and the batch takes over that run of bytes without a copy. A large bulk string that is incomplete goes to a blob
 * of its own, which is read straight from the socket and grows with what has arrived.
 *
 * Always: pointers in `args` lie in `partial` or in a blob of `large_done`; a batch's bytes never move.
 */
#include "connection_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "actors/reactor/reactor_state.h"
#include "transport/array.h"

/* Free bytes for one read into `partial`, whose buffer doubles. */
#define PARTIAL_ROOM_MIN 4096u
#define PARTIAL_ROOM_MAX (1024u * 1024)
/* The blob of a large bulk begins with this size, and doubles as bytes arrive. */
#define LARGE_FIRST_BYTES (64u * 1024)
/* What a blocked connection may send ahead before its socket is no longer read. */
#define HELD_REQUESTS_MAX 256
#define HELD_BYTES_MAX (256u * 1024)

/* A larger vector of arguments is freed after its command: every connection may have had one long command. */
#define ARGS_KEEP_BYTES 1024u

/*
 * The memory for incomplete requests of all unauthenticated connections of a reactor. AUTH and HELLO usually arrive whole and need none.
 */
#define UNAUTHENTICATED_BYTES_MAX (8u * 1024 * 1024)

#define ARGS_MAX INT32_MAX
#define INLINE_MAX (64u * 1024)

static struct resp_limits limits_of(const struct connection *connection)
{
	struct resp_limits limits = {
		.max_args = ARGS_MAX,
		.max_bulk_bytes = connection->reactor->settings.max_bulk_bytes,
		.max_inline_bytes = INLINE_MAX,
		.large_bulk_bytes = BLOB_MIN_BYTES,
	};
	if (connection_is_unauthenticated(connection)) {
		limits.max_args = RESP_UNAUTHENTICATED_ARGS_MAX;
		limits.max_bulk_bytes = RESP_UNAUTHENTICATED_BULK_MAX;
		/* No bulk is large, since a request under PAUSE_JUDGING is parsed again as a whole. */
		limits.large_bulk_bytes = RESP_UNAUTHENTICATED_BULK_MAX + 1;
		limits.unauthenticated = true;
	}
	return limits;
}

size_t connection_input_bytes(const struct connection *connection)
{
	return connection->partial.len + connection->large_bytes + (connection->large ? connection->large->len : 0);
}

size_t connection_input_free(const struct connection *connection)
{
	size_t room = connection->partial.capacity - connection->partial.len;
	return room + (connection->large ? connection->large->capacity - connection->large->len : 0);
}

size_t connection_args_bytes(const struct connection *connection)
{
	return connection->args.capacity * sizeof(*connection->args.items) +
	       connection->large_done_capacity * sizeof(struct blob *);
}

/* Without blobs, which blob.c counts. */
static void count_input(struct connection *connection)
{
	struct reactor *reactor = connection->reactor;
	size_t taken = connection->partial.capacity + connection_args_bytes(connection);
	size_t unauthenticated = connection_is_unauthenticated(connection) ? taken : 0;
	reactor->input_taken_bytes += taken - connection->input_taken_bytes;
	reactor->unauthenticated_bytes += unauthenticated - connection->unauthenticated_bytes;
	connection->input_taken_bytes = taken;
	connection->unauthenticated_bytes = unauthenticated;
}

/* Frees the arguments of a finished or abandoned request. */
static void drop_args(struct connection *connection)
{
	for (uint32_t i = 0; i < connection->large_done_count; i++)
		blob_release(&connection->large_done[i]);
	connection->large_done_count = 0;
	connection->large_bytes = 0;
	connection->args.count = 0;
	if (connection_args_bytes(connection) <= ARGS_KEEP_BYTES)
		return;
	free(connection->large_done);
	connection->large_done = NULL;
	connection->large_done_capacity = 0;
	resp_args_fini(&connection->args);
}

void connection_drop_input(struct connection *connection)
{
	blob_release(&connection->large);
	drop_args(connection);
	free(connection->large_done);
	connection->large_done = NULL;
	connection->large_done_capacity = 0;
	resp_args_fini(&connection->args);
	buffer_fini(&connection->partial);
	count_input(connection);
}

static void give_up(struct connection *connection, const char *why)
{
	log_event(LOG_WARNING, "Client id=%llu closed: %s", (unsigned long long)connection->ref.id, why);
	connection_break_off(connection);
}

/* ---- records ---- */

/* The request's arguments are those of the batch from `first_arg` on. */
static void add_command(struct connection *connection, struct request_batch *batch, size_t first_arg)
{
	struct request *request = reactor_record(connection->reactor, connection->ref, REQUEST_COMMAND);
	request->first_arg = first_arg;
	request->argc = (uint32_t)(batch->args.count - first_arg);
	request->taken_bytes = connection->delivered_bytes - connection->output.bytes;
	connection->in_flight++;
}

/* The same for arguments gathered in the connection. False without memory. */
static bool add_gathered_command(struct connection *connection, struct request_batch *batch)
{
	size_t first_arg = batch->args.count;
	if (!request_batch_take_args(batch, &connection->args))
		return false;
	if (!request_batch_take_blobs(batch, connection->large_done, connection->large_done_count)) {
		batch->args.count = first_arg;
		return false;
	}
	connection->large_done_count = 0; /* the batch holds the blobs now */
	drop_args(connection);
	add_command(connection, batch, first_arg);
	return true;
}

/* The store answers the error after all earlier requests. */
static void add_protocol_error(struct connection *connection, struct request_batch *batch)
{
	struct buffer text = { 0 };
	buffer_append(&text, connection->parser.error, strlen(connection->parser.error));
	struct resp_arg arg = { .data = text.data, .len = (uint32_t)text.len };
	if (text.failed || !resp_args_reserve(&batch->args, 1) || !request_batch_reserve_runs(batch, 1)) {
		buffer_fini(&text);
		give_up(connection, "no memory for a protocol error");
		return;
	}
	request_batch_take_run(batch, &text);
	batch->args.items[batch->args.count++] = arg;
	struct request *request = reactor_record(connection->reactor, connection->ref, REQUEST_PROTOCOL_ERROR);
	request->first_arg = batch->args.count - 1;
	request->argc = 1;
	connection->in_flight++;
	connection->is_refused = true;
}

/* ---- requests in pieces ---- */

/* Moves the bytes at `rest`, and the arguments that `from` has of them, to the connection. */
static bool keep_rest(struct connection *connection, uint8_t *rest, size_t len, struct resp_args *from, size_t first_arg)
{
	size_t count = from->count - first_arg;
	from->count = first_arg;
	if (!buffer_reserve(&connection->partial, len) || !resp_args_reserve(&connection->args, count + 1))
		return false;
	if (count)
		memcpy(connection->args.items, from->items + first_arg, count * sizeof(struct resp_arg));
	connection->args.count = count;
	connection->parser.first_arg = 0;
	buffer_append(&connection->partial, rest, len);
	resp_args_rebase(&connection->args, 0, rest, connection->partial.data);
	return true;
}

/*
 * The run begins with `done` bytes of complete requests. It goes to the batch, which has room for it, and the bytes behind them begin a
 * new run. False without memory for the new run; the batch owns the old one in any case.
 */
static bool give_run(struct connection *connection, struct request_batch *batch, size_t done)
{
	struct buffer run = connection->partial;
	connection->partial = (struct buffer){ 0 };
	buffer_append(&connection->partial, run.data + done, run.len - done);
	resp_args_rebase(&connection->args, 0, run.data + done, connection->partial.data);
	request_batch_take_run(batch, &run);
	return !connection->partial.failed;
}

/* A large bulk begins; its first `have` bytes are at `data`. */
static bool begin_large(struct connection *connection, const uint8_t *data, size_t have)
{
	uint32_t wanted = connection->parser.large_len;
	uint64_t capacity = 2 * (uint64_t)have > LARGE_FIRST_BYTES ? 2 * (uint64_t)have : LARGE_FIRST_BYTES;
	connection->large = blob_create(capacity < wanted ? (uint32_t)capacity : wanted);
	if (!connection->large)
		return false;
	connection->large_len = wanted;
	memcpy(connection->large->data, data, have);
	connection->large->len = (uint32_t)have;
	return true;
}

static bool grow_large(struct connection *connection)
{
	uint64_t capacity = 2 * (uint64_t)connection->large->capacity;
	if (capacity > connection->large_len)
		capacity = connection->large_len;
	struct blob *grown = blob_resize(connection->large, (uint32_t)capacity);
	if (grown)
		connection->large = grown;
	return grown != NULL;
}

static bool finish_large(struct connection *connection)
{
	size_t needed = (size_t)connection->large_done_count + 1;
	if (!array_reserve(&connection->large_done, &connection->large_done_capacity, needed, sizeof(*connection->large_done), 1))
		return false;
	connection->large_done[connection->large_done_count++] = connection->large;
	connection->large_bytes += connection->large->len;
	const uint8_t *data = connection->large->data;
	connection->large = NULL;
	return resp_large_bulk_done(&connection->parser, data, &connection->args) != RESP_NO_MEMORY;
}

/* ---- parsing ---- */

/* An earlier request that is not answered yet may be the AUTH that lifts the limit. */
static bool verdict_must_wait(const struct connection *connection)
{
	return connection_is_unauthenticated(connection) && connection->in_flight > 0 && connection->large_done_count == 0 &&
	       strncmp(connection->parser.error, "Protocol error: unauthenticated", 31) == 0;
}

static void wait_for_verdict(struct connection *connection)
{
	resp_parser_init(&connection->parser);
	connection->args.count = 0;
	connection_pause_reading(connection, PAUSE_JUDGING);
}

/* Parses every request in the `n` bytes at `at`, the tail of the batch's bytes. */
static bool parse_in_batch(struct connection *connection, struct request_batch *batch, uint8_t *at, size_t n)
{
	struct resp_limits limits = limits_of(connection);
	struct resp_parser *parser = &connection->parser;
	size_t done = 0;
	while (done < n) {
		size_t first_arg = batch->args.count;
		switch (resp_parse(parser, &limits, at + done, n - done, &batch->args)) {
		case RESP_REQUEST:
			add_command(connection, batch, first_arg);
			/* fall through */
		case RESP_EMPTY:
			done += parser->consumed;
			break;
		case RESP_INCOMPLETE:
			batch->bytes.len += done;
			return keep_rest(connection, at + done, n - done, &batch->args, first_arg);
		case RESP_LARGE_BULK:
			batch->bytes.len += done;
			return keep_rest(connection, at + done, parser->consumed, &batch->args, first_arg) &&
			       begin_large(connection, at + done + parser->consumed, n - done - parser->consumed);
		case RESP_ERROR:
			batch->args.count = first_arg;
			batch->bytes.len += done;
			if (verdict_must_wait(connection)) {
				wait_for_verdict(connection);
				return keep_rest(connection, at + done, n - done, &batch->args, first_arg);
			}
			add_protocol_error(connection, batch);
			return true;
		case RESP_NO_MEMORY:
			batch->args.count = first_arg;
			batch->bytes.len += done;
			return false;
		}
	}
	batch->bytes.len += done;
	return true;
}

/* Parses every complete request in `partial`; they take its first `*out_done` bytes. False without memory. */
static bool parse_run(struct connection *connection, struct request_batch *batch, size_t *out_done)
{
	struct resp_limits limits = limits_of(connection);
	struct resp_parser *parser = &connection->parser;
	struct buffer *run = &connection->partial;
	while (*out_done < run->len) {
		size_t rest = run->len - *out_done;
		switch (resp_parse(parser, &limits, run->data + *out_done, rest, &connection->args)) {
		case RESP_REQUEST:
			if (!add_gathered_command(connection, batch))
				return false;
			/* fall through */
		case RESP_EMPTY:
			*out_done += parser->consumed;
			break;
		case RESP_INCOMPLETE:
			return true;
		case RESP_LARGE_BULK:
			rest -= parser->consumed;
			run->len -= rest;
			return begin_large(connection, run->data + run->len, rest);
		case RESP_ERROR:
			if (verdict_must_wait(connection)) {
				wait_for_verdict(connection);
				return true;
			}
			*out_done = run->len;
			drop_args(connection);
			add_protocol_error(connection, batch);
			return true;
		case RESP_NO_MEMORY:
			return false;
		}
	}
	return true;
}

/* Recorded requests point into the run, so it goes to the batch even if parsing fails behind them. */
static bool parse_partial(struct connection *connection, struct request_batch *batch)
{
	size_t done = 0;
	if (!request_batch_reserve_runs(batch, 2)) /* `partial`'s, and that of a protocol error */
		return false;
	bool has_memory = parse_run(connection, batch, &done);
	return (done == 0 || give_run(connection, batch, done)) && has_memory;
}

/* ---- reading ---- */

/* Returns the bytes read; 0 when there are none now, or the connection has ended. */
static ssize_t read_socket(struct connection *connection, void *at, size_t room)
{
	ssize_t n;
	do
		n = recv(connection->fd, at, room, 0);
	while (n < 0 && errno == EINTR);
	connection->reactor->reads++;
	if (n > 0) {
		connection->reactor->bytes_read += (uint64_t)n;
		if (connection->is_held)
			connection->held_bytes += (size_t)n;
		return n;
	}
	if (n == 0) {
		connection->is_at_end = true;
		connection_end_input(connection);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK) {
		connection_break_off(connection);
	}
	return 0;
}

static bool read_into_batch(struct connection *connection, struct request_batch *batch)
{
	uint8_t *at = batch->bytes.data + batch->bytes.len;
	size_t room = batch->bytes.capacity - batch->bytes.len;
	ssize_t n = read_socket(connection, at, room < READ_BYTES_MAX ? room : READ_BYTES_MAX);
	return n <= 0 || parse_in_batch(connection, batch, at, (size_t)n);
}

static bool read_into_partial(struct connection *connection, struct request_batch *batch)
{
	struct buffer *run = &connection->partial;
	uint8_t *before = run->data;
	if (!buffer_reserve(run, PARTIAL_ROOM_MIN))
		return false;
	resp_args_rebase(&connection->args, 0, before, run->data);
	size_t room = run->capacity - run->len;
	ssize_t n = read_socket(connection, run->data + run->len, room < PARTIAL_ROOM_MAX ? room : PARTIAL_ROOM_MAX);
	if (n <= 0)
		return true;
	run->len += (size_t)n;
	return parse_partial(connection, batch);
}

static bool read_into_large(struct connection *connection)
{
	struct blob *large = connection->large;
	if (large->len == large->capacity && !grow_large(connection))
		return false;
	large = connection->large;
	size_t room = large->capacity - large->len;
	ssize_t n = read_socket(connection, large->data + large->len, room < PARTIAL_ROOM_MAX ? room : PARTIAL_ROOM_MAX);
	if (n <= 0)
		return true;
	large->len += (uint32_t)n;
	return large->len < connection->large_len || finish_large(connection);
}

static void check_bounds(struct connection *connection)
{
	size_t bytes = connection_input_bytes(connection) + connection->args.count * sizeof(*connection->args.items);
	if (connection->fd < 0)
		return;
	if (connection->unauthenticated_bytes && connection->reactor->unauthenticated_bytes > UNAUTHENTICATED_BYTES_MAX) {
		log_event(LOG_VERBOSE, "Client id=%llu closed: unauthenticated clients hold too much memory in incomplete requests",
			  (unsigned long long)connection->ref.id);
		connection_break_off(connection);
		return;
	}
	if (bytes > connection->reactor->settings.query_buffer_limit_bytes) {
		give_up(connection, "its request is larger than client-query-buffer-limit");
		return;
	}
	if (connection->is_held &&
	    (connection->in_flight > HELD_REQUESTS_MAX || connection->held_bytes > HELD_BYTES_MAX))
		connection_pause_reading(connection, PAUSE_HELD);
}

void connection_read(struct connection *connection)
{
	bool has_memory;
	if (connection->large) {
		has_memory = read_into_large(connection);
	} else {
		struct request_batch *batch = reactor_batch(connection->reactor);
		if (!batch) {
			reactor_starve(connection->reactor, connection);
			return;
		}
		has_memory = connection->partial.len ? read_into_partial(connection, batch) :
						       read_into_batch(connection, batch);
	}
	count_input(connection);
	if (!has_memory)
		give_up(connection, "no memory for its request");
	else
		check_bounds(connection);
}

void connection_judge_again(struct connection *connection)
{
	struct request_batch *batch = reactor_batch(connection->reactor);
	if (!batch) {
		reactor_starve(connection->reactor, connection);
		return;
	}
	connection_resume_reading(connection, PAUSE_JUDGING);
	bool has_memory = parse_partial(connection, batch);
	count_input(connection);
	if (!has_memory)
		give_up(connection, "no memory for its request");
}

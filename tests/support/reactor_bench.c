#include "support/reactor_bench.h"

#include <ev.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/reactor/connection_input.h"
#include "actors/reactor/reactor_state.h"
#include "actors/runtime/host.h"

struct reactor_bench {
	struct runtime *runtime;
	struct reactor *reactor;
	int fd;                    /* the client's end */
	uint64_t next_id;
};

static void must(bool is_well)
{
	if (!is_well)
		abort();
}

struct reactor_bench *reactor_bench_create(void)
{
	struct reactor_bench *bench = calloc(1, sizeof(*bench));
	struct settings settings = { .max_bulk_bytes = 512u << 20, .query_buffer_limit_bytes = 1u << 30 };
	uint32_t counts[ACTOR_KINDS];
	must(bench != NULL);
	for (int i = 0; i < ACTOR_KINDS; i++)
		counts[i] = 1;
	bench->runtime = runtime_create(counts);
	bench->reactor = reactor_create(bench->runtime, 0, &settings);
	bench->fd = -1;
	actor_enter(bench->reactor->actor);
	/* Recording an end must not need memory, since failing there would stop the server: reserve it here. */
	must(request_batch_add(bench->reactor->filling) != NULL);
	request_batch_reset(bench->reactor->filling);
	return bench;
}

void reactor_bench_destroy(struct reactor_bench **bench_at)
{
	struct reactor_bench *bench = *bench_at;
	reactor_destroy(&bench->reactor);
	actor_exit();
	runtime_destroy(&bench->runtime);
	free(bench);
	*bench_at = NULL;
}

struct settings *reactor_bench_settings(struct reactor_bench *bench)
{
	return &bench->reactor->settings;
}

static struct connection *connection_of(const struct reactor_bench *bench)
{
	return bench->reactor->slot_count ? bench->reactor->slots[0] : NULL;
}

bool reactor_bench_open(struct reactor_bench *bench)
{
	int ends[2];
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	struct peer peer = { .fd = ends[0], .is_unix = true, .is_loopback = true };
	bench->fd = ends[1];
	reactor_open_connection(bench->reactor, ++bench->next_id, &peer, CONNECTION_IS_CLIENT);
	request_batch_reset(bench->reactor->filling);
	return connection_of(bench) != NULL;
}

bool reactor_bench_is_open(const struct reactor_bench *bench)
{
	const struct connection *connection = connection_of(bench);
	return connection && !connection->is_refused && !connection->end_is_recorded;
}

static void write_down(const struct request_batch *batch, const struct request *request, struct buffer *transcript)
{
	const struct resp_arg *argv = &batch->args.items[request->first_arg];
	if (request->kind == REQUEST_COMMAND)
		buffer_printf(transcript, "%u", request->argc);
	for (uint32_t i = 0; i < request->argc; i++) {
		if (request->kind == REQUEST_COMMAND)
			buffer_printf(transcript, " %u:", argv[i].len);
		buffer_append(transcript, argv[i].data, argv[i].len);
	}
	if (request->argc)
		buffer_append(transcript, "\n", 1);
}

/* Acts as if the store had answered all requests. */
static void drain(struct reactor_bench *bench, struct buffer *transcript)
{
	struct request_batch *batch = bench->reactor->filling;
	struct connection *connection = connection_of(bench);
	for (size_t i = 0; i < batch->count; i++)
		if (batch->requests[i].kind == REQUEST_COMMAND || batch->requests[i].kind == REQUEST_PROTOCOL_ERROR)
			write_down(batch, &batch->requests[i], transcript);
	request_batch_reset(batch);
	if (!connection)
		return;
	connection->in_flight = 0;
	if (connection->pause & PAUSE_JUDGING) {
		connection_judge_again(connection);
		drain(bench, transcript);
	}
}

static bool has_unread(const struct connection *connection)
{
	int unread = 0;
	return ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
}

void reactor_bench_send(struct reactor_bench *bench, const void *data, size_t len, struct buffer *transcript)
{
	for (size_t sent = 0; sent < len && reactor_bench_is_open(bench);) {
		size_t piece = len - sent < READ_BYTES_MAX ? len - sent : READ_BYTES_MAX;
		must(send(bench->fd, (const uint8_t *)data + sent, piece, MSG_NOSIGNAL) == (ssize_t)piece);
		sent += piece;
		while (reactor_bench_is_open(bench) && has_unread(connection_of(bench))) {
			connection_read(connection_of(bench));
			drain(bench, transcript);
		}
	}
}

bool reactor_bench_close(struct reactor_bench *bench)
{
	struct reactor *reactor = bench->reactor;
	struct connection *connection = connection_of(bench);
	if (connection)
		connection_break_off(connection);
	while (reactor->doomed) {
		connection = reactor->doomed;
		reactor->doomed = connection->next_doomed;
		connection_free(connection);
	}
	request_batch_reset(reactor->filling);
	close(bench->fd);
	bench->fd = -1;
	return reactor->connections == 0 && reactor->input_taken_bytes == 0 && reactor->unauthenticated_bytes == 0 &&
	       reactor->output_bytes == 0 && blob_used_bytes() == 0;
}

/*
 * The null server: qcache's parser, keyspace and reply writer in one libev loop, without actors, messages or options. The difference to it
 * is the cost of the actors. `null_server PORT` serves GET, SET, INCR, MSET and PING on 127.0.0.1. For benchmarks only: it trusts its
 * clients.
 *
 * It handles each read of a socket in passes: parse all requests and hash their keys, prefetching buckets and then entries; execute; write
 * all replies with one call.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storage/keyspace.h"
#include "storage/memory.h"
#include "storage/storage.h"
#include "transport/buffer.h"
#include "transport/decimal.h"
#include "transport/resp_parser.h"
#include "transport/resp_writer.h"

#define READ_BYTES 65536
/* Further requests of one read wait for the next round. */
#define ROUND_REQUESTS 1024
#define BACKLOG 511

/* Large bulks are parsed like small ones: the window grows until they are complete. */
static const struct resp_limits limits = {
	.max_args = 1 << 20,
	.max_bulk_bytes = 512 << 20,
	.max_inline_bytes = 65536,
	.large_bulk_bytes = UINT32_MAX,
};

struct connection {
	struct ev_loop *loop;
	struct ev_io reading, writing;
	struct buffer input, output;
	size_t parsed; /* bytes of input that are consumed */
	size_t sent;   /* bytes of output that are sent */
};

struct request;
typedef void execute(struct buffer *out, const struct request *request, int64_t now_ms);

struct request {
	execute *run;
	const struct resp_arg *argv;
	uint32_t argc;
	uint64_t hash;
};

static struct keyspace *keyspace;
static struct resp_args args;

static struct slice arg(const struct request *request, uint32_t index)
{
	return slice_of(request->argv[index].data, request->argv[index].len);
}

static void reply_no_memory(struct buffer *out)
{
	static const char text[] = "ERR out of memory";
	resp_write_error(out, text, sizeof(text) - 1);
}

static void run_ping(struct buffer *out, const struct request *request, int64_t now_ms)
{
	resp_write_simple(out, "PONG");
}

static void run_get(struct buffer *out, const struct request *request, int64_t now_ms)
{
	struct entry *entry = keyspace_find(keyspace, arg(request, 1), request->hash, now_ms);
	if (!entry) {
		resp_write_null(out, RESP2);
		return;
	}
	struct slice value = entry_string(entry);
	resp_write_bulk(out, value.data, value.len);
}

static void run_set(struct buffer *out, const struct request *request, int64_t now_ms)
{
	struct entry *entry;
	if (keyspace_set_string(keyspace, arg(request, 1), request->hash, arg(request, 2), KEYSPACE_DROP_TTL, now_ms,
				&entry) == KEYSPACE_OK)
		resp_write_simple(out, "OK");
	else
		reply_no_memory(out);
}

static void run_mset(struct buffer *out, const struct request *request, int64_t now_ms)
{
	enum keyspace_status status = KEYSPACE_OK;
	for (uint32_t i = 1; i + 1 < request->argc && status == KEYSPACE_OK; i += 2) {
		struct entry *entry;
		uint64_t hash = i == 1 ? request->hash : keyspace_hash(arg(request, i));
		status = keyspace_set_string(keyspace, arg(request, i), hash, arg(request, i + 1), KEYSPACE_DROP_TTL,
					     now_ms, &entry);
	}
	if (status == KEYSPACE_OK)
		resp_write_simple(out, "OK");
	else
		reply_no_memory(out);
}

static void run_incr(struct buffer *out, const struct request *request, int64_t now_ms)
{
	static const char not_integer[] = "ERR value is not an integer or out of range";
	struct entry *entry = keyspace_find(keyspace, arg(request, 1), request->hash, now_ms);
	int64_t value = 0;
	if (entry) {
		struct slice text = entry_string(entry);
		if (!decimal_parse_int64(text.data, text.len, &value) || value == INT64_MAX) {
			resp_write_error(out, not_integer, sizeof(not_integer) - 1);
			return;
		}
	}
	char digits[DECIMAL_MAX_BYTES];
	struct slice sum = slice_of(digits, decimal_format_int64(digits, value + 1));
	if (keyspace_set_string(keyspace, arg(request, 1), request->hash, sum, KEYSPACE_KEEP_TTL, now_ms, &entry) ==
	    KEYSPACE_OK)
		resp_write_integer(out, value + 1);
	else
		reply_no_memory(out);
}

static void run_unknown(struct buffer *out, const struct request *request, int64_t now_ms)
{
	static const char text[] = "ERR the null server has GET, SET, INCR, MSET and PING";
	resp_write_error(out, text, sizeof(text) - 1);
}

static execute *find_command(const struct resp_arg *argv, uint32_t argc)
{
	static const struct {
		const char *name;
		uint32_t len, least, most;
		execute *run;
	} commands[] = {
		{ "GET", 3, 2, 2, run_get },           { "SET", 3, 3, 3, run_set },   { "INCR", 4, 2, 2, run_incr },
		{ "MSET", 4, 3, UINT32_MAX, run_mset }, { "PING", 4, 1, 1, run_ping },
	};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argv->len == commands[i].len && argc >= commands[i].least && argc <= commands[i].most &&
		    strncasecmp((const char *)argv->data, commands[i].name, argv->len) == 0)
			return commands[i].run;
	return run_unknown;
}

/*
 * Parses complete requests in the input, at most ROUND_REQUESTS. An incomplete one is parsed again later, which is cheap, since a bulk is
 * skipped by its length. Returns the number of requests, or -1 for bytes that are not a request.
 */
static int parse_round(struct connection *connection, struct request *requests)
{
	int count = 0;
	size_t first[ROUND_REQUESTS];
	args.count = 0;
	while (count < ROUND_REQUESTS) {
		struct resp_parser parser;
		size_t before = args.count;
		resp_parser_init(&parser);
		enum resp_status status = resp_parse(&parser, &limits, connection->input.data + connection->parsed,
						     connection->input.len - connection->parsed, &args);
		if (status == RESP_INCOMPLETE)
			break;
		if (status != RESP_REQUEST && status != RESP_EMPTY)
			return -1;
		connection->parsed += parser.consumed;
		if (status == RESP_EMPTY)
			continue;
		first[count] = parser.first_arg;
		requests[count++].argc = (uint32_t)(args.count - before);
	}
	/* Only now, since parsing may move the vector. */
	for (int i = 0; i < count; i++)
		requests[i].argv = args.items + first[i];
	return count;
}

static void execute_round(struct connection *connection, struct request *requests, int count)
{
	int64_t now_ms = (int64_t)(ev_now(connection->loop) * 1000);
	for (int i = 0; i < count; i++) {
		requests[i].run = find_command(requests[i].argv, requests[i].argc);
		if (requests[i].argc < 2)
			continue;
		requests[i].hash = keyspace_hash(arg(&requests[i], 1));
		keyspace_prefetch_bucket(keyspace, requests[i].hash);
	}
	for (int i = 0; i < count; i++)
		if (requests[i].argc >= 2)
			keyspace_prefetch_entry(keyspace, requests[i].hash);
	for (int i = 0; i < count; i++)
		requests[i].run(&connection->output, &requests[i], now_ms);
}

static void connection_destroy(struct connection *connection)
{
	ev_io_stop(connection->loop, &connection->reading);
	ev_io_stop(connection->loop, &connection->writing);
	close(connection->reading.fd);
	buffer_fini(&connection->input);
	buffer_fini(&connection->output);
	free(connection);
}

/* False when the connection is gone. While output waits, no input is read. */
static bool flush(struct connection *connection)
{
	while (connection->sent < connection->output.len) {
		ssize_t sent = send(connection->writing.fd, connection->output.data + connection->sent,
				    connection->output.len - connection->sent, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			ev_io_stop(connection->loop, &connection->reading);
			ev_io_start(connection->loop, &connection->writing);
			return true;
		}
		if (sent < 0)
			return false;
		connection->sent += (size_t)sent;
	}
	connection->sent = connection->output.len = 0;
	return true;
}

static bool serve_input(struct connection *connection)
{
	struct request requests[ROUND_REQUESTS];
	int count;
	do {
		count = parse_round(connection, requests);
		if (count < 0)
			return false;
		execute_round(connection, requests, count);
	} while (count == ROUND_REQUESTS);
	struct buffer *input = &connection->input;
	input->len -= connection->parsed;
	memmove(input->data, input->data + connection->parsed, input->len);
	connection->parsed = 0;
	return !connection->output.failed && flush(connection);
}

static void on_readable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct connection *connection = watcher->data;
	struct buffer *input = &connection->input;
	ssize_t got = 0;
	if (buffer_reserve(input, READ_BYTES)) {
		got = recv(watcher->fd, input->data + input->len, input->capacity - input->len, 0);
		if (got < 0 && errno == EAGAIN)
			return;
	}
	if (got > 0)
		input->len += (size_t)got;
	if (got <= 0 || !serve_input(connection))
		connection_destroy(connection);
}

static void on_writable(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct connection *connection = watcher->data;
	if (!flush(connection)) {
		connection_destroy(connection);
		return;
	}
	if (connection->output.len == 0) {
		ev_io_stop(loop, &connection->writing);
		ev_io_start(loop, &connection->reading);
	}
}

static void on_connection(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	int fd, one = 1;
	while ((fd = accept4(watcher->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));
		if (!connection) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		connection->loop = loop;
		ev_io_init(&connection->reading, on_readable, fd, EV_READ);
		ev_io_init(&connection->writing, on_writable, fd, EV_WRITE);
		connection->reading.data = connection->writing.data = connection;
		ev_io_start(loop, &connection->reading);
	}
}

static int listen_on(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0) {
		perror("null_server");
		exit(1);
	}
	return fd;
}

static void on_signal(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char **argv)
{
	int port = argc == 2 ? atoi(argv[1]) : 0;
	if (port < 1 || port > UINT16_MAX) {
		fprintf(stderr, "usage: null_server PORT\n");
		return 2;
	}
	static struct storage storage;
	memory_init();
	keyspace_seed_hash();
	keyspace = !storage_init(&storage) ? NULL : keyspace_create(&storage);
	struct ev_loop *loop = ev_default_loop(0);
	struct ev_io listener;
	struct ev_signal terminated;
	ev_io_init(&listener, on_connection, listen_on((uint16_t)port), EV_READ);
	ev_io_start(loop, &listener);
	ev_signal_init(&terminated, on_signal, SIGTERM);
	ev_signal_start(loop, &terminated);
	printf("Ready to accept connections\n");
	fflush(stdout);
	ev_run(loop, 0);
	return 0;
}

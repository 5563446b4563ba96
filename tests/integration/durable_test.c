/*
 * What the system sees: a trace of the server's system calls under appendfsync always. No reply to a write may be sent before a sync that
 * began after the write's text was in the file.
 *
 * Every client sets keys of its own, each once, so it is enough to count: at each moment the server may have sent at most as many "+OK" as SETs
 * had been written when the last finished sync began.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

#define CLIENTS 8
#define ROUNDS 40
#define PIPELINE 4
#define THREADS_MAX 64

/* What a thread is doing. */
struct thread {
	int id;
	uint64_t writing;   /* SETs in the write that has begun */
	uint64_t syncing;   /* SETs in the file when the sync began */
};

struct trace {
	struct thread threads[THREADS_MAX];
	uint64_t written, durable, sent;
	uint64_t writes, syncs, too_early;
};

static uint64_t count(const char *line, const char *text)
{
	uint64_t found = 0;
	for (const char *at = line; (at = strstr(at, text)); at += strlen(text))
		found++;
	return found;
}

static struct thread *thread_of(struct trace *trace, int id)
{
	for (int i = 0; i < THREADS_MAX; i++) {
		if (trace->threads[i].id == 0)
			trace->threads[i].id = id;
		if (trace->threads[i].id == id)
			return &trace->threads[i];
	}
	abort();
}

/* Whether the call on this line has returned, and well. */
static bool has_returned(const char *line)
{
	const char *result = strrchr(line, '=');
	return result && !strstr(line, "<unfinished ...>") && result[2] != '-';
}

static void take_write(struct trace *trace, struct thread *thread, const char *line)
{
	if (!strstr(line, "resumed>"))
		thread->writing = count(line, "\\r\\nSET\\r\\n");
	if (!has_returned(line))
		return;
	trace->written += thread->writing;
	trace->writes++;
}

static void take_sync(struct trace *trace, struct thread *thread, const char *line)
{
	if (!strstr(line, "resumed>"))
		thread->syncing = trace->written;
	if (!has_returned(line))
		return;
	if (thread->syncing > trace->durable)
		trace->durable = thread->syncing;
	trace->syncs++;
}

static void take_send(struct trace *trace, const char *line)
{
	if (strstr(line, "resumed>"))
		return;
	trace->sent += count(line, "+OK\\r\\n");
	trace->too_early += trace->sent > trace->durable;
}

/* "1234  pwritev(7, [...], 1, 402) = 128", or in two halves. */
static void take_line(struct trace *trace, const char *line)
{
	int id;
	if (sscanf(line, "%d", &id) != 1)
		return;
	struct thread *thread = thread_of(trace, id);
	if (strstr(line, "pwritev"))
		take_write(trace, thread, line);
	else if (strstr(line, "fdatasync"))
		take_sync(trace, thread, line);
	else if (strstr(line, "send"))
		take_send(trace, line);
}

static bool has_strace(void)
{
	int status;
	const char *argv[] = { "strace", "-f", "-o", "/dev/null", "true", NULL };
	char *output = process_run(argv, &status);
	free(output);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static pid_t start_traced(const char *scratch, const char *trace_path, const char *log_path, uint16_t port)
{
	char text[8];
	snprintf(text, sizeof(text), "%u", port);
	const char *argv[] = { "strace", "-f", "-s", "1000000", "-e", "trace=pwritev,fdatasync,sendto,sendmsg", "-o", trace_path, server_program(),
			       "--port", text, "--bind", "127.0.0.1", "--dir", scratch, "--appendonly", "yes", "--appendfsync", "always",
			       "--aof-ballast-size", "0", NULL };
	return process_start(argv, log_path);
}

static void await_text(const char *path, const char *text)
{
	bool found = false;
	for (int64_t deadline = deadline_after(PATIENCE_MS); !found && deadline_left_ms(deadline) > 0; poll(NULL, 0, 1)) {
		char *log = file_text(path);
		found = strstr(log, text) != NULL;
		free(log);
	}
	CU_ASSERT_FATAL(found);
}

/* All send, then all receive: many commands are under way at once. */
static void run_clients(uint16_t port)
{
	struct peer *peers[CLIENTS];
	char command[64];
	for (int i = 0; i < CLIENTS; i++)
		peers[i] = peer_connect_to("127.0.0.1", port);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CLIENTS * PIPELINE; i++) {
			snprintf(command, sizeof(command), "SET key:%d:%d value\r\n", round, i);
			CU_ASSERT(peer_send_text(peers[i % CLIENTS], command));
		}
		for (int i = 0; i < CLIENTS; i++)
			CU_ASSERT(peer_expect_times(peers[i], "+OK\r\n", PIPELINE));
	}
	for (int i = 0; i < CLIENTS; i++)
		peer_close(&peers[i]);
}

static void check_trace(const char *path)
{
	struct trace trace = { .written = 0 };
	char *text = file_text(path), *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		take_line(&trace, line);
	free(text);
	CU_ASSERT_EQUAL(trace.sent, CLIENTS * PIPELINE * ROUNDS);
	CU_ASSERT_EQUAL(trace.written, CLIENTS * PIPELINE * ROUNDS);
	CU_ASSERT_EQUAL(trace.too_early, 0);
	CU_ASSERT(trace.syncs >= trace.writes);
}

static void with_always_each_reply_is_sent_after_the_sync_that_covers_it(void)
{
	char scratch[64], trace_path[96], log_path[96];
	int status;
	ONLY_OURS();
	if (!has_strace())
		SKIP("strace can't trace here");
	scratch_create(scratch, sizeof(scratch));
	snprintf(trace_path, sizeof(trace_path), "%s/trace", scratch);
	snprintf(log_path, sizeof(log_path), "%s/log", scratch);
	uint16_t port = free_port();
	pid_t strace = start_traced(scratch, trace_path, log_path, port);
	await_text(log_path, "Ready to accept connections");
	run_clients(port);
	struct peer *peer = peer_connect_to("127.0.0.1", port);
	CU_ASSERT(peer_send_text(peer, "SHUTDOWN NOSAVE\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
	peer_close(&peer);
	CU_ASSERT(process_wait(strace, PATIENCE_MS, &status));
	check_trace(trace_path);
	scratch_remove(scratch);
}

static const struct suite_case cases[] = {
	CASE(with_always_each_reply_is_sent_after_the_sync_that_covers_it),
};

SUITE_MAIN("durable", cases)

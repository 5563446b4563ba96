/*
 * The asynchronous client on a libev loop: order, errors, pushes, lost connections, time limits, and closing inside a callback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/qcache_ev.h"
#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/deadline.h"

static qc_context *ctx;

struct seen {
	struct ev_loop *loop;
	int replies, wanted; /* the loop ends after this many replies */
	enum qc_kind last_kind;
	int64_t last_int;
	char last_text[64];
	qc_result kept;
	int next; /* the next reply of INCR, to check the order */
	bool in_order;
};

static void note(struct seen *seen, qc_result *result)
{
	seen->last_kind = result->err.kind;
	seen->last_int = qc_reply_int(result->reply);
	snprintf(seen->last_text, sizeof(seen->last_text), "%s", qc_reply_text(result->reply) ? qc_reply_text(result->reply) : "");
	if (++seen->replies == seen->wanted)
		ev_break(seen->loop, EVBREAK_ALL);
}

static void on_reply(qc_async *async, qc_result *result, void *data)
{
	(void)async;
	note(data, result);
}

static void on_count(qc_async *async, qc_result *result, void *data)
{
	struct seen *seen = data;

	(void)async;
	seen->in_order &= qc_reply_int(result->reply) == ++seen->next;
	note(seen, result);
}

static void run_out(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer, (void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* Runs the loop until this many replies have arrived; false if they don't. */
static bool await(struct seen *seen, int wanted)
{
	ev_timer late;

	seen->wanted = wanted;
	if (seen->replies >= wanted)
		return true;
	ev_timer_init(&late, run_out, (double)(PATIENCE_MS * patience()) / 1000.0, 0);
	ev_timer_start(seen->loop, &late);
	ev_run(seen->loop, 0);
	ev_timer_stop(seen->loop, &late);
	return seen->replies >= wanted;
}

static void replies_come_in_order(void)
{
	struct fixture f = fixture_start("");
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO), .in_order = true};
	qc_async *a = qc_ev_dial(seen.loop, f.address);

	/* Before there is a connection, and more than the socket takes. */
	for (int i = 0; i < 20000; i++)
		qc_async_do(a, on_count, &seen, "INCR", "n");
	CU_ASSERT(await(&seen, 20000));
	CU_ASSERT(seen.in_order);
	GOOD(*a);
	qc_async_do(a, on_reply, &seen, "SET", "text", "abc");
	qc_async_do(a, NULL, NULL, "SET", "nobody", "cares");
	qc_async_do(a, on_reply, &seen, "INCR", "text");
	CU_ASSERT(await(&seen, 20002));
	CU_ASSERT_EQUAL(seen.last_kind, QC_SERVER);
	qc_async_do(a, on_reply, &seen, "GET", (const char *)NULL);
	CU_ASSERT_EQUAL(seen.replies, 20002);
	CU_ASSERT(await(&seen, 20003));
	CU_ASSERT_EQUAL(seen.last_kind, QC_INVALID);
	qc_async_do(a, on_reply, &seen, "GET", "nobody");
	CU_ASSERT(await(&seen, 20004));
	CU_ASSERT_STRING_EQUAL(seen.last_text, "cares");
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
	CU_ASSERT(fixture_stop(&f));
}

static void large_traffic_both_ways_passes(void)
{
	struct fixture f = fixture_start("");
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	qc_async *a = qc_ev_dial(seen.loop, f.address, .timeout_ms = -1);
	size_t len = 3 << 20;
	char *large = malloc(len);

	memset(large, 'y', len);
	for (int i = 0; i < 10; i++)
		qc_async_do(a, on_reply, &seen, "ECHO", qc_bytes(large, len));
	CU_ASSERT(await(&seen, 10));
	CU_ASSERT_EQUAL(seen.last_kind, QC_OK);
	free(large);
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
	CU_ASSERT(fixture_stop(&f));
}

static void keep(qc_async *async, qc_result *result, void *data)
{
	struct seen *seen = data;

	(void)async;
	seen->kept = *result;
	note(seen, result);
	result->reply = NULL;
}

static void a_callback_may_keep_its_result_and_call_again(void)
{
	struct fixture f = fixture_start("");
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	qc_async *a = qc_ev_dial(seen.loop, f.address);

	qc_async_do(a, keep, &seen, "ECHO", "mine");
	CU_ASSERT(await(&seen, 1));
	qc_async_close(a);
	CU_ASSERT_STRING_EQUAL(qc_reply_text(seen.kept.reply), "mine");
	qc_release(&seen.kept);
	ev_loop_destroy(seen.loop);
	CU_ASSERT(fixture_stop(&f));
}

static void close_it(qc_async *async, qc_result *result, void *data)
{
	note(data, result);
	qc_async_do(async, on_reply, data, "INCR", "n");
	qc_async_close(async);
}

static void closing_from_inside_a_callback_ends_all_others(void)
{
	struct fixture f = fixture_start("");
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	qc_async *a = qc_ev_dial(seen.loop, f.address);

	qc_async_do(a, close_it, &seen, "PING");
	for (int i = 0; i < 9; i++)
		qc_async_do(a, on_reply, &seen, "INCR", "n");
	CU_ASSERT(await(&seen, 11));
	CU_ASSERT_EQUAL(seen.last_kind, QC_CLOSED);
	/* Closed before anything has happened. */
	qc_async_close(qc_ev_dial(seen.loop, f.address));
	ev_run(seen.loop, EVRUN_NOWAIT);
	ev_loop_destroy(seen.loop);
	CU_ASSERT(fixture_stop(&f));
}

struct retry {
	struct seen seen;
	int limit; /* gives up after this many replies */
};

static void try_again(qc_async *async, qc_result *result, void *data)
{
	struct retry *retry = data;

	note(&retry->seen, result);
	if (retry->seen.replies < retry->limit)
		qc_async_do(async, try_again, retry, "INCR", "n");
}

static void a_callback_that_tries_again_while_closing_is_told_each_time(void)
{
	struct fixture f = fixture_start("");
	struct retry retry = {.seen.loop = ev_loop_new(EVFLAG_AUTO), .limit = 5};
	qc_async *a = qc_ev_dial(retry.seen.loop, f.address);

	qc_async_do(a, try_again, &retry, "INCR", "n");
	qc_async_close(a);
	CU_ASSERT_EQUAL(retry.seen.replies, 5);
	CU_ASSERT_EQUAL(retry.seen.last_kind, QC_CLOSED);
	/* Refused ones, too. A callback that never gives up must not block us. */
	retry = (struct retry){.seen.loop = retry.seen.loop, .limit = 1000};
	a = qc_ev_dial(retry.seen.loop, f.address);
	qc_async_do(a, try_again, &retry, "GET", (const char *)NULL);
	qc_async_close(a);
	CU_ASSERT(retry.seen.replies > 5 && retry.seen.replies < 1000);
	/* Nothing is left for the loop. */
	CU_ASSERT_EQUAL(ev_run(retry.seen.loop, EVRUN_NOWAIT), 0);
	ev_loop_destroy(retry.seen.loop);
	CU_ASSERT(fixture_stop(&f));
}

static void a_callback_that_tries_again_in_vain_lets_the_loop_go_on(void)
{
	struct retry retry = {.seen.loop = ev_loop_new(EVFLAG_AUTO), .limit = 1000};
	qc_async *a = qc_ev_dial(retry.seen.loop, "nonsense://x");

	qc_async_do(a, try_again, &retry, "INCR", "n");
	CU_ASSERT(await(&retry.seen, 3));
	CU_ASSERT_EQUAL(retry.seen.replies, 3);
	CU_ASSERT_EQUAL(retry.seen.last_kind, QC_INVALID);
	qc_async_close(a);
	ev_loop_destroy(retry.seen.loop);
}

static void a_killed_connection_is_dialled_again(void)
{
	struct fixture f = fixture_start("");
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	qc_async *a = qc_ev_dial(seen.loop, f.address, .name = "victim");

	qc_async_do(a, on_reply, &seen, "CLIENT", "ID");
	CU_ASSERT(await(&seen, 1));
	qc_result killed qc_auto = qc_client_kill(f.client, ctx, "ID", seen.last_int);
	GOOD(killed);
	qc_async_do(a, on_reply, &seen, "CLIENT", "GETNAME");
	CU_ASSERT(await(&seen, 2));
	if (seen.last_kind != QC_OK) {
		/* The connection was killed after the command had been sent. The next one is served on a new connection. */
		CU_ASSERT_EQUAL(seen.last_kind, QC_NETWORK);
		qc_async_do(a, on_reply, &seen, "CLIENT", "GETNAME");
		CU_ASSERT(await(&seen, 3));
	}
	CU_ASSERT_STRING_EQUAL(seen.last_text, "victim");
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
	CU_ASSERT(fixture_stop(&f));
}

static void drop_first(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)data;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word)) && number > 0)
		fake_send_text(fd, ":5\r\n");
}

static void reads_are_sent_again_and_writes_are_not(void)
{
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	struct fake *fake = fake_start(drop_first, NULL);
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	qc_async *a = qc_ev_dial(seen.loop, address, .backoff_min_ms = 1);
	qc_async_do(a, on_reply, &seen, "INCR", "n");
	CU_ASSERT(await(&seen, 1));
	CU_ASSERT_EQUAL(seen.last_kind, QC_NETWORK);
	qc_async_close(a);
	fake_stop(&fake);
	fake = fake_start(drop_first, NULL);
	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	a = qc_ev_dial(seen.loop, address, .backoff_min_ms = 1);
	qc_async_do(a, on_reply, &seen, "GET", "n");
	CU_ASSERT(await(&seen, 2));
	CU_ASSERT_EQUAL(seen.last_kind, QC_OK);
	CU_ASSERT_EQUAL(seen.last_int, 5);
	qc_async_close(a);
	fake_stop(&fake);
	ev_loop_destroy(seen.loop);
}

static void say_nothing(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	if (fake_greet(fd))
		while (fake_read(fd, word, sizeof(word)))
			;
}

#define LIMIT_MS 1000

/* Answers the blocking command after the time limit, and the one sent after it when a third command arrives. */
static void block_for_long(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	if (!fake_greet(fd) || !fake_read(fd, word, sizeof(word)) || !fake_read(fd, word, sizeof(word)))
		return;
	usleep((LIMIT_MS + LIMIT_MS / 4) * 1000);
	fake_send_text(fd, "*-1\r\n");
	if (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, ":5\r\n+PONG\r\n");
	while (fake_read(fd, word, sizeof(word)))
		;
}

static void on_unblocked(qc_async *async, qc_result *result, void *data)
{
	note(data, result);
	qc_async_do(async, NULL, NULL, "PING");
}

static void what_stands_behind_a_blocking_command_has_its_time_still(void)
{
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	struct fake *fake = fake_start(block_for_long, NULL);
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	qc_async *a = qc_ev_dial(seen.loop, address, .timeout_ms = LIMIT_MS);
	qc_async_do(a, on_unblocked, &seen, "BLPOP", "list", 0);
	qc_async_do(a, on_reply, &seen, "INCR", "n");
	CU_ASSERT(await(&seen, 2));
	CU_ASSERT_EQUAL(seen.last_kind, QC_OK);
	CU_ASSERT_EQUAL(seen.last_int, 5);
	/* But no longer than its own time. */
	qc_async_do(a, on_reply, &seen, "INCR", "n");
	CU_ASSERT(await(&seen, 3));
	CU_ASSERT_EQUAL(seen.last_kind, QC_TIMEOUT);
	qc_async_close(a);
	fake_stop(&fake);
	ev_loop_destroy(seen.loop);
}

static void what_fails_is_told(void)
{
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	struct fake *fake = fake_start(say_nothing, NULL);
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	qc_async *a = qc_ev_dial(seen.loop, address, .timeout_ms = 30);
	qc_async_do(a, on_reply, &seen, "GET", "n");
	CU_ASSERT(await(&seen, 1));
	CU_ASSERT_EQUAL(seen.last_kind, QC_TIMEOUT);
	qc_async_close(a);
	fake_stop(&fake);
	a = qc_ev_dial(seen.loop, "nonsense://x");
	FAILS(*a, QC_INVALID);
	qc_async_do(a, on_reply, &seen, "GET", "n");
	CU_ASSERT(await(&seen, 2));
	CU_ASSERT_EQUAL(seen.last_kind, QC_INVALID);
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
}

static void run_for(struct ev_loop *loop, int64_t ms)
{
	ev_timer timer;

	ev_timer_init(&timer, run_out, (double)ms / 1000.0, 0);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
	ev_timer_stop(loop, &timer);
}

/* Longer than all retries with their pauses. */
#define RESTART_MS 400

static void commands_wait_for_a_server_that_restarts(void)
{
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO), .in_order = true};
	char address[32], start[32];
	uint16_t port = free_port();

	snprintf(start, sizeof(start), "--port %u", port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	struct server *server = server_start("%s", start);
	qc_async *a = qc_ev_dial(seen.loop, address, .timeout_ms = PATIENCE_MS * patience());
	qc_async_do(a, on_reply, &seen, "PING");
	CU_ASSERT(await(&seen, 1));
	CU_ASSERT(server_stop(&server));
	run_for(seen.loop, RESTART_MS / 4);
	for (int i = 0; i < 100; i++)
		qc_async_do(a, on_count, &seen, "INCR", "n");
	run_for(seen.loop, RESTART_MS);
	CU_ASSERT_EQUAL(seen.replies, 1);
	FAILS(*a, QC_NETWORK);
	server = server_start("%s", start);
	CU_ASSERT(await(&seen, 101));
	CU_ASSERT(seen.in_order);
	CU_ASSERT_EQUAL(seen.last_int, 100);
	GOOD(*a);
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
	CU_ASSERT(server_stop(&server));
}

static void nobody_waits_for_a_connection_for_ever(void)
{
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	qc_async *a = qc_ev_dial(seen.loop, "127.0.0.1:1", .timeout_ms = LIMIT_MS, .retries = -1);
	int64_t began = monotonic_ms();

	/* May block forever, but not before it is sent. */
	qc_async_do(a, on_reply, &seen, "BLPOP", "list", 0);
	run_for(seen.loop, LIMIT_MS / 3);
	qc_async_do(a, on_reply, &seen, "GET", "n");
	CU_ASSERT(await(&seen, 1));
	CU_ASSERT(monotonic_ms() - began >= LIMIT_MS - 1);
	CU_ASSERT_EQUAL(seen.last_kind, QC_TIMEOUT);
	CU_ASSERT(await(&seen, 2));
	CU_ASSERT(monotonic_ms() - began >= LIMIT_MS + LIMIT_MS / 3 - 1);
	CU_ASSERT_EQUAL(seen.last_kind, QC_TIMEOUT);
	/* It rests while no command waits, and starts again with the next one. */
	run_for(seen.loop, LIMIT_MS);
	qc_async_do(a, on_reply, &seen, "GET", "n");
	CU_ASSERT(await(&seen, 3));
	CU_ASSERT_EQUAL(seen.last_kind, QC_TIMEOUT);
	/* A callback that adds another command closes and ends nothing. */
	struct retry retry = {.seen.loop = seen.loop, .limit = 2};
	qc_async_do(a, try_again, &retry, "GET", "n");
	CU_ASSERT(await(&retry.seen, 2));
	CU_ASSERT_EQUAL(retry.seen.last_kind, QC_TIMEOUT);
	qc_async_do(a, close_it, &seen, "GET", "n");
	qc_async_do(a, on_reply, &seen, "GET", "n");
	CU_ASSERT(await(&seen, 6));
	CU_ASSERT_EQUAL(seen.last_kind, QC_CLOSED);
	ev_loop_destroy(seen.loop);
}

static void a_refusal_of_the_client_is_told_at_once(void)
{
	struct server *server = server_start("--requirepass secret");
	struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(server));
	qc_async *a = qc_ev_dial(seen.loop, address, .password = "wrong", .timeout_ms = -1);
	qc_async_do(a, on_reply, &seen, "GET", "n");
	CU_ASSERT(await(&seen, 1));
	CU_ASSERT_EQUAL(seen.last_kind, QC_SERVER);
	qc_async_close(a);
	ev_loop_destroy(seen.loop);
	CU_ASSERT(server_stop(&server));
}

static void on_push(qc_async *async, qc_result *result, void *data)
{
	struct seen *seen = data;

	(void)async;
	seen->last_kind = result->err.kind;
	if (qc_failed(*result))
		snprintf(seen->last_text, sizeof(seen->last_text), "lost");
	else
		snprintf(seen->last_text, sizeof(seen->last_text), "%s %s", qc_reply_text(qc_reply_at(result->reply, 0)),
			 qc_reply_text(qc_reply_at(result->reply, 2)));
	if (++seen->replies == seen->wanted)
		ev_break(seen->loop, EVBREAK_ALL);
}

static void pushes_have_a_callback_of_their_own(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "pushes to the asynchronous face")) {
		struct seen seen = {.loop = ev_loop_new(EVFLAG_AUTO)};
		qc_async *a = qc_ev_dial(seen.loop, f.address);
		qc_async_on_push(a, on_push, &seen);
		qc_async_do(a, on_reply, &seen, "PING");
		qc_async_do(a, on_reply, &seen, "SUBSCRIBE", "news");
		CU_ASSERT(await(&seen, 2));
		CU_ASSERT_EQUAL(seen.last_kind, QC_OK);
		qc_result r qc_auto = qc_do(f.client, ctx, "PUBLISH", "news", "hello");
		CU_ASSERT(await(&seen, 3));
		CU_ASSERT_STRING_EQUAL(seen.last_text, "message hello");
		/* Commands and pushes on one connection. */
		qc_async_do(a, on_reply, &seen, "ECHO", "still");
		CU_ASSERT(await(&seen, 4));
		CU_ASSERT_STRING_EQUAL(seen.last_text, "still");
		qc_result killed qc_auto = qc_client_kill(f.client, ctx, "TYPE", "pubsub");
		GOOD(killed);
		CU_ASSERT(await(&seen, 5));
		CU_ASSERT_STRING_EQUAL(seen.last_text, "lost");
		qc_async_close(a);
		ev_loop_destroy(seen.loop);
	}
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(replies_come_in_order),
	CASE(large_traffic_both_ways_passes),
	CASE(a_callback_may_keep_its_result_and_call_again),
	CASE(closing_from_inside_a_callback_ends_all_others),
	CASE(a_callback_that_tries_again_while_closing_is_told_each_time),
	CASE(a_callback_that_tries_again_in_vain_lets_the_loop_go_on),
	CASE(a_killed_connection_is_dialled_again),
	CASE(reads_are_sent_again_and_writes_are_not),
	CASE(what_stands_behind_a_blocking_command_has_its_time_still),
	CASE(what_fails_is_told),
	CASE(commands_wait_for_a_server_that_restarts),
	CASE(nobody_waits_for_a_connection_for_ever),
	CASE(a_refusal_of_the_client_is_told_at_once),
	CASE(pushes_have_a_callback_of_their_own),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client async", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

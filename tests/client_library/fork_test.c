/*
 * A forked child never uses its parent's sockets: calls make new connections, objects with a connection tell why they can't be used, and
 * the parent's connections survive whatever the child closes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/qcache_ev.h"
#include "client_library/fixture.h"
#include "support/deadline.h"
#include "support/process.h"

#define ECHOES 2000

static qc_context *ctx;

/* Whether each ECHO returns its own text. */
static bool echo_many(qc_client *c, const char *who)
{
	for (int i = 0; i < ECHOES; i++) {
		char text[32];
		snprintf(text, sizeof(text), "%s %d", who, i);
		qc_string back qc_auto = qc_echo(c, ctx, text);
		if (!fixture_is_good(back.err, __FILE__, __LINE__) || strcmp(back.data, text) != 0)
			return false;
	}
	return true;
}

typedef bool child_body(void *data);

static pid_t start_child(child_body *body, void *data)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(body(data) ? 0 : 1);
	CU_ASSERT_FATAL(pid > 0);
	return pid;
}

static void await_child(pid_t pid)
{
	int status = -1;

	CU_ASSERT(process_wait(pid, PATIENCE_MS, &status));
	CU_ASSERT_EQUAL(status, 0);
}

static bool echo_and_close(void *data)
{
	bool good = echo_many(data, "child");

	qc_close(data);
	return good;
}

/* So that there is a connection. */
static void ping(qc_client *c)
{
	qc_string pong qc_auto = qc_ping(c, ctx);

	GOOD(pong);
}

static void a_child_and_its_parent_get_their_own_replies(void)
{
	struct fixture f = fixture_start("");

	ping(f.client);
	pid_t child = start_child(echo_and_close, f.client);
	CU_ASSERT(echo_many(f.client, "parent"));
	await_child(child);
	CU_ASSERT_EQUAL(qc_pool_stats(f.client).broken, 0);
	CU_ASSERT(fixture_stop(&f));
}

static bool echo_in_a_grandchild(void *data)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(echo_many(data, "grandchild") ? 0 : 1);
	return echo_many(data, "child") && waitpid(pid, &status, 0) == pid && status == 0;
}

static void a_childs_child_has_connections_of_its_own(void)
{
	struct fixture f = fixture_start("");

	ping(f.client);
	pid_t child = start_child(echo_in_a_grandchild, f.client);
	CU_ASSERT(echo_many(f.client, "parent"));
	await_child(child);
	CU_ASSERT(fixture_stop(&f));
}

struct handles {
	qc_client *client, *pinned;
	qc_subscription *subscription;
};

static bool use_a_pinned_client(void *data)
{
	struct handles *h = data;
	qc_result refused = qc_do(h->pinned, ctx, "PING"), raw = qc_receive(h->pinned, ctx);
	bool good = fixture_fails(refused.err, QC_INVALID, __FILE__, __LINE__) && strstr(refused.err.text, "parent") &&
		    qc_is(raw.err, QC_INVALID) && qc_is(qc_send(h->pinned, ctx, QC_LIST("PING")).err, QC_INVALID);

	qc_close(h->pinned);
	h->pinned = qc_pin(h->client, ctx);
	good &= fixture_is_good(qc_select(h->pinned, ctx, 1).err, __FILE__, __LINE__) && echo_many(h->pinned, "child");
	qc_close(h->pinned);
	qc_close(h->client);
	return good;
}

static void a_pinned_connection_stays_the_parents(void)
{
	struct fixture f = fixture_start("");
	struct handles h = {.client = f.client, .pinned = qc_pin(f.client, ctx)};

	GOOD(qc_select(h.pinned, ctx, 2));
	pid_t child = start_child(use_a_pinned_client, &h);
	CU_ASSERT(echo_many(h.pinned, "parent"));
	await_child(child);
	CU_ASSERT(echo_many(h.pinned, "parent"));
	qc_close(h.pinned);
	CU_ASSERT(fixture_stop(&f));
}

static bool use_a_subscription(void *data)
{
	struct handles *h = data;
	qc_message m = qc_next_message(h->subscription, ctx);
	bool good = fixture_fails(m.err, QC_INVALID, __FILE__, __LINE__) && m.type == QC_NO_MESSAGE && strstr(m.err.text, "parent");

	good &= qc_is(qc_subscription_change(h->subscription, "SUBSCRIBE", QC_LIST("other")).err, QC_INVALID);
	qc_unsubscribe(h->subscription);
	qc_close(h->client);
	return good;
}

static void await_message(qc_subscription *s, enum qc_message_type type)
{
	qc_context *soon = qc_context_with_timeout(ctx, PATIENCE_MS * patience());
	qc_message m = qc_next_message(s, soon);

	CU_ASSERT_EQUAL(m.type, type);
	qc_release(&m);
	qc_context_free(soon);
}

static void a_subscription_stays_the_parents(void)
{
	struct fixture f = fixture_start("");
	struct handles h = {.client = f.client};

	if (fixture_has(&f, "SUBSCRIBE", "a subscription and a fork")) {
		h.subscription = qc_subscribe(f.client, ctx, "news");
		await_message(h.subscription, QC_SUBSCRIBED);
		await_child(start_child(use_a_subscription, &h));
		qc_result told qc_auto = qc_do(f.client, ctx, "PUBLISH", "news", "x");
		GOOD(told);
		await_message(h.subscription, QC_MESSAGE);
		qc_unsubscribe(h.subscription);
	}
	CU_ASSERT(fixture_stop(&f));
}

struct counted {
	struct ev_loop *loop;
	qc_async *async;
	int replies, wanted, refused;
};

static void count(qc_async *async, qc_result *result, void *data)
{
	struct counted *counted = data;

	(void)async;
	counted->refused += qc_is(result->err, QC_NETWORK);
	if (++counted->replies == counted->wanted)
		ev_break(counted->loop, EVBREAK_ALL);
}

/* What waited during the fork fails in the child, since the parent sends it; new commands of the child are answered. */
static bool go_on_in_the_loop(void *data)
{
	struct counted *counted = data;

	ev_loop_fork(counted->loop);
	counted->wanted += 1;
	qc_async_do(counted->async, count, counted, "INCR", "child");
	ev_run(counted->loop, 0);
	bool good = counted->refused == 100 && counted->replies == counted->wanted;
	qc_async_close(counted->async);
	return good;
}

static void what_waits_in_the_asynchronous_face_is_done_once(void)
{
	struct fixture f = fixture_start("");
	struct counted counted = {.loop = ev_loop_new(EVFLAG_AUTO), .wanted = 1};

	counted.async = qc_ev_dial(counted.loop, f.address);
	qc_async_do(counted.async, count, &counted, "PING");
	ev_run(counted.loop, 0);
	counted.wanted = 101;
	for (int i = 0; i < 100; i++)
		qc_async_do(counted.async, count, &counted, "INCR", "n");
	await_child(start_child(go_on_in_the_loop, &counted));
	ev_run(counted.loop, 0);
	CU_ASSERT_EQUAL(counted.refused, 0);
	qc_async_close(counted.async);
	ev_loop_destroy(counted.loop);
	qc_string n qc_auto = qc_get(f.client, ctx, "n"), child qc_auto = qc_get(f.client, ctx, "child");
	CU_ASSERT_STRING_EQUAL(n.data, "100");
	CU_ASSERT_STRING_EQUAL(child.data, "1");
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(a_child_and_its_parent_get_their_own_replies),
	CASE(a_childs_child_has_connections_of_its_own),
	CASE(a_pinned_connection_stays_the_parents),
	CASE(a_subscription_stays_the_parents),
	CASE(what_waits_in_the_asynchronous_face_is_done_once),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client fork", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

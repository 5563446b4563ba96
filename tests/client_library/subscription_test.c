/*
 * Subscriptions: order of messages, patterns, changes while it runs, the limit of the queue, a killed connection.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/deadline.h"

static qc_context *ctx;

static qc_message next(qc_subscription *s)
{
	qc_context *patience qc_defer(qc_context_free) = qc_context_with_timeout(ctx, PATIENCE_MS);
	return qc_next_message(s, patience);
}

/* The next message or disconnection; skips confirmations. */
static qc_message next_of(qc_subscription *s, enum qc_message_type type)
{
	for (;;) {
		qc_message m = next(s);
		if (m.type == type || qc_failed(m))
			return m;
		qc_release(&m);
	}
}

static int64_t publish(qc_client *c, const char *channel, const char *text)
{
	qc_result r qc_auto = qc_do(c, ctx, "PUBLISH", channel, text);
	GOOD(r);
	return qc_reply_int(r.reply);
}

static void messages_come_in_order(void)
{
	struct fixture f = fixture_start("");

	for (int version = 2; version <= 3 && fixture_has(&f, "SUBSCRIBE", "subscriptions"); version++) {
		qc_client *c = qc_dial(f.address, .protocol = version);
		qc_subscription *s = qc_subscribe(c, ctx, "news", "sport");
		GOOD_FATAL(*s);
		for (int i = 0; i < 2; i++) {
			qc_message m qc_auto = next(s);
			CU_ASSERT_EQUAL(m.type, QC_SUBSCRIBED);
		}
		for (int i = 0; i < 1000; i++) {
			char text[16];
			snprintf(text, sizeof(text), "%d", i);
			CU_ASSERT_EQUAL(publish(f.client, i & 1 ? "news" : "sport", text), 1);
			qc_message m qc_auto = next(s);
			GOOD(m);
			CU_ASSERT_EQUAL_FATAL(m.type, QC_MESSAGE);
			CU_ASSERT_STRING_EQUAL(m.channel, i & 1 ? "news" : "sport");
			CU_ASSERT_STRING_EQUAL(m.data, text);
			CU_ASSERT_PTR_NULL(m.pattern);
		}
		qc_unsubscribe(s);
		qc_close(c);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void subscriptions_change_while_they_run(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "PSUBSCRIBE", "patterns")) {
		qc_subscription *s = qc_psubscribe(f.client, ctx, "a*");
		qc_message m = next(s);
		CU_ASSERT_EQUAL(m.type, QC_SUBSCRIBED);
		qc_release(&m);
		publish(f.client, "abc", "one");
		m = next(s);
		CU_ASSERT_STRING_EQUAL(m.pattern, "a*");
		CU_ASSERT_STRING_EQUAL(m.channel, "abc");
		CU_ASSERT_STRING_EQUAL(m.data, "one");
		qc_release(&m);
		GOOD(qc_subscription_change(s, "subscribe", QC_LIST("x")));
		GOOD(qc_subscription_change(s, "PUNSUBSCRIBE", QC_LIST("a*")));
		FAILS(qc_subscription_change(s, "GET", QC_LIST("x")), QC_INVALID);
		FAILS(qc_subscription_change(s, "SUBSCRIBE", QC_LIST()), QC_INVALID);
		m = next_of(s, QC_UNSUBSCRIBED);
		CU_ASSERT_STRING_EQUAL(m.channel, "a*");
		qc_release(&m);
		CU_ASSERT_EQUAL(publish(f.client, "abc", "nobody hears"), 0);
		CU_ASSERT_EQUAL(publish(f.client, "x", "two"), 1);
		m = next(s);
		CU_ASSERT_STRING_EQUAL(m.data, "two");
		qc_release(&m);
		qc_unsubscribe(s);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void a_lost_connection_is_told_and_mended(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "subscriptions that reconnect")) {
		qc_subscription *s = qc_subscribe(f.client, ctx, "news");
		qc_message m = next(s);
		qc_release(&m);
		qc_result killed qc_auto = qc_client_kill(f.client, ctx, "TYPE", "pubsub");
		GOOD(killed);
		m = next(s);
		/* Not a failure, so a loop that ends at failures continues. */
		CU_ASSERT_EQUAL(m.type, QC_DISCONNECTED);
		GOOD(m);
		CU_ASSERT_EQUAL(m.cause.kind, QC_NETWORK);
		CU_ASSERT(m.cause.text[0] != 0);
		qc_release(&m);
		m = next(s);
		CU_ASSERT_EQUAL(m.type, QC_SUBSCRIBED);
		CU_ASSERT_STRING_EQUAL(m.channel, "news");
		qc_release(&m);
		CU_ASSERT_EQUAL(publish(f.client, "news", "again"), 1);
		m = next(s);
		CU_ASSERT_STRING_EQUAL(m.data, "again");
		qc_release(&m);
		qc_unsubscribe(s);
	}
	CU_ASSERT(fixture_stop(&f));
}

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

static void its_descriptor_is_readable_while_messages_wait(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "the descriptor of a subscription")) {
		qc_context *no_wait = qc_context_with_timeout(ctx, 0);
		qc_subscription *s = qc_subscribe(f.client, ctx, "news");
		struct pollfd p = {.fd = qc_subscription_fd(s), .events = POLLIN};
		CU_ASSERT_EQUAL(poll(&p, 1, PATIENCE_MS), 1);
		qc_message m = qc_next_message(s, no_wait);
		CU_ASSERT_EQUAL(m.type, QC_SUBSCRIBED);
		qc_release(&m);
		CU_ASSERT(!is_readable(p.fd));
		qc_message none = qc_next_message(s, no_wait);
		FAILS(none, QC_DEADLINE);
		CU_ASSERT_EQUAL(none.type, QC_NO_MESSAGE);
		publish(f.client, "news", "one");
		CU_ASSERT_EQUAL(poll(&p, 1, PATIENCE_MS), 1);
		m = qc_next_message(s, no_wait);
		CU_ASSERT_STRING_EQUAL(m.data, "one");
		qc_release(&m);
		qc_context_free(no_wait);
		qc_unsubscribe(s);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void a_full_queue_loses_nothing(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "the queue of a subscription")) {
		qc_subscription *s = qc_subscribe_args(f.client, ctx, QC_LIST("news"), &(qc_subscribe_options){.queue = 2});
		qc_message m = next(s);
		qc_release(&m);
		for (int i = 0; i < 500; i++) {
			char text[16];
			snprintf(text, sizeof(text), "%d", i);
			publish(f.client, "news", text);
		}
		for (int i = 0; i < 500; i++) {
			m = next(s);
			GOOD_FATAL(m);
			CU_ASSERT_EQUAL(atoi(m.data), i);
			qc_release(&m);
		}
		/* With messages left, and a thread that waits for room. */
		for (int i = 0; i < 50; i++)
			publish(f.client, "news", "left");
		qc_unsubscribe(s);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void a_refused_subscription_is_an_error_and_no_message(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "refused subscriptions") && fixture_has(&f, "ACL", "refused subscriptions")) {
		qc_result made qc_auto = qc_do(f.client, ctx, "ACL", "SETUSER", "listener", "on", ">pw", "+@all", "~*", "resetchannels", "&open");
		GOOD(made);
		qc_client *c = qc_dial(f.address, .user = "listener", .password = "pw");
		qc_subscription *s = qc_subscribe(c, ctx, "shut");
		qc_message m = next(s);
		FAILS(m, QC_SERVER);
		CU_ASSERT_EQUAL(m.type, QC_NO_MESSAGE);
		CU_ASSERT(qc_has_code(m.err, "NOPERM"));
		qc_release(&m);
		/* It continues. Without a context it waits as long as it takes. */
		GOOD(qc_subscription_change(s, "SUBSCRIBE", QC_LIST("open")));
		m = qc_next_message(s, NULL);
		CU_ASSERT_EQUAL(m.type, QC_SUBSCRIBED);
		CU_ASSERT_STRING_EQUAL(m.channel, "open");
		qc_release(&m);
		qc_unsubscribe(s);
		qc_close(c);
	}
	CU_ASSERT(fixture_stop(&f));
}

/* As the header says: the context of qc_subscribe() doesn't matter afterwards. */
static void a_subscription_outlives_the_context_that_made_it(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "the context of a subscription")) {
		qc_context *brief = qc_context_with_cancel(ctx);
		qc_subscription *s = qc_subscribe(f.client, brief, "news");
		qc_context_free(brief);
		GOOD_FATAL(*s);
		qc_message m = next(s);
		CU_ASSERT_EQUAL(m.type, QC_SUBSCRIBED);
		qc_release(&m);
		publish(f.client, "news", "one");
		m = next(s);
		CU_ASSERT_STRING_EQUAL(m.data, "one");
		qc_release(&m);
		qc_unsubscribe(s);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void *wait_for_message(void *data)
{
	qc_message m = qc_next_message(((void **)data)[0], ((void **)data)[1]);

	qc_error *err = malloc(sizeof(*err));
	*err = m.err;
	qc_release(&m);
	return err;
}

static void waiting_for_a_message_can_be_cancelled(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "SUBSCRIBE", "cancelling a wait for messages")) {
		qc_subscription *s = qc_subscribe(f.client, ctx, "news");
		qc_message m = next(s);
		qc_release(&m);
		qc_context *life = qc_context_with_cancel(ctx);
		void *both[] = {s, life}, *err;
		pthread_t thread;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wait_for_message, both), 0);
		qc_cancel(life);
		pthread_join(thread, &err);
		CU_ASSERT_EQUAL(((qc_error *)err)->kind, QC_CANCELLED);
		free(err);
		qc_context_free(life);
		qc_unsubscribe(s);
	}
	CU_ASSERT(fixture_stop(&f));
}

/* Confirms, and then is silent; counts PINGs. */
static void confirm_and_sleep(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word))) {
		if (strcmp(word, "subscribe") == 0)
			fake_send_text(fd, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
		else
			++*(atomic_int *)data;
	}
}

static void silence_is_broken_by_a_question_and_ended_without_an_answer(void)
{
	atomic_int pings = 0;
	struct fake *fake = fake_start(confirm_and_sleep, &pings);
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	/* The fake serves one connection at a time: this is the subscription's. */
	qc_client *c = qc_dial(address, .lazy = true, .backoff_min_ms = 1);
	int64_t began = monotonic_ms();
	qc_subscription *s = qc_subscribe_args(c, ctx, QC_LIST("news"), &(qc_subscribe_options){.health_ms = 50});
	qc_context *patient = qc_context_with_timeout(ctx, PATIENCE_MS * patience());
	qc_message first = qc_next_message(s, patient), second = qc_next_message(s, patient);
	CU_ASSERT_EQUAL(first.type, QC_SUBSCRIBED);
	CU_ASSERT_EQUAL(second.type, QC_DISCONNECTED);
	CU_ASSERT_EQUAL(second.cause.kind, QC_TIMEOUT);
	CU_ASSERT(pings >= 1);
	CU_ASSERT(monotonic_ms() - began >= 99);
	qc_release(&first);
	qc_release(&second);
	qc_unsubscribe(s);
	qc_context_free(patient);
	qc_close(c);
	fake_stop(&fake);
}

static const struct suite_case cases[] = {
	CASE(messages_come_in_order),
	CASE(subscriptions_change_while_they_run),
	CASE(a_lost_connection_is_told_and_mended),
	CASE(its_descriptor_is_readable_while_messages_wait),
	CASE(a_full_queue_loses_nothing),
	CASE(a_refused_subscription_is_an_error_and_no_message),
	CASE(a_subscription_outlives_the_context_that_made_it),
	CASE(waiting_for_a_message_can_be_cancelled),
	CASE(silence_is_broken_by_a_question_and_ended_without_an_answer),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client subscriptions", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

/*
 * Time limits: every reply has one. A command that blocks gets its own time in addition. Only commands that block forever, or take
 * unlimited time, have none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/qcache_ev.h"
#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/deadline.h"

#define LIMIT_MS 60

static qc_context *ctx;

struct mute {
	char address[32];
	struct fake *fake;
};

/* Answers only PING: otherwise like a stopped server. */
static void never_answer(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word)))
		if (strcmp(word, "ping") == 0)
			fake_send_text(fd, "+PONG\r\n");
}

/* Connect first: on a busy machine even the greeting may exceed the limit. */
static qc_client *pin_patiently(qc_client *c)
{
	for (;;) {
		qc_client *pinned = qc_pin(c, ctx);
		if (!qc_failed(*pinned))
			return pinned;
		FAILS(*pinned, QC_TIMEOUT);
		qc_close(pinned);
	}
}

static struct mute mute_start(void)
{
	struct mute mute = {.fake = fake_start(never_answer, NULL)};

	snprintf(mute.address, sizeof(mute.address), "127.0.0.1:%u", fake_port(mute.fake));
	return mute;
}

struct limited {
	qc_args args;
	int64_t wait_ms; /* the command's own time */
};

/* All of these end. The times are lower bounds: a busy machine may take longer. */
#define LIMITED(wait, ...) {QC_LIST(__VA_ARGS__), wait}
#define EACH_LIMITED                                                                                                   \
	LIMITED(0, "EVAL", "return 1", 0), LIMITED(0, "EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 0),       \
	LIMITED(0, "FCALL", "f", 0), LIMITED(0, "XREAD", "STREAMS", "s", "0"), LIMITED(0, "DEBUG", "JMAP"),            \
	LIMITED(0, "XREAD", "STREAMS", "BLOCK", "0"), LIMITED(0, "BLPOP", "x", "nonsense"),                            \
	LIMITED(100, "BLPOP", "x", "0.1"), LIMITED(100, "brpop", "x", "y", 0.1), LIMITED(100, "BLMPOP", "0.1", 1, "x", "LEFT"), \
	LIMITED(100, "XREAD", "COUNT", 1, "BLOCK", 100, "STREAMS", "s", "$"), LIMITED(100, "WAIT", 1, 100),            \
	LIMITED(100, "DEBUG", "SLEEP", "0.1"), LIMITED(100, "BZPOPMIN", "z", 0.1),                                     \
	LIMITED(100, "XREADGROUP", "GROUP", "g", "c", "block", 100, "STREAMS", "s", ">")

static void a_server_that_is_stopped_ends_every_call_in_its_time(void)
{
	const struct limited limited[] = {EACH_LIMITED};
	struct mute mute = mute_start();
	qc_client *c = qc_dial(mute.address, .timeout_ms = LIMIT_MS, .retries = -1);

	for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		qc_client *pinned = pin_patiently(c);
		int64_t began = monotonic_ms();
		qc_result r = qc_do_args(pinned, ctx, limited[i].args);
		FAILS(r, QC_TIMEOUT);
		CU_ASSERT(monotonic_ms() - began >= LIMIT_MS + limited[i].wait_ms - 1);
		qc_close(pinned);
	}
	qc_close(c);
	fake_stop(&mute.fake);
}

static void a_pipeline_ends_in_the_time_of_all_in_it(void)
{
	struct mute mute = mute_start();
	qc_client *c = qc_dial(mute.address, .timeout_ms = LIMIT_MS, .retries = -1);
	qc_client *pinned = pin_patiently(c);
	qc_pipeline *p = qc_pipeline_open(pinned);

	qc_add(p, "SET", "k", "v");
	qc_add(p, "EVAL", "return 1", 0);
	FAILS(qc_run(p, ctx), QC_TIMEOUT);
	qc_pipeline_close(p);
	qc_close(pinned);
	pinned = pin_patiently(c);
	p = qc_pipeline_open(pinned);
	/* One after the other. */
	qc_add(p, "BLPOP", "x", "0.1");
	qc_add(p, "BLPOP", "y", "0.1");
	int64_t began = monotonic_ms();
	FAILS(qc_run(p, ctx), QC_TIMEOUT);
	CU_ASSERT(monotonic_ms() - began >= LIMIT_MS + 199);
	qc_pipeline_close(p);
	qc_close(pinned);
	p = qc_pipeline_open(c);
	/* In a transaction nothing blocks. */
	qc_add(p, "BLPOP", "x", 0);
	FAILS(qc_run_multi(p, ctx), QC_TIMEOUT);
	qc_pipeline_close(p);
	/* Without a limit of their own, only the context counts. */
	pinned = pin_patiently(c);
	p = qc_pipeline_open(pinned);
	qc_context *soon = qc_context_with_timeout(ctx, 3 * LIMIT_MS);
	qc_add(p, "BLPOP", "x", 0);
	FAILS(qc_run(p, soon), QC_DEADLINE);
	qc_context_free(soon);
	qc_pipeline_close(p);
	qc_close(pinned);
	qc_close(c);
	fake_stop(&mute.fake);
}

/* Answers well after the time limit. */
static void answer_late(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number, (void)data;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word))) {
		usleep(4 * LIMIT_MS * 1000);
		fake_send_text(fd, ":1\r\n");
	}
}

static void what_waits_longer_than_the_limit_is_waited_for(void)
{
	struct fake *fake = fake_start(answer_late, NULL);
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	qc_client *c = qc_dial(address, .timeout_ms = LIMIT_MS, .retries = -1);
	qc_client *pinned = pin_patiently(c);
	const qc_args waiting[] = {QC_LIST("BLPOP", "x", 0), QC_LIST("BLPOP", "x", 1000), QC_LIST("SAVE"), QC_LIST("WAIT", 1, 0),
				   QC_LIST("XREAD", "BLOCK", 0, "STREAMS", "s", "$"), QC_LIST("BLPOP", "x", "1e300")};
	for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
		qc_result r qc_auto = qc_do_args(pinned, ctx, waiting[i]);
		GOOD(r);
	}
	qc_close(pinned);
	qc_close(c);
	fake_stop(&fake);
}

struct seen {
	struct ev_loop *loop;
	enum qc_kind kind;
};

static void note(qc_async *async, qc_result *result, void *data)
{
	struct seen *seen = data;

	(void)async;
	seen->kind = result->err.kind;
	ev_break(seen->loop, EVBREAK_ALL);
}

static enum qc_kind ask(qc_async *a, struct ev_loop *loop, qc_args args)
{
	struct seen seen = {.loop = loop};

	qc_async_do_args(a, note, &seen, args);
	ev_run(loop, 0);
	return seen.kind;
}

static void the_asynchronous_face_has_the_same_limits(void)
{
	const struct limited limited[] = {EACH_LIMITED};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct mute mute = mute_start();

	for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		qc_async *a = qc_ev_dial(loop, mute.address, .timeout_ms = LIMIT_MS, .retries = -1);
		while (ask(a, loop, QC_LIST("PING")) != QC_OK)
			;
		int64_t began = monotonic_ms();
		CU_ASSERT_EQUAL(ask(a, loop, limited[i].args), QC_TIMEOUT);
		CU_ASSERT(monotonic_ms() - began >= LIMIT_MS + limited[i].wait_ms - 1);
		qc_async_close(a);
	}
	ev_loop_destroy(loop);
	fake_stop(&mute.fake);
}

static const struct suite_case cases[] = {
	CASE(a_server_that_is_stopped_ends_every_call_in_its_time),
	CASE(a_pipeline_ends_in_the_time_of_all_in_it),
	CASE(what_waits_longer_than_the_limit_is_waited_for),
	CASE(the_asynchronous_face_has_the_same_limits),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client limits", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

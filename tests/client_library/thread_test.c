/*
 * Many threads on one client, contexts that end calls, and the pool's limits.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/deadline.h"
#include "support/random.h"

#define THREADS 8
#define ROUNDS 400

static qc_context *ctx;

/* The meaning of "at once" on a busy machine: far below any time limit of a call. */
#define AT_ONCE_MS (PATIENCE_MS / 4)

struct job {
	qc_client *client;
	qc_context *context;
	unsigned number;
	atomic_int *started;
	qc_error err;
	int64_t took_ms;
};

static void *count_up(void *data)
{
	struct job *job = data;
	char own[32];

	snprintf(own, sizeof(own), "own:%u", job->number);
	for (int i = 0; i < ROUNDS; i++) {
		qc_int shared = qc_incr(job->client, ctx, "shared");
		qc_status set = qc_set(job->client, ctx, own, i);
		qc_string back qc_auto = qc_get(job->client, ctx, own);
		if (qc_failed(shared) || qc_failed(set) || qc_failed(back) || atoi(back.data) != i) {
			job->err = qc_errorf(QC_PROTOCOL, "%s %s %s", shared.err.text, set.err.text, back.err.text);
			break;
		}
	}
	return NULL;
}

static void threads_share_a_client(void)
{
	struct fixture f = fixture_start("");
	/* Fewer connections than threads: some wait for a place. */
	qc_client *c = qc_dial(f.address, .pool_size = 3, .pool_timeout_ms = -1);
	struct job jobs[THREADS] = {0};
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){.client = c, .number = i};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_up, &jobs[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		GOOD(jobs[i]);
	}
	qc_string total qc_auto = qc_get(c, ctx, "shared");
	CU_ASSERT_EQUAL(atoi(total.data), THREADS * ROUNDS);
	qc_stats stats = qc_pool_stats(c);
	CU_ASSERT(stats.total <= 3 && stats.misses <= 3 && stats.idle == stats.total);
	CU_ASSERT_EQUAL(stats.hits + stats.misses, 1 + 3 * THREADS * ROUNDS + 1);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

static void say_nothing(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	if (fake_greet(fd))
		while (fake_read(fd, word, sizeof(word)))
			if (data)
				++*(atomic_int *)data;
}

static void *call_and_wait(void *data)
{
	struct job *job = data;
	int64_t began = monotonic_ms();
	qc_int n = qc_incr(job->client, job->context, "k");

	job->err = n.err;
	job->took_ms = monotonic_ms() - began;
	return NULL;
}

static void await_count(atomic_int *count, int wanted)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (*count < wanted && deadline_left_ms(deadline) > 0)
		usleep(1000);
}

static void a_cancelled_call_returns_at_once(void)
{
	atomic_int commands = 0;
	struct fake *fake = fake_start(say_nothing, &commands);
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	qc_client *c = qc_dial(address, .timeout_ms = -1);
	qc_context *parent = qc_context_with_cancel(ctx), *child = qc_context_with_timeout(parent, 3600000);
	struct job job = {.client = c, .context = child};
	pthread_t thread;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_and_wait, &job), 0);
	await_count(&commands, 1);
	/* The child ends with its parent. */
	int64_t cancelled = monotonic_ms();
	qc_cancel(parent);
	pthread_join(thread, NULL);
	CU_ASSERT(monotonic_ms() - cancelled < AT_ONCE_MS);
	FAILS(job, QC_CANCELLED);
	/* The connection, on which a reply may still arrive, is not reused. */
	CU_ASSERT_EQUAL(qc_pool_stats(c).total, 0);
	CU_ASSERT_EQUAL(qc_pool_stats(c).broken, 1);
	FAILS(qc_incr(c, child, "k"), QC_CANCELLED);
	CU_ASSERT_EQUAL(commands, 1);
	qc_context_free(parent);
	qc_context_free(child);
	qc_close(c);
	fake_stop(&fake);
}

static void a_deadline_ends_a_call_and_the_client_serves_on(void)
{
	struct fixture f = fixture_start("--enable-debug-command yes");
	qc_context *soon = qc_context_with_timeout(ctx, 30);

	qc_result slept qc_auto = qc_do(f.client, soon, "DEBUG", "SLEEP", "1");
	FAILS(slept, QC_DEADLINE);
	FAILS(qc_incr(f.client, soon, "k"), QC_DEADLINE);
	for (int i = 1; i <= 20; i++)
		CU_ASSERT_EQUAL(qc_incr(f.client, ctx, "k").value, i);
	qc_context_free(soon);
	CU_ASSERT(fixture_stop(&f));
}

static void blocking_commands_end_with_their_context(void)
{
	struct fixture f = fixture_start("");

	if (fixture_has(&f, "BLPOP", "blocking commands")) {
		/* Longer than the time limit of ordinary commands, which doesn't apply here. */
		qc_client *c = qc_dial(f.address, .timeout_ms = 20);
		qc_result none qc_auto = qc_do(c, ctx, "BLPOP", "list", "0.2");
		GOOD(none);
		CU_ASSERT_EQUAL(qc_reply_type(none.reply), QC_NULL);
		qc_context *soon = qc_context_with_timeout(ctx, 50);
		qc_result late qc_auto = qc_do(c, soon, "BLPOP", "list", 0);
		FAILS(late, QC_DEADLINE);
		qc_context_free(soon);
		qc_result pushed qc_auto = qc_do(c, ctx, "RPUSH", "list", "x");
		GOOD(pushed);
		/* Nobody is left who would have taken it. */
		qc_result taken qc_auto = qc_do(c, ctx, "BLPOP", "list", 1);
		CU_ASSERT_STRING_EQUAL(qc_reply_text(qc_reply_at(taken.reply, 1)), "x");
		qc_close(c);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void await_waits(const qc_client *client, uint64_t wanted)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (qc_pool_stats(client).waits < wanted && deadline_left_ms(deadline) > 0)
		usleep(200);
}

static void a_full_pool_makes_callers_wait_for_so_long(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = qc_dial(f.address, .pool_size = 1, .pool_timeout_ms = 40, .retries = -1);
	qc_client *holder = qc_pin(c, ctx);
	int64_t began = monotonic_ms();

	FAILS(qc_incr(c, ctx, "k"), QC_TIMEOUT);
	CU_ASSERT(monotonic_ms() - began >= 39);
	qc_context *soon = qc_context_with_timeout(ctx, 10);
	FAILS(qc_incr(c, soon, "k"), QC_DEADLINE);
	CU_ASSERT_EQUAL(qc_pool_stats(c).timeouts, 1);
	CU_ASSERT_EQUAL(qc_pool_stats(c).waits, 2);
	qc_context *life = qc_context_with_cancel(ctx);
	qc_client *patient = qc_dial(f.address, .pool_size = 1, .pool_timeout_ms = -1);
	qc_client *other_holder = qc_pin(patient, ctx);
	struct job job = {.client = patient, .context = life};
	pthread_t thread;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_and_wait, &job), 0);
	await_waits(patient, 1);
	qc_cancel(life);
	pthread_join(thread, NULL);
	FAILS(job, QC_CANCELLED);
	job.context = ctx;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_and_wait, &job), 0);
	await_waits(patient, 2);
	qc_close(other_holder);
	pthread_join(thread, NULL);
	GOOD(job);
	qc_close(holder);
	GOOD(qc_incr(c, ctx, "k"));
	qc_context_free(soon);
	qc_context_free(life);
	qc_close(patient);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

/* A new caller takes its turn after those who have waited for the connection. */
static void newcomers_dont_overtake_who_waits_for_a_connection(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = qc_dial(f.address, .pool_size = 1, .pool_timeout_ms = -1);

	for (int i = 1; i <= 50; i++) {
		qc_client *holder = qc_pin(c, ctx);
		struct job job = {.client = c, .context = ctx};
		pthread_t thread;
		uint64_t waits = qc_pool_stats(c).waits;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_and_wait, &job), 0);
		await_waits(c, waits + 1);
		qc_close(holder);
		qc_string k qc_auto = qc_get(c, ctx, "k");
		CU_ASSERT(k.data && atoi(k.data) == i);
		pthread_join(thread, NULL);
		GOOD(job);
	}
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

/* A connection is given back just when the deadline of the first waiter passes: the second waiter gets it. */
static void a_waiter_that_gives_up_leaves_the_connection_to_the_next(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = qc_dial(f.address, .pool_size = 1, .pool_timeout_ms = -1);
	qc_context *long_enough = qc_context_with_timeout(ctx, PATIENCE_MS * patience());
	unsigned seed = (unsigned)random_seed("pauses");
	bool lost = false;

	for (int i = 0; i < 400 && !lost; i++) {
		qc_client *holder = qc_pin(c, ctx);
		int64_t deadline_ms = monotonic_ms() + 2;
		qc_context *soon = qc_context_with_deadline(ctx, deadline_ms);
		struct job first = {.client = c, .context = soon}, second = {.client = c, .context = long_enough};
		pthread_t threads[2];
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[0], NULL, call_and_wait, &first), 0);
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[1], NULL, call_and_wait, &second), 0);
		while (monotonic_ms() < deadline_ms)
			;
		for (int pause = rand_r(&seed) % 4000; pause > 0; pause--)
			atomic_signal_fence(memory_order_seq_cst);
		qc_close(holder);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		CU_ASSERT(first.err.kind == QC_OK || first.err.kind == QC_DEADLINE);
		GOOD(second);
		lost = qc_failed(second);
		qc_context_free(soon);
	}
	qc_context_free(long_enough);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

static void the_least_number_is_kept_idle_for_as_long_as_it_lives(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = qc_dial(f.address, .idle_timeout_ms = 20, .min_idle = 2);
	qc_client *one = qc_pin(c, ctx), *two = qc_pin(c, ctx);

	qc_close(one);
	qc_close(two);
	usleep(50000);
	one = qc_pin(c, ctx);
	two = qc_pin(c, ctx);
	GOOD(qc_incr(one, ctx, "k"));
	GOOD(qc_incr(two, ctx, "k"));
	CU_ASSERT_EQUAL(qc_pool_stats(c).stale, 0);
	CU_ASSERT_EQUAL(qc_pool_stats(c).misses, 2);
	qc_close(one);
	qc_close(two);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

static void idle_connections_are_closed_in_time(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = qc_dial(f.address, .idle_timeout_ms = 400, .min_idle = 1);
	qc_client *pins[4];

	for (int i = 0; i < 4; i++)
		pins[i] = qc_pin(c, ctx);
	for (int i = 0; i < 4; i++)
		qc_close(pins[i]);
	CU_ASSERT_EQUAL(qc_pool_stats(c).idle, 4);
	usleep(450000);
	GOOD(qc_set(c, ctx, "k", 1));
	CU_ASSERT(qc_pool_stats(c).idle <= 2);
	CU_ASSERT(qc_pool_stats(c).stale >= 2);
	qc_close(c);
	CU_ASSERT(fixture_stop(&f));
}

static void contexts_inherit_what_is_nearer(void)
{
	qc_context *far = qc_context_with_timeout(ctx, 3600000), *near = qc_context_with_timeout(far, 1);
	qc_context *child = qc_context_with_timeout(near, 3600000), *free_one = qc_context_with_cancel(far);

	usleep(2000);
	CU_ASSERT(qc_is(qc_context_err(near), QC_DEADLINE));
	CU_ASSERT(qc_is(qc_context_err(child), QC_DEADLINE));
	CU_ASSERT(qc_is(qc_context_err(far), QC_OK));
	qc_context_free(near);
	qc_context_free(child);
	qc_cancel(free_one);
	qc_cancel(free_one);
	CU_ASSERT(qc_is(qc_context_err(far), QC_OK));
	qc_context *late = qc_context_with_cancel(free_one);
	CU_ASSERT(qc_is(qc_context_err(late), QC_CANCELLED));
	qc_context *grandchild = qc_context_with_cancel(far);
	/* A parent may be freed first, which ends its children. */
	qc_context_free(far);
	CU_ASSERT(qc_is(qc_context_err(grandchild), QC_CANCELLED));
	qc_context_free(grandchild);
	qc_context_free(free_one);
	qc_context_free(late);
	CU_ASSERT(qc_is(qc_context_err(ctx), QC_OK));
}

static void *cancel_later(void *data)
{
	qc_cancel(data);
	return NULL;
}

/* Calls and cancellations in every order. Whatever wins, the client continues to work. */
static void cancelling_races_with_answers(void)
{
	struct fixture f = fixture_start("");

	for (int i = 0; i < 500; i++) {
		qc_context *life = qc_context_with_cancel(ctx);
		pthread_t thread;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel_later, life), 0);
		qc_string pong qc_auto = qc_ping(f.client, life);
		CU_ASSERT(pong.err.kind == QC_OK || pong.err.kind == QC_CANCELLED);
		pthread_join(thread, NULL);
		qc_context_free(life);
		GOOD(qc_incr(f.client, ctx, "k"));
	}
	qc_string k qc_auto = qc_get(f.client, ctx, "k");
	CU_ASSERT_EQUAL(atoi(k.data), 500);
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(threads_share_a_client),
	CASE(a_cancelled_call_returns_at_once),
	CASE(a_deadline_ends_a_call_and_the_client_serves_on),
	CASE(blocking_commands_end_with_their_context),
	CASE(a_full_pool_makes_callers_wait_for_so_long),
	CASE(newcomers_dont_overtake_who_waits_for_a_connection),
	CASE(a_waiter_that_gives_up_leaves_the_connection_to_the_next),
	CASE(idle_connections_are_closed_in_time),
	CASE(the_least_number_is_kept_idle_for_as_long_as_it_lives),
	CASE(contexts_inherit_what_is_nearer),
	CASE(cancelling_races_with_answers),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client threads", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

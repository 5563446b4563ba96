/*
 * Small versions of typical programs: cache-aside with a lock, a pool of workers, a pipeline of ten thousand commands, a scan of a million
 * keys. Others have tests of their own: loops on a watched key (call_test), subscriptions that reconnect (subscription_test), libev
 * (async_test), failover (fault_test), TLS (tls_test), hooks (call_test), fork (fork_test).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client_library/fixture.h"
#include "support/deadline.h"

static qc_context *ctx;

#define READERS 8

struct aside {
	qc_client *client;
	atomic_uint loads; /* number of reads from the slow source */
	atomic_uint wrong;
};

/* Only the holder of the lock may free it: the value names the holder. */
static qc_error unlock_if_mine(qc_client *tx, qc_context *context, qc_pipeline *queue, void *mine)
{
	qc_string holder qc_auto = qc_get(tx, context, "lock:user:7");

	if (!qc_failed(holder) && strcmp(holder.data, mine) == 0)
		qc_add(queue, "DEL", "lock:user:7");
	return qc_is(holder.err, QC_NIL) ? qc_errorf(QC_OK, "%s", "") : holder.err;
}

/* With the lock held. Another program may have loaded the value meanwhile. */
static void load(struct aside *aside, char *mine)
{
	if (qc_exists(aside->client, ctx, "user:7").value == 0) {
		aside->loads++;
		qc_set(aside->client, ctx, "user:7", "ann", .px = 600000);
	}
	qc_results r qc_auto_results = qc_watch(aside->client, ctx, unlock_if_mine, mine, "lock:user:7");
	aside->wrong += qc_failed(r);
}

/* The value from the cache. If there is none, loads it, or waits if another program is loading it. */
static void *read_aside(void *data)
{
	struct aside *aside = data;
	char mine[32];
	int64_t deadline = deadline_after(PATIENCE_MS);

	snprintf(mine, sizeof(mine), "%p", (void *)&mine);
	while (deadline_left_ms(deadline) > 0) {
		qc_string value qc_auto = qc_get(aside->client, ctx, "user:7");
		if (!qc_failed(value)) {
			aside->wrong += strcmp(value.data, "ann") != 0;
			return NULL;
		}
		if (!qc_failed(qc_set(aside->client, ctx, "lock:user:7", mine, .nx = true, .px = 600000)))
			load(aside, mine);
		else
			usleep(500);
	}
	aside->wrong++;
	return NULL;
}

static void a_value_beside_is_loaded_once_by_whom_holds_the_lock(void)
{
	struct fixture f = fixture_start("");
	struct aside aside = {.client = f.client};
	pthread_t threads[READERS];

	if (fixture_has(&f, "WATCH", "cache-aside with a lock")) {
		for (int i = 0; i < READERS; i++)
			CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, read_aside, &aside), 0);
		for (int i = 0; i < READERS; i++)
			pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(aside.wrong, 0);
		CU_ASSERT_EQUAL(aside.loads, 1);
		CU_ASSERT_EQUAL(qc_exists(f.client, ctx, "lock:user:7").value, 0);
	}
	CU_ASSERT(fixture_stop(&f));
}

#define JOBS 400

struct shift {
	qc_client *client;
	qc_context *life; /* cancelled when the work is done */
	atomic_int done[JOBS];
	atomic_uint finished, wrong;
};

static void *work(void *data)
{
	struct shift *shift = data;

	for (;;) {
		qc_string job qc_auto = qc_blmove(shift->client, shift->life, "jobs", "working", "RIGHT", "LEFT", 0);
		if (qc_failed(job)) {
			shift->wrong += !qc_is(job.err, QC_CANCELLED);
			return NULL;
		}
		shift->done[atoi(job.data)]++;
		shift->wrong += qc_lrem(shift->client, ctx, "working", 1, job.data).value != 1;
		if (++shift->finished == JOBS)
			qc_cancel(shift->life);
	}
}

static void workers_share_the_jobs_of_a_list_and_none_is_done_twice(void)
{
	struct fixture f = fixture_start("");
	struct shift shift = {.client = f.client, .life = qc_context_with_timeout(ctx, PATIENCE_MS * patience())};
	pthread_t threads[READERS];

	if (fixture_has(&f, "BLMOVE", "workers on a list")) {
		for (int i = 0; i < READERS; i++)
			CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, work, &shift), 0);
		for (int i = 0; i < JOBS; i++)
			GOOD(qc_lpush(f.client, ctx, "jobs", i));
		for (int i = 0; i < READERS; i++)
			pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(shift.wrong, 0);
		for (int i = 0; i < JOBS; i++)
			CU_ASSERT_EQUAL(shift.done[i], 1);
		CU_ASSERT_EQUAL(qc_llen(f.client, ctx, "working").value, 0);
	}
	qc_context_free(shift.life);
	CU_ASSERT(fixture_stop(&f));
}

static void ten_thousand_commands_go_as_one_pipeline(void)
{
	struct fixture f = fixture_start("");
	qc_pipeline *p = qc_pipeline_open(f.client);

	for (int i = 0; i < 10000; i++)
		CU_ASSERT_EQUAL(qc_add(p, i % 2 ? "INCR" : "SET", "k", i % 2 ? qc_arg("unused") : qc_arg(i)), (size_t)i);
	qc_results refused qc_auto_results = qc_run(p, ctx);
	size_t place;
	CU_ASSERT(qc_has_code(qc_results_err(&refused, &place), "ERR"));
	CU_ASSERT_EQUAL(place, 1);
	for (int i = 0; i < 5000; i++) {
		qc_add(p, "SET", "k", i);
		qc_add(p, "INCR", "k");
	}
	qc_results r qc_auto_results = qc_run(p, ctx);
	CU_ASSERT_EQUAL(qc_results_err(&r, NULL).kind, QC_OK);
	CU_ASSERT_EQUAL_FATAL(r.count, 10000);
	for (int i = 0; i < 5000; i++)
		CU_ASSERT_EQUAL(qc_results_int(&r, (size_t)(2 * i + 1)).value, i + 1);
	qc_pipeline_close(p);
	CU_ASSERT(fixture_stop(&f));
}

#define CHUNK 1000

static void fill(qc_client *c, int many)
{
	static char names[CHUNK][24];
	static qc_arg pairs[2 * CHUNK];

	for (int done = 0; done < many; done += CHUNK) {
		for (int i = 0; i < CHUNK; i++) {
			snprintf(names[i], sizeof(names[i]), "key:%d", done + i);
			pairs[2 * i] = qc_arg(names[i]);
			pairs[2 * i + 1] = qc_arg("v");
		}
		GOOD(qc_mset_call(c, ctx, (qc_args){pairs, 2 * CHUNK}));
	}
}

static void a_scan_of_a_million_keys_meets_each(void)
{
	/* Fewer in slow builds. */
	int many = 1000000 / (int)patience() / CHUNK * CHUNK;
	struct fixture f = fixture_start("");
	bool *seen = calloc((size_t)many, sizeof(*seen));
	int met = 0;

	fill(f.client, many);
	CU_ASSERT_EQUAL(qc_dbsize(f.client, ctx).value, many);
	qc_iterator *it = qc_iterate(f.client, .match = "key:*", .count = 5000);
	while (qc_advance(it, ctx)) {
		int index = atoi(it->data + 4);
		CU_ASSERT_FATAL(index >= 0 && index < many);
		met += !seen[index];
		seen[index] = true;
	}
	GOOD(*it);
	CU_ASSERT_EQUAL(met, many);
	qc_iterator_close(it);
	free(seen);
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(a_value_beside_is_loaded_once_by_whom_holds_the_lock),
	CASE(workers_share_the_jobs_of_a_list_and_none_is_done_twice),
	CASE(ten_thousand_commands_go_as_one_pipeline),
	CASE(a_scan_of_a_million_keys_meets_each),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client programs", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

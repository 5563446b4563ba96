/*
 * libqcache compared with hiredis on one server, in turns: requests per second and CPU time of the client, medians of the rounds, and the
 * median ratio. CPU time is meaningful even on a busy machine.
 *
 *	bench [ROUNDS [SECONDS]]
 *
 * QCACHE_TEST_PORT is the port of the server (tests/clients/with_server.py starts one).
 */
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "client/qcache.h"

#define DEPTH 64
#define KEYS 10000
#define THREADS_MAX 8
#define ROUNDS_MAX 51

static int port;
static char value[64];
static atomic_bool stop;

struct worker {
	qc_client *client; /* NULL: hiredis */
	size_t depth;      /* 0: no pipeline */
	uint64_t requests;
};

static void key_of(char *out, uint64_t i)
{
	snprintf(out, 24, "bench:%06u", (unsigned)(i * 7919 % KEYS));
}

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static void run_qcache(struct worker *w)
{
	qc_context *ctx = qc_background();
	qc_pipeline *pipeline = qc_pipeline_open(w->client);
	char key[24];

	for (uint64_t i = 0; !stop;) {
		if (w->depth == 0) {
			key_of(key, i++);
			qc_string got qc_auto = qc_must(qc_get(w->client, ctx, key));
			if (got.len != sizeof(value))
				die("a wrong value");
			w->requests++;
			continue;
		}
		for (size_t n = 0; n < w->depth; n++) {
			key_of(key, i++);
			if (i & 1)
				qc_add(pipeline, "SET", key, qc_bytes(value, sizeof(value)));
			else
				qc_add(pipeline, "GET", key);
		}
		qc_results results qc_auto_results = qc_must(qc_run(pipeline, ctx));
		w->requests += results.count;
	}
	qc_pipeline_close(pipeline);
}

static redisReply *checked(redisReply *reply)
{
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		die("hiredis failed");
	return reply;
}

static void run_hiredis(struct worker *w)
{
	redisContext *c = redisConnect("127.0.0.1", port);
	char key[24];

	if (!c || c->err)
		die("hiredis can't connect");
	for (uint64_t i = 0; !stop;) {
		const char *get[] = {"GET", key}, *set[] = {"SET", key, value};
		size_t lens[] = {3, 12, sizeof(value)};
		if (w->depth == 0) {
			key_of(key, i++);
			redisReply *reply = checked(redisCommandArgv(c, 2, get, lens));
			if (reply->len != sizeof(value))
				die("a wrong value");
			freeReplyObject(reply);
			w->requests++;
			continue;
		}
		for (size_t n = 0; n < w->depth; n++) {
			key_of(key, i++);
			if (i & 1)
				redisAppendCommandArgv(c, 3, set, lens);
			else
				redisAppendCommandArgv(c, 2, get, lens);
		}
		for (size_t n = 0; n < w->depth; n++) {
			void *reply = NULL;
			if (redisGetReply(c, &reply) != REDIS_OK)
				die("hiredis failed");
			freeReplyObject(checked(reply));
			w->requests++;
		}
	}
	redisFree(c);
}

static void *work(void *context)
{
	struct worker *w = context;

	if (w->client)
		run_qcache(w);
	else
		run_hiredis(w);
	return NULL;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct figures {
	double per_second, cpu_us; /* of all threads; of one request */
};

static double cpu_seconds(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static struct figures measure(qc_client *client, int threads, size_t depth, double seconds)
{
	struct worker workers[THREADS_MAX] = {0};
	pthread_t ids[THREADS_MAX];
	struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
	uint64_t total = 0;

	stop = false;
	double began = now(), cpu = cpu_seconds();
	for (int i = 0; i < threads; i++) {
		workers[i] = (struct worker){.client = client, .depth = depth};
		if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0)
			die("no thread");
	}
	nanosleep(&pause, NULL);
	stop = true;
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		total += workers[i].requests;
	}
	return (struct figures){(double)total / (now() - began), (cpu_seconds() - cpu) * 1e6 / (double)total};
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

static void cell(const char *name, qc_client *client, int threads, size_t depth, int rounds, double seconds)
{
	double rates[2][ROUNDS_MAX], cpus[2][ROUNDS_MAX], ratios[ROUNDS_MAX], cpu_ratios[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++) {
		struct figures ours, theirs;
		/* The order changes, so that no side profits from growth or fatigue. */
		if (i & 1)
			theirs = measure(NULL, threads, depth, seconds);
		ours = measure(client, threads, depth, seconds);
		if (!(i & 1))
			theirs = measure(NULL, threads, depth, seconds);
		rates[0][i] = ours.per_second;
		rates[1][i] = theirs.per_second;
		cpus[0][i] = ours.cpu_us;
		cpus[1][i] = theirs.cpu_us;
		ratios[i] = ours.per_second / theirs.per_second;
		cpu_ratios[i] = ours.cpu_us / theirs.cpu_us;
	}
	printf("%-26s libqcache %8.0f/s %6.2f us   hiredis %8.0f/s %6.2f us   ratio %.2f, of cpu %.2f\n", name,
	       median(rates[0], rounds), median(cpus[0], rounds), median(rates[1], rounds), median(cpus[1], rounds),
	       median(ratios, rounds), median(cpu_ratios, rounds));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *where = getenv("QCACHE_TEST_PORT");
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	double seconds = argc > 2 ? atof(argv[2]) : 1.0;
	char address[32], key[24];

	if (!where || rounds < 1 || rounds > ROUNDS_MAX || seconds <= 0)
		die("usage: QCACHE_TEST_PORT=PORT bench [ROUNDS [SECONDS]]");
	port = atoi(where);
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	qc_client *client qc_defer(qc_close) = qc_dial(address);
	memset(value, 'v', sizeof(value));
	for (uint64_t i = 0; i < KEYS; i++) {
		key_of(key, i);
		qc_must(qc_set(client, qc_background(), key, qc_bytes(value, sizeof(value))));
	}
	cell("1 thread", client, 1, 0, rounds, seconds);
	cell("1 thread, pipeline of 64", client, 1, DEPTH, rounds, seconds);
	cell("8 threads, one client", client, 8, 0, rounds, seconds);
	return 0;
}

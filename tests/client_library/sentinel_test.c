/*
 * Masters found by Sentinels: real ones of redis-server with a failover; then fakes.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/deadline.h"
#include "support/process.h"

static qc_context *ctx;

struct watch {
	struct server *master, *replica;
	char directory[64], address[64];
	pid_t sentinel;
};

static void start_sentinel(struct watch *w)
{
	char path[96], log[96];
	uint16_t port = free_port();

	scratch_create(w->directory, sizeof(w->directory));
	snprintf(path, sizeof(path), "%s/sentinel.conf", w->directory);
	snprintf(log, sizeof(log), "%s/log", w->directory);
	FILE *file = fopen(path, "w");
	if (!file)
		abort();
	fprintf(file, "port %u\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 %u 1\nsentinel down-after-milliseconds mymaster 60000\n",
		port, server_port(w->master));
	fclose(file);
	const char *argv[] = {server_program(), path, "--sentinel", NULL};
	w->sentinel = process_start(argv, log);
	/* The first Sentinel is down. */
	snprintf(w->address, sizeof(w->address), "127.0.0.1:1,127.0.0.1:%u", port);
}

/* Repeats until the reply is as wanted, or time is up. */
static bool await_sentinel(struct watch *w, const char *field, const char *value)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	qc_client *c = qc_dial(w->address, .lazy = true, .protocol = 2, .backoff_max_ms = 20);
	bool good = false;

	while (!good && deadline_left_ms(deadline) > 0) {
		qc_result told qc_auto = qc_do(c, ctx, "SENTINEL", "MASTER", "mymaster");
		const char *text = qc_reply_text(qc_reply_get(told.reply, field));
		good = text && strcmp(text, value) == 0;
		if (!good)
			usleep(20000);
	}
	qc_close(c);
	return good;
}

static bool watch_start(struct watch *w)
{
	if (!server_is_reference()) {
		printf("left out: Sentinels (the server is none)\n");
		return false;
	}
	w->master = server_start("%s", "");
	w->replica = server_start("--replicaof 127.0.0.1 %u", server_port(w->master));
	start_sentinel(w);
	CU_ASSERT(await_sentinel(w, "num-slaves", "1"));
	return true;
}

static void watch_stop(struct watch *w)
{
	process_kill(w->sentinel);
	CU_ASSERT(server_stop(&w->replica));
	CU_ASSERT(server_stop(&w->master));
	scratch_remove(w->directory);
}

/* FAILOVER needs a replica that has caught up. */
static bool fail_over(struct watch *w)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	qc_client *c = qc_dial(w->address, .protocol = 2);
	qc_status begun = {qc_errorf(QC_NETWORK, "not yet")};

	while (qc_failed(begun) && deadline_left_ms(deadline) > 0) {
		qc_result told qc_auto = qc_do(c, ctx, "SENTINEL", "FAILOVER", "mymaster");
		begun.err = told.err;
		if (qc_failed(begun))
			usleep(50000);
	}
	qc_close(c);
	char port[8];
	snprintf(port, sizeof(port), "%u", server_port(w->replica));
	return fixture_is_good(begun.err, __FILE__, __LINE__) && await_sentinel(w, "port", port);
}

/* The former master serves until it learns that it isn't master any more; what is written until then is lost. */
static bool comes_to_follow(qc_client *c)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (deadline_left_ms(deadline) > 0) {
		qc_status set = qc_set(c, ctx, "k", "after");
		if (!qc_failed(set) && qc_pool_stats(c).failovers == 1)
			return true;
		usleep(1000);
	}
	return false;
}

static void a_client_follows_its_master_through_a_failover(void)
{
	struct watch w;

	if (!watch_start(&w))
		return;
	qc_client *c = qc_dial(w.address, .sentinel = "mymaster", .backoff_max_ms = 50);
	GOOD(*c);
	GOOD(qc_set(c, ctx, "k", "before"));
	CU_ASSERT_EQUAL(qc_pool_stats(c).failovers, 0);
	CU_ASSERT(fail_over(&w));
	CU_ASSERT(comes_to_follow(c));
	/* The server that has the write. */
	char address[32];
	snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(w.replica));
	qc_client *direct = qc_dial(address);
	qc_string found qc_auto = qc_get(direct, ctx, "k");
	CU_ASSERT(!qc_failed(found) && strcmp(found.data, "after") == 0);
	qc_close(direct);
	qc_close(c);
	watch_stop(&w);
}

/* A Sentinel that names the port in *data, or no master if that is 0; a master that answers ":1", or READONLY on demand. */
static void name_master(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32], text[64], port[8];

	(void)fake, (void)number;
	while (fake_read(fd, word, sizeof(word))) {
		snprintf(port, sizeof(port), "%d", *(atomic_int *)data);
		snprintf(text, sizeof(text), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
		fake_send_text(fd, *(atomic_int *)data ? text : "*-1\r\n");
	}
}

static void answer_as_told(struct fake *fake, int fd, unsigned number, void *data)
{
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, *(const char *_Atomic *)data);
}

static void a_master_that_refuses_writes_is_asked_for_anew(void)
{
	atomic_int named = 0;
	const char *_Atomic first_says = ":1\r\n";
	const char *_Atomic second_says = ":2\r\n";
	struct fake *ignorant = fake_start(name_master, &(atomic_int){0}), *sentinel = fake_start(name_master, &named);
	struct fake *first = fake_start(answer_as_told, (void *)&first_says), *second = fake_start(answer_as_told, (void *)&second_says);
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%u,127.0.0.1:%u", fake_port(ignorant), fake_port(sentinel));
	/* No Sentinel knows it yet. */
	qc_client *c = qc_dial(address, .sentinel = "mymaster", .backoff_min_ms = 1, .backoff_max_ms = 4);
	FAILS(*c, QC_NETWORK);
	CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "does not know master \"mymaster\""));
	named = fake_port(first);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 1);
	named = fake_port(second);
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 1);
	first_says = "-READONLY replica\r\n";
	CU_ASSERT_EQUAL(qc_incr(c, ctx, "k").value, 2);
	CU_ASSERT_EQUAL(qc_pool_stats(c).failovers, 1);
	qc_close(c);
	c = qc_dial(address, .sentinel_password = "x");
	FAILS(*c, QC_INVALID);
	qc_close(c);
	fake_stop(&first);
	fake_stop(&second);
	fake_stop(&sentinel);
	fake_stop(&ignorant);
}

static const struct suite_case cases[] = {
	CASE(a_client_follows_its_master_through_a_failover),
	CASE(a_master_that_refuses_writes_is_asked_for_anew),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client Sentinels", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

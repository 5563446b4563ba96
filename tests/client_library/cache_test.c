/*
 * Client-side caching: what is kept, what ends it, and that no outdated value is read.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"
#include "support/deadline.h"
#include "support/process.h"

static qc_context *ctx;

/* Whether the server has what a cache needs. */
static bool has_tracking(struct fixture *f)
{
	qc_client *pinned = qc_pin(f->client, ctx);
	qc_result answer qc_auto = qc_do(pinned, ctx, "CLIENT", "TRACKING", "ON", "BCAST");

	qc_close(pinned);
	if (qc_failed(answer))
		printf("left out: client-side caching (%s)\n", answer.err.text);
	return !qc_failed(answer);
}

static bool reads(qc_cache *cache, const char *key, const char *value)
{
	qc_result r qc_auto = qc_cache_do(cache, ctx, "GET", key);
	const char *text = qc_reply_text(r.reply);

	return !qc_failed(r) && (value ? text && strcmp(text, value) == 0 : !text);
}

/* The server reports a change a little after it has answered the writer. */
static bool comes_to_read(qc_cache *cache, const char *key, const char *value)
{
	int64_t deadline = deadline_after(PATIENCE_MS);

	while (!reads(cache, key, value))
		if (deadline_left_ms(deadline) == 0)
			return false;
	return true;
}

static void a_read_is_kept_until_its_key_changes(void)
{
	struct fixture f = fixture_start("");

	if (has_tracking(&f)) {
		qc_client *c = qc_dial(f.address, .pool_size = 1);
		qc_cache *cache = qc_cache_open(c, ctx, NULL);
		GOOD(*cache);
		GOOD(qc_set(f.client, ctx, "k", "one"));
		CU_ASSERT(comes_to_read(cache, "k", "one"));
		uint64_t misses = qc_cache_counts(cache).misses;
		for (int i = 0; i < 100; i++)
			CU_ASSERT(reads(cache, "k", "one"));
		CU_ASSERT(qc_cache_counts(cache).misses - misses <= 1);
		GOOD(qc_set(f.client, ctx, "k", "two"));
		CU_ASSERT(comes_to_read(cache, "k", "two"));
		CU_ASSERT(qc_cache_counts(cache).invalidations >= 1);
		/* An absent key is cached, too. */
		CU_ASSERT(comes_to_read(cache, "none", NULL));
		qc_cache_forget(cache, qc_arg("k"));
		CU_ASSERT(reads(cache, "k", "two"));
		qc_string length qc_auto = qc_echo(c, ctx, "the pool's one connection is free");
		GOOD(length);
		qc_cache_close(cache);
		qc_close(c);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void trees_and_several_reads_of_a_key_are_kept(void)
{
	struct fixture f = fixture_start("");

	if (has_tracking(&f) && fixture_has(&f, "HGETALL", "trees in the cache")) {
		qc_cache *cache = qc_cache_open(f.client, ctx, NULL);
		qc_hset(f.client, ctx, "h", "f", 1, "g", "two");
		int64_t deadline = deadline_after(PATIENCE_MS);
		while (qc_cache_counts(cache).invalidations == 0 && deadline_left_ms(deadline) > 0)
			usleep(1000);
		for (int i = 0; i < 3; i++) {
			qc_result all qc_auto = qc_cache_do(cache, ctx, "HGETALL", "h"), one qc_auto = qc_cache_do(cache, ctx, "hget", "h", "f");
			CU_ASSERT_STRING_EQUAL(qc_reply_text(qc_reply_get(all.reply, "g")), "two");
			CU_ASSERT_EQUAL(qc_reply_int(one.reply), 1);
		}
		CU_ASSERT_EQUAL(qc_cache_counts(cache).hits, 4);
		CU_ASSERT_EQUAL(qc_cache_counts(cache).keys, 1);
		qc_cache_close(cache);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void the_cache_is_bounded_in_bytes(void)
{
	struct fixture f = fixture_start("");

	if (has_tracking(&f)) {
		qc_cache *cache = qc_cache_open(f.client, ctx, &(qc_cache_options){.max_bytes = 20000});
		char large[4000] = "";
		for (int i = 0; i < 200; i++) {
			char key[24];
			snprintf(key, sizeof(key), "none:%d", i);
			CU_ASSERT(reads(cache, key, NULL));
			CU_ASSERT(qc_cache_counts(cache).bytes <= 20000);
		}
		CU_ASSERT(qc_cache_counts(cache).evictions > 0 && qc_cache_counts(cache).keys > 10);
		/* A reply that doesn't fit at all is not kept. */
		memset(large, 'x', sizeof(large) - 1);
		for (int i = 0; i < 6; i++)
			GOOD(qc_append(f.client, ctx, "large", large));
		for (int i = 0; i < 2; i++) {
			qc_result r qc_auto = qc_cache_do(cache, ctx, "GET", "large");
			CU_ASSERT_EQUAL(qc_reply_len(r.reply), 6 * (sizeof(large) - 1));
		}
		CU_ASSERT(qc_cache_counts(cache).bytes <= 20000);
		qc_cache_close(cache);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void only_reads_of_one_key_are_taken(void)
{
	struct fixture f = fixture_start("");
	qc_cache *cache = qc_cache_open(f.client, ctx, NULL);
	const qc_args wrong[] = {QC_LIST("SET", "k", "v"), QC_LIST("MGET", "a", "b"), QC_LIST("TTL", "k"), QC_LIST("GET"), QC_LIST("PING"),
				 QC_LIST("SRANDMEMBER", "s"), QC_LIST("NO-SUCH", "k"), QC_LIST()};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		FAILS(qc_cache_do_args(cache, ctx, wrong[i]), QC_INVALID);
	qc_cache_close(cache);
	qc_client *pinned = qc_pin(f.client, ctx);
	cache = qc_cache_open(pinned, ctx, NULL);
	FAILS(*cache, QC_INVALID);
	qc_cache_close(cache);
	qc_close(pinned);
	qc_cache_close(NULL);
	CU_ASSERT(fixture_stop(&f));
}

static void a_lost_connection_empties_the_cache_and_is_made_anew(void)
{
	struct fixture f = fixture_start("");

	if (has_tracking(&f)) {
		qc_client *c = qc_dial(f.address, .backoff_min_ms = 1, .backoff_max_ms = 4);
		qc_cache *cache = qc_cache_open(c, ctx, NULL);
		GOOD(qc_set(f.client, ctx, "k", "one"));
		CU_ASSERT(comes_to_read(cache, "k", "one"));
		uint64_t flushes = qc_cache_counts(cache).flushes;
		qc_result killed qc_auto = qc_client_kill(f.client, ctx, "TYPE", "normal", "SKIPME", "yes");
		GOOD(killed);
		/* Once when the connection is lost, and once when it is back. */
		int64_t deadline = deadline_after(PATIENCE_MS);
		while (qc_cache_counts(cache).flushes < flushes + 2 && deadline_left_ms(deadline) > 0)
			usleep(1000);
		CU_ASSERT(qc_cache_counts(cache).flushes >= flushes + 2);
		GOOD(qc_set(f.client, ctx, "k", "two"));
		CU_ASSERT(comes_to_read(cache, "k", "two"));
		CU_ASSERT(comes_to_read(cache, "k", "two"));
		qc_cache_close(cache);
		qc_close(c);
	}
	CU_ASSERT(fixture_stop(&f));
}

/* Answers CLIENT TRACKING, and GET only after the cache has been told of a change. */
struct race {
	atomic_int tracker; /* the socket */
	qc_cache *_Atomic cache;
};

struct served {
	int fd;
	struct race *race;
};

static void *serve(void *data)
{
	struct served *s = data;
	char word[32];

	while (fake_read(s->fd, word, sizeof(word))) {
		if (strcmp(word, "client") == 0) {
			s->race->tracker = s->fd;
			fake_send_text(s->fd, "+OK\r\n");
		} else if (strcmp(word, "hello") == 0) {
			fake_send_text(s->fd, "%1\r\n$5\r\nproto\r\n:3\r\n");
		} else {
			uint64_t heard = qc_cache_counts(s->race->cache).invalidations;
			int64_t deadline = deadline_after(PATIENCE_MS);
			fake_send_text(s->race->tracker, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
			while (qc_cache_counts(s->race->cache).invalidations == heard && deadline_left_ms(deadline) > 0)
				usleep(1000);
			fake_send_text(s->fd, "$3\r\nold\r\n");
		}
	}
	close(s->fd);
	free(s);
	return NULL;
}

/* One thread per connection: a cache needs two at once. */
static void serve_aside(struct fake *fake, int fd, unsigned number, void *data)
{
	struct served *s = malloc(sizeof(*s));
	pthread_t thread;

	(void)fake, (void)number;
	*s = (struct served){dup(fd), data};
	if (pthread_create(&thread, NULL, serve, s) != 0 || pthread_detach(thread) != 0)
		abort();
}

static void a_reply_that_was_overtaken_by_a_change_isnt_kept(void)
{
	struct race race = {.tracker = -1};
	struct fake *fake = fake_start(serve_aside, &race);
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(fake));
	qc_client *c = qc_dial(address);
	qc_cache *cache = qc_cache_open(c, ctx, NULL);
	GOOD(*cache);
	race.cache = cache;
	for (int i = 0; i < 3; i++)
		CU_ASSERT(reads(cache, "k", "old"));
	CU_ASSERT_EQUAL(qc_cache_counts(cache).hits, 0);
	CU_ASSERT_EQUAL(qc_cache_counts(cache).invalidations, 3);
	qc_cache_close(cache);
	qc_close(c);
	fake_stop(&fake);
}

static void without_tracking_calls_go_through(void)
{
	struct fixture f = fixture_start("");
	qc_context *ended = qc_context_with_cancel(ctx);

	qc_cancel(ended);
	qc_cache *cache = qc_cache_open(f.client, ended, NULL);
	FAILS(*cache, QC_CANCELLED);
	GOOD(qc_set(f.client, ctx, "k", "v"));
	CU_ASSERT(reads(cache, "k", "v"));
	qc_cache_close(cache);
	qc_context_free(ended);
	CU_ASSERT(fixture_stop(&f));
}

/* The allocator of the address sanitizer does not survive a fork() while another thread, here the cache's, allocates. */
#ifndef __SANITIZE_ADDRESS__
static void a_child_keeps_nothing(void)
{
	struct fixture f = fixture_start("");
	qc_cache *cache = qc_cache_open(f.client, ctx, NULL);
	int status = -1;

	GOOD(qc_set(f.client, ctx, "k", "v"));
	CU_ASSERT(comes_to_read(cache, "k", "v"));
	pid_t child = fork();
	if (child == 0) {
		bool good = reads(cache, "k", "v") && qc_cache_counts(cache).keys == 0;
		qc_cache_close(cache);
		qc_close(f.client);
		_exit(good ? 0 : 1);
	}
	CU_ASSERT(process_wait(child, PATIENCE_MS, &status));
	CU_ASSERT_EQUAL(status, 0);
	qc_cache_close(cache);
	CU_ASSERT(fixture_stop(&f));
}
#endif

struct readers {
	qc_cache *cache;
	atomic_bool over;
	atomic_uint wrong;
};

/* A value never goes back to an older one. */
static void *read_on(void *data)
{
	struct readers *readers = data;

	for (int64_t seen = 0; !readers->over;) {
		qc_result r qc_auto = qc_cache_do(readers->cache, ctx, "GET", "n");
		int64_t now = qc_reply_int(r.reply);
		readers->wrong += qc_failed(r) || now < seen;
		seen = now;
	}
	return NULL;
}

static void many_readers_never_see_a_value_go_back(void)
{
	struct fixture f = fixture_start("");
	struct readers readers = {.over = false};
	pthread_t threads[4];

	readers.cache = qc_cache_open(f.client, ctx, NULL);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, read_on, &readers), 0);
	for (int i = 1; i <= 300; i++)
		GOOD(qc_set(f.client, ctx, "n", i));
	CU_ASSERT(comes_to_read(readers.cache, "n", "300"));
	readers.over = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(readers.wrong, 0);
	qc_cache_close(readers.cache);
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(a_read_is_kept_until_its_key_changes),
	CASE(trees_and_several_reads_of_a_key_are_kept),
	CASE(the_cache_is_bounded_in_bytes),
	CASE(only_reads_of_one_key_are_taken),
	CASE(a_lost_connection_empties_the_cache_and_is_made_anew),
	CASE(a_reply_that_was_overtaken_by_a_change_isnt_kept),
	CASE(without_tracking_calls_go_through),
#ifndef __SANITIZE_ADDRESS__
	CASE(a_child_keeps_nothing),
#endif
	CASE(many_readers_never_see_a_value_go_back),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client cache", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

/*
 * A thread holds a connection on which the server reports changed keys, and invalidates them in the store. The store is open, and keeps
 * replies, only while that connection is up.
 */
#include <pthread.h>
#include <stdlib.h>

#include "client/client.h"
#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/store.h"
#include "client/table.h"
#include "client/typed.h"

#define DEFAULT_BYTES (16 << 20)
/* After this silence a PING is sent; after as much again the connection is given up. */
#define SILENCE_MS 30000

struct cache {
	qc_cache handle;
	qc_client *client;
	struct store *store;
	struct buffer tracking; /* the CLIENT TRACKING command */
	struct conn *conn;      /* the thread's connection; NULL while there is none */
	qc_context *life;
	pthread_t thread;
	bool has_thread; /* otherwise nothing is kept, because of handle.err */
	unsigned generation;
};

static struct cache no_cache = {.handle.err = {.kind = QC_NO_MEMORY, .text = "out of memory"}};

/* The thread */

/* Handles ">2 invalidate [key ...]"; a null instead of the keys means all. */
static void take_push(struct cache *cache, const qc_reply *push)
{
	const char *what = qc_reply_text(qc_reply_at(push, 0));
	const qc_reply *keys = qc_reply_at(push, 1);

	if (!what || strcmp(what, "invalidate") != 0)
		return;
	if (qc_reply_type(keys) == QC_NULL)
		store_forget(cache->store, NULL);
	for (size_t i = 0; i < qc_reply_count(keys); i++) {
		const qc_reply *key = qc_reply_at(keys, i);
		qc_arg name = qc_bytes(qc_reply_text(key), qc_reply_len(key));
		store_forget(cache->store, &name);
	}
}

static struct pool *pool_of(struct cache *cache)
{
	return client_of(cache->client)->pool;
}

/* Opens a connection outside the pool, on which the server reports changes. */
static qc_error begin_tracking(struct cache *cache, qc_context *context)
{
	struct pool *pool = pool_of(cache);
	int64_t deadline_ns = deadline_after_ms(pool->settings.timeout_ms);
	struct resp_reply *reply = NULL;
	qc_error err = pool_dial(pool, context, &cache->conn);

	if (err.kind == QC_OK)
		err = conn_send(cache->conn, context, deadline_ns, cache->tracking.data, cache->tracking.len);
	if (err.kind == QC_OK)
		err = conn_reply(cache->conn, context, deadline_ns, &reply);
	if (err.kind == QC_OK)
		err = qc_reply_err(reply_public(reply));
	resp_reply_free(reply);
	if (err.kind == QC_OK)
		store_set_open(cache->store, true);
	return err;
}

static qc_error ping(struct cache *cache)
{
	qc_error err = request_write(&cache->conn->out, QC_LIST("PING"));

	if (err.kind == QC_OK)
		err = conn_send(cache->conn, cache->life, deadline_after_ms(SILENCE_MS), cache->conn->out.data, cache->conn->out.len);
	cache->conn->out.len = 0;
	return err;
}

/* Reads until the connection is lost or the cache is closed. */
static void listen_for_changes(struct cache *cache)
{
	for (bool pinged = false;;) {
		struct resp_reply *next;
		qc_error err = conn_next(cache->conn, cache->life, deadline_after_ms(SILENCE_MS), &next);
		if (err.kind == QC_OK) {
			pinged = false;
			if (next->type == RESP_TYPE_PUSH)
				take_push(cache, reply_public(next));
			resp_reply_free(next);
		} else if (err.kind != QC_TIMEOUT || pinged || ping(cache).kind != QC_OK) {
			return;
		} else {
			pinged = true;
		}
	}
}

static void end_tracking(struct cache *cache)
{
	store_set_open(cache->store, false);
	conn_close(&cache->conn);
}

static void *run(void *context)
{
	struct cache *cache = context;

	for (int attempt = 1; qc_context_err(cache->life).kind == QC_OK;) {
		qc_error err = cache->conn ? no_error() : begin_tracking(cache, cache->life);
		if (err.kind == QC_OK) {
			attempt = 1;
			listen_for_changes(cache);
		}
		end_tracking(cache);
		if (back_off(&pool_of(cache)->settings, cache->life, attempt++).kind != QC_OK)
			break;
	}
	return NULL;
}

/* The public functions */

static qc_error write_tracking(struct cache *cache, qc_args prefixes)
{
	qc_arg space[ROOM];
	struct words w = words_begin(space, 4 + 2 * prefixes.count);

	word(&w, "CLIENT");
	word(&w, "TRACKING");
	word(&w, "ON");
	word(&w, "BCAST");
	for (size_t i = 0; i < prefixes.count; i++) {
		word(&w, "PREFIX");
		put(&w, prefixes.items[i]);
	}
	qc_error err = w.items ? request_write(&cache->tracking, (qc_args){w.items, w.count}) : error_no_memory();
	words_end(&w);
	return err;
}

static qc_error prepare(struct cache *cache, const qc_cache_options *options)
{
	struct client *client = client_of(cache->client);
	qc_error err = client_err(client);

	if (err.kind != QC_OK)
		return err;
	if (client->pool->cluster)
		return qc_errorf(QC_INVALID, "caches do not support clusters");
	if (client->is_pinned || client->pool->settings.protocol != 3)
		return qc_errorf(QC_INVALID, "a cache needs RESP3 and a client that is not pinned");
	pool_enter(client->pool);
	cache->generation = client->pool->generation;
	cache->store = store_create(options->max_bytes ? options->max_bytes : DEFAULT_BYTES);
	cache->life = qc_context_with_cancel(qc_background());
	if (!cache->store)
		return error_no_memory();
	err = qc_context_err(cache->life);
	return err.kind == QC_OK ? write_tracking(cache, options->prefixes) : err;
}

static qc_error start(struct cache *cache, qc_context *context)
{
	qc_error err = begin_tracking(cache, context);

	if (err.kind != QC_OK)
		end_tracking(cache);
	int number = pthread_create(&cache->thread, NULL, run, cache);
	cache->has_thread = number == 0;
	return number ? error_errno(QC_NO_MEMORY, number, "starting a thread") : err;
}

qc_cache *qc_cache_open(qc_client *client, qc_context *context, const qc_cache_options *options)
{
	static const qc_cache_options defaults = {.max_bytes = 0};
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return &no_cache.handle;
	cache->client = client;
	cache->handle.err = prepare(cache, options ? options : &defaults);
	if (!qc_failed(cache->handle))
		cache->handle.err = start(cache, context);
	return &cache->handle;
}

/* A forked child has no thread, what was kept may be outdated, and locks may be held forever. */
static bool is_elsewhere(struct cache *cache)
{
	return pool_check_generation(pool_of(cache), cache->generation, "the cache").kind != QC_OK;
}

void qc_cache_close(qc_cache *handle)
{
	struct cache *cache = (struct cache *)handle;

	if (!cache || cache == &no_cache)
		return;
	if (cache->has_thread && is_elsewhere(cache)) {
		conn_disown(&cache->conn);
		free(cache);
		return;
	}
	if (cache->has_thread) {
		qc_cancel(cache->life);
		pthread_join(cache->thread, NULL);
	}
	conn_close(&cache->conn);
	store_destroy(&cache->store);
	if (cache->life)
		qc_context_free(cache->life);
	buffer_fini(&cache->tracking);
	free(cache);
}

static qc_result ask(struct cache *cache, qc_context *context, qc_args args, const struct buffer *command)
{
	struct ticket ticket;
	struct resp_reply *kept = store_find(cache->store, args.items[1], command->data, command->len, &ticket);

	if (kept)
		return (qc_result){.err = no_error(), .reply = reply_public(kept)};
	qc_result result = qc_do_args(cache->client, context, args);
	store_put(cache->store, &ticket, command->data, command->len, reply_of(result.reply));
	return result;
}

qc_result qc_cache_do_args(qc_cache *handle, qc_context *context, qc_args args)
{
	struct cache *cache = (struct cache *)handle;
	struct buffer command = {.data = NULL};
	qc_result result = {.err = qc_context_err(context), .reply = NULL};

	if (cache == &no_cache)
		result.err = handle->err;
	else if (!(request_flags(args) & COMMAND_IS_CACHEABLE) || args.count < 2)
		result.err = qc_errorf(QC_INVALID, "only reads of one key can be cached");
	if (qc_failed(result))
		return result;
	if (!cache->has_thread || is_elsewhere(cache))
		return qc_do_args(cache->client, context, args);
	result.err = request_write(&command, args);
	if (!qc_failed(result))
		result = ask(cache, context, args, &command);
	buffer_fini(&command);
	return result;
}

void qc_cache_forget(qc_cache *handle, qc_arg key)
{
	struct cache *cache = (struct cache *)handle;

	if (cache->has_thread && !arg_is_missing(&key) && !is_elsewhere(cache))
		store_forget(cache->store, &key);
}

qc_cache_stats qc_cache_counts(qc_cache *handle)
{
	struct cache *cache = (struct cache *)handle;

	return cache->has_thread && !is_elsewhere(cache) ? store_stats(cache->store) : (qc_cache_stats){0};
}

/*
 * Taking: the connection that was used last, if it still lives; else a new one, if there is room; else a wait for either. A place
 * is counted (`total`) before its connection is dialled, so that the limit holds while the lock is free.
 *
 * Whatever becomes free is handed to the first in the line under the same lock: it can't be overtaken, and when it leaves
 * all the same, it passes on what it was handed.
 */
#include "client/pool.h"

#include <stdlib.h>

#include "client/error.h"

/* A connection that has rested for longer is looked at before it is used: a server may have closed it meanwhile. */
#define TRUSTED_NS 1000000

qc_error pool_create(struct settings *settings, struct pool **out_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	qc_error err = no_error();

	if (!pool) {
		settings_fini(settings);
		return error_no_memory();
	}
	pool->settings = *settings;
	pool->holders = 1;
	pthread_mutex_init(&pool->lock, NULL);
	pool->last = &pool->first;
	for (size_t i = 0; err.kind == QC_OK && i < settings->address_count; i++)
		if (settings->addresses[i].is_tls && !pool->tls)
			err = tls_context_create(&pool->settings, &pool->tls);
	if (err.kind != QC_OK)
		pool_let_go(pool);
	else
		*out_pool = pool;
	return err;
}

void pool_hold(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->holders++;
	pthread_mutex_unlock(&pool->lock);
}

static void close_list(struct conn *list)
{
	while (list) {
		struct conn *older = list->older;
		conn_close(&list);
		list = older;
	}
}

void pool_let_go(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	bool last = --pool->holders == 0;
	pthread_mutex_unlock(&pool->lock);
	if (!last)
		return;
	close_list(pool->newest);
	tls_context_destroy(&pool->tls);
	settings_fini(&pool->settings);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static void unlink_idle(struct pool *pool, struct conn *conn)
{
	*(conn->newer ? &conn->newer->older : &pool->newest) = conn->older;
	*(conn->older ? &conn->older->newer : &pool->oldest) = conn->newer;
	conn->newer = conn->older = NULL;
	pool->idle--;
}

static bool is_expired(const struct pool *pool, const struct conn *conn, int64_t now_ns)
{
	int64_t limit_ms = pool->settings.idle_timeout_ms;

	return limit_ms >= 0 && now_ns - conn->idle_since_ns > limit_ms * 1000000;
}

/* Takes an idle connection or (NULL) a place for a new one; false when there is neither. */
static bool grab(struct pool *pool, int64_t now_ns, struct conn **out_conn)
{
	struct conn *conn = pool->newest;

	if (!conn && pool->total >= (size_t)pool->settings.pool_size)
		return false;
	*out_conn = conn;
	if (!conn) {
		pool->total++;
		pool->stats.misses++;
		return true;
	}
	unlink_idle(pool, conn);
	bool in_use = conn->address_index == pool->address_index, is_spare = pool->idle >= (size_t)pool->settings.min_idle;
	pool->stats.hits += in_use;
	conn->is_unwanted = !in_use || (is_spare && is_expired(pool, conn, now_ns));
	return true;
}

/* The line */

struct pool_waiter {
	struct context_waiter waiter;
	struct pool *pool;
	struct pool_waiter *next, **link;
	pthread_cond_t woken;
	struct conn *conn; /* what it was handed; NULL for a place */
	bool is_served;
};

static void wake_waiter(struct context_waiter *waiter)
{
	struct pool_waiter *w = (struct pool_waiter *)waiter;

	pthread_mutex_lock(&w->pool->lock);
	pthread_cond_signal(&w->woken);
	pthread_mutex_unlock(&w->pool->lock);
}

static void stand_in_line(struct pool *pool, struct pool_waiter *w)
{
	w->next = NULL;
	w->link = pool->last;
	*pool->last = w;
	pool->last = &w->next;
}

static void leave_line(struct pool *pool, struct pool_waiter *w)
{
	*w->link = w->next;
	*(w->next ? &w->next->link : &pool->last) = w->link;
}

/* To be called, under the lock, after anything has become free. */
static void serve_line(struct pool *pool, int64_t now_ns)
{
	while (pool->first && !pool->closed && grab(pool, now_ns, &pool->first->conn)) {
		struct pool_waiter *w = pool->first;
		leave_line(pool, w);
		w->is_served = true;
		pthread_cond_signal(&w->woken);
	}
}

void pool_close(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	struct conn *list = pool->newest;
	pool->newest = pool->oldest = NULL;
	pool->total -= pool->idle;
	pool->idle = 0;
	pool->closed = true;
	for (struct pool_waiter *w = pool->first; w; w = w->next)
		pthread_cond_signal(&w->woken);
	pthread_mutex_unlock(&pool->lock);
	close_list(list);
}

static qc_error error_closed(void)
{
	return qc_errorf(QC_CLOSED, "the client is closed");
}

/* Under the lock, and in the context's list: until it is served. */
static qc_error await_turn(struct pool *pool, qc_context *context, struct pool_waiter *w)
{
	int64_t limit_ns = deadline_after_ms(pool->settings.pool_timeout_ms);
	int64_t until = context_deadline_ns(context) < limit_ns ? context_deadline_ns(context) : limit_ns;
	struct timespec moment = {until / 1000000000, until % 1000000000};
	int late = 0;

	pool->stats.waits++;
	stand_in_line(pool, w);
	while (!w->is_served && !pool->closed && !late && qc_context_err(context).kind == QC_OK)
		late = pthread_cond_clockwait(&w->woken, &pool->lock, CLOCK_MONOTONIC, &moment);
	if (w->is_served)
		return no_error();
	leave_line(pool, w);
	if (pool->closed)
		return error_closed();
	qc_error err = qc_context_err(context);
	pool->stats.timeouts += err.kind == QC_OK;
	return err.kind != QC_OK ? err : qc_errorf(QC_TIMEOUT, "all %zu connections of the pool are busy", pool->total);
}

/* A place, by the count alone, is given up. */
static void give_place(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->total--;
	serve_line(pool, monotonic_ns());
	pthread_mutex_unlock(&pool->lock);
}

static qc_error wait_for_place(struct pool *pool, qc_context *context, struct conn **out_conn)
{
	struct pool_waiter w = {.waiter.wake = wake_waiter, .pool = pool, .woken = PTHREAD_COND_INITIALIZER};
	qc_error err = no_error();

	if (!context_join(context, &w.waiter))
		return qc_context_err(context);
	pthread_mutex_lock(&pool->lock);
	/* Something may have become free meanwhile. */
	if (pool->closed || !grab(pool, monotonic_ns(), &w.conn))
		err = await_turn(pool, context, &w);
	pthread_mutex_unlock(&pool->lock);
	context_leave(context, &w.waiter);
	pthread_cond_destroy(&w.woken);
	if (err.kind == QC_OK && (err = qc_context_err(context)).kind != QC_OK) {
		if (w.conn)
			pool_give(pool, w.conn);
		else
			give_place(pool);
	}
	*out_conn = w.conn;
	return err;
}

qc_error pool_dial(struct pool *pool, qc_context *context, struct conn **out_conn)
{
	const struct settings *settings = &pool->settings;
	qc_error err = no_error();

	pthread_mutex_lock(&pool->lock);
	size_t first = pool->address_index;
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < settings->address_count; i++) {
		size_t index = (first + i) % settings->address_count;
		err = conn_open(settings, pool->tls, index, context, out_conn);
		if (err.kind == QC_OK && i > 0)
			pool_fail_over(pool, first, index);
		if (err.kind == QC_OK || err.kind == QC_CANCELLED || err.kind == QC_DEADLINE)
			break;
	}
	return err;
}

static bool is_fit(struct conn *conn, int64_t now_ns)
{
	return !conn->is_unwanted && (now_ns - conn->idle_since_ns < TRUSTED_NS || conn_is_alive(conn));
}

/* Closes an idle one that isn't fit, and takes another, or keeps its place (NULL). */
static void exchange(struct pool *pool, int64_t now_ns, struct conn **conn)
{
	conn_close(conn);
	pthread_mutex_lock(&pool->lock);
	pool->total--;
	pool->stats.stale++;
	grab(pool, now_ns, conn);
	pthread_mutex_unlock(&pool->lock);
}

static void count(struct pool *pool, uint64_t *counter)
{
	pthread_mutex_lock(&pool->lock);
	(*counter)++;
	pthread_mutex_unlock(&pool->lock);
}

/* At once, or after a wait. */
static qc_error take_place(struct pool *pool, qc_context *context, int64_t now_ns, struct conn **out_conn)
{
	pthread_mutex_lock(&pool->lock);
	bool closed = pool->closed, grabbed = !closed && grab(pool, now_ns, out_conn);
	pthread_mutex_unlock(&pool->lock);
	if (closed)
		return error_closed();
	return grabbed ? no_error() : wait_for_place(pool, context, out_conn);
}

qc_error pool_take(struct pool *pool, qc_context *context, struct conn **out_conn)
{
	int64_t now_ns = monotonic_ns();
	qc_error err = qc_context_err(context);

	if (err.kind == QC_OK)
		err = take_place(pool, context, now_ns, out_conn);
	if (err.kind != QC_OK)
		return err;
	while (*out_conn && !is_fit(*out_conn, now_ns))
		exchange(pool, now_ns, out_conn);
	if (*out_conn)
		return err;
	err = pool_dial(pool, context, out_conn);
	if (err.kind != QC_OK)
		give_place(pool);
	return err;
}

/* Cuts off what has been idle for too long, to be closed outside the lock. */
static struct conn *expire(struct pool *pool, int64_t now_ns)
{
	struct conn *list = NULL;

	while (pool->oldest && pool->idle > (size_t)pool->settings.min_idle && is_expired(pool, pool->oldest, now_ns)) {
		struct conn *conn = pool->oldest;
		unlink_idle(pool, conn);
		pool->total--;
		pool->stats.stale++;
		conn->older = list;
		list = conn;
	}
	return list;
}

void pool_give(struct pool *pool, struct conn *conn)
{
	struct conn *list = NULL;
	int64_t now_ns = monotonic_ns();

	pthread_mutex_lock(&pool->lock);
	bool keep = !conn->broken && !conn->is_dirty && !pool->closed && conn->address_index == pool->address_index;
	if (keep) {
		conn->idle_since_ns = now_ns;
		conn->newer = NULL;
		conn->older = pool->newest;
		*(pool->newest ? &pool->newest->newer : &pool->oldest) = conn;
		pool->newest = conn;
		pool->idle++;
		list = expire(pool, now_ns);
	} else {
		pool->total--;
		pool->stats.broken += conn->broken;
	}
	serve_line(pool, now_ns);
	pthread_mutex_unlock(&pool->lock);
	if (!keep)
		conn_close(&conn);
	close_list(list);
}

void pool_fail_over(struct pool *pool, size_t from, size_t to)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->address_index == from) {
		pool->address_index = to;
		pool->stats.failovers++;
	}
	pthread_mutex_unlock(&pool->lock);
}

void pool_count_retry(struct pool *pool)
{
	count(pool, &pool->stats.retries);
}

qc_stats pool_stats(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	qc_stats stats = pool->stats;
	stats.total = pool->total;
	stats.idle = pool->idle;
	pthread_mutex_unlock(&pool->lock);
	return stats;
}

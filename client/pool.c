/*
 * Taking a connection: the most recently used idle one, if it is still alive; otherwise a new one, if there is room; otherwise wait. A
 * place is counted (`total`) before dialling, so that the limit holds although the lock is released.
 *
 * What becomes free is handed to the first waiter under the same lock, so nobody can overtake it. A waiter that leaves nevertheless passes
 * on what it was handed.
 */
#include "client/pool.h"

#include <stdlib.h>

#include "client/cluster.h"
#include "client/error.h"
#include "client/sentinel.h"

/* A connection that has been idle for longer is checked before use: the server may have closed it. */
#define TRUSTED_NS 1000000

/* Takes the settings over, also on failure. */
static struct pool *pool_alloc(struct settings *settings)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool) {
		settings_fini(settings);
		return NULL;
	}
	pool->settings = *settings;
	pool->holders = 1;
	pthread_mutex_init(&pool->lock, NULL);
	pool->last = &pool->first;
	return pool;
}

qc_error pool_create(struct settings *settings, struct pool **out_pool)
{
	struct pool *pool = pool_alloc(settings);

	if (!pool)
		return error_no_memory();
	qc_error err = origin_init(&pool->origin);
	for (size_t i = 0; err.kind == QC_OK && i < settings->address_count; i++)
		if (settings->addresses[i].is_tls && !pool->tls)
			err = tls_context_create(&pool->settings, &pool->tls);
	if (err.kind == QC_OK && settings->sentinel)
		err = sentinels_create(&pool->settings, &pool->sentinels);
	if (err.kind == QC_OK && settings->cluster)
		err = cluster_create(pool, &pool->cluster);
	if (err.kind != QC_OK)
		pool_let_go(pool);
	else
		*out_pool = pool;
	return err;
}

qc_error pool_create_for_node(struct pool *parent, const char *host, const char *port, struct pool **out_pool)
{
	struct settings settings;
	qc_error err = settings_borrow(&settings, &parent->settings, host, port);

	if (err.kind != QC_OK)
		return err;
	struct pool *pool = pool_alloc(&settings);
	if (!pool)
		return error_no_memory();
	pool_hold(parent);
	pool->parent = parent;
	pool->tls = parent->tls;
	err = origin_init(&pool->origin);
	if (err.kind != QC_OK)
		pool_let_go(pool);
	else
		*out_pool = pool;
	return err;
}

void pool_hold(struct pool *pool)
{
	pool_enter(pool);
	pool->holders++;
}

static void close_list(struct conn *list, struct dial *parked)
{
	for (struct conn *older; list; list = older) {
		older = list->older;
		conn_close(&list);
	}
	for (struct dial *next; parked; parked = next) {
		next = parked->next;
		dial_destroy(&parked);
	}
}

/* In a forked child: drops everything of the parent. */
static void disown_list(struct conn *list, struct dial *parked)
{
	for (struct conn *older; list; list = older) {
		older = list->older;
		conn_disown(&list);
	}
	for (struct dial *next; parked; parked = next) {
		next = parked->next;
		dial_disown(&parked);
	}
}

/*
 * Threads of the parent may have been anywhere during the fork. If one held the lock, the lists may be inconsistent: then what they contain
 * is leaked until the child exits.
 */
static void start_anew(struct pool *pool)
{
	bool is_whole = pthread_mutex_trylock(&pool->lock) == 0;
	struct conn *list = is_whole ? pool->newest : NULL;
	struct dial *parked = is_whole ? pool->parked : NULL;

	if (is_whole)
		pthread_mutex_unlock(&pool->lock);
	else
		pthread_mutex_init(&pool->lock, NULL);
	pool->newest = pool->oldest = NULL;
	pool->parked = NULL;
	pool->first = NULL;
	pool->last = &pool->first;
	pool->total = pool->idle = 0;
	pool->outage = (struct outage){.failures = 0};
	pool->generation++;
	disown_list(list, parked);
	if (pool->cluster)
		cluster_start_anew(pool->cluster);
}

void pool_enter(struct pool *pool)
{
	if (origin_is_here(&pool->origin) || !origin_claim(&pool->origin))
		return;
	start_anew(pool);
	origin_move(&pool->origin);
}

qc_error pool_check_generation(struct pool *pool, unsigned generation, const char *what)
{
	pool_enter(pool);
	if (generation == pool->generation)
		return no_error();
	return qc_errorf(QC_INVALID, "%s belongs to the parent process: after fork() make a new one", what);
}

void pool_let_go(struct pool *pool)
{
	if (pool->origin.mark)
		pool_enter(pool);
	if (--pool->holders > 0)
		return;
	struct pool *parent = pool->parent;
	close_list(pool->newest, pool->parked);
	sentinels_destroy(&pool->sentinels);
	cluster_destroy(&pool->cluster);
	origin_fini(&pool->origin);
	if (!parent)
		tls_context_destroy(&pool->tls);
	settings_fini(&pool->settings);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
	if (parent)
		pool_let_go(parent);
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

/* A place, with a connection, a dial, or neither in it. */
struct place {
	struct conn *conn;
	struct dial *dial;
};

/* Takes an idle connection, a parked dial, or a place for a new connection; false if there is none. */
static bool grab(struct pool *pool, int64_t now_ns, struct place *out)
{
	struct conn *conn = pool->newest;

	*out = (struct place){.conn = conn};
	if (!conn && (out->dial = pool_unpark(pool)))
		return true;
	if (!conn && pool->total >= (size_t)pool->settings.pool_size)
		return false;
	if (!conn) {
		pool->total++;
		pool->stats.misses++;
		return true;
	}
	unlink_idle(pool, conn);
	bool in_use = conn->address_index == pool->address_index, is_spare = pool->idle >= (size_t)pool->settings.min_idle;
	pool->stats.hits += in_use;
	conn->is_unwanted = !in_use || now_ns >= conn->retires_ns || (is_spare && is_expired(pool, conn, now_ns));
	return true;
}

/* The waiters */

struct pool_waiter {
	struct context_waiter waiter;
	struct pool *pool;
	struct pool_waiter *next, **link;
	pthread_cond_t woken;
	struct place place; /* what the waiter was handed */
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

void pool_serve_line(struct pool *pool, int64_t now_ns)
{
	while (pool->first && !pool->closed && grab(pool, now_ns, &pool->first->place)) {
		struct pool_waiter *w = pool->first;
		leave_line(pool, w);
		w->is_served = true;
		pthread_cond_signal(&w->woken);
	}
}

void pool_close(struct pool *pool)
{
	pool_enter(pool);
	pthread_mutex_lock(&pool->lock);
	struct conn *list = pool->newest;
	struct dial *parked = pool->parked;
	pool->newest = pool->oldest = NULL;
	pool->parked = NULL;
	pool->total -= pool->idle;
	for (const struct dial *dial = parked; dial; dial = dial->next)
		pool->total--;
	pool->idle = 0;
	pool->closed = true;
	for (struct pool_waiter *w = pool->first; w; w = w->next)
		pthread_cond_signal(&w->woken);
	pthread_mutex_unlock(&pool->lock);
	close_list(list, parked);
	if (pool->cluster)
		cluster_close(pool->cluster);
}

static qc_error error_closed(void)
{
	return qc_errorf(QC_CLOSED, "the client is closed");
}

/* Linked under the pool's lock, and joined to the context, until it is served. */
static qc_error await_turn(struct pool *pool, qc_context *context, struct pool_waiter *w)
{
	int64_t limit_ns = deadline_after_ms(pool->settings.pool_timeout_ms);
	int64_t until = context_deadline_ns(context) < limit_ns ? context_deadline_ns(context) : limit_ns;
	struct timespec moment = {until / 1000000000, until % 1000000000};
	int late = 0;

	int64_t began_ns = monotonic_ns();

	pool->stats.waits++;
	stand_in_line(pool, w);
	while (!w->is_served && !pool->closed && !late && qc_context_err(context).kind == QC_OK)
		late = pthread_cond_clockwait(&w->woken, &pool->lock, CLOCK_MONOTONIC, &moment);
	pool->stats.wait_ns += (uint64_t)(monotonic_ns() - began_ns);
	if (w->is_served)
		return no_error();
	leave_line(pool, w);
	if (pool->closed)
		return error_closed();
	qc_error err = qc_context_err(context);
	pool->stats.timeouts += err.kind == QC_OK;
	return err.kind != QC_OK ? err : qc_errorf(QC_TIMEOUT, "all %zu connections of the pool are busy", pool->total);
}

void pool_give_place(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->total--;
	pool_serve_line(pool, monotonic_ns());
	pthread_mutex_unlock(&pool->lock);
}

/* Passes on what was handed to a waiter that has given up. */
static void give_back(struct pool *pool, const struct place *place)
{
	pthread_mutex_lock(&pool->lock);
	bool is_parked = place->dial && pool_park(pool, place->dial);
	pthread_mutex_unlock(&pool->lock);
	if (place->conn)
		pool_give(pool, place->conn);
	else if (!is_parked)
		pool_give_place(pool);
}

static qc_error wait_for_place(struct pool *pool, qc_context *context, struct place *out)
{
	struct pool_waiter w = {.waiter.wake = wake_waiter, .pool = pool, .woken = PTHREAD_COND_INITIALIZER};
	qc_error err = no_error();

	if (!context_join(context, &w.waiter))
		return qc_context_err(context);
	pthread_mutex_lock(&pool->lock);
	/* Something may have become free meanwhile. */
	if (pool->closed || !grab(pool, monotonic_ns(), &w.place))
		err = await_turn(pool, context, &w);
	pthread_mutex_unlock(&pool->lock);
	context_leave(context, &w.waiter);
	pthread_cond_destroy(&w.woken);
	if (err.kind == QC_OK && (err = qc_context_err(context)).kind != QC_OK)
		give_back(pool, &w.place);
	*out = w.place;
	return err;
}

static bool is_fit(struct conn *conn, int64_t now_ns)
{
	return !conn->is_unwanted && (now_ns - conn->idle_since_ns < TRUSTED_NS || conn_is_alive(conn));
}

/* Closes an idle connection that is unusable and takes another one, or keeps its place. */
static void exchange(struct pool *pool, int64_t now_ns, struct place *place)
{
	bool is_retired = now_ns >= place->conn->retires_ns;

	conn_close(&place->conn);
	pthread_mutex_lock(&pool->lock);
	pool->total--;
	*(is_retired ? &pool->stats.retired : &pool->stats.stale) += 1;
	grab(pool, now_ns, place);
	pthread_mutex_unlock(&pool->lock);
}

static void count(struct pool *pool, uint64_t *counter)
{
	pthread_mutex_lock(&pool->lock);
	(*counter)++;
	pthread_mutex_unlock(&pool->lock);
}

/* Takes at once, or after a wait. */
static qc_error take_place(struct pool *pool, qc_context *context, int64_t now_ns, struct place *out)
{
	pthread_mutex_lock(&pool->lock);
	bool closed = pool->closed, grabbed = !closed && grab(pool, now_ns, out);
	pthread_mutex_unlock(&pool->lock);
	if (closed)
		return error_closed();
	return grabbed ? no_error() : wait_for_place(pool, context, out);
}

qc_error pool_take(struct pool *pool, qc_context *context, struct conn **out_conn)
{
	struct place place = {.conn = NULL};
	int64_t now_ns = monotonic_ns();
	qc_error err = qc_context_err(context);

	pool_enter(pool);
	if (err.kind == QC_OK)
		err = take_place(pool, context, now_ns, &place);
	if (err.kind != QC_OK)
		return err;
	while (place.conn && !is_fit(place.conn, now_ns))
		exchange(pool, now_ns, &place);
	*out_conn = place.conn;
	return place.conn ? err : pool_connect(pool, context, place.dial, out_conn);
}

/* Whether the oldest idle connection must go: too many, too old, or idle for too long. */
static bool is_surplus(struct pool *pool, int64_t now_ns)
{
	const struct conn *conn = pool->oldest;

	if (!conn)
		return false;
	if (pool->idle > (size_t)pool->settings.max_idle || now_ns >= conn->retires_ns) {
		pool->stats.retired++;
		return true;
	}
	bool is_stale = pool->idle > (size_t)pool->settings.min_idle && is_expired(pool, conn, now_ns);
	pool->stats.stale += is_stale;
	return is_stale;
}

/* Unlinks the connections that must go; they are closed outside the lock. */
static struct conn *expire(struct pool *pool, int64_t now_ns)
{
	struct conn *list = NULL;

	while (is_surplus(pool, now_ns)) {
		struct conn *conn = pool->oldest;
		unlink_idle(pool, conn);
		pool->total--;
		conn->older = list;
		list = conn;
	}
	return list;
}

void pool_give(struct pool *pool, struct conn *conn)
{
	struct conn *list = NULL;
	int64_t now_ns = monotonic_ns();

	pool_enter(pool);
	if (conn->generation != pool->generation) {
		conn_disown(&conn);
		return;
	}
	pthread_mutex_lock(&pool->lock);
	bool keep = !conn->broken && !conn->is_dirty && !pool->closed && conn->address_index == pool->address_index;
	if (keep) {
		conn->idle_since_ns = now_ns;
		conn->newer = NULL;
		conn->older = pool->newest;
		*(pool->newest ? &pool->newest->newer : &pool->oldest) = conn;
		pool->newest = conn;
		pool->idle++;
	} else {
		pool->total--;
		pool->stats.broken += conn->broken;
	}
	pool_serve_line(pool, now_ns);
	list = expire(pool, now_ns);
	pthread_mutex_unlock(&pool->lock);
	if (!keep)
		conn_close(&conn);
	close_list(list, NULL);
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

void pool_leave(struct pool *pool, size_t from)
{
	size_t count = pool->settings.address_count;

	if (!pool->sentinels && count > 1)
		pool_fail_over(pool, from, (from + 1) % count);
	if (!pool->sentinels)
		return;
	pthread_mutex_lock(&pool->lock);
	if (pool->address_index == from)
		pool->address_index = 0;
	pthread_mutex_unlock(&pool->lock);
}

void pool_count_retry(struct pool *pool)
{
	count(pool, &pool->stats.retries);
}

qc_stats pool_stats(struct pool *pool)
{
	pool_enter(pool);
	pthread_mutex_lock(&pool->lock);
	qc_stats stats = pool->stats;
	stats.total = pool->total;
	stats.idle = pool->idle;
	pthread_mutex_unlock(&pool->lock);
	if (pool->cluster)
		cluster_add_stats(pool->cluster, &stats);
	return stats;
}

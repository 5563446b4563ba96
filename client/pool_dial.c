/*
 * Making new connections: a gate, which an outage closes for all calls but one; then the dial is driven until it is done or the caller's
 * context ends. conclude() is the one place that updates the outage.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

#include "client/client.h"
#include "client/error.h"
#include "client/hooks.h"
#include "client/sentinel.h"
#include "client/wait.h"

/* Parked dials */

struct dial *pool_unpark(struct pool *pool)
{
	struct dial *dial = pool->parked;

	if (dial)
		pool->parked = dial->next;
	return dial;
}

bool pool_park(struct pool *pool, struct dial *dial)
{
	if (pool->closed)
		return false;
	dial->next = pool->parked;
	pool->parked = dial;
	pool_serve_line(pool, monotonic_ns());
	return true;
}

/* The gate */

bool pool_is_down(struct pool *pool)
{
	int retries = pool->settings.retries < 0 ? 0 : pool->settings.retries;

	pthread_mutex_lock(&pool->lock);
	bool is_down = pool->outage.failures > (unsigned)retries;
	pthread_mutex_unlock(&pool->lock);
	return is_down;
}

bool pool_is_reachable(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	const struct outage *outage = &pool->outage;
	bool is_reachable = outage->failures == 0 || (!outage->is_probed && monotonic_ns() >= outage->probe_ns);
	pthread_mutex_unlock(&pool->lock);
	return is_reachable;
}

/* Records the end of a dial, or that it was given up (DIAL_GOES_ON). A failure counts only if the dial began after the last failure. */
static void conclude(struct pool *pool, struct dial_note note, enum dial_state state, const qc_error *err)
{
	struct outage *outage = &pool->outage;

	pthread_mutex_lock(&pool->lock);
	if (state == DIAL_DONE) {
		outage->failures = 0;
	} else if (state == DIAL_FAILED && err->kind != QC_NO_MEMORY && note.failures == outage->failures) {
		outage->failures++;
		outage->err = *err;
		outage->probe_ns = monotonic_ns() + back_off_ns(&pool->settings, (int)outage->failures);
	}
	if (note.is_probe)
		outage->is_probed = false;
	pthread_mutex_unlock(&pool->lock);
}

/* Lets every call through if there is no outage. Otherwise lets one through when it is time to try again. *out is the dial's note. */
static qc_error pass_gate(struct pool *pool, qc_context *context, struct dial_note *out)
{
	pthread_mutex_lock(&pool->lock);
	struct outage outage = pool->outage;
	pool->outage.is_probed |= outage.failures > 0;
	pthread_mutex_unlock(&pool->lock);
	*out = (struct dial_note){.failures = outage.failures, .is_probe = outage.failures > 0};
	if (outage.failures == 0)
		return no_error();
	if (outage.is_probed)
		return outage.err;
	int64_t left_ns = outage.probe_ns - monotonic_ns();
	qc_error err = left_ns > 0 ? context_sleep(context, left_ns) : no_error();
	if (err.kind != QC_OK)
		conclude(pool, *out, DIAL_GOES_ON, &err);
	return err;
}

static qc_error start_to_server(struct pool *pool, struct dial **out_dial)
{
	pthread_mutex_lock(&pool->lock);
	size_t first = pool->address_index;
	pthread_mutex_unlock(&pool->lock);
	return dial_start(&pool->settings, pool->tls, first, out_dial);
}

static qc_error start_to_master(struct pool *pool, qc_context *context, struct dial_note *note, struct dial **out_dial)
{
	const struct settings *settings;
	qc_error err = sentinels_ask(pool->sentinels, context, &settings, &note->master);

	return err.kind == QC_OK ? dial_start(settings, pool->tls, 0, out_dial) : err;
}

static qc_error begin_dial(struct pool *pool, qc_context *context, struct dial **out_dial)
{
	struct dial_note note;
	qc_error err = pass_gate(pool, context, &note);

	if (err.kind != QC_OK)
		return err;
	err = pool->sentinels ? start_to_master(pool, context, &note, out_dial) : start_to_server(pool, out_dial);
	if (err.kind != QC_OK) {
		bool has_ended = err.kind == QC_CANCELLED || err.kind == QC_DEADLINE;
		conclude(pool, note, has_ended ? DIAL_GOES_ON : DIAL_FAILED, &err);
		return err;
	}
	(*out_dial)->note = note;
	return err;
}

/* Runs until the dial is over, or the context ends (DIAL_GOES_ON). */
static enum dial_state drive(struct dial *dial, qc_context *context, qc_error *out_err)
{
	for (;;) {
		int ready;
		enum dial_state state = dial_advance(dial, out_err);
		if (state != DIAL_GOES_ON)
			return state;
		*out_err = wait_ready(dial_fd(dial), POLLIN, &dial->wake_fd, context, dial_due_ns(dial), &ready);
		if (out_err->kind != QC_OK)
			return state;
	}
}

/* Lifetimes vary by up to a tenth, so that connections made together don't end together. */
static int64_t retirement(const struct settings *settings)
{
	uint32_t chance = 0;

	if (settings->max_lifetime_ms == 0)
		return NO_DEADLINE;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint32_t)monotonic_ns();
	return deadline_after_ms(settings->max_lifetime_ms - (int64_t)((double)settings->max_lifetime_ms / 10 * chance / UINT32_MAX));
}

/* Connections to a former master are not used any more. */
static void use_master(struct pool *pool, struct conn *conn, size_t master)
{
	conn->address_index = master;
	pthread_mutex_lock(&pool->lock);
	pool->stats.failovers += pool->address_index != master && pool->has_had_master;
	pool->has_had_master = true;
	pool->address_index = master;
	pthread_mutex_unlock(&pool->lock);
}

/* The connection becomes one of the pool's, in use. */
static qc_error adopt(struct pool *pool, struct dial *dial, struct conn **out_conn)
{
	struct conn *conn = dial_take(dial);
	qc_error err = conn_let_block(conn, &pool->settings);

	if (err.kind != QC_OK) {
		conn_close(&conn);
		return err;
	}
	conn->generation = pool->generation;
	conn->retires_ns = retirement(&pool->settings);
	if (pool->sentinels)
		use_master(pool, conn, dial->note.master);
	else if (conn->address_index != dial->first)
		pool_fail_over(pool, dial->first, conn->address_index);
	*out_conn = conn;
	return err;
}

static void discard(struct pool *pool, struct dial **dial)
{
	qc_error err = no_error();

	conclude(pool, (*dial)->note, DIAL_GOES_ON, &err);
	dial_destroy(dial);
}

/* A parked dial whose time has passed may have succeeded. If it has failed, that says nothing about the server now. */
static void drop_if_stale(struct pool *pool, struct dial **dial)
{
	qc_error err;

	if (*dial && dial_is_overdue(*dial) && dial_advance(*dial, &err) == DIAL_FAILED)
		discard(pool, dial);
}

/* Continues *dial, which is NULL afterwards unless the context has ended first. */
static qc_error connect_unseen(struct pool *pool, qc_context *context, struct dial **dial, struct conn **out_conn)
{
	drop_if_stale(pool, dial);
	qc_error err = *dial ? no_error() : begin_dial(pool, context, dial);
	if (err.kind != QC_OK)
		return err;
	enum dial_state state = drive(*dial, context, &err);
	if (state == DIAL_GOES_ON)
		return err;
	if (state == DIAL_DONE)
		err = adopt(pool, *dial, out_conn);
	conclude(pool, (*dial)->note, state, &err);
	dial_destroy(dial);
	return err;
}

/* The same, with hooks. */
static qc_error connect_by(struct pool *pool, qc_context *context, struct dial **dial, struct conn **out_conn)
{
	struct hooked hooked = {.event = {.kind = QC_EVENT_DIAL, .command = "dial", .context = context}};

	hooks_before(&pool->settings, &hooked);
	qc_error err = connect_unseen(pool, context, dial, out_conn);
	hooks_after(&pool->settings, &hooked, &err);
	return err;
}

qc_error pool_connect(struct pool *pool, qc_context *context, struct dial *dial, struct conn **out_conn)
{
	qc_error err = connect_by(pool, context, &dial, out_conn);
	bool is_parked = false;

	if (err.kind == QC_OK)
		return err;
	if (dial) {
		pthread_mutex_lock(&pool->lock);
		is_parked = pool_park(pool, dial);
		pthread_mutex_unlock(&pool->lock);
		if (!is_parked)
			discard(pool, &dial);
	}
	if (!is_parked)
		pool_give_place(pool);
	return err;
}

/* The connection has no place in the pool. It may take over a parked dial, whose place is then given back; and it may park its dial, if
 * there is room. */
qc_error pool_dial(struct pool *pool, qc_context *context, struct conn **out_conn)
{
	pool_enter(pool);
	pthread_mutex_lock(&pool->lock);
	struct dial *dial = pool_unpark(pool);
	pool->total -= dial != NULL;
	pthread_mutex_unlock(&pool->lock);
	qc_error err = connect_by(pool, context, &dial, out_conn);
	if (!dial)
		return err;
	pthread_mutex_lock(&pool->lock);
	bool has_room = pool->total < (size_t)pool->settings.pool_size && pool_park(pool, dial);
	pool->total += has_room;
	pthread_mutex_unlock(&pool->lock);
	if (!has_room)
		discard(pool, &dial);
	return err;
}

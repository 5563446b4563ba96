/*
 * Pinned clients, and the protocol level below calls. After using that, a connection cannot go back to the pool.
 */
#include "client/client.h"
#include "client/cluster.h"
#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"

/* Finds the pool to take a connection from, and holds it. */
static qc_error find_pool(struct pool *pool, qc_context *context, int slot, struct pool **out_held)
{
	if (pool->cluster)
		return cluster_route(pool->cluster, context, slot, false, out_held);
	pool_hold(pool);
	*out_held = pool;
	return no_error();
}

static qc_error take_once(struct pool *pool, qc_context *context, int slot, struct client *out, bool *out_is_down)
{
	struct pool *held = NULL;
	qc_error err = find_pool(pool, context, slot, &held);

	if (err.kind == QC_OK)
		err = pool_take(held, context, &out->pinned);
	if (err.kind == QC_OK) {
		out->pool = held;
		return err;
	}
	*out_is_down = pool_is_down(held ? held : pool);
	if (pool->cluster)
		cluster_mark_stale(pool->cluster, held);
	if (held)
		pool_let_go(held);
	return err;
}

/* Nothing has been sent yet, so failed dials are retried as for a call. */
static qc_error take_patiently(struct pool *pool, qc_context *context, int slot, struct client *out)
{
	for (int tries = 0;; tries++) {
		bool is_down = false;
		qc_error err = take_once(pool, context, slot, out, &is_down);
		if (err.kind != QC_NETWORK || tries >= pool->settings.retries || is_down)
			return err;
		pool_count_retry(pool);
		qc_error ended = back_off(&pool->settings, context, tries + 1);
		if (ended.kind != QC_OK)
			return qc_wrap(ended, "%s", err.text);
	}
}

static qc_client *pin_unless(qc_error why_not, struct client *from, qc_context *context, int slot)
{
	struct client *client = client_create(NULL);

	if (client->is_unusable)
		return &client->handle;
	if (why_not.kind == QC_OK && from->is_pinned)
		why_not = qc_errorf(QC_INVALID, "a pinned client cannot be pinned again");
	else if (why_not.kind == QC_OK)
		why_not = take_patiently(from->pool, context, slot, client);
	/* Calls on an unusable client are reported to the client's hooks, too. */
	if (!client->pool && from->pool)
		pool_hold(client->pool = from->pool);
	client->is_pinned = true;
	client->is_unusable = why_not.kind != QC_OK;
	client->handle.err = why_not;
	return &client->handle;
}

qc_client *client_pin(struct client *from, qc_context *context, int slot)
{
	return pin_unless(client_err(from), from, context, slot);
}

qc_client *qc_pin(qc_client *handle, qc_context *context)
{
	struct client *from = client_of(handle);
	qc_error err = client_err(from);

	if (err.kind == QC_OK && from->pool->cluster)
		err = qc_errorf(QC_INVALID, "qc_pin() does not support clusters: see qc_pin_key()");
	return pin_unless(err, from, context, SLOT_ANY);
}

qc_client *qc_pin_key(qc_client *handle, qc_context *context, qc_arg key)
{
	struct client *from = client_of(handle);
	qc_error err = client_err(from);

	if (arg_is_missing(&key)) {
		err = qc_errorf(QC_INVALID, "the key is %s", arg_missing_text(&key));
		key = qc_arg("");
	}
	return pin_unless(err, from, context, slot_of_key(arg_data(&key), key.len));
}

static qc_error take(qc_client *handle, struct conn **out_conn)
{
	qc_error err = client_pinned(handle, out_conn);

	if (err.kind == QC_OK)
		(*out_conn)->is_dirty = true;
	return err;
}

qc_status qc_send(qc_client *pinned, qc_context *context, qc_args args)
{
	struct conn *conn = NULL;
	qc_status out = {take(pinned, &conn)};

	if (qc_failed(out))
		return out;
	conn->out.len = 0;
	out.err = request_write(&conn->out, args);
	return qc_failed(out) ? out : qc_send_raw(pinned, context, conn->out.data, conn->out.len);
}

qc_status qc_send_raw(qc_client *pinned, qc_context *context, const void *data, size_t len)
{
	struct conn *conn = NULL;
	qc_status out = {take(pinned, &conn)};

	if (!qc_failed(out))
		out.err = conn_send(conn, context, NO_DEADLINE, data, len);
	return out;
}

qc_result qc_receive(qc_client *pinned, qc_context *context)
{
	struct resp_reply *reply = NULL;
	struct conn *conn = NULL;
	qc_result out = {.err = take(pinned, &conn), .reply = NULL};

	if (!qc_failed(out))
		out.err = conn_next(conn, context, NO_DEADLINE, &reply);
	out.reply = qc_failed(out) ? NULL : reply_public(reply);
	return out;
}

qc_int qc_receive_raw(qc_client *pinned, qc_context *context, void *data, size_t size)
{
	struct conn *conn = NULL;
	size_t len = 0;
	qc_int out = {.err = take(pinned, &conn), .value = 0};

	if (!qc_failed(out))
		out.err = conn_read_raw(conn, context, NO_DEADLINE, data, size, &len);
	out.value = (int64_t)len;
	return out;
}

int qc_pinned_fd(const qc_client *pinned)
{
	const struct client *client = (const struct client *)pinned;

	return client->pinned ? client->pinned->fd : -1;
}

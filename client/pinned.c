/*
 * The protocol level below calls. After using it, a connection cannot go back to the pool.
 */
#include "client/client.h"
#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"

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

#include "client/client.h"

#include <stdlib.h>
#include <sys/random.h>

#include "client/cluster.h"
#include "client/error.h"
#include "client/hooks.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/table.h"

/* Returned if there is no memory for a client. */
static struct client no_client = {.is_unusable = true, .handle.err = {.kind = QC_NO_MEMORY, .text = "out of memory"}};

struct client *client_create(struct pool *pool)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return &no_client;
	client->pool = pool;
	return client;
}

static qc_error connect_once(struct pool *pool, qc_context *context)
{
	struct conn *conn = NULL;
	qc_error err = pool->cluster ? cluster_connect(pool->cluster, context) : pool_take(pool, context, &conn);

	if (conn)
		pool_give(pool, conn);
	return err;
}

qc_client *qc_open_with(qc_context *context, const qc_options *options)
{
	struct client *client = client_create(NULL);
	struct settings settings;

	if (client == &no_client)
		return &client->handle;
	qc_error err = settings_init(&settings, options);
	if (err.kind != QC_OK)
		settings_fini(&settings);
	else
		err = pool_create(&settings, &client->pool);
	client->is_unusable = err.kind != QC_OK;
	if (err.kind == QC_OK && !(options && options->lazy))
		err = connect_once(client->pool, context);
	client->handle.err = err;
	return &client->handle;
}

qc_client *qc_open(const qc_options *options)
{
	return qc_open_with(qc_background(), options);
}

void qc_close(qc_client *handle)
{
	struct client *client = client_of(handle);

	if (!client || client == &no_client)
		return;
	if (client->pinned)
		pool_give(client->pool, client->pinned);
	if (client->pool && !client->is_pinned)
		pool_close(client->pool);
	if (client->pool)
		pool_let_go(client->pool);
	free(client);
}

qc_stats qc_pool_stats(const qc_client *handle)
{
	struct pool *pool = ((const struct client *)handle)->pool;

	return pool ? pool_stats(pool) : (qc_stats){0};
}

void replies_free(struct resp_reply **replies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		resp_reply_free(replies[i]);
		replies[i] = NULL;
	}
}

qc_error conn_run(struct conn *conn, qc_context *context, int64_t timeout_ms, struct request *request)
{
	int64_t deadline_ns = deadline_after_ms(time_limit_ms(timeout_ms, request->wait_ms));
	const void *data = request->data;
	size_t len = request->len, got = 0;
	qc_error err = no_error();

	if (!data) {
		conn->out.len = 0;
		err = request_write(&conn->out, request->args);
		if (err.kind != QC_OK) {
			conn->broken |= conn->out.failed;
			conn->bytes_sent = 0;
			return err;
		}
		data = conn->out.data;
		len = conn->out.len;
	}
	err = conn_send(conn, context, deadline_ns, data, len);
	while (err.kind == QC_OK && got < request->count) {
		err = conn_reply(conn, context, deadline_ns, &request->replies[got]);
		got += err.kind == QC_OK;
	}
	if (err.kind != QC_OK)
		replies_free(request->replies, got);
	conn_end_exchange(conn);
	return err;
}

int64_t back_off_ns(const struct settings *settings, int attempt)
{
	int64_t ms = settings->backoff_min_ms;
	uint32_t chance = 0;

	while (--attempt > 0 && ms < settings->backoff_max_ms)
		ms *= 2;
	if (ms > settings->backoff_max_ms)
		ms = settings->backoff_max_ms;
	/* Without randomness there is only less jitter. */
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint32_t)monotonic_ns();
	return ms * 500000 + (int64_t)((double)chance / UINT32_MAX * (double)ms * 500000);
}

qc_error back_off(const struct settings *settings, qc_context *context, int attempt)
{
	return context_sleep(context, back_off_ns(settings, attempt));
}

bool error_is_refusal(const qc_error *err, bool *out_elsewhere)
{
	static const char *const codes[] = {"LOADING", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0) {
			*out_elsewhere = i < 3;
			return true;
		}
	}
	return false;
}

bool reply_is_refusal(const struct resp_reply *reply, bool *out_elsewhere)
{
	if (reply->type != RESP_TYPE_ERROR)
		return false;
	qc_error err = error_server(reply->text, reply->len);
	return error_is_refusal(&err, out_elsewhere);
}

bool request_is_safe(bool only_reads, const qc_error *err, bool nothing_sent)
{
	if (err->kind != QC_NETWORK && err->kind != QC_TIMEOUT)
		return false;
	return nothing_sent || (err->kind == QC_NETWORK && only_reads);
}

/* One attempt. *out_again tells whether and why to try again. *attempts counts attempts that sent anything. */
static qc_error attempt(struct pool *pool, qc_context *context, struct request *request, bool last, bool *out_again,
			int *attempts)
{
	struct conn *conn = NULL;
	bool elsewhere = false, refused = false;
	qc_error err = pool_take(pool, context, &conn);

	*out_again = false;
	if (err.kind != QC_OK) {
		*out_again = err.kind == QC_NETWORK && !pool_is_down(pool);
		return err;
	}
	err = conn_run(conn, context, pool->settings.timeout_ms, request);
	bool nothing_sent = err.kind != QC_OK && conn->bytes_sent == 0;
	*attempts += !nothing_sent;
	size_t address_index = conn->address_index;
	if (err.kind == QC_OK)
		refused = request->count == 1 && reply_is_refusal(request->replies[0], &elsewhere);
	else
		*out_again = request_is_safe(request->flags & QC_COMMAND_READONLY, &err, nothing_sent);
	pool_give(pool, conn);
	if (elsewhere)
		pool_leave(pool, address_index);
	if (refused && !last) {
		replies_free(request->replies, request->count);
		*out_again = true;
	}
	return err;
}

static qc_error run_pooled(struct pool *pool, qc_context *context, struct request *request, int *attempts)
{
	int retries = pool->settings.retries < 0 ? 0 : pool->settings.retries;

	for (int tries = 0;; tries++) {
		bool again;
		qc_error err = attempt(pool, context, request, tries == retries, &again, attempts);
		if (!again || tries == retries)
			return err;
		pool_count_retry(pool);
		qc_error ended = back_off(&pool->settings, context, tries + 1);
		if (ended.kind != QC_OK)
			return err.kind != QC_OK ? qc_wrap(ended, "%s", err.text) : ended;
	}
}

qc_error client_pinned(qc_client *handle, struct conn **out_conn)
{
	struct client *client = client_of(handle);

	if (client->is_unusable)
		return handle->err;
	if (!client->is_pinned)
		return qc_errorf(QC_INVALID, "this call needs a pinned client: see qc_pin()");
	qc_error err = pool_check_generation(client->pool, client->pinned->generation, "the pinned connection");
	if (err.kind == QC_OK && client->pinned->broken)
		err = qc_errorf(QC_NETWORK, "the pinned connection is lost");
	*out_conn = client->pinned;
	return err;
}

static qc_error run_pinned(struct client *client, qc_context *context, struct request *request, int *attempts)
{
	struct conn *conn = NULL;
	qc_error err = client_pinned(&client->handle, &conn);

	if (err.kind == QC_OK)
		err = qc_context_err(context);
	if (err.kind != QC_OK)
		return err;
	conn->is_dirty |= (request->flags & QC_COMMAND_CONNECTION) != 0;
	err = conn_run(conn, context, client->pool->settings.timeout_ms, request);
	*attempts += err.kind == QC_OK || conn->bytes_sent > 0;
	return err;
}

static qc_error run(struct client *client, qc_context *context, struct request *request, int *attempts)
{
	const char *culprit = request->culprit ? request->culprit : request->name;

	if (client->is_unusable)
		return client->handle.err;
	if (request->flags & COMMAND_ANSWERS_BY_PUSH)
		return qc_errorf(QC_INVALID, "%s is not a call: see qc_subscribe(), qc_send()", culprit);
	if (client->is_pinned)
		return run_pinned(client, context, request, attempts);
	if (request->flags & QC_COMMAND_CONNECTION)
		return qc_errorf(QC_INVALID, "%s needs a connection of its own: see qc_pin()", culprit);
	return client->pool->cluster ? cluster_run(client->pool, context, request, attempts)
				     : run_pooled(client->pool, context, request, attempts);
}

/* Fills in what hooks are told of a call. */
static qc_error run_hooked(struct client *client, qc_context *context, struct request *request)
{
	struct hooked hooked = {.event = {
		.kind = QC_EVENT_CALL, .command = request->name, .commands = request->commands, .args = request->args,
		.context = context, .sent = request->data, .sent_len = request->len}};

	hooks_before(&client->pool->settings, &hooked);
	qc_error err = run(client, context, request, &hooked.event.attempts), answer = err;
	if (err.kind == QC_OK && request->count == 1)
		answer = qc_reply_err(reply_public(request->replies[0]));
	hooks_after(&client->pool->settings, &hooked, &answer);
	return err;
}

qc_error client_run(struct client *client, qc_context *context, struct request *request)
{
	int attempts = 0;

	if (client->pool && client->pool->settings.hook_count)
		return run_hooked(client, context, request);
	return run(client, context, request, &attempts);
}

qc_result qc_do_args(qc_client *client, qc_context *context, qc_args args)
{
	struct resp_reply *reply = NULL;
	char name[32];
	struct request request = {.name = name, .args = args, .count = 1, .commands = 1, .replies = &reply};
	qc_result out;

	request_name(args, name, sizeof(name));
	request.flags = request_flags(args);
	request.wait_ms = request_wait_ms(args, request.flags);
	out.err = client_run(client_of(client), context, &request);
	if (out.err.kind == QC_OK && reply->type == RESP_TYPE_ERROR) {
		out.err = error_server(reply->text, reply->len);
		resp_reply_free(reply);
		reply = NULL;
	}
	out.reply = reply_public(reply);
	return out;
}

#include <stdlib.h>

#include "client/error.h"
#include "client/pipeline.h"

/* Besides options.retries. Under contention some transaction always succeeds, and in time ours does, too. */
#define WATCH_ATTEMPTS 16

qc_results qc_run_multi(qc_pipeline *handle, qc_context *context)
{
	struct pipeline *pipeline = (struct pipeline *)handle;
	qc_results out = {.err = handle->err, .replies = NULL};

	if (handle->err.kind == QC_NO_MEMORY && !pipeline->client)
		return out;
	if (pipeline->count > 0)
		out = pipeline_run_multi(pipeline, context);
	pipeline_empty(pipeline);
	return out;
}

static qc_error watch(qc_client *tx, qc_context *context, qc_args keys)
{
	qc_arg *words = malloc((keys.count + 1) * sizeof(*words));

	if (!words)
		return error_no_memory();
	words[0] = qc_arg("WATCH");
	memcpy(words + 1, keys.items, keys.count * sizeof(*words));
	qc_result reply = qc_do_args(tx, context, (qc_args){words, keys.count + 1});
	qc_release(&reply);
	free(words);
	return reply.err;
}

static qc_error unwatch(qc_client *tx, qc_context *context)
{
	struct conn *conn = client_of(tx)->pinned;
	bool was_dirty = conn->is_dirty;
	qc_result reply = qc_do(tx, context, "UNWATCH");

	conn->is_dirty = was_dirty || qc_failed(reply);
	qc_release(&reply);
	return reply.err;
}

/* Whether EXEC was executed, or refused for an earlier command. Both end the watch. */
static bool is_executed(const qc_results *results)
{
	return results->err.kind == QC_OK || results->err.kind == QC_CONFLICT || qc_has_code(results->err, "EXECABORT");
}

/*
 * One attempt on one connection. EXEC ends the watch; otherwise UNWATCH does. Either leaves the connection as it was before, except for
 * what `body` has changed.
 */
static qc_results try_once(qc_client *tx, qc_context *context, qc_transaction *body, void *data, qc_args keys,
			   struct pipeline *queue)
{
	struct conn *conn = client_of(tx)->pinned;
	bool was_dirty = conn->is_dirty;
	qc_results out = {.err = watch(tx, context, keys), .replies = NULL};

	if (out.err.kind != QC_OK)
		return out;
	conn->is_dirty = was_dirty;
	out.err = body(tx, context, &queue->handle, data);
	if (out.err.kind == QC_OK && queue->count > 0) {
		out = pipeline_run_multi(queue, context);
		conn->is_dirty |= !is_executed(&out);
		return out;
	}
	qc_error unwatched = unwatch(tx, context);
	if (out.err.kind == QC_OK)
		out.err = unwatched;
	return out;
}

qc_results qc_watch_args(qc_client *client, qc_context *context, qc_transaction *body, void *data, qc_args keys)
{
	qc_client *tx qc_defer(qc_close) = qc_pin(client, context);
	qc_pipeline *queue qc_defer(qc_pipeline_close) = qc_pipeline_open(tx);
	qc_results out = {.err = tx->err.kind != QC_OK ? tx->err : queue->err, .replies = NULL};

	if (out.err.kind != QC_OK)
		return out;
	const struct settings *settings = &client_of(tx)->pool->settings;
	int attempts = (settings->retries < 0 ? 0 : settings->retries) + WATCH_ATTEMPTS;
	for (int i = 1; i <= attempts; i++) {
		out = try_once(tx, context, body, data, keys, (struct pipeline *)queue);
		pipeline_empty((struct pipeline *)queue);
		if (out.err.kind != QC_CONFLICT)
			break;
		qc_error ended = i < attempts ? back_off(settings, context, i) : no_error();
		if (ended.kind != QC_OK) {
			out.err = ended;
			break;
		}
	}
	return out;
}

#include <stdlib.h>

#include "client/cluster.h"
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

/* The connection for the attempts, and what they have in common. */
struct site {
	qc_client *client;
	qc_client *tx; /* pinned; NULL until there is one */
	qc_pipeline *queue;
	qc_args watch; /* the WATCH command */
	int slot;      /* of its keys, in a cluster */
};

static qc_error watch(qc_client *tx, qc_context *context, qc_args words)
{
	qc_result reply qc_auto = qc_do_args(tx, context, words);

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
static qc_results try_once(struct site *site, qc_context *context, qc_transaction *body, void *data)
{
	struct conn *conn = client_of(site->tx)->pinned;
	bool was_dirty = conn->is_dirty;
	qc_results out = {.err = watch(site->tx, context, site->watch), .replies = NULL};

	if (out.err.kind != QC_OK)
		return out;
	conn->is_dirty = was_dirty;
	out.err = body(site->tx, context, site->queue, data);
	if (out.err.kind == QC_OK && ((struct pipeline *)site->queue)->count > 0) {
		out = pipeline_run_multi((struct pipeline *)site->queue, context);
		conn->is_dirty |= !is_executed(&out);
		return out;
	}
	qc_error unwatched = unwatch(site->tx, context);
	if (out.err.kind == QC_OK)
		out.err = unwatched;
	return out;
}

static qc_error site_open(struct site *site, qc_context *context)
{
	site->tx = client_pin(client_of(site->client), context, site->slot);
	site->queue = qc_pipeline_open(site->tx);
	return qc_failed(*site->tx) ? site->tx->err : site->queue->err;
}

static void site_close(struct site *site)
{
	qc_pipeline_close(site->queue);
	qc_close(site->tx);
	site->queue = NULL;
	site->tx = NULL;
}

/*
 * Whether an attempt failed because the cluster changed, so that another attempt may succeed. A redirection for another slot is the
 * caller's fault.
 */
static bool has_moved(const struct site *site, const qc_error *err)
{
	static const char prefix[] = "EXECABORT: ";
	bool is_abort = strncmp(err->text, prefix, sizeof(prefix) - 1) == 0;
	const char *text = err->text + (is_abort ? sizeof(prefix) - 1 : 0);
	struct cluster *cluster = client_of(site->client)->pool->cluster;
	qc_error cause = error_server(text, strlen(text));
	struct redirection to;
	struct pool *node;
	bool elsewhere;

	if (!cluster || err->kind != QC_SERVER)
		return false;
	if (!redirection_read(text, &to)) {
		cluster_mark_stale(cluster, NULL);
		return error_is_refusal(&cause, &elsewhere);
	}
	if (!to.is_ask && cluster_follow(cluster, &to, client_of(site->tx)->pinned->peer, &node).kind == QC_OK)
		pool_let_go(node);
	return to.slot == site->slot;
}

/* Tries until it succeeds or fails for good. */
static qc_results try_often(struct site *site, qc_context *context, qc_transaction *body, void *data)
{
	const struct settings *settings = &client_of(site->client)->pool->settings;
	int attempts = (settings->retries < 0 ? 0 : settings->retries) + WATCH_ATTEMPTS;
	qc_results out = {.replies = NULL};

	for (int i = 1;; i++) {
		out.err = site->tx ? no_error() : site_open(site, context);
		if (out.err.kind != QC_OK)
			return out;
		out = try_once(site, context, body, data);
		pipeline_empty((struct pipeline *)site->queue);
		bool moved = has_moved(site, &out.err);
		if ((out.err.kind != QC_CONFLICT && !moved) || i == attempts)
			return out;
		if (moved)
			site_close(site);
		qc_error ended = back_off(settings, context, i);
		if (ended.kind != QC_OK) {
			out.err = ended;
			return out;
		}
	}
}

qc_results qc_watch_args(qc_client *client, qc_context *context, qc_transaction *body, void *data, qc_args keys)
{
	qc_arg *words = malloc((keys.count + 1) * sizeof(*words));
	struct site site = {.client = client, .watch = {words, keys.count + 1}, .slot = SLOT_ANY};
	qc_results out = {.err = client_err(client_of(client)), .replies = NULL};

	if (!words)
		out.err = error_no_memory();
	if (out.err.kind != QC_OK) {
		free(words);
		return out;
	}
	words[0] = qc_arg("WATCH");
	if (keys.count > 0)
		memcpy(words + 1, keys.items, keys.count * sizeof(*words));
	if (client_of(client)->pool->cluster)
		out.err = slot_of_command(site.watch, &site.slot);
	if (out.err.kind == QC_OK)
		out = try_often(&site, context, body, data);
	site_close(&site);
	free(words);
	return out;
}

#include "client/pipeline.h"

#include <stdlib.h>

#include "client/error.h"
#include "client/reply.h"
#include "client/request.h"
#include "client/slots.h"
#include "client/table.h"

static struct pipeline no_pipeline = {.handle.err = {.kind = QC_NO_MEMORY, .text = "out of memory"}};

static struct pipeline *pipeline_of(qc_pipeline *handle)
{
	return (struct pipeline *)handle;
}

struct pipeline *pipeline_create(struct client *client)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (!pipeline)
		return &no_pipeline;
	pipeline->client = client;
	pipeline->is_routed = !client->is_unusable && !client->is_pinned && client->pool->cluster;
	pipeline_empty(pipeline);
	return pipeline;
}

qc_pipeline *qc_pipeline_open(qc_client *client)
{
	return &pipeline_create(client_of(client))->handle;
}

void qc_pipeline_close(qc_pipeline *handle)
{
	struct pipeline *pipeline = pipeline_of(handle);

	if (!pipeline || pipeline == &no_pipeline)
		return;
	buffer_fini(&pipeline->out);
	buffer_fini(&pipeline->parts);
	free(pipeline->scripts);
	free(pipeline);
}

void pipeline_empty(struct pipeline *pipeline)
{
	pipeline->handle.err = client_err(pipeline->client);
	if (pipeline->out.failed)
		buffer_fini(&pipeline->out);
	if (pipeline->parts.failed)
		buffer_fini(&pipeline->parts);
	pipeline->out.len = pipeline->parts.len = 0;
	pipeline->count = 0;
	pipeline->script_count = 0;
	pipeline->flags = QC_COMMAND_READONLY;
	pipeline->wait_ms = 0;
	pipeline->culprit[0] = 0;
}

/* Remembers the command for the error text. A command that needs its own connection is allowed on a pinned client; one that isn't a call
 * never is. */
static void note_culprit(struct pipeline *pipeline, qc_args args, unsigned flags)
{
	unsigned is_new = flags & ~pipeline->flags;

	if ((is_new & COMMAND_ANSWERS_BY_PUSH) || ((is_new & QC_COMMAND_CONNECTION) && !pipeline->culprit[0]))
		request_name(args, pipeline->culprit, sizeof(pipeline->culprit));
}

/* `at`: where the command begins in `out`, to the end of which it was written. */
static qc_error add_part(struct pipeline *pipeline, qc_args args, unsigned flags, size_t at)
{
	struct part part = {.at = at, .len = pipeline->out.len - at, .replies = 1, .flags = flags};
	qc_error err = slot_of_command(args, &part.slot);

	if (err.kind != QC_OK)
		return err;
	buffer_append(&pipeline->parts, &part, sizeof(part));
	return pipeline->parts.failed ? error_no_memory() : err;
}

size_t qc_pipeline_add_args(qc_pipeline *handle, qc_args args)
{
	struct pipeline *pipeline = pipeline_of(handle);
	unsigned flags = request_flags(args);
	size_t at = pipeline->out.len;

	if (handle->err.kind == QC_OK)
		handle->err = request_write(&pipeline->out, args);
	if (handle->err.kind == QC_OK && pipeline->is_routed)
		handle->err = add_part(pipeline, args, flags, at);
	if (handle->err.kind != QC_OK)
		return pipeline->count;
	if (!(flags & QC_COMMAND_READONLY))
		pipeline->flags &= ~(unsigned)QC_COMMAND_READONLY;
	note_culprit(pipeline, args, flags);
	pipeline->wait_ms = time_limit_ms(pipeline->wait_ms, request_wait_ms(args, flags));
	pipeline->flags |= flags & (QC_COMMAND_CONNECTION | COMMAND_ANSWERS_BY_PUSH);
	return pipeline->count++;
}

static bool has_script(const struct pipeline *pipeline, const char *sha1)
{
	for (size_t i = 0; i < pipeline->script_count; i++)
		if (strcmp(pipeline->scripts[i].sha1, sha1) == 0)
			return true;
	return false;
}

bool pipeline_sends_script(qc_pipeline *handle, const char *sha1)
{
	struct pipeline *pipeline = pipeline_of(handle);

	if (pipeline == &no_pipeline || has_script(pipeline, sha1))
		return false;
	/* The next that uses the script may go to another node. */
	if (pipeline->is_routed)
		return true;
	struct pipeline_script *more = realloc(pipeline->scripts, (pipeline->script_count + 1) * sizeof(*more));
	/* If out of memory the script is sent whole again, which only costs bytes. */
	if (!more)
		return true;
	pipeline->scripts = more;
	memcpy(more[pipeline->script_count++].sha1, sha1, sizeof(more->sha1));
	return true;
}

static qc_results failed(qc_error err)
{
	return (qc_results){.err = err, .replies = NULL, .count = 0};
}

/* Runs the `count` commands in `out`. */
static qc_results send_all(struct pipeline *pipeline, qc_context *context, size_t count)
{
	struct resp_reply **replies = calloc(count, sizeof(*replies));
	struct request request = {.name = "pipeline", .data = pipeline->out.data, .len = pipeline->out.len,
				  .count = count, .commands = pipeline->count, .flags = pipeline->flags, .wait_ms = pipeline->wait_ms, .replies = replies};

	request.culprit = pipeline->culprit[0] ? pipeline->culprit : NULL;
	request.parts = (const struct part *)pipeline->parts.data;
	request.part_count = pipeline->parts.len / sizeof(*request.parts);

	if (!replies)
		return failed(error_no_memory());
	qc_error err = client_run(pipeline->client, context, &request);
	if (err.kind != QC_OK) {
		free(replies);
		return failed(err);
	}
	return (qc_results){.err = err, .replies = (qc_reply **)replies, .count = count};
}

qc_results qc_run(qc_pipeline *handle, qc_context *context)
{
	struct pipeline *pipeline = pipeline_of(handle);
	qc_results out = failed(handle->err);

	if (pipeline == &no_pipeline)
		return out;
	if (handle->err.kind == QC_OK && pipeline->count > 0)
		out = send_all(pipeline, context, pipeline->count);
	pipeline_empty(pipeline);
	return out;
}

/* Adds MULTI before and EXEC after the commands. */
static qc_error embrace(struct pipeline *pipeline)
{
	static const char multi[] = "*1\r\n$5\r\nMULTI\r\n", exec[] = "*1\r\n$4\r\nEXEC\r\n";
	size_t len = pipeline->out.len;

	if (!buffer_reserve(&pipeline->out, sizeof(multi) + sizeof(exec)))
		return error_no_memory();
	memmove(pipeline->out.data + sizeof(multi) - 1, pipeline->out.data, len);
	memcpy(pipeline->out.data, multi, sizeof(multi) - 1);
	pipeline->out.len = len + sizeof(multi) - 1;
	buffer_append(&pipeline->out, exec, sizeof(exec) - 1);
	return no_error();
}

/* A transaction goes as a whole to the one slot of its keys. */
static qc_error unite_parts(struct pipeline *pipeline)
{
	const struct part *parts = (const struct part *)pipeline->parts.data;
	struct part whole = {.len = pipeline->out.len, .replies = pipeline->count + 2, .slot = SLOT_ANY};

	for (size_t i = 0; i < pipeline->count; i++)
		if (!slot_add(&whole.slot, parts[i].slot))
			return error_crossslot("the transaction");
	pipeline->parts.len = 0;
	buffer_append(&pipeline->parts, &whole, sizeof(whole));
	return no_error();
}

/* If EXEC is refused, the reason is in the reply to the command that the server refused. */
static qc_error abort_cause(const qc_results *all, qc_error abort)
{
	for (size_t i = 0; i + 1 < all->count; i++) {
		qc_error cause = qc_reply_err(all->replies[i]);
		if (cause.kind != QC_OK) {
			memcpy(cause.code, abort.code, sizeof(cause.code));
			return qc_wrap(cause, "EXECABORT");
		}
	}
	return abort;
}

/* The elements of EXEC's array become the results. */
static qc_results unpack(qc_results *all, size_t count)
{
	struct resp_reply *exec = (struct resp_reply *)all->replies[all->count - 1];
	qc_error err = qc_reply_err(all->replies[all->count - 1]);

	if (qc_has_code(err, "EXECABORT"))
		return failed(abort_cause(all, err));
	if (err.kind != QC_OK)
		return failed(err);
	if (exec->type == RESP_TYPE_NULL)
		return failed(qc_errorf(QC_CONFLICT, "a watched key has changed"));
	if (exec->type != RESP_TYPE_ARRAY || exec->count != count)
		return failed(qc_errorf(QC_PROTOCOL, "EXEC did not return %zu replies", count));
	qc_results out = {.err = err, .replies = calloc(count, sizeof(*out.replies)), .count = count};
	if (!out.replies)
		return failed(error_no_memory());
	for (size_t i = 0; i < count; i++)
		out.replies[i] = reply_public(&exec->children[i]);
	out.owner = reply_public(exec);
	all->replies[all->count - 1] = NULL;
	return out;
}

qc_results pipeline_run_multi(struct pipeline *pipeline, qc_context *context)
{
	size_t count = pipeline->count;
	qc_error err = pipeline->handle.err;

	if (err.kind == QC_OK)
		err = embrace(pipeline);
	if (err.kind == QC_OK && pipeline->is_routed)
		err = unite_parts(pipeline);
	if (err.kind != QC_OK)
		return failed(err);
	pipeline->flags &= ~(unsigned)QC_COMMAND_READONLY;
	/* In a transaction no command waits. */
	pipeline->wait_ms = 0;
	qc_results all = send_all(pipeline, context, count + 2);
	if (all.err.kind != QC_OK)
		return all;
	qc_results out = unpack(&all, count);
	qc_results_release(&all);
	return out;
}

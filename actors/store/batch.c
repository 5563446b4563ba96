#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "transport/array.h"

/* Larger buffers are freed when a batch is reset. */
#define KEEP_BYTES (1u << 20)

static void forget(void **items, size_t *count, size_t *capacity, size_t item_bytes)
{
	*count = 0;
	if (*capacity * item_bytes <= KEEP_BYTES)
		return;
	free(*items);
	*items = NULL;
	*capacity = 0;
}

struct request_batch *request_batch_create(size_t bytes)
{
	struct request_batch *batch = calloc(1, sizeof(*batch));
	if (!batch)
		return NULL;
	batch->replies = reply_batch_create();
	if (!batch->replies || !buffer_reserve(&batch->bytes, bytes))
		request_batch_destroy(&batch);
	return batch;
}

struct request *request_batch_add(struct request_batch *batch)
{
	if (!array_reserve(&batch->requests, &batch->capacity, batch->count + 1, sizeof(*batch->requests), 256))
		return NULL;
	return &batch->requests[batch->count++];
}

bool request_batch_reserve_runs(struct request_batch *batch, size_t more)
{
	return array_reserve(&batch->runs, &batch->run_capacity, batch->run_count + more, sizeof(*batch->runs), 8);
}

void request_batch_take_run(struct request_batch *batch, struct buffer *run)
{
	batch->taken_bytes += run->capacity;
	batch->run_bytes += run->capacity;
	batch->runs[batch->run_count++] = *run;
	*run = (struct buffer){ 0 };
}

bool request_batch_take_args(struct request_batch *batch, const struct resp_args *args)
{
	size_t bytes = args->count * sizeof(*args->items);
	if (!resp_args_reserve(&batch->args, args->count))
		return false;
	memcpy(batch->args.items + batch->args.count, args->items, bytes);
	batch->args.count += args->count;
	batch->taken_bytes += bytes;
	batch->run_bytes += bytes;
	return true;
}

bool request_batch_take_blobs(struct request_batch *batch, struct blob *const *blobs, size_t count)
{
	if (!array_reserve(&batch->blobs, &batch->blob_capacity, batch->blob_count + count, sizeof(*batch->blobs), 8))
		return false;
	for (size_t i = 0; i < count; i++) {
		batch->taken_bytes += blobs[i]->capacity;
		batch->blobs[batch->blob_count++] = blobs[i];
	}
	return true;
}

size_t request_batch_bytes(const struct request_batch *batch)
{
	const struct reply_batch *replies = batch->replies;
	size_t bytes = sizeof(*batch) + batch->bytes.capacity + batch->capacity * sizeof(*batch->requests) +
		       batch->args.capacity * sizeof(*batch->args.items) + batch->run_capacity * sizeof(*batch->runs) +
		       batch->blob_capacity * sizeof(*batch->blobs);
	for (size_t i = 0; i < batch->run_count; i++)
		bytes += batch->runs[i].capacity;
	if (replies)
		bytes += sizeof(*replies) + replies->text.capacity + replies->capacity * sizeof(*replies->parts);
	return bytes;
}

void request_batch_reset(struct request_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->requests[i].kind == REQUEST_OPENED)
			free(batch->requests[i].origin);
	for (size_t i = 0; i < batch->run_count; i++)
		buffer_fini(&batch->runs[i]);
	for (size_t i = 0; i < batch->blob_count; i++)
		blob_release(&batch->blobs[i]);
	forget((void **)&batch->requests, &batch->count, &batch->capacity, sizeof(*batch->requests));
	forget((void **)&batch->args.items, &batch->args.count, &batch->args.capacity, sizeof(*batch->args.items));
	forget((void **)&batch->runs, &batch->run_count, &batch->run_capacity, sizeof(*batch->runs));
	forget((void **)&batch->blobs, &batch->blob_count, &batch->blob_capacity, sizeof(*batch->blobs));
	batch->taken_bytes = batch->run_bytes = 0;
	batch->bytes.len = 0;
	batch->done = batch->prepared = 0;
}

void request_batch_destroy(struct request_batch **batch_at)
{
	struct request_batch *batch = *batch_at;
	if (!batch)
		return;
	request_batch_reset(batch);
	reply_batch_destroy(&batch->replies);
	buffer_fini(&batch->bytes);
	resp_args_fini(&batch->args);
	free(batch->requests);
	free(batch->runs);
	free(batch->blobs);
	free(batch);
	*batch_at = NULL;
}

bool connection_reports_add(struct connection_reports **reports_at, const struct connection_report *report)
{
	if (!*reports_at && !(*reports_at = calloc(1, sizeof(**reports_at))))
		return false;
	struct connection_reports *reports = *reports_at;
	if (!array_reserve(&reports->items, &reports->capacity, reports->count + 1, sizeof(*report), 16))
		return false;
	reports->items[reports->count++] = *report;
	return true;
}

void connection_reports_destroy(struct connection_reports **reports)
{
	if (*reports)
		free((*reports)->items);
	free(*reports);
	*reports = NULL;
}

struct reply_batch *reply_batch_create(void)
{
	return calloc(1, sizeof(struct reply_batch));
}

struct reply_part *reply_batch_add(struct reply_batch *batch)
{
	if (!array_reserve(&batch->parts, &batch->capacity, batch->count + 1, sizeof(*batch->parts), 64))
		return NULL;
	struct reply_part *part = &batch->parts[batch->count++];
	memset(part, 0, sizeof(*part));
	return part;
}

void reply_batch_reset(struct reply_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		blob_release(&batch->parts[i].blob);
	forget((void **)&batch->parts, &batch->count, &batch->capacity, sizeof(*batch->parts));
	batch->text.len = 0;
	batch->text.failed = false;
	if (batch->text.capacity > KEEP_BYTES)
		buffer_fini(&batch->text);
}

void reply_batch_destroy(struct reply_batch **batch_at)
{
	struct reply_batch *batch = *batch_at;
	if (!batch)
		return;
	reply_batch_reset(batch);
	request_batch_destroy(&batch->home);
	buffer_fini(&batch->text);
	free(batch->parts);
	free(batch);
	*batch_at = NULL;
}

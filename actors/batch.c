#include "batch.h"

#include <stdlib.h>
#include <string.h>

/* Doubles a vector; false without memory. */
static bool grow(void **items, size_t *capacity, size_t item_bytes, size_t first)
{
	size_t wanted = *capacity ? 2 * *capacity : first;
	void *grown = realloc(*items, wanted * item_bytes);
	if (!grown)
		return false;
	*items = grown;
	*capacity = wanted;
	return true;
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
	if (batch->count == batch->capacity &&
	    !grow((void **)&batch->requests, &batch->capacity, sizeof(*batch->requests), 256))
		return NULL;
	return &batch->requests[batch->count++];
}

bool request_batch_take_run(struct request_batch *batch, struct buffer *run)
{
	if (batch->run_count == batch->run_capacity &&
	    !grow((void **)&batch->runs, &batch->run_capacity, sizeof(*batch->runs), 8))
		return false;
	batch->runs[batch->run_count++] = *run;
	*run = (struct buffer){ 0 };
	return true;
}

bool request_batch_take_blob(struct request_batch *batch, struct blob *blob)
{
	if (batch->blob_count == batch->blob_capacity &&
	    !grow((void **)&batch->blobs, &batch->blob_capacity, sizeof(*batch->blobs), 8))
		return false;
	batch->blobs[batch->blob_count++] = blob;
	return true;
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
	batch->count = batch->run_count = batch->blob_count = 0;
	batch->args.count = 0;
	batch->bytes.len = 0;
	batch->done = 0;
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

struct reply_batch *reply_batch_create(void)
{
	return calloc(1, sizeof(struct reply_batch));
}

struct reply_part *reply_batch_add(struct reply_batch *batch)
{
	if (batch->count == batch->capacity &&
	    !grow((void **)&batch->parts, &batch->capacity, sizeof(*batch->parts), 64))
		return NULL;
	struct reply_part *part = &batch->parts[batch->count++];
	memset(part, 0, sizeof(*part));
	return part;
}

/* A text buffer that one huge reply has made large is not kept. */
#define TEXT_KEEP_BYTES (1u << 20)

void reply_batch_reset(struct reply_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		blob_release(&batch->parts[i].blob);
	batch->count = 0;
	batch->text.len = 0;
	batch->text.failed = false;
	if (batch->text.capacity > TEXT_KEEP_BYTES)
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

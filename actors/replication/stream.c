#include "actors/replication/stream.h"

#include <stdlib.h>

#include "actors/runtime/crash.h"
#include "transport/array.h"

struct replication_stream *replication_stream_create(void)
{
	struct replication_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		crash_out_of_memory("the replication stream");
	return stream;
}

void replication_stream_destroy(struct replication_stream **stream)
{
	if (!*stream)
		return;
	for (size_t i = 0; i < (*stream)->count; i++)
		blob_release(&(*stream)->blobs[i]);
	free((*stream)->blobs);
	free(*stream);
	*stream = NULL;
}

void replication_stream_add(struct replication_stream *stream, struct blob *blob)
{
	if (!array_reserve(&stream->blobs, &stream->capacity, stream->count + 1, sizeof(*stream->blobs), 4))
		crash_out_of_memory("the replication stream");
	stream->blobs[stream->count++] = blob;
}

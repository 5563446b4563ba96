#include "actors/store/replica_stream.h"

#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "transport/array.h"

static void release_first(struct replica_stream *stream)
{
	struct blob *blob = stream->pieces[stream->first].blob;
	stream->begin += blob->len;
	stream->blob_bytes -= blob_bytes(blob);
	blob_release(&blob);
	stream->first++;
	stream->count--;
}

void replica_stream_reset(struct replica_stream *stream, uint64_t offset)
{
	while (stream->count > 0)
		release_first(stream);
	stream->first = 0;
	stream->begin = stream->end = offset;
}

void replica_stream_fini(struct replica_stream *stream)
{
	replica_stream_reset(stream, 0);
	free(stream->pieces);
	*stream = (struct replica_stream){ 0 };
}

/* Moves the pieces to the front when half of the array is behind them, so that each is moved once on average. */
static void make_room(struct replica_stream *stream)
{
	if (stream->first > 0 && stream->first >= stream->count) {
		memmove(stream->pieces, stream->pieces + stream->first, stream->count * sizeof(*stream->pieces));
		stream->first = 0;
	}
	if (!array_reserve(&stream->pieces, &stream->capacity, stream->first + stream->count + 1, sizeof(*stream->pieces), 64))
		crash_out_of_memory("the replication stream");
}

void replica_stream_append(struct replica_stream *stream, struct blob *blob)
{
	if (stream->first + stream->count == stream->capacity)
		make_room(stream);
	stream->pieces[stream->first + stream->count++] = (struct stream_piece){ stream->end, blob };
	stream->end += blob->len;
	stream->blob_bytes += blob_bytes(blob);
}

void replica_stream_trim(struct replica_stream *stream, uint64_t offset)
{
	while (stream->count > 0 && stream->begin + stream->pieces[stream->first].blob->len <= offset)
		release_first(stream);
}

const struct stream_piece *replica_stream_find(const struct replica_stream *stream, uint64_t offset)
{
	size_t low = stream->first, high = stream->first + stream->count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (stream->pieces[middle].begin <= offset)
			low = middle;
		else
			high = middle;
	}
	return &stream->pieces[low];
}

/*
 * Any bytes as a connection's input, in reads of any size. The requests must be those that the parser alone finds in the stream, and
 * nothing may be left of the connection. The first byte chooses limits and pieces. The byte 0xf5 and a number n stand for 64 * n times 'v',
 * so that a few bytes make large values.
 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/blob.h"
#include "support/reactor_bench.h"
#include "support/request_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define REPEATS 0xf5
#define STREAM_MAX 60000u

static size_t whole(void *context)
{
	return SIZE_MAX;
}

/* A small random generator, so that an input alone reproduces a failure. */
static size_t next_piece(uint32_t *state, size_t most)
{
	*state = *state * 1664525u + 1013904223u;
	return 1 + (*state >> 8) % most;
}

static struct buffer unpack(const uint8_t *data, size_t len)
{
	struct buffer stream = { 0 };
	uint8_t repeated[64 * 256];
	memset(repeated, 'v', sizeof(repeated));
	for (size_t i = 0; i < len && stream.len < STREAM_MAX; i++) {
		if (data[i] == REPEATS && i + 1 < len)
			buffer_append(&stream, repeated, 64u * data[++i]);
		else
			buffer_append(&stream, &data[i], 1);
	}
	return stream;
}

static struct buffer run(struct reactor_bench *bench, const struct buffer *stream, uint32_t seed, size_t most, bool *out_is_refused)
{
	struct buffer transcript = { 0 };
	if (!reactor_bench_open(bench))
		abort();
	for (size_t at = 0; at < stream->len && reactor_bench_is_open(bench);) {
		size_t left = stream->len - at, piece = next_piece(&seed, most);
		piece = piece < left ? piece : left;
		reactor_bench_send(bench, stream->data + at, piece, &transcript);
		at += piece;
	}
	*out_is_refused = !reactor_bench_is_open(bench);
	if (!reactor_bench_close(bench))
		abort();
	return transcript;
}

static void must_agree(const struct buffer *parsed, const struct buffer *read, const char *how)
{
	if (parsed->len == read->len && (read->len == 0 || memcmp(parsed->data, read->data, read->len) == 0))
		return;
	fprintf(stderr, "parsed:\n%.*s\n%s:\n%.*s\n", (int)parsed->len, (char *)parsed->data, how, (int)read->len, (char *)read->data);
	abort();
}

/* With a low limit the end of the connection depends on the reads: check only that it ends cleanly. */
static void check_limited(struct reactor_bench *bench, const struct buffer *stream, uint32_t seed)
{
	bool is_refused;
	struct buffer read = run(bench, stream, seed, 900, &is_refused);
	buffer_fini(&read);
}

static void check(struct reactor_bench *bench, const struct buffer *stream, const struct resp_limits *limits, uint32_t seed)
{
	static const size_t pieces[] = { SIZE_MAX, 7, 300, 9000 };
	struct buffer parsed = { 0 };
	request_feed(stream->data, stream->len, limits, whole, NULL, &parsed);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (pieces[i] < stream->len / 200)
			continue; /* takes too long */
		bool is_refused;
		struct buffer read = run(bench, stream, seed, pieces[i], &is_refused);
		must_agree(&parsed, &read, "read");
		buffer_fini(&read);
	}
	buffer_fini(&parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct reactor_bench *bench;
	if (!bench)
		bench = reactor_bench_create();
	if (len == 0)
		return 0;
	struct settings *settings = reactor_bench_settings(bench);
	struct resp_limits limits = request_feed_limits(BLOB_MIN_BYTES);
	struct buffer stream = unpack(data + 1, len - 1);
	settings->needs_password = data[0] & 1;
	settings->query_buffer_limit_bytes = data[0] & 2 ? 2000 : 1u << 30;
	if (settings->needs_password) {
		limits.max_args = 10;
		limits.max_bulk_bytes = 16384;
		limits.large_bulk_bytes = 16385;
		limits.unauthenticated = true;
	}
	if (data[0] & 2)
		check_limited(bench, &stream, data[0]);
	else
		check(bench, &stream, &limits, data[0]);
	buffer_fini(&stream);
	return 0;
}

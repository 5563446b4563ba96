/*
 * Any bytes to the request parser. The first byte chooses the limits and the pieces. Parsed whole, byte by byte and in pieces, the stream
 * must give the same requests and the same error.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support/request_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t whole(void *context)
{
	return SIZE_MAX;
}

static size_t one_byte(void *context)
{
	return 1;
}

/* A small random generator, so that an input alone reproduces a failure. */
static size_t piece(void *context)
{
	uint32_t *state = context;
	*state = *state * 1664525u + 1013904223u;
	return 1 + (*state >> 24) % 24;
}

static struct resp_limits chosen_limits(uint8_t choice)
{
	static const uint32_t large_from[] = { 1 << 20, 1, 5, 64 };
	struct resp_limits limits = request_feed_limits(large_from[choice & 3]);
	/* Small limits, so that streams of a few bytes reach them. */
	if (choice & 4)
		limits.max_inline_bytes = 24;
	if (choice & 8) {
		limits.max_args = 10;
		limits.max_bulk_bytes = 40;
		limits.unauthenticated = true;
	}
	return limits;
}

static void must_agree(const struct buffer *left, const struct buffer *right, const char *how)
{
	if (left->len == right->len && (left->len == 0 || memcmp(left->data, right->data, left->len) == 0))
		return;
	fprintf(stderr, "whole:\n%.*s\n%s:\n%.*s\n", (int)left->len, (char *)left->data, how, (int)right->len,
		(char *)right->data);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	struct resp_limits limits = chosen_limits(data[0]);
	uint32_t state = data[0];
	struct buffer at_once = { 0 }, by_byte = { 0 }, in_pieces = { 0 };
	request_feed(data + 1, len - 1, &limits, whole, NULL, &at_once);
	request_feed(data + 1, len - 1, &limits, one_byte, NULL, &by_byte);
	request_feed(data + 1, len - 1, &limits, piece, &state, &in_pieces);
	must_agree(&at_once, &by_byte, "byte by byte");
	must_agree(&at_once, &in_pieces, "in pieces");
	buffer_fini(&at_once);
	buffer_fini(&by_byte);
	buffer_fini(&in_pieces);
	return 0;
}

/*
 * A stream of requests, handed to the parser in pieces as a socket would, and written down: two feeds of the same
 * stream must give the same transcript however they were cut. The window moves to new memory of exactly its size
 * with each piece, so that a byte read too far or a pointer not rebased is seen by the address sanitizer.
 */
#ifndef TESTS_SUPPORT_REQUEST_FEED_H
#define TESTS_SUPPORT_REQUEST_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "transport/buffer.h"
#include "transport/resp_parser.h"

/* How many bytes come next, at least 1. */
typedef size_t feed_piece(void *context);

/*
 * Appends to `transcript`: per request its number of arguments, and each argument with its length; per error its text,
 * and then it ends. Whether a bulk was handed over as a large one does not show.
 */
void request_feed(const void *stream, size_t len, const struct resp_limits *limits, feed_piece *piece, void *context,
		  struct buffer *transcript);

/* The limits that Redis has by default, with large bulks from `large_bulk_bytes` on. */
struct resp_limits request_feed_limits(uint32_t large_bulk_bytes);

#endif

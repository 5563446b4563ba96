/*
 * Feeds a stream of requests to the parser in pieces, as a socket would, and writes a transcript, which must not depend on the pieces.
 * With each piece the window moves to new memory of exactly its size, so that the address sanitizer finds reads past the end and pointers
 * that were not rebased.
 */
#ifndef TESTS_SUPPORT_REQUEST_FEED_H
#define TESTS_SUPPORT_REQUEST_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "transport/buffer.h"
#include "transport/resp_parser.h"

/* The size of the next piece, at least 1. */
typedef size_t feed_piece(void *context);

/*
 * Appends for each request the number of arguments, and each argument with its length. Ends with an error's text, if there is one. Large
 * bulks look like others.
 */
void request_feed(const void *stream, size_t len, const struct resp_limits *limits, feed_piece *piece, void *context,
		  struct buffer *transcript);

/* The limits that Redis has by default, with large bulks from `large_bulk_bytes` on. */
struct resp_limits request_feed_limits(uint32_t large_bulk_bytes);

#endif

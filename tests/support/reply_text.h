/*
 * A reply as a line of text, for comparisons: type letter and content, children in brackets. `*2\r\n:1\r\n$1\r\na\r\n`
 * is "array[integer 1, bulk a]".
 */
#ifndef TESTS_SUPPORT_REPLY_TEXT_H
#define TESTS_SUPPORT_REPLY_TEXT_H

#include "transport/buffer.h"
#include "transport/resp_reader.h"

void reply_text(const struct resp_reply *reply, struct buffer *out);

/*
 * Feeds a stream to a reader in pieces of `piece` bytes. Appends a line with the text of each reply, and "error: " with the reader's text
 * at an error.
 */
void reply_text_of_stream(const void *stream, size_t len, size_t piece, struct buffer *out);

#endif

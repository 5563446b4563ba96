/*
 * Any bytes to the reply reader, as from a malicious server. Read whole, byte by byte and in pieces, they must give the same replies and
 * the same error. The first byte is the size of a piece.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support/reply_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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
	if (len < 2)
		return 0;
	struct buffer at_once = { 0 }, by_byte = { 0 }, in_pieces = { 0 };
	reply_text_of_stream(data + 1, len - 1, len - 1, &at_once);
	reply_text_of_stream(data + 1, len - 1, 1, &by_byte);
	reply_text_of_stream(data + 1, len - 1, 2 + data[0] % 30u, &in_pieces);
	must_agree(&at_once, &by_byte, "byte by byte");
	must_agree(&at_once, &in_pieces, "in pieces");
	buffer_fini(&at_once);
	buffer_fini(&by_byte);
	buffer_fini(&in_pieces);
	return 0;
}

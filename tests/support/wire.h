/*
 * The frame of replies, found by a reading of the protocol that shares nothing with the server's.
 */
#ifndef TESTS_SUPPORT_WIRE_H
#define TESTS_SUPPORT_WIRE_H

#include <stddef.h>

#define WIRE_MALFORMED ((size_t)-1)

/* Bytes of the reply that begins at `data`: 0 when it isn't complete yet, WIRE_MALFORMED when it is no reply. */
size_t wire_reply_length(const char *data, size_t len);

/* Writes bytes as C would write a string, cut after some hundred, for messages. Returns out. */
char *wire_show(const char *data, size_t len, char *out, size_t size);

/* A command as an array of bulk strings; malloc'ed. `lens` NULL: the words are texts. */
char *wire_command(size_t argc, const char *const argv[], const size_t *lens, size_t *out_len);

#endif

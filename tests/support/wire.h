/*
 * Finds where replies end, with a parser that shares no code with the server's.
 */
#ifndef TESTS_SUPPORT_WIRE_H
#define TESTS_SUPPORT_WIRE_H

#include <stddef.h>

#define WIRE_MALFORMED ((size_t)-1)

/* The length of the reply at `data`; 0 when it is incomplete, WIRE_MALFORMED when it isn't a reply. */
size_t wire_reply_length(const char *data, size_t len);

/* Writes bytes as a C string literal for messages, cut after some hundred. Returns out. */
char *wire_show(const char *data, size_t len, char *out, size_t size);

/* A command as an array of bulk strings; the caller frees it. With `lens` NULL the words are NUL-terminated. */
char *wire_command(size_t argc, const char *const argv[], const size_t *lens, size_t *out_len);

#endif

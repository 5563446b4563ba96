/*
 * Which characters may be shown on a terminal or in a log unescaped: ASCII and UTF-8, except control characters (C0 and C1),
 * characters that change how others are shown (direction, width, line breaks), and code points without a meaning in Unicode.
 */
#ifndef ACTORS_RUNTIME_PRINTABLE_H
#define ACTORS_RUNTIME_PRINTABLE_H

#include <stddef.h>

/* The length in bytes of the printable character at the start of the text; 0 if there is none. */
size_t printable_length(const char *text, size_t len);

/*
 * Copies the text; each unprintable byte becomes \xNN, or \n, \r, \t. Stops before the character that doesn't fit into `size` bytes
 * with the NUL. Returns the length.
 */
size_t printable_escape(const char *text, char *out, size_t size);

#endif

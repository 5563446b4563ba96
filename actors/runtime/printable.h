/*
 * What may be shown on a terminal or in a log as it is: ASCII without its control characters, and UTF-8, but for control characters
 * (C1: 80 to 9f), characters that change how others are shown (direction, width, lines), and what Unicode gives no meaning.
 */
#ifndef ACTORS_PRINTABLE_H
#define ACTORS_PRINTABLE_H

#include <stddef.h>

/* Bytes of the printable character that the text begins with; 0 when it begins with none. */
size_t printable_length(const char *text, size_t len);

/*
 * Writes the text with all else as \xNN a byte, or \n, \r, \t; as far as it goes whole into `size` bytes, a NUL behind it. Returns the
 * length.
 */
size_t printable_escape(const char *text, char *out, size_t size);

#endif

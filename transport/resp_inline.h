/*
 * A line typed by a person, split into arguments by redis-cli's rules of quoting. Part of the request parser
 * (resp_parser.h), which finds the line and hands it over without its line end.
 *
 * Arguments stand between blanks. A double-quoted part knows \n \r \t \b \a, \xHH and takes any other escaped byte as
 * it is; a single-quoted part knows \' only. A quoted part may follow on unquoted bytes (a"b c" is one argument), but
 * what follows its closing quote must be a blank or the end of the line. "" is an argument of no bytes.
 */
#ifndef TRANSPORT_RESP_INLINE_H
#define TRANSPORT_RESP_INLINE_H

#include <stddef.h>
#include <stdint.h>

#include "resp_parser.h"

/*
 * Appends the arguments, which point into `line`; what they look like unescaped is written over it.
 * RESP_REQUEST, RESP_EMPTY (no argument), RESP_ERROR (quotes don't match; the vector is as it was), RESP_NO_MEMORY
 * (nothing has changed).
 */
enum resp_status resp_split_inline(uint8_t *line, size_t len, struct resp_args *args);

#endif

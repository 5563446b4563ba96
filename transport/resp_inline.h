/*
 * Splits an inline command into arguments by redis-cli's quoting rules. Part of the request parser
 * (resp_parser.h), which finds the line and passes it without its line end.
 *
 * Arguments are separated by blanks. In double quotes \n \r \t \b \a and \xHH are escapes, and any other escaped byte stands for
 * itself; in single quotes only \' is an escape. A quoted part may follow unquoted bytes (a"b c" is one argument), but
 * a blank or the end of the line must follow its closing quote. "" is an empty argument.
 */
#ifndef TRANSPORT_RESP_INLINE_H
#define TRANSPORT_RESP_INLINE_H

#include <stddef.h>
#include <stdint.h>

#include "resp_parser.h"

/*
 * Appends the arguments, which point into `line`; unescaped bytes overwrite the line.
 * Returns RESP_REQUEST, RESP_EMPTY (no argument), RESP_ERROR (unbalanced quotes; the vector is unchanged) or RESP_NO_MEMORY
 * (nothing has changed).
 */
enum resp_status resp_split_inline(uint8_t *line, size_t len, struct resp_args *args);

#endif

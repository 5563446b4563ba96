/*
 * Numbers as text: accepts exactly what Redis accepts as an integer or float argument.
 */
#ifndef TRANSPORT_DECIMAL_H
#define TRANSPORT_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest int64 in decimal, with sign; no NUL is written. */
#define DECIMAL_MAX_BYTES 20
/* Enough for decimal_format_double(): 17 digits, signs, point, exponent, NUL. */
#define DECIMAL_DOUBLE_ROOM 32
/* Enough for decimal_format_long_double(): values below 10^4933 with 17 decimals, and a NUL. */
#define DECIMAL_LONG_DOUBLE_ROOM 5120
/* The longest text of a double; the same as Redis's. */
#define DECIMAL_DOUBLE_MAX_BYTES 5119

/* "0", or an optional '-', a digit 1 to 9 and digits: no '+', no leading zero, no space, no overflow. */
bool decimal_parse_int64(const void *text, size_t len, int64_t *out_value);
/* The same without a sign. */
bool decimal_parse_uint64(const void *text, size_t len, uint64_t *out_value);
/*
 * Redis's rule for scores and other float arguments (ZADD and similar): the whole text must be a number for strtod. That allows decimal
 * and hexadecimal fractions ("1", "+1.5e3", ".5", "5.", "0x1p3"), "inf" and "infinity" in any case and with either
 * sign. Refused: space at either end, the empty text, NaN, and values that overflow or underflow to 0 ("1e400",
 * "1e-400"; subnormal numbers are accepted). Independent of the program's locale.
 */
bool decimal_parse_double(const void *text, size_t len, double *out_value);
/* The same for a long double, as INCRBYFLOAT reads it. */
bool decimal_parse_long_double(const void *text, size_t len, long double *out_value);

/* Returns the number of bytes written, at most DECIMAL_MAX_BYTES. */
size_t decimal_format_int64(char *out, int64_t value);
size_t decimal_format_uint64(char *out, uint64_t value);
/* With 15 digits if they read back as the same double, else 17, in any locale. Writes a NUL; `out` has DECIMAL_DOUBLE_ROOM bytes. */
size_t decimal_format_double(char *out, double value);
/* Up to 17 decimals, no trailing zeros, as INCRBYFLOAT; finite values only. Writes a NUL; `out` has DECIMAL_LONG_DOUBLE_ROOM bytes. */
size_t decimal_format_long_double(char *out, long double value);

#endif

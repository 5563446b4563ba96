/*
 * Numbers as text, strictly: what Redis accepts as an integer or a float argument and nothing else.
 */
#ifndef TRANSPORT_DECIMAL_H
#define TRANSPORT_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any int64 in decimal, with sign; no NUL is written. */
#define DECIMAL_MAX_BYTES 20
/* Room for a double as it is written here: 17 digits, signs, point, exponent, NUL. */
#define DECIMAL_DOUBLE_ROOM 32
/* Room for a long double as it is written here: below 10^4933, with 17 digits behind the point, and a NUL. */
#define DECIMAL_LONG_DOUBLE_ROOM 5120
/* The longest text that is read as a fraction; so long as Redis's. */
#define DECIMAL_DOUBLE_MAX_BYTES 5119

/* "0", or an optional '-', a digit 1 to 9 and digits: no '+', no leading zero, no space, no overflow. */
bool decimal_parse_int64(const void *text, size_t len, int64_t *out_value);
/* The same without a sign. */
bool decimal_parse_uint64(const void *text, size_t len, uint64_t *out_value);
/*
 * Redis's rule for scores and other float arguments (ZADD and its like): the whole text as strtod reads it. So decimal
 * and hexadecimal fractions ("1", "+1.5e3", ".5", "5.", "0x1p3"), "inf" and "infinity" in any case and with either
 * sign. Not: space at either end, the empty text, NaN, or what overflows or vanishes in a double ("1e400",
 * "1e-400"; subnormal numbers are right). The program's locale doesn't matter.
 */
bool decimal_parse_double(const void *text, size_t len, double *out_value);
/* The same of a long double, as INCRBYFLOAT reads it. */
bool decimal_parse_long_double(const void *text, size_t len, long double *out_value);

/* Returns the number of bytes written, at most DECIMAL_MAX_BYTES. */
size_t decimal_format_int64(char *out, int64_t value);
size_t decimal_format_uint64(char *out, uint64_t value);
/* With as many digits as give the same double back, 15 or 17, whatever the program's locale; DECIMAL_DOUBLE_ROOM with a NUL. */
size_t decimal_format_double(char *out, double value);
/* Up to 17 digits behind the point and no zeros at the end, as INCRBYFLOAT writes it; finite, DECIMAL_LONG_DOUBLE_ROOM with a NUL. */
size_t decimal_format_long_double(char *out, long double value);

#endif

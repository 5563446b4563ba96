/*
 * Appends replies of the Redis protocol to a buffer. Types that only RESP3 has are written
 * in the nearest RESP2 form if `version` is RESP2 (a map as a flat array, a set as an array, a null as `$-1`,
 * a double as a bulk string, a boolean as an integer, a verbatim string as a bulk string, a push as an array).
 *
 * \r and \n in simple strings and errors are replaced by spaces, as Redis does for errors.
 */
#ifndef TRANSPORT_RESP_WRITER_H
#define TRANSPORT_RESP_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

enum resp_version { RESP2 = 2, RESP3 = 3 };

void resp_write_simple(struct buffer *out, const char *text);
/* `text` without the leading '-': "ERR syntax error". */
void resp_write_error(struct buffer *out, const char *text, size_t len);
void resp_write_integer(struct buffer *out, int64_t value);
void resp_write_bulk(struct buffer *out, const void *data, size_t len);
/* "$len\r\n"; the caller sends the bytes and "\r\n" after it. */
void resp_write_bulk_header(struct buffer *out, size_t len);
void resp_write_array(struct buffer *out, size_t count);
void resp_write_map(struct buffer *out, enum resp_version version, size_t pairs);
void resp_write_set(struct buffer *out, enum resp_version version, size_t count);
void resp_write_push(struct buffer *out, enum resp_version version, size_t count);
/* An attribute with `pairs` pairs, which describes the next reply; RESP3 only. */
void resp_write_attribute(struct buffer *out, size_t pairs);
void resp_write_null(struct buffer *out, enum resp_version version);
void resp_write_null_array(struct buffer *out, enum resp_version version); /* "*-1" in RESP2 */
void resp_write_bool(struct buffer *out, enum resp_version version, bool value);
void resp_write_double(struct buffer *out, enum resp_version version, double value);
void resp_write_big_number(struct buffer *out, enum resp_version version, const char *digits, size_t len);
/* `format` has three letters: "txt" or "mkd". */
void resp_write_verbatim(struct buffer *out, enum resp_version version, const char *format, const void *data, size_t len);

#endif

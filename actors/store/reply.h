/*
 * Writing replies. They are appended to the pending replies of the session's connection, in the session's RESP version, and discarded while
 * the session has replies turned off.
 *
 * Every handler writes exactly one complete reply: an aggregate is its header, then as many replies as the header announces. A reply that
 * exceeds the client's output limit is cut and the connection closed. The rest of the reply is then discarded cheaply; a handler that
 * writes in a long loop should end it when reply_is_cut().
 */
#ifndef ACTORS_STORE_REPLY_H
#define ACTORS_STORE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/store/commands/command.h"
#include "storage/blob.h"
#include "storage/entry.h"
#include "storage/slice.h"

void reply_ok(struct call *call);
void reply_simple(struct call *call, const char *text);
/* `text` begins with the error code: "ERR syntax error". */
void reply_error(struct call *call, const char *text);
void reply_errorf(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_integer(struct call *call, int64_t value);
void reply_bulk(struct call *call, struct slice value);
void reply_text(struct call *call, const char *text); /* a bulk string */
/* The string value of an entry as a bulk string; a large value is not copied. */
void reply_entry(struct call *call, const struct entry *entry);
/* The same for a blob; the reply holds a reference until it is sent. */
void reply_blob(struct call *call, struct blob *blob);
void reply_null(struct call *call);
void reply_array(struct call *call, size_t count);
void reply_map(struct call *call, size_t pairs);
void reply_set(struct call *call, size_t count);
void reply_push(struct call *call, size_t count);
void reply_big_number(struct call *call, const char *digits);
/* The header of an attribute: `pairs` pairs follow, then the reply itself. RESP3 only. */
void reply_attribute(struct call *call, size_t pairs);
void reply_bool(struct call *call, bool value);
void reply_double(struct call *call, double value);
/* A multi-line text: verbatim in RESP3, a bulk string in RESP2. */
void reply_verbatim(struct call *call, const char *format, struct slice text);

/* The rest of the reply is discarded. */
bool reply_is_cut(const struct call *call);
/* May a text that is composed elsewhere grow to `bytes`? If not, the reply is cut. */
bool reply_fits(struct call *call, size_t bytes);

/* Errors that many commands share. */
void reply_syntax_error(struct call *call);
void reply_wrong_type(struct call *call);
void reply_no_memory(struct call *call);
/* maxmemory is reached. */
void reply_above_maxmemory(struct call *call);
void reply_wrong_arity(struct call *call);

/* Closes the connection after all its replies were sent. */
void reply_close(struct call *call);

#endif

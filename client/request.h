/*
 * Commands on their way to the server: arguments written as RESP, and what the command table says of them.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "client/qcache.h"
#include "transport/buffer.h"

/* Appends a command; QC_INVALID for none, or for a NULL among its arguments. */
qc_error request_write(struct buffer *out, qc_args args);

/* enum qc_command_flags of the command, 0 when it isn't known. */
unsigned request_flags(qc_args args);

/*
 * How long the server may wait before it answers, by what the command itself says: 0 for most, -1 for ever. `flags` are the
 * command's. An argument that is no time counts as none: the server will refuse it at once.
 */
int64_t request_wait_ms(qc_args args, unsigned flags);
/* Both together; -1 when either is without end. */
int64_t time_limit_ms(int64_t timeout_ms, int64_t wait_ms);

/* The command's name in capital letters, cut to fit, for hooks and errors. */
void request_name(qc_args args, char *out, size_t size);

/*
 * Does the text spell `word`, in any case of ASCII's letters? strcasecmp() goes by the program's locale, and in Turkish
 * "i" is no small "I".
 */
bool text_spells(const char *text, size_t len, const char *word);

/* NULL, or a pointer of which the length isn't known. */
static inline bool arg_is_missing(const qc_arg *arg)
{
	return arg->len == SIZE_MAX;
}

/* "argument 2 is ..." */
static inline const char *arg_missing_text(const qc_arg *arg)
{
	return arg->data ? "a void pointer, which has no length: see qc_bytes()" : "NULL";
}

static inline const void *arg_data(const qc_arg *arg)
{
	return arg->data ? arg->data : arg->number;
}

#endif

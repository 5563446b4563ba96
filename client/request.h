/*
 * Writes commands as RESP, and answers what the command table knows about them.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "client/qcache.h"
#include "transport/buffer.h"

/* Appends a command. QC_INVALID if it has no arguments, or an argument is NULL. */
qc_error request_write(struct buffer *out, qc_args args);

/* What the table has on the command, or NULL. */
const qc_table_entry *request_entry(qc_args args);
/* The enum qc_command_flags of the command; 0 if it is unknown. */
unsigned request_flags(qc_args args);

/*
 * How long the server may wait before it replies, by the command's own arguments: 0 for most, -1 for forever. `flags` are the command's. An
 * invalid time counts as 0: the server will refuse it at once.
 */
int64_t request_wait_ms(qc_args args, unsigned flags);
/* The sum of two waits; -1 if either is forever. */
int64_t time_limit_ms(int64_t timeout_ms, int64_t wait_ms);

/* The command's name in upper case, cut to fit, for hooks and errors. */
void request_name(qc_args args, char *out, size_t size);

/*
 * Whether the text equals `word` in any ASCII letter case. strcasecmp() depends on the locale: in Turkish "i" is not the lower case of "I".
 */
bool text_spells(const char *text, size_t len, const char *word);

/* Whether the argument is NULL, or a pointer without length. */
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

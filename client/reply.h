/*
 * Converts replies to results. A qc_reply is the codec's struct resp_reply under its public name.
 */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

#include "client/qcache.h"
#include "transport/resp_reader.h"

static inline const struct resp_reply *reply_of(const qc_reply *reply)
{
	return (const struct resp_reply *)reply;
}

static inline qc_reply *reply_public(struct resp_reply *reply)
{
	return (qc_reply *)reply;
}

/* The numbers that qc_reply_int() and qc_reply_double() return. False if the reply holds no such number. */
bool reply_read_int(const qc_reply *reply, int64_t *out_value);
bool reply_read_double(const qc_reply *reply, double *out_value);

/* Each frees the result's reply, except result_string(), which keeps it. */
qc_status result_status(qc_result result);
qc_int result_int(qc_result result);
qc_float result_float(qc_result result);
qc_string result_string(qc_result result);

#endif

/*
 * A client: a reference to a pool, or one connection of it. Sending a request and receiving its replies: here connections are taken and
 * given back, retries are decided, and hooks are called.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/pool.h"
#include "client/slots.h"

struct client {
	qc_client handle; /* must be first: a handle points to a client */
	bool is_unusable; /* because of handle.err; otherwise that is only about the first connection */
	struct pool *pool;
	struct conn *pinned; /* NULL for a pooled client */
	bool is_pinned;
};

static inline struct client *client_of(qc_client *handle)
{
	return (struct client *)handle;
}

/* Returns a client without a connection. If there is no memory, the client says so and has no pool. */
struct client *client_create(struct pool *pool);
/* Pins a connection. In a cluster it goes to the primary of the slot. */
qc_client *client_pin(struct client *from, qc_context *context, int slot);

/* A part of a request with several commands that goes to one node of a cluster: one command, or a whole transaction. */
struct part {
	size_t at, len; /* in request.data */
	size_t replies; /* number of replies */
	int slot;       /* or SLOT_ANY */
	unsigned flags;
};

/* Commands to send, and their replies. */
struct request {
	const char *name;    /* for hooks */
	const char *culprit; /* for errors: the command that has CONNECTION or COMMAND_ANSWERS_BY_PUSH; NULL: `name` */
	qc_args args;        /* of a single command, written when it is sent */
	const void *data;    /* several commands, already written; NULL for a single one */
	size_t len;
	size_t count;        /* number of replies to receive */
	size_t commands;     /* for hooks: the number of commands of the caller */
	unsigned flags;      /* enum qc_command_flags: those that all commands have (READONLY), or one has (CONNECTION) */
	int64_t wait_ms;     /* how long the commands may block, in addition to the time limit; -1: forever */
	struct resp_reply **replies; /* out: `count` elements */
	const struct part *parts; /* of `data`, if the client is for a cluster */
	size_t part_count;
};

/* Sends it on a connection of the client and receives the replies. On failure there are none. */
qc_error client_run(struct client *client, qc_context *context, struct request *request);

/* One attempt on one connection. */
qc_error conn_run(struct conn *conn, qc_context *context, int64_t timeout_ms, struct request *request);

/* Did the server refuse for a reason that passes, before doing anything? *out_elsewhere: another server may not refuse. */
bool error_is_refusal(const qc_error *err, bool *out_elsewhere);
bool reply_is_refusal(const struct resp_reply *reply, bool *out_elsewhere);
/* May it be done again after this error? Nothing was sent, or it changes nothing. */
bool request_is_safe(bool only_reads, const qc_error *err, bool nothing_sent);

void replies_free(struct resp_reply **replies, size_t count);

/* Pauses before retry number `attempt` (the first is 1): doubled for each further one, with jitter. */
int64_t back_off_ns(const struct settings *settings, int attempt);
qc_error back_off(const struct settings *settings, qc_context *context, int attempt);

/* Why the client is unusable, if it is. */
static inline qc_error client_err(const struct client *client)
{
	qc_error none = {.kind = QC_OK};

	return client->is_unusable ? client->handle.err : none;
}

/* QC_INVALID unless the handle is a pinned client that still has its connection. */
qc_error client_pinned(qc_client *handle, struct conn **out_conn);

#endif

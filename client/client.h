/*
 * A client: a hold on a pool, or one connection of it. And how anything gets from a caller to a server and back: the one
 * place where connections are taken and given, retries are decided, hooks called.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/pool.h"

struct client {
	qc_client handle; /* first: a handle is a client */
	bool is_unusable; /* for what handle.err says; else that tells of the first connection alone */
	struct pool *pool;
	struct conn *pinned; /* NULL for a pooled client */
	bool is_pinned;
};

static inline struct client *client_of(qc_client *handle)
{
	return (struct client *)handle;
}

/* Commands to be sent and what they answer. */
struct request {
	const char *name;    /* for hooks */
	const char *culprit; /* for errors: the command that CONNECTION or COMMAND_ANSWERS_BY_PUSH is said of; NULL: `name` */
	qc_args args;        /* of a single command, written when it is sent */
	const void *data;    /* or several, written already; NULL for a single one */
	size_t len;
	size_t count;        /* replies to come */
	size_t commands;     /* for hooks: how many the caller has given */
	unsigned flags;      /* enum qc_command_flags: what all have (READONLY), or one has (CONNECTION) */
	int64_t wait_ms;     /* how long they may wait before they answer, beside the time limit; -1: for ever */
	struct resp_reply **replies; /* out: `count` places */
};

/* Runs it on a connection of the client. On failure there are no replies. */
qc_error client_run(struct client *client, qc_context *context, struct request *request);

/* On one connection, once. */
qc_error conn_run(struct conn *conn, qc_context *context, int64_t timeout_ms, struct request *request);

void replies_free(struct resp_reply **replies, size_t count);

/* A pause before attempt number `attempt` (1 is the first retry): doubled each time, with jitter. */
int64_t back_off_ns(const struct settings *settings, int attempt);
qc_error back_off(const struct settings *settings, qc_context *context, int attempt);

/* Why nothing can be done with it, if so. */
static inline qc_error client_err(const struct client *client)
{
	qc_error none = {.kind = QC_OK};

	return client->is_unusable ? client->handle.err : none;
}

/* QC_INVALID when the handle isn't a pinned client that still has its connection. */
qc_error client_pinned(qc_client *handle, struct conn **out_conn);

#endif

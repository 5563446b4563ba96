/*
 * The internals of the asynchronous client. All commands are in one list, in order: from `entries` to before `unsent` those that are sent
 * and wait for replies, then those that wait for the connection. Bytes go from entries to `out`, and from there to the socket.
 *
 * RESTING -> DIALLING -> READY. A failure leads to PAUSING and back to DIALLING. After retries + 1 failed dials the state becomes RESTING,
 * unless commands wait. Each waiting command has a deadline. All get the same time, starting together or in the order of the list, so the
 * first in the list is always the first to expire.
 *
 * A callback may close the handle. Functions that run callbacks hold `depth`, and the last one to leave frees the handle. So after anything
 * that may run a callback, check `closed` before touching the rest.
 */
#ifndef CLIENT_ASYNC_H
#define CLIENT_ASYNC_H

#include "client/qcache_async.h"

#include "client/context.h"
#include "client/dial.h"
#include "client/origin.h"

enum state { RESTING, DIALLING, READY, PAUSING };

struct entry {
	struct entry *next;
	qc_callback *callback;
	void *data;
	qc_error err;      /* why the command was refused before it was sent */
	int64_t deadline_ns; /* for a connection, then for the reply */
	unsigned flags;
	int64_t wait_ms;   /* see request_wait_ms() */
	int attempts;
	size_t len;
	uint8_t bytes[];
};

struct watched {
	int fd;
	bool read, write;
};

struct async {
	qc_async handle;
	qc_async_loop loop;
	struct settings settings;
	struct tls_context *tls_context;
	enum state state;
	bool is_unusable; /* the options are invalid: every command fails */
	struct origin origin;
	struct watched watched;
	struct dial *dial; /* while DIALLING */
	struct conn *conn; /* while READY */
	struct buffer out;
	size_t out_sent;
	struct entry *entries, **last; /* all commands without reply */
	struct entry **unsent;         /* the first that is not sent */
	struct entry *refused, **last_refused;
	qc_callback *on_push;
	void *push_data;
	size_t address_index;          /* index of the server in use, or to try first */
	int dials;                     /* consecutive failures */
	int64_t pause_ns, timer_ns;    /* when PAUSING ends; what the timer is set to */
	/* What the last write and the last read wait for (POLLIN, POLLOUT): TLS may have to read in order to write, and write in order to
	 * read. */
	short write_wants, read_wants;
	int depth;
	bool closed;
	int told_closed;               /* nested callbacks that were called with QC_CLOSED at once */
};

/* async_queue.c: commands, from call to reply. */

/* Calls the callback with the result, which it takes over, and frees the entry. */
void async_complete(struct async *a, struct entry *entry, qc_result result);
/* For the first sent command. */
struct entry *async_pop_first(struct async *a);
void async_fail_all(struct async *a, const qc_error *err);
/* The deadline of a command that is sent now, or is now the first to be answered. */
int64_t async_answer_deadline(const struct async *a, const struct entry *entry);
/* Fails the sent commands. Reads that may be sent again go back to the front of the waiting ones. */
void async_fail_sent(struct async *a, const qc_error *err);
/* After a lost connection: the waiting commands get the time limit for a new connection. */
void async_restart_waiting(struct async *a);
/* Fails the commands that have waited for a connection for too long. */
void async_fail_late(struct async *a, int64_t now_ns);
/* Takes a command that cannot even be sent. The timer reports it, since the caller is still inside its call. */
void async_refuse(struct async *a, struct entry *entry);
void async_fail_refused(struct async *a);

/* async_dial.c: the connection, until it is ready and after it is lost. */

void async_dial(struct async *a);
/* Continues the current dial. */
void async_advance(struct async *a);
/* Ends the connection or the dial. */
void async_lost(struct async *a, qc_error err);
void async_close_socket(struct async *a);
/* In a forked child: the waiting commands belong to the parent and fail. */
void async_disown(struct async *a);

/* async.c: the loop, output and input. */

void async_watch(struct async *a);
void async_flush(struct async *a);
void async_become_ready(struct async *a);
/* Takes ownership of the result. */
void async_tell_push(struct async *a, qc_result push);

#endif

/*
 * The inside of the asynchronous face. Commands stand in one list, in order: first those that are sent and wait for their replies,
 * from `entries` to before `unsent`; then those that wait for the connection. Bytes go from entries to `out`, and from there to the
 * socket as it takes them.
 *
 * RESTING -> DIALLING -> READY; a failure leads to PAUSING, and from there to DIALLING. After
 * retries + 1 dials in vain it rests, unless commands wait: each of those has its deadline, and as all get the same time and begin
 * it together or in the order of the list, the first of the list is always the first to go.
 *
 * A callback may close the handle: what runs callbacks holds `depth`, and the last one out frees. So after anything here that
 * calls back, `closed` is to be looked at before the rest is touched.
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
	qc_error err;      /* of a command that was refused before it could be sent */
	int64_t deadline_ns; /* of waiting for a connection, then of the answer */
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
	bool is_unusable; /* its options are wrong: nothing can be done with it */
	struct origin origin;
	struct watched watched;
	struct dial *dial; /* DIALLING */
	struct conn *conn; /* READY */
	struct buffer out;
	size_t out_sent;
	struct entry *entries, **last; /* all that wait */
	struct entry **unsent;         /* where those not sent begin */
	struct entry *refused, **last_refused;
	qc_callback *on_push;
	void *push_data;
	size_t address_index;          /* of the server in use, or to be tried first */
	int dials;                     /* in vain, in a row */
	int64_t pause_ns, timer_ns;    /* the end of PAUSING; what the timer is set to */
	/* What the last write and the last read wait for (POLLIN, POLLOUT): TLS may have to read for the one and write for the other. */
	short write_wants, read_wants;
	int depth;
	bool closed;
	int told_closed;               /* callbacks within each other that were told so at once */
};

/* async_queue.c: commands from when they are given to when they are answered. */

/* Calls back, and frees; takes the result over. */
void async_complete(struct async *a, struct entry *entry, qc_result result);
/* The first that is sent. */
struct entry *async_pop_first(struct async *a);
void async_fail_all(struct async *a, const qc_error *err);
/* Until when a command that is sent now, or may first be answered now, is to be. */
int64_t async_answer_deadline(const struct async *a, const struct entry *entry);
/* Those sent fail, but for reads that may be sent again, which go back to the front of those that wait. */
void async_fail_sent(struct async *a, const qc_error *err);
/* The connection is lost: the time for which those that wait may wait for another begins. */
void async_restart_waiting(struct async *a);
/* No connection, and these have waited for one for too long. */
void async_fail_late(struct async *a, int64_t now_ns);
/* What can't even be tried: told by the timer, not from inside of the call. */
void async_refuse(struct async *a, struct entry *entry);
void async_fail_refused(struct async *a);

/* async_dial.c: the connection, until it is ready and when it is lost. */

void async_dial(struct async *a);
/* Goes on with the dial in hand. */
void async_advance(struct async *a);
/* The connection, or the attempt at one, is over. */
void async_lost(struct async *a, qc_error err);
void async_close_socket(struct async *a);
/* In a forked child: what waits is the parent's to ask and to be answered. */
void async_disown(struct async *a);

/* async.c: the loop, bytes out and replies in. */

void async_watch(struct async *a);
void async_flush(struct async *a);
void async_become_ready(struct async *a);
/* Takes the result over. */
void async_tell_push(struct async *a, qc_result push);

#endif

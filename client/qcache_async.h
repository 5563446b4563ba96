/*
 * The library without threads and without waiting: replies come to callbacks, on the caller's own event loop. qcache_ev.h ties it to
 * libev; another loop needs the three functions of qc_async_loop.
 *
 *	qc_async *a = qc_ev_dial(loop, "localhost:6379");
 *	qc_async_do(a, on_reply, NULL, "GET", "foo");
 *	ev_run(loop, 0);
 *
 * One connection, on which commands go out as a pipeline and replies come back in order. It dials by itself and, when the
 * connection is lost, again, with back-off, as long as anything waits. Commands sent and not answered fail with QC_NETWORK
 * then, unless they only read: those are sent again. What is not sent waits for the new connection, for options.timeout_ms
 * from when the old one was lost or the command was given, and no longer: then it fails with QC_TIMEOUT and what stood in the
 * way. All that waits fails earlier when waiting can't help: at once when the server refuses the client (a wrong password:
 * QC_SERVER), after options.retries when there is another fault than that of the network. Only the time bounds how much waits:
 * who may give more meanwhile than there is memory for must count.
 *
 * All calls and callbacks are made in the loop's thread. Callbacks may call anything here, qc_async_close() included.
 * A host's name is looked up by a thread that is started for it, as the system's resolver can only block; nothing else starts one.
 */
#ifndef QCACHE_ASYNC_H
#define QCACHE_ASYNC_H

#include "qcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qc_async {
	qc_error err; /* why it could not be made, or what has ended the last connection */
	void *data;   /* the caller's */
} qc_async;

/* What an event loop is asked for. */
typedef struct qc_async_loop {
	void *data;
	/* Watch this descriptor for these, instead of what was watched before; fd is -1 for none. Then qc_async_ready(). */
	void (*watch)(void *data, qc_async *async, int fd, bool read, bool write);
	/* Once after so many ms, instead of what was set before; -1: never. Then qc_async_expired(). */
	void (*set_timer)(void *data, qc_async *async, int64_t ms);
	/* The last call of all: from qc_async_close(), or from qc_async_open() that had no memory. May be NULL. */
	void (*released)(void *data);
} qc_async_loop;

/* The result is released when the callback returns, unless it takes it: copies it and sets result->reply to NULL. */
typedef void qc_callback(qc_async *async, qc_result *result, void *data);

/* Begins to dial at once. options.pool_size and its like mean nothing here; timeout_ms holds for each command while it waits for
 * a connection, and again from when it is sent: see "Time" in qcache.h. Of those sent behind one that waits on its own account it
 * begins when that is answered. After fork() the loop is to be told first (ev_loop_fork()), and then this may be used. */
QC_API qc_async *qc_async_open(const qc_options *options, const qc_async_loop *loop);
/*
 * Every command that waits for its reply gets QC_CLOSED. Only the callbacks that are called meanwhile may still use the handle:
 * what they want done gets QC_CLOSED at once, though not for ever (after 16 within each other it is not called any more).
 */
QC_API void qc_async_close(qc_async *async);

/* `callback` is called exactly once (NULL: nobody wants to know): later, but at once when there is no memory or it is closed. */
QC_API void qc_async_do_args(qc_async *async, qc_callback *callback, void *data, qc_args args);
#define qc_async_do(async, callback, data, ...) qc_async_do_args(async, callback, data, QC_LIST(__VA_ARGS__))

/*
 * Who gets what comes without having been asked for: messages of subscriptions (in RESP3, which is the default), and an error when
 * the connection is lost: then subscribe again. The first confirmation of a SUBSCRIBE goes to the command's own callback.
 */
QC_API void qc_async_on_push(qc_async *async, qc_callback *callback, void *data);

/* For the loop: the descriptor is ready; the time is up. */
QC_API void qc_async_ready(qc_async *async, bool readable, bool writable);
QC_API void qc_async_expired(qc_async *async);

#ifdef __cplusplus
}
#endif

#endif

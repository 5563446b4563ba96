/*
 * An asynchronous client: it never waits, and replies go to callbacks on the caller's event loop. qcache_ev.h connects it to libev;
 * for another loop, implement the three functions of qc_async_loop.
 *
 *	qc_async *a = qc_ev_dial(loop, "localhost:6379");
 *	qc_async_do(a, on_reply, NULL, "GET", "foo");
 *	ev_run(loop, 0);
 *
 * There is one connection: commands are pipelined, and replies arrive in order. It is dialled automatically, and again with back-off
 * when it is lost while commands wait. Then commands that were sent and not answered fail with QC_NETWORK, except reads, which are
 * sent again. Commands not sent yet wait for the new connection for options.timeout_ms, counted from the loss of the old
 * connection or from the call; then they fail with QC_TIMEOUT and the last error. They fail earlier if waiting is useless: at once
 * if the server refuses the client (QC_SERVER, such as a wrong password), and after options.retries if the error is not
 * QC_NETWORK. The number of waiting commands has no limit but this time: a program that may run out of memory must count them.
 *
 * All calls and callbacks happen in the thread of the loop. Callbacks may call any function here, even qc_async_close(). A thread is
 * started only to resolve a host name, since the system's resolver blocks.
 */
#ifndef QCACHE_ASYNC_H
#define QCACHE_ASYNC_H

#include "qcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qc_async {
	qc_error err; /* why it could not be made, or why the last connection has ended */
	void *data;   /* for the caller */
} qc_async;

/* What the library needs of an event loop. */
typedef struct qc_async_loop {
	void *data;
	/* Watch this descriptor for reading and writing, instead of what was watched before; fd is -1 for none. Call qc_async_ready() when
	 * ready. */
	void (*watch)(void *data, qc_async *async, int fd, bool read, bool write);
	/* Set the timer to so many ms, replacing the previous setting; -1: off. Call qc_async_expired() once when it expires. */
	void (*set_timer)(void *data, qc_async *async, int64_t ms);
	/* The last call, from qc_async_close(), or from qc_async_open() if it runs out of memory. May be NULL. */
	void (*released)(void *data);
} qc_async_loop;

/* The result is released when the callback returns. To keep it, copy it and set result->reply to NULL. */
typedef void qc_callback(qc_async *async, qc_result *result, void *data);

/* Begins to dial at once. pool_size and the other pool options have no effect. timeout_ms limits how long a command waits for a
 * connection, and again the time from sending it to its reply: see "Time" in qcache.h. For commands sent after one that blocks, it begins
 * when that one is answered. After fork(), tell the loop first (ev_loop_fork()). */
QC_API qc_async *qc_async_open(const qc_options *options, const qc_async_loop *loop);
/*
 * Every waiting command gets QC_CLOSED. The handle may only be used in these callbacks; their new commands get QC_CLOSED at once, up to a
 * nesting of 16: deeper callbacks are not called.
 */
QC_API void qc_async_close(qc_async *async);

/* Calls `callback` (which may be NULL) exactly once: later, or at once if out of memory or closed. */
QC_API void qc_async_do_args(qc_async *async, qc_callback *callback, void *data, qc_args args);
#define qc_async_do(async, callback, data, ...) qc_async_do_args(async, callback, data, QC_LIST(__VA_ARGS__))

/*
 * Receives pushes, such as messages of subscriptions (which need RESP3, the default), and an error when the connection is lost: then
 * subscribe again. The first confirmation of a SUBSCRIBE goes to the callback of the command.
 */
QC_API void qc_async_on_push(qc_async *async, qc_callback *callback, void *data);

/* Called by the loop: the descriptor is ready; the timer has expired. */
QC_API void qc_async_ready(qc_async *async, bool readable, bool writable);
QC_API void qc_async_expired(qc_async *async);

#ifdef __cplusplus
}
#endif

#endif

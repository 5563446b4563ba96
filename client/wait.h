/*
 * Waiting for a descriptor under a context and a deadline: the one place where a thread of the library's callers sleeps on I/O.
 */
#ifndef CLIENT_WAIT_H
#define CLIENT_WAIT_H

#include "client/context.h"

/*
 * Until `fd` is ready for one of `events` (as poll(2) names them) or the deadline passes: *out_ready is what it is ready for, or 0.
 * Or until the context ends: then its error. *wake_fd is an eventfd to be woken by, -1 until one is needed; the caller closes it.
 */
qc_error wait_ready(int fd, short events, int *wake_fd, qc_context *context, int64_t deadline_ns, int *out_ready);

#endif

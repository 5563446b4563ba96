/*
 * Waits for a descriptor until a context ends or a deadline passes: the only place where threads of the caller sleep on I/O.
 */
#ifndef CLIENT_WAIT_H
#define CLIENT_WAIT_H

#include "client/context.h"

/*
 * Waits until `fd` is ready for one of `events` (as in poll(2)), or the deadline passes: *out_ready is what it is ready for, or 0. Returns
 * the context's error if it ends first. *wake_fd is an eventfd for waking, -1 until one is needed; the caller closes it.
 */
qc_error wait_ready(int fd, short events, int *wake_fd, qc_context *context, int64_t deadline_ns, int *out_ready);

#endif

/*
 * Cancellation and deadlines of calls.
 *
 * A context has a list of waiters: one for each child context, and one for each call that is about to wait. When the context ends, it wakes
 * them all. A waiter's `wake` runs under the context's lock in the thread that cancels. It may take locks, but none under which a thread
 * joins or leaves a context. The lock of a parent is taken before the lock of its child.
 *
 * NULL is the background context in all functions.
 */
#ifndef CLIENT_CONTEXT_H
#define CLIENT_CONTEXT_H

#include "client/qcache.h"

struct context_waiter {
	void (*wake)(struct context_waiter *waiter);
	struct context_waiter *next, **link;
};

#define NO_DEADLINE INT64_MAX

int64_t monotonic_ns(void);
/* `ms` from now; NO_DEADLINE for -1. */
int64_t deadline_after_ms(int64_t ms);

/* Whether it can be cancelled. If not, there is no need to join it. */
bool context_can_end(const qc_context *context);
int64_t context_deadline_ns(const qc_context *context);

/* False if it has ended already. Otherwise wake() is called when it is cancelled (not when its deadline passes). */
bool context_join(qc_context *context, struct context_waiter *waiter);
/* Afterwards wake() is not running and will not be called. */
void context_leave(qc_context *context, struct context_waiter *waiter);

/* Sleeps for this time, or until the context ends: then returns its error. */
qc_error context_sleep(qc_context *context, int64_t ns);

#endif

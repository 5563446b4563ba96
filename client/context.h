/*
 * What a call may wait for, and how another thread ends it.
 *
 * A context keeps a list of waiters: one for each child, and one for each call that is about to wait. Ending it wakes them all.
 * A waiter's `wake` runs under the context's lock, in the thread that cancels: it may take locks, but none under which
 * anybody joins or leaves a context. Parents' locks are taken before children's.
 *
 * Wherever a context is wanted NULL is the background.
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

/* Can it be cancelled? When not there is no need to join it. */
bool context_can_end(const qc_context *context);
int64_t context_deadline_ns(const qc_context *context);

/* False when it has ended already; else wake() is called when it is cancelled (not when its deadline passes). */
bool context_join(qc_context *context, struct context_waiter *waiter);
/* After it wake() is not running and won't. */
void context_leave(qc_context *context, struct context_waiter *waiter);

/* Sleeps for so long, or until the context ends: then its error. */
qc_error context_sleep(qc_context *context, int64_t ns);

#endif

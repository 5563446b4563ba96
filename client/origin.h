/*
 * The process that something belongs to. After fork() the child holds copies of its parent's sockets and may use none: what it
 * sent would be answered to either of them. The mark is a page that the kernel clears in a child (MADV_WIPEONFORK), so that
 * asking costs one load.
 */
#ifndef CLIENT_ORIGIN_H
#define CLIENT_ORIGIN_H

#include <stdatomic.h>

#include "client/qcache.h"

struct origin {
	atomic_int *mark;
};

/* What the page holds; a child finds the first. */
enum origin_mark { ORIGIN_ELSEWHERE, ORIGIN_CHANGING, ORIGIN_HERE };

qc_error origin_init(struct origin *origin);
void origin_fini(struct origin *origin);

static inline bool origin_is_here(const struct origin *origin)
{
	return atomic_load_explicit(origin->mark, memory_order_acquire) == ORIGIN_HERE;
}

/*
 * In a child: true for the one thread that is to drop what was the parent's, and then calls origin_move(); the others wait
 * until that is done.
 */
bool origin_claim(struct origin *origin);
void origin_move(struct origin *origin);

#endif

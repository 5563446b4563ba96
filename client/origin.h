/*
 * Detects fork(). The child has copies of its parent's sockets but must not use them: the replies could go to either process. The mark is
 * in a page that the kernel clears in a child (MADV_WIPEONFORK), so the check costs one load.
 */
#ifndef CLIENT_ORIGIN_H
#define CLIENT_ORIGIN_H

#include <stdatomic.h>

#include "client/qcache.h"

struct origin {
	atomic_int *mark;
};

/* The content of the page. A child finds the first value. */
enum origin_mark { ORIGIN_ELSEWHERE, ORIGIN_CHANGING, ORIGIN_HERE };

qc_error origin_init(struct origin *origin);
void origin_fini(struct origin *origin);

static inline bool origin_is_here(const struct origin *origin)
{
	return atomic_load_explicit(origin->mark, memory_order_acquire) == ORIGIN_HERE;
}

/*
 * In a child: true for one thread, which must drop everything of the parent and then call origin_move(). Other threads wait until that is
 * done.
 */
bool origin_claim(struct origin *origin);
void origin_move(struct origin *origin);

#endif

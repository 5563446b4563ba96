/*
 * The gate holds back replies until everything that they may tell about is durable (appendfsync always).
 *
 * Each reply batch comes with a sequence: the last frame on the command bus when its replies were made, 0 if it need not wait. The gate's
 * mark is the last frame that is durable. A batch passes when its sequence is at or below the mark and no earlier batch waits. The others
 * wait in one queue, in order of arrival, so pushes and replies of a connection keep their order.
 *
 *	if (gate_passes(gate, sequence))
 *		... deliver the batch
 *	else
 *		gate_hold(gate, sequence, batch);
 *
 *	gate_set_mark(gate, mark);
 *	while ((batch = gate_take(gate)))
 *		... deliver the batch
 *
 * It knows no socket and no loop. Only its reactor calls.
 */
#ifndef ACTORS_REACTOR_GATE_H
#define ACTORS_REACTOR_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/store/batch.h"

struct gate {
	uint64_t open_below;       /* a batch with a lower sequence passes; 0 while others wait */
	uint64_t mark;
	struct reply_batch *first, *last;
	size_t taken_bytes;        /* memory of the batches that wait, without blobs */
};

void gate_init(struct gate *gate);
/* Destroys what waits. */
void gate_fini(struct gate *gate);

static inline bool gate_passes(const struct gate *gate, uint64_t sequence)
{
	return sequence < gate->open_below;
}

/* Takes a batch that doesn't pass. */
void gate_hold(struct gate *gate, uint64_t sequence, struct reply_batch *batch);
/* A mark below the present one changes nothing. */
void gate_set_mark(struct gate *gate, uint64_t mark);
/* Gives the first waiting batch to the caller if it passes now, else NULL. Call it until it returns NULL. */
struct reply_batch *gate_take(struct gate *gate);

#endif

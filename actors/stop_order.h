/*
 * The order in which a server's actors stop. The supervisor gives each kind its message and waits for as many answers before
 * it goes on to the next; the simulation's supervisor uses the same. All calls in the supervisor's turns, or on its thread.
 *
 * Service has stopped when nobody is left who may owe a client or a subscriber anything. The helpers (reaper, worker) are told
 * then; the stop is over when they have answered too, but nobody needs what they are still at.
 */
#ifndef ACTORS_STOP_ORDER_H
#define ACTORS_STOP_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct actor;

struct stop_order {
	struct actor *supervisor;
	uint32_t step, answers_missing;
	bool has_begun, is_now, is_cut;
};

void stop_order_init(struct stop_order *order, struct actor *supervisor);
/* With `is_now` nothing that is under way is waited for. A second time it does nothing. */
void stop_order_begin(struct stop_order *order, bool is_now);
/* A message has come whose type ends in STOP_DONE. True when it was the last one of the service, and again for the last of all. */
bool stop_order_take_answer(struct stop_order *order);
/* A reactor has dropped what it was owed (REACTOR_CUT): the store drops the rest. True for the first one, which says it for all. */
bool stop_order_cut(struct stop_order *order);

bool stop_order_is_over(const struct stop_order *order);

#endif

/*
 * The order in which a server's actors stop. The supervisor posts a stop message to all actors of one kind and waits for their answers
 * before it continues with the next kind. The simulation's supervisor uses it too. All calls in the supervisor's turns, or on its thread.
 *
 * Service has stopped when the reactors, the store and all subscribers have. Then the helpers (reaper, worker) are told to stop. The stop
 * is over when they have answered, but no client or subscriber waits for that.
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
/* With `is_now`, requests in flight get no reply. A second call does nothing. */
void stop_order_begin(struct stop_order *order, bool is_now);
/* A STOP_DONE has come. True when service has stopped, and again when the stop is over. */
bool stop_order_take_answer(struct stop_order *order);
/* A REACTOR_CUT has come: tells the store to drop all requests. True for the first one; later ones do nothing. */
bool stop_order_cut(struct stop_order *order);

bool stop_order_is_over(const struct stop_order *order);

#endif

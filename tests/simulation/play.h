/*
 * One seed's play: nodes with random reactors, subscribers, credit and paces; random clients that come and go; and what must hold
 * all the while and at the end:
 *
 * - each connection has its replies in order, exactly one for each request;
 * - frames are dense, whole and in order, each effect of a client's own key comes once, and what a subscriber makes of all effects
 *   equals the store's data;
 * - no subscriber is posted to without credit, and no edge holds more than its slots;
 * - no wake-up is lost: when time has passed and nothing is left to happen, nobody still waits and all batches are home;
 * - a stop, in the midst of all this or behind it, at leisure or at once, ends in the order of the topology and leaves no message.
 *
 * Broken invariants of the actors stop the process.
 */
#ifndef TESTS_SIMULATION_PLAY_H
#define TESTS_SIMULATION_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "simulation/scheduler.h"

struct play_result {
	char failure[256];  /* empty when all held */
	uint64_t digest;    /* of all that happened */
};

void play(uint64_t seed, enum tracing tracing, struct play_result *out_result);

#endif

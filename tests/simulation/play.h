/*
 * One seed's play: nodes with random reactors, subscribers, credit and paces, and random clients that come and go. It checks:
 *
 * - each connection gets its replies in order, exactly one for each request;
 * - frames are dense, whole and in order; each effect on a client's own key comes once; a subscriber's copy of the data equals the store's;
 * - no subscriber gets a message without credit, and no edge holds more messages than it has slots;
 * - no wake-up is lost: when time has passed and nothing can run, no client waits and all batches are home;
 * - a node with an append-only file has the same data when it starts again;
 * - a stop, during the play or after it, with or without NOW, follows the order of the topology and leaves no message.
 *
 * A broken invariant of an actor stops the process.
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

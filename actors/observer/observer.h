/*
 * The observer: a subscriber of the command bus. It adds up counts and latencies of commands and counts of keyspace events, for INFO and
 * LATENCY, and formats the lines that MONITOR clients see. It touches no key and no session.
 */
#ifndef ACTORS_OBSERVER_OBSERVER_H
#define ACTORS_OBSERVER_OBSERVER_H

#include <stdint.h>

#include "actors/bus/tally.h"

struct observer;
struct runtime;

/* Fatal without memory. */
struct observer *observer_create(struct runtime *runtime, uint32_t command_count);
void observer_destroy(struct observer **observer);

/* The payload of STORE_OBSERVATIONS: a copy of all counts, which the receiver destroys. */
struct observations {
	uint64_t events[EFFECT_TYPES];       /* by effect */
	uint32_t command_count;
	struct command_count commands[];     /* by command number */
};

void observations_destroy(struct observations **observations);

#endif

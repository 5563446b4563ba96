/*
 * The observer: a subscriber of the command bus that counts and times commands and counts keys' events, for INFO and
 * LATENCY, and writes the lines that MONITOR's clients see. It touches no key and no session.
 */
#ifndef ACTORS_OBSERVER_H
#define ACTORS_OBSERVER_H

#include <stdint.h>

#include "actors/bus/tally.h"

struct observer;
struct runtime;

/* Fatal without memory. */
struct observer *observer_create(struct runtime *runtime, uint32_t command_count);
void observer_destroy(struct observer **observer);

/* What the observer answers; an own copy for the one who asked, who destroys it. */
struct observations {
	uint64_t events[EFFECT_TYPES];       /* by effect */
	uint32_t command_count;
	struct command_count commands[];     /* by command number */
};

void observations_destroy(struct observations **observations);

#endif

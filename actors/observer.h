/*
 * The observer: a subscriber of the command bus that counts commands and keys' events, for INFO, and writes the lines that
 * MONITOR's clients see. It touches no key and no session.
 */
#ifndef ACTORS_OBSERVER_H
#define ACTORS_OBSERVER_H

#include <stdint.h>

#include "actors/effect.h"

struct command_count {
	uint64_t calls, failed, rejected;
	uint64_t ns; /* spent in them; a run of calls of one command is timed as a whole */
};

struct observer;
struct runtime;

/* The observer is subscriber 0. Fatal without memory. */
struct observer *observer_create(struct runtime *runtime, uint32_t command_count);
void observer_destroy(struct observer **observer);

/* What the observer answers; an own copy for the one who asked. */
struct observations {
	uint64_t events[EFFECT_TYPES];       /* by effect */
	uint32_t command_count;
	struct command_count commands[];     /* by command number */
};

#endif

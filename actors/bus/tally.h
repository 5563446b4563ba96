/*
 * What the store counts and the observer adds up: how often commands and effects came, and how long commands took. A tally travels on
 * the bus and holds what came since the one before.
 */
#ifndef ACTORS_BUS_TALLY_H
#define ACTORS_BUS_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/bus/effect.h"
#include "actors/runtime/histogram.h"

struct command_count {
	uint64_t calls, failed, rejected;
	uint64_t ns;               /* spent in them */
	struct histogram *latency; /* of the calls, one by one; NULL when none was counted. Owned */
};

/* Adds `from` to `into`, which gets a histogram when it has none and needs one. Fatal without memory. */
void command_count_merge(struct command_count *into, const struct command_count *from);

struct tally {
	bool starts_anew; /* what was counted before is forgotten */
	uint64_t events[EFFECT_TYPES];
	uint32_t command_count;
	struct command_count commands[]; /* by command number */
};

/* NULL without memory. */
struct tally *tally_create(uint32_t command_count);
void tally_destroy(struct tally **tally);

#endif

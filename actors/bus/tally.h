/*
 * Counts that the store collects and the observer adds up: calls and latencies of commands, and effects. A tally travels on the bus and
 * covers the time since the previous one.
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
	struct histogram *latency; /* of single calls; owned; NULL when none was counted */
};

/* Adds `from` to `into`, and creates a histogram there if needed. Fatal without memory. */
void command_count_merge(struct command_count *into, const struct command_count *from);

struct tally {
	bool starts_anew; /* reset all earlier counts first */
	uint64_t events[EFFECT_TYPES];
	uint32_t command_count;
	struct command_count commands[]; /* by command number */
};

/* NULL without memory. */
struct tally *tally_create(uint32_t command_count);
void tally_destroy(struct tally **tally);

#endif

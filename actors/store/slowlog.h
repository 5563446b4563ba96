/*
 * The slow log: commands that took long, the newest first, with copies of their arguments and of the client's name, both cut to
 * a bounded size, and without their secrets. The store's own; only its turns call.
 */
#ifndef ACTORS_STORE_SLOWLOG_H
#define ACTORS_STORE_SLOWLOG_H

#include <stddef.h>
#include <stdint.h>

#include "actors/store/call.h"

/* Of a longer list of arguments the last place tells how many more there are; of a longer argument the end likewise. */
#define SLOWLOG_ARGS_MAX 32
#define SLOWLOG_ARG_BYTES_MAX 128

struct slow_entry {
	struct slow_entry *older, *newer;
	uint64_t id;          /* counts from 0, never reset */
	int64_t when_s;       /* wall clock: when it was over */
	uint64_t duration_us;
	uint32_t argc;
	struct slice *argv;   /* into the entry */
	struct slice address, name;
};

struct slowlog {
	struct slow_entry *newest, *oldest;
	uint64_t count, next_id;
};

/* Makes an entry of a call that is over; at most `max` are kept. Without memory there is none. */
void slowlog_add(struct slowlog *log, const struct call *call, uint64_t duration_us, uint64_t max);
/* Forgets the oldest until there are at most `max`. */
void slowlog_trim(struct slowlog *log, uint64_t max);

#endif

/*
 * The slow log: commands that took long, newest first. An entry holds copies of the arguments and the client's name, cut to a bounded size;
 * passwords are redacted. Only turns of the store call these functions.
 */
#ifndef ACTORS_STORE_SLOWLOG_H
#define ACTORS_STORE_SLOWLOG_H

#include <stddef.h>
#include <stdint.h>

#include "actors/store/call.h"

/* In a cut list of arguments the last element says how many more there are; a cut argument ends with how many bytes more. */
#define SLOWLOG_ARGS_MAX 32
#define SLOWLOG_ARG_BYTES_MAX 128

struct slow_entry {
	struct slow_entry *older, *newer;
	uint64_t id;          /* counts from 0, never reset */
	int64_t when_s;       /* wall clock */
	uint64_t duration_us;
	uint32_t argc;
	struct slice *argv;   /* points into the entry */
	struct slice address, name;
};

struct slowlog {
	struct slow_entry *newest, *oldest;
	uint64_t count, next_id;
};

/* Adds an entry for a finished call and keeps at most `max` entries. If out of memory, adds none. */
void slowlog_add(struct slowlog *log, const struct call *call, uint64_t duration_us, uint64_t max);
/* Removes the oldest entries until at most `max` remain. */
void slowlog_trim(struct slowlog *log, uint64_t max);

#endif

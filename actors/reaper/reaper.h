/*
 * The reaper frees what is too large to be freed in a turn of the store: the tables of flushed databases. Large values are not
 * among that: each is one block, which the allocator takes back in microseconds (400 MB in 9, measured) and whose pages its own
 * thread gives to the system. One chain at a time; what waits here still counts as used memory.
 */
#ifndef ACTORS_REAPER_H
#define ACTORS_REAPER_H

#include "actors/runtime/actor.h"
#include "storage/keyspace.h"

struct garbage {
	struct keyspace *keyspace;
	struct garbage *next;
};

/* The whole chain. Any thread. */
void garbage_destroy(struct garbage **garbage);

struct reaper {
	struct actor *actor;
	bool is_stopping;
};

void reaper_init(struct reaper *reaper, struct runtime *runtime);

#endif

/*
 * The reaper frees what is too large to free in a store turn: the keyspaces of flushed databases. The store frees large values
 * itself: each is one block, which takes the allocator microseconds (400 MB in 9, measured); the allocator's own
 * thread returns its pages to the system. One chain of garbage is in flight at a time; it counts as used memory until it is freed.
 */
#ifndef ACTORS_REAPER_REAPER_H
#define ACTORS_REAPER_REAPER_H

#include "actors/runtime/actor.h"
#include "storage/keyspace.h"

struct garbage {
	struct keyspace *keyspace;
	struct garbage *next;
};

/* Frees the whole chain. Any thread. */
void garbage_destroy(struct garbage **garbage);

struct reaper {
	struct actor *actor;
	bool is_stopping;
};

void reaper_init(struct reaper *reaper, struct runtime *runtime);

#endif

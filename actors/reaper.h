/*
 * The reaper frees what is too large to be freed in a turn of the store: the tables of a flushed database, large values that
 * were evicted. One chain at a
 * time; what waits here still counts as used memory.
 */
#ifndef ACTORS_REAPER_H
#define ACTORS_REAPER_H

#include "actors/actor.h"
#include "storage/keyspace.h"

/* Either of the two. */
struct garbage {
	struct keyspace *keyspace;
	struct blob *blob; /* one hold */
	struct garbage *next;
};

struct reaper {
	struct actor *actor;
	bool is_stopping;
};

void reaper_init(struct reaper *reaper, struct runtime *runtime);

#endif

/*
 * The SYNCER: makes the AOF's syncs that may take long, one at a time, so that the AOF writes on meanwhile. The AOF keeps the descriptor
 * open until it has the answer.
 */
#ifndef ACTORS_PERSISTENCE_SYNCER_H
#define ACTORS_PERSISTENCE_SYNCER_H

#include "actors/persistence/disk.h"
#include "actors/runtime/actor.h"

struct syncer {
	struct actor *actor;
	const struct disk *disk;
};

void syncer_init(struct syncer *syncer, struct runtime *runtime, const struct disk *disk);

#endif

/*
 * The worker does what may block and what nobody else must wait for: it looks up the names to listen at and writes the
 * configuration's file. One thing at a time, in the order in which it is asked.
 */
#ifndef ACTORS_WORKER_H
#define ACTORS_WORKER_H

#include "actors/runtime/actor.h"

struct worker {
	struct actor *actor;
	bool is_stopping;
};

void worker_init(struct worker *worker, struct runtime *runtime);

#endif

/*
 * The worker does work that may block, so that no other actor has to: it looks up host names for `bind` and writes the
 * configuration file. It handles one request at a time, in order.
 */
#ifndef ACTORS_WORKER_WORKER_H
#define ACTORS_WORKER_WORKER_H

#include "actors/runtime/actor.h"

struct worker {
	struct actor *actor;
	bool is_stopping;
};

void worker_init(struct worker *worker, struct runtime *runtime);

#endif

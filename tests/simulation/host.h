/*
 * What the simulated actors/runtime/host.h offers to tests beyond that interface.
 */
#ifndef TESTS_SIMULATION_HOST_H
#define TESTS_SIMULATION_HOST_H

#include "actors/runtime/host.h"

/* The turns of this LOOP actor may stand still: they run on a fiber of its own from now on. */
void host_use_fiber(struct actor *actor);

#endif

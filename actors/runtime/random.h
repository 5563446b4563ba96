/*
 * Random bytes from the system, used only to seed generators at start. The simulation links its own implementation,
 * which derives all bytes from the simulation's seed. Any thread.
 */
#ifndef ACTORS_RUNTIME_RANDOM_H
#define ACTORS_RUNTIME_RANDOM_H

#include <stddef.h>

/* At most 256 bytes per call. Fatal if the system has none. */
void random_fill(void *out, size_t bytes);

#endif

/*
 * Random bytes from the system. Generators take their seeds here at start; nothing else asks. The simulation links an
 * implementation of its own, whose bytes come from the world's seed. Any thread.
 */
#ifndef ACTORS_RANDOM_H
#define ACTORS_RANDOM_H

#include <stddef.h>

/* At most 256 bytes at a time. Fatal when the system has none. */
void random_fill(void *out, size_t bytes);

#endif

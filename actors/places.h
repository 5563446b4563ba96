/*
 * The places where the server listens: addresses with a port, and a socket file. The supervisor's list; the descriptors are the
 * first reactor's, which accepts from them and closes them.
 *
 * A change opens what is new before anything is closed, so it happens whole or not at all. Looking up a name may block.
 */
#ifndef ACTORS_PLACES_H
#define ACTORS_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"

#define PLACE_IS_FILE (-1)

struct place {
	char *address;
	int64_t port; /* PLACE_IS_FILE: `address` is a path */
	int fd;
};

struct places {
	struct place *items;
	uint32_t count;
};

/*
 * Opens where the configuration says. What is among `open` is not opened a second time but keeps its descriptor; a socket
 * file is always kept. False: the reason has been logged, and nothing has changed.
 */
bool places_open(struct places *out_places, const struct places *open, const struct config *config);

/* Forgets the list; the descriptors stay open. */
void places_fini(struct places *places);

/* "127.0.0.1:6379, /run/qcache.sock"; what doesn't fit is cut. */
void places_print(const struct places *places, char *out, size_t size);

#endif

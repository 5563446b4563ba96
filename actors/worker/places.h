/*
 * The places where the server listens: addresses with a port, and a socket file. The supervisor's list; the descriptors are the
 * first reactor's, which accepts from them and closes them.
 *
 * Two steps: a plan looks up all names, which may block; to open what is planned doesn't. A change opens what is new before anything is
 * closed, so it happens whole or not at all.
 */
#ifndef ACTORS_PLACES_H
#define ACTORS_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "transport/listener.h"

struct place {
	struct listener_address address; /* .len is 0: a socket file */
	char *text;                      /* "127.0.0.1:6379", "*:6379", or the path of the file */
	int fd;
};

struct places {
	struct place *items;
	uint32_t count;
};

/* What a configuration asks for, with every name looked up. */
struct listen_plan;

/* May block. Any thread. */
struct listen_plan *listen_plan_create(const struct config *config);
void listen_plan_destroy(struct listen_plan **plan);

/*
 * Opens what is planned. What is among `open` is not opened a second time but keeps its descriptor; a socket file is always kept. A
 * name is served at all its addresses that this machine has. False: out_error says what can't be, and nothing has changed.
 */
bool places_open(struct places *out_places, const struct places *open, const struct listen_plan *plan,
		 struct config_error *out_error);

/* Forgets the list; the descriptors stay open. */
void places_fini(struct places *places);

/* "127.0.0.1:6379, /run/qcache.sock"; what doesn't fit is cut. */
void places_print(const struct places *places, char *out, size_t size);

#endif

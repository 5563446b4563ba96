/*
 * The listeners: the addresses with a port, and the unix socket, on which the server listens. The supervisor owns the list; the first
 * reactor owns the descriptors, accepts from them and closes them.
 *
 * Two steps: creating a plan looks up all host names, which may block; opening a plan doesn't block. A change opens new listeners before
 * any old one is closed, so it succeeds completely or changes nothing.
 */
#ifndef ACTORS_WORKER_LISTENERS_H
#define ACTORS_WORKER_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "transport/listener.h"

struct listener {
	struct listener_address address; /* .len is 0 for the unix socket */
	char *text;                      /* "127.0.0.1:6379", "*:6379", or the path of the unix socket */
	int fd;
};

struct listeners {
	struct listener *items;
	size_t capacity;
	uint32_t count;
};

/* The listeners that a configuration asks for, with every host name looked up. */
struct listen_plan;

/* May block. Any thread. */
struct listen_plan *listen_plan_create(const struct config *config);
void listen_plan_destroy(struct listen_plan **plan);

/*
 * Opens the listeners of a plan, one for each distinct address. A listener in `open` keeps its descriptor; a unix socket in `open` is always kept. A
 * name is served on all its addresses that this machine has. False: out_error says which can't be opened, or that there are none, and
 * nothing has changed.
 */
bool listeners_open(struct listeners *out_listeners, const struct listeners *open, const struct listen_plan *plan,
		 struct config_error *out_error);

/* Frees the list; the descriptors stay open. */
void listeners_fini(struct listeners *listeners);

/* "127.0.0.1:6379, /run/qcache.sock"; cut to `size`. */
void listeners_print(const struct listeners *listeners, char *out, size_t size);

#endif

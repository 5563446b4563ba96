/*
 * A reactor hosts connection actors on one thread with one libev loop. It reads and parses what its sockets hold into a batch, posts
 * the batch to the store, and writes out the replies.
 *
 * The first reactor also owns the listening sockets, deals accepted connections out to all reactors in turn, and keeps the store's timer.
 *
 * Order: reactor_create(), reactor_listen() on the first reactor, then actor_run() on a thread of its own. reactor_destroy() comes after
 * that thread has ended.
 */
#ifndef ACTORS_REACTOR_REACTOR_H
#define ACTORS_REACTOR_REACTOR_H

#include <stdint.h>

struct reactor;
struct runtime;
struct settings;

struct reactor *reactor_create(struct runtime *runtime, uint32_t index, const struct settings *settings);
void reactor_destroy(struct reactor **reactor);

/* The payload of REACTOR_LISTEN: listening sockets. */
struct descriptors {
	uint32_t count;
	int items[];
};

/*
 * The first reactor takes ownership of these sockets and accepts from them only. It closes every other listening socket that it had.
 * Called on its thread, or before that thread runs.
 */
void reactor_listen(struct reactor *reactor, const struct descriptors *descriptors);

/* The payload of REACTOR_ADOPT: an accepted connection. */
struct accepted;
/* Closes the connection. */
void accepted_destroy(struct accepted **accepted);

#endif

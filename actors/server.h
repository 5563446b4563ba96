/*
 * The whole server: creates the actors, opens the listening sockets, runs the actors, and stops them in the order of
 * topology.def. main() and tests use it alike; a test may add its own subscribers to the command bus.
 */
#ifndef ACTORS_SERVER_H
#define ACTORS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"

struct server;
struct actor;

/* An additional subscriber; `bind` creates its state and binds it to the actor, with subscriber_bind(). */
struct server_subscriber {
	uint32_t interest;    /* enum bus_interest */
	int64_t credit_bytes; /* 0: BUS_CREDIT_BYTES, which is also the maximum */
	bool is_optional;     /* without credit it is skipped; a required one makes the store wait */
	bool may_block;       /* it gets its own thread */
	void (*bind)(struct actor *actor, void *context);
	void *context;
};

/*
 * Creates everything and listens, but accepts no client yet. NULL when it can't listen or use its files: out_error says why. Other failures
 * are fatal. May block while a host name is looked up.
 */
struct server *server_create(const struct config *config, const struct server_subscriber *subscribers, uint32_t count,
			     struct config_error *out_error);

/*
 * Loads the data, if there are any, and serves, on this thread and those it starts, until SIGTERM, SIGINT, SHUTDOWN or
 * server_ask_to_stop(). Clients are accepted from the beginning; calls `ready` when their commands are executed and the pidfile is written.
 * False: the data can't be loaded, and out_error says why. On return clients have their replies, as far as shutdown-timeout allowed, and pidfile and unix
 * socket are removed. Reaper and worker may still be at work; a process that exits now need not wait for them.
 */
bool server_run(struct server *server, void (*ready)(void *context), void *context, struct config_error *out_error);

/* Any thread, once server_run() has called `ready`. */
void server_ask_to_stop(struct server *server);

/* Waits for reaper and worker and frees everything, in time proportional to the number of keys. After server_run(). */
void server_destroy(struct server **server);

#endif

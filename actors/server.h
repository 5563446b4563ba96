/*
 * The whole server in a process: makes the actors, opens what they listen on, runs them, and stops them in the order of
 * topology.def. main() and tests build it alike; a test may add subscribers of its own to the command bus.
 */
#ifndef ACTORS_SERVER_H
#define ACTORS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"

struct server;
struct actor;

/* One more subscriber; `bind` makes what belongs to the actor: subscriber_bind(). */
struct server_subscriber {
	uint32_t interest;    /* enum bus_interest */
	int64_t credit_bytes; /* 0: BUS_CREDIT_BYTES, which is also the most */
	bool is_optional;     /* without credit it is passed over; else the store waits for it */
	bool may_block;       /* it gets a thread of its own */
	void (*bind)(struct actor *actor, void *context);
	void *context;
};

/*
 * Makes everything and listens, but accepts nobody yet. NULL when it can't listen: out_error says why. Other failures are
 * fatal. May block while a name is looked up.
 */
struct server *server_create(const struct config *config, const struct server_subscriber *subscribers, uint32_t count,
			     struct config_error *out_error);

/*
 * Serves, on this thread and those it starts, until SIGTERM, SIGINT, SHUTDOWN or server_ask_to_stop(). `ready` is called once clients are
 * accepted, and the pidfile is there. On return everybody has been answered as far as shutdown-timeout allows, and its files are gone;
 * some threads may still be busy with what nobody waits for, and a process that ends now need not wait for them either.
 */
void server_run(struct server *server, void (*ready)(void *context), void *context);

/* Any thread, once server_run() has called `ready`. */
void server_ask_to_stop(struct server *server);

/* Waits for the threads that are left, and frees everything, which takes as long as there are keys. After server_run(). */
void server_destroy(struct server **server);

#endif

/*
 * The store actor as seen by the code that builds the server. Create it before the runtime is opened, destroy it after the runtime is
 * closed.
 */
#ifndef ACTORS_STORE_STORE_ACTOR_H
#define ACTORS_STORE_STORE_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"
#include "actors/store/settings.h"

struct actor;
struct runtime;
struct store;

/* A subscriber of the command bus, and what it wants. */
struct store_subscription {
	struct actor *actor;   /* of a kind that subscribes: actors/bus/subscriber.h */
	uint32_t interest;     /* enum bus_interest */
	bool is_optional;      /* without credit it is skipped; a required subscriber without credit makes writes wait */
	uint64_t message_max_bytes; /* the most credit that a message takes; 0: no limit */
	int64_t credit_bytes;  /* 0: BUS_CREDIT_BYTES; at most what its edges have slots for */
};

/* Copies the configuration. The first of the `count` subscribers is the observer. Out of memory is fatal. */
struct store *store_create(struct runtime *runtime, const struct config *config,
			   const struct store_subscription *subscriptions, uint32_t count);
void store_destroy(struct store **store);

/* Before the runtime is opened: the store takes so many bytes of files from the AOF before it executes other commands. */
void store_expect_data(struct store *store, uint64_t bytes);

struct settings store_settings(const struct config *config);

#endif

/*
 * The store actor as seen by those who build the server: made before the runtime is opened, destroyed after it is closed.
 */
#ifndef ACTORS_STORE_STORE_ACTOR_H
#define ACTORS_STORE_STORE_ACTOR_H

#include <stdint.h>

#include "actors/config/config.h"
#include "actors/store/settings.h"

struct runtime;
struct store;

/* What each subscriber of the command bus wants, by index; the observer is the first. */
struct store_subscription {
	uint32_t interest;     /* enum bus_interest */
	int64_t credit_bytes;  /* 0: BUS_CREDIT_BYTES; at most that */
};

/* Copies the configuration. Fatal without memory. */
struct store *store_create(struct runtime *runtime, const struct config *config,
			   const struct store_subscription *subscriptions);
void store_destroy(struct store **store);

struct settings store_settings(const struct config *config);

#endif

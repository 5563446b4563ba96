/*
 * Which server is the master, as Sentinels say. They have a pool of their own; each master that they have named stays known until the
 * client ends, as its connections refer to it.
 */
#ifndef CLIENT_SENTINEL_H
#define CLIENT_SENTINEL_H

#include "client/pool.h"

/* Begins with options that name Sentinels (options.sentinel). */
qc_error sentinels_create(const struct settings *settings, struct sentinels **out_sentinels);
void sentinels_destroy(struct sentinels **sentinels);

/* The settings for a connection to the master, and its number: another master has another. They live as long as the Sentinels. */
qc_error sentinels_ask(struct sentinels *sentinels, qc_context *context, const struct settings **out_settings, size_t *out_number);

#endif

/*
 * Finds the master by asking Sentinels, with a pool of connections to them. The settings of each master found are kept until the client
 * ends, since its connections refer to them.
 */
#ifndef CLIENT_SENTINEL_H
#define CLIENT_SENTINEL_H

#include "client/pool.h"

/* Opens with options that have `sentinel` set. */
qc_error sentinels_create(const struct settings *settings, struct sentinels **out_sentinels);
void sentinels_destroy(struct sentinels **sentinels);

/* The settings for connecting to the master, and its number, which differs for each master. They live as long as the Sentinels. */
qc_error sentinels_ask(struct sentinels *sentinels, qc_context *context, const struct settings **out_settings, size_t *out_number);

#endif

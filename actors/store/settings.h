/*
 * The part of the configuration that reactors need. The store sends a copy when it changes.
 */
#ifndef ACTORS_STORE_SETTINGS_H
#define ACTORS_STORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"

struct settings {
	uint64_t max_clients;             /* the first reactor marks further connections as excess */
	uint64_t max_bulk_bytes;
	uint64_t query_buffer_limit_bytes;
	struct output_limit output_limit; /* of normal clients */
	uint64_t output_budget_bytes;     /* unsent replies of all connections of a reactor; above it the reactor stops reading from some */
	int64_t keepalive_s;
	int64_t shutdown_timeout_s;       /* time for sending pending replies at shutdown */
	bool needs_password;              /* new connections must authenticate */
};

#endif

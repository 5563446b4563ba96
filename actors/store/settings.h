/*
 * What reactors need to know of the configuration. The store sends a copy when it changes.
 */
#ifndef ACTORS_SETTINGS_H
#define ACTORS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/config/config.h"

struct settings {
	uint64_t max_bulk_bytes;
	uint64_t query_buffer_limit_bytes;
	struct output_limit output_limit; /* of ordinary clients */
	uint64_t output_budget_bytes;     /* replies that may wait in all connections of a reactor until some are not read */
	int64_t keepalive_s;
	int64_t shutdown_timeout_s;       /* how long a stop may answer and write out */
	bool needs_password;              /* a new connection is not yet authenticated */
};

#endif

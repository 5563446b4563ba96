/*
 * What a keyspace is made of, for the files of storage/ that work on it: keyspace.c, eviction.c.
 */
#ifndef STORAGE_KEYSPACE_LAYOUT_H
#define STORAGE_KEYSPACE_LAYOUT_H

#include "expiry.h"
#include "storage.h"
#include "table.h"

/* How far the entries' bits for access.h are those of the present kind. */
struct conversion {
	uint32_t generation; /* that they are being converted to, or have been */
	bool is_done;
	uint64_t cursor;     /* of table_scan() */
};

struct keyspace {
	struct table table;
	struct expiry_index expiry;
	struct conversion conversion;
	struct storage *storage; /* what it shares with the other keyspaces of its owner */
};

#endif

/*
 * The parts of a keyspace, for the files of storage/ that work on it: keyspace*.c, change.c, eviction.c.
 */
#ifndef STORAGE_KEYSPACE_LAYOUT_H
#define STORAGE_KEYSPACE_LAYOUT_H

#include "expiry.h"
#include "storage.h"
#include "table.h"

/* How far the entries' access bits have been converted to the current kind (access.h). */
struct conversion {
	uint32_t generation; /* to which they are, or have been, converted */
	bool is_done;
	uint64_t cursor;     /* of table_scan() */
};

struct keyspace {
	struct table table;
	struct expiry_index expiry;
	struct conversion conversion;
	struct storage *storage; /* shared with the owner's other keyspaces */
	uint32_t tag;            /* the owner's */
};

#endif

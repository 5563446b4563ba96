/*
 * What a keyspace is made of, for the files of storage/ that work on it: keyspace.c, eviction.c.
 */
#ifndef STORAGE_KEYSPACE_LAYOUT_H
#define STORAGE_KEYSPACE_LAYOUT_H

#include "expiry.h"
#include "table.h"

struct keyspace {
	struct table table;
	struct expiry_index expiry;
};

#endif

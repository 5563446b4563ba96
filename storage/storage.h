/*
 * What all keyspaces of one owner share: memory, access statistics, and the change watch. Two owners in one process share none of
 * these. Shared by the whole process: the arena behind all memory, the hash's key
 * (keyspace_seed_hash), and the counts of blobs, which may not belong to any owner yet.
 */
#ifndef STORAGE_STORAGE_H
#define STORAGE_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "access.h"
#include "memory.h"

struct keyspace;

/*
 * Callbacks before changes, for a snapshot. All zero: no watcher. The owner sets the epoch
 * and the functions, which may be NULL, between two calls of storage functions.
 */
struct change_watch {
	uint8_t epoch; /* 0 to 3: see change.h */
	/* The entry still has the state that it had when the epoch began. Must not change the keyspace. */
	void (*emit)(void *context, const struct keyspace *keyspace, const struct entry *entry);
	/* All entries of the keyspace are about to be removed, whether emitted or not. */
	void (*flush)(void *context, const struct keyspace *keyspace);
	void *context;
};

struct storage {
	struct memory memory;
	struct access *access;
	struct change_watch watch; /* set by the owner */
};

/* Must not be moved until storage_fini(). False without memory. */
bool storage_init(struct storage *storage);
/* All keyspaces must be destroyed by then. */
void storage_fini(struct storage *storage);

#endif

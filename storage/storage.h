/*
 * What all keyspaces of one owner share: the memory that they are made of, how their entries are used, and who is told of
 * changes. Two owners in one process share none of it. What the process has once: the arena behind all memory, the hash's key
 * (keyspace_seed_hash), and the counts of blobs, which belong to nobody before they are kept.
 */
#ifndef STORAGE_STORAGE_H
#define STORAGE_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "access.h"
#include "memory.h"

struct keyspace;

/*
 * Who is told of changes before they are made (a snapshot). Zero: nobody. The owner changes the epoch
 * and the functions between two calls; both may be NULL.
 */
struct change_watch {
	uint8_t epoch; /* 0 to 3: see change.h */
	/* The entry is as it was when the epoch began: takes what it needs. Must not change the keyspace. */
	void (*emit)(void *context, const struct keyspace *keyspace, const struct entry *entry);
	/* All entries of the keyspace are about to leave, those that have not been emitted too. */
	void (*flush)(void *context, const struct keyspace *keyspace);
	void *context;
};

struct storage {
	struct memory memory;
	struct access *access;
	struct change_watch watch; /* set by the owner; zero: nobody watches */
};

/* Stays where it is until storage_fini(). False without memory. */
bool storage_init(struct storage *storage);
/* All keyspaces are gone. */
void storage_fini(struct storage *storage);

#endif

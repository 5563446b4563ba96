/*
 * The numbered databases: maps numbers to keyspaces.
 *
 * Most numbers may be unused. A database to which nothing has been written since the start, or since it was emptied, has no keyspace
 * of its own: all such databases share one empty keyspace, which is only read. To write, get the database's own keyspace with
 * databases_own(), which creates it. To visit all databases, walk over `in_use`.
 *
 * A pointer to a keyspace is valid until the end of the turn, or until databases_give(), _swap() or _tidy().
 *
 * All keyspaces share one storage. Its change watch is called before changes, and before a keyspace is given away or tidied.
 *
 * Only the owner (the store actor) calls.
 */
#ifndef STORAGE_DATABASES_H
#define STORAGE_DATABASES_H

#include <stdbool.h>
#include <stdint.h>

#include "keyspace.h"
#include "storage.h"

struct databases {
	struct keyspace **keyspaces;  /* by number; `empty` for a number not in use */
	struct keyspace *empty;
	struct storage storage;       /* shared by all keyspaces */
	uint32_t count;               /* numbers, used or not */
	uint32_t *in_use;             /* numbers with their own keyspace, ascending */
	uint32_t in_use_count;
	uint32_t tidied;              /* index into in_use where databases_tidy() continues */
};

/* Must not be moved until databases_fini(). False without memory. */
bool databases_init(struct databases *databases, uint32_t count);
void databases_fini(struct databases *databases);

/* Never NULL. */
static inline const struct keyspace *databases_read(const struct databases *databases, uint32_t number)
{
	return databases->keyspaces[number];
}

/* Creates the number's own keyspace. NULL without memory. */
struct keyspace *databases_create(struct databases *databases, uint32_t number);

/* The keyspace for writing. NULL without memory, but never if the database holds an entry. */
static inline struct keyspace *databases_own(struct databases *databases, uint32_t number)
{
	struct keyspace *keyspace = databases->keyspaces[number];
	return __builtin_expect(keyspace == databases->empty, 0) ? databases_create(databases, number) : keyspace;
}

/* Gives the number's own keyspace to the caller, and leaves the database empty; NULL if it is not in use. */
struct keyspace *databases_give(struct databases *databases, uint32_t number);
/* The opposite, for a number that is not in use. */
void databases_put(struct databases *databases, uint32_t number, struct keyspace *keyspace);
void databases_swap(struct databases *databases, uint32_t a, uint32_t b);
/* Checks up to `most` keyspaces in use, continuing after the last call, and frees those without entries. */
void databases_tidy(struct databases *databases, uint32_t most);

/* The index in `in_use` of the first number >= `number`; in_use_count if there is none. */
uint32_t databases_place(const struct databases *databases, uint32_t number);

#endif

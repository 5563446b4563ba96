/*
 * The numbered databases: which keyspace belongs to which number.
 *
 * There may be many more numbers than databases that hold something. A number that nothing has been written to since the start, or
 * since it was emptied, has no keyspace of its own: all of these share one that is empty and is only read. Whoever writes
 * asks for the number's own keyspace, which is made then. Whoever looks at all databases walks over those in use.
 *
 * A pointer to a keyspace is valid until the end of the turn, or until the number gives it away, swaps it or is tidied.
 *
 * All keyspaces share one storage. Its watch is told of changes before they are made, and of a keyspace that is given away or
 * tidied.
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
	struct keyspace **keyspaces;  /* by number; `empty` for a number that isn't in use */
	struct keyspace *empty;
	struct storage storage;       /* of all of them */
	uint32_t count;               /* of numbers */
	uint32_t *in_use;             /* the numbers with keyspaces of their own, in order */
	uint32_t in_use_count;
	uint32_t tidied;              /* the place among those in use where databases_tidy() goes on */
};

/* Stays where it is until databases_fini(). False without memory. */
bool databases_init(struct databases *databases, uint32_t count);
void databases_fini(struct databases *databases);

/* Never NULL. */
static inline const struct keyspace *databases_read(const struct databases *databases, uint32_t number)
{
	return databases->keyspaces[number];
}

/* Makes the number's own keyspace. NULL without memory. */
struct keyspace *databases_create(struct databases *databases, uint32_t number);

/* To be written to. NULL without memory; never when the number's keyspace holds an entry. */
static inline struct keyspace *databases_own(struct databases *databases, uint32_t number)
{
	struct keyspace *keyspace = databases->keyspaces[number];
	return __builtin_expect(keyspace == databases->empty, 0) ? databases_create(databases, number) : keyspace;
}

/* The number's own keyspace becomes the caller's, and the number is empty; NULL when it is not in use. */
struct keyspace *databases_give(struct databases *databases, uint32_t number);
void databases_swap(struct databases *databases, uint32_t a, uint32_t b);
/* Looks at `most` of the keyspaces in use, in turn, and frees those in which no entry is left. */
void databases_tidy(struct databases *databases, uint32_t most);

/* The place in `in_use` of the first number from `number` on; in_use_count when there is none. */
uint32_t databases_place(const struct databases *databases, uint32_t number);

#endif

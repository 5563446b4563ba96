/*
 * Linear hashing. `base` is the power of two with base <= used < 2 * base; chain n has been split if n + base < used.
 * Ids are consecutive, so their low bits are a good enough hash.
 */
#include "actors/store/session_index.h"

#include <stdlib.h>

#include "actors/store/session.h"
#include "transport/array.h"

#define FIRST_CAPACITY 16u

static uint64_t highest_bit(uint64_t number)
{
	return UINT64_C(1) << (63 - __builtin_clzll(number));
}

static struct session **chain_of(const struct session_index *index, uint64_t id)
{
	uint64_t base = highest_bit(index->used), number = id & (2 * base - 1);
	return &index->chains[number < index->used ? number : number & (base - 1)];
}

static bool reserve_chain(struct session_index *index)
{
	return array_reserve(&index->chains, &index->capacity, index->used + 1, sizeof(*index->chains), FIRST_CAPACITY);
}

static void link_first(struct session **chain, struct session *session)
{
	session->index_next = *chain;
	*chain = session;
}

/* Adds a chain and splits one of the others between itself and the new chain. */
static void add_chain(struct session_index *index)
{
	uint64_t number = index->used++;
	index->chains[number] = NULL;
	if (number == 0)
		return;
	struct session **split = &index->chains[number - highest_bit(number)], *next = *split;
	*split = NULL;
	for (struct session *session = next; session; session = next) {
		next = session->index_next;
		link_first(chain_of(index, session->connection.id), session);
	}
}

/* If out of memory for another chain, the existing chains get longer. */
bool session_index_add(struct session_index *index, struct session *session)
{
	if (index->count >= index->used && reserve_chain(index))
		add_chain(index);
	if (index->used == 0)
		return false;
	link_first(chain_of(index, session->connection.id), session);
	index->count++;
	return true;
}

void session_index_remove(struct session_index *index, struct session *session)
{
	struct session **link = chain_of(index, session->connection.id);
	while (*link != session)
		link = &(*link)->index_next;
	*link = session->index_next;
	if (--index->count > 0)
		return;
	free(index->chains);
	*index = (struct session_index){ 0 };
}

struct session *session_index_find(const struct session_index *index, uint64_t id)
{
	struct session *session = index->count ? *chain_of(index, id) : NULL;
	while (session && session->connection.id != id)
		session = session->index_next;
	return session;
}

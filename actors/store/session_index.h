/*
 * Sessions by their connections' ids.
 *
 * The index does not own the sessions. It grows by one chain for each added session, so adding takes constant time, except that the array
 * of chains (8 bytes each) is copied when it doubles. A zeroed struct is an empty index; an empty index holds no memory.
 */
#ifndef ACTORS_STORE_SESSION_INDEX_H
#define ACTORS_STORE_SESSION_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

struct session_index {
	struct session **chains; /* linked by index_next */
	uint64_t used;           /* chains */
	size_t capacity;         /* of chains */
	uint64_t count;          /* sessions */
};

/* The id must not be in the index yet. False if out of memory: the session was not added. */
bool session_index_add(struct session_index *index, struct session *session);
/* The session must be in the index. */
void session_index_remove(struct session_index *index, struct session *session);
/* NULL when there is none. */
struct session *session_index_find(const struct session_index *index, uint64_t id);

#endif

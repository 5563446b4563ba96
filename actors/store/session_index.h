/*
 * Sessions by their connections' ids.
 *
 * A session stands in it from session_index_add() to session_index_remove(); the index owns none. It grows by one chain for each
 * session that is added, so that no step is proportional to their number but the copy of eight bytes a chain whenever that has
 * doubled. An array of zero bytes is an empty index; an index without sessions keeps no memory.
 */
#ifndef ACTORS_STORE_SESSION_INDEX_H
#define ACTORS_STORE_SESSION_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct session;

struct session_index {
	struct session **chains; /* linked by index_next */
	uint64_t used, capacity; /* chains; a power of two */
	uint64_t count;          /* sessions */
};

/* Its id must not be there yet. False when there is no memory: it has not been added. */
bool session_index_add(struct session_index *index, struct session *session);
/* One that has been added. */
void session_index_remove(struct session_index *index, struct session *session);
/* NULL when there is none. */
struct session *session_index_find(const struct session_index *index, uint64_t id);

#endif

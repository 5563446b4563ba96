/*
 * The group that the AOF gathers: frames as text, until they are written together.
 *
 * Each group selects its database anew, so its text can be written to any part of the log. It remembers the bus credit that its frames
 * took.
 */
#ifndef ACTORS_PERSISTENCE_GROUP_H
#define ACTORS_PERSISTENCE_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/bus/turn_message.h"
#include "actors/persistence/aof_render.h"
#include "actors/persistence/aof_text.h"

struct group {
	struct aof_text text;
	struct aof_renderer renderer;
	bool has_timestamps;       /* aof-timestamp-enabled */
	uint64_t first, last;      /* sequences */
	uint64_t frames;           /* 0: it is empty */
	uint64_t credit_bytes;
	uint64_t began_ns;         /* monotonic: when its first frames came */
};

void group_init(struct group *group);
void group_fini(struct group *group);
/*
 * Adds the reader's frames, which are of this message: all, or those up to the beginning of a new base, with it. Then it returns true, and *out_cut
 * is that frame's sequence.
 */
bool group_add(struct group *group, const struct turn_message *message, struct frame_reader *reader, uint64_t *out_cut);
/* Empties it. */
void group_clear(struct group *group);

#endif

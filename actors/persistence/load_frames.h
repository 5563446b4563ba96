/*
 * Frames read from the log, for the store to apply: the payload of STORE_LOAD_FRAMES.
 */
#ifndef ACTORS_PERSISTENCE_LOAD_FRAMES_H
#define ACTORS_PERSISTENCE_LOAD_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/bus/effect.h"

struct load_frames {
	struct frame_writer frames;
	uint64_t *offsets;          /* of each frame in its file, for errors */
	size_t offset_capacity;
	bool is_exact;              /* made by this program: each effect must fit the data (effect_apply.h) */
};

/* Out of memory is fatal. */
struct load_frames *load_frames_create(bool is_exact);
/* Notes where the last frame begins. */
void load_frames_locate(struct load_frames *frames, uint64_t offset);
void load_frames_destroy(struct load_frames **frames);

#endif

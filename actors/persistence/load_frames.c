#include "actors/persistence/load_frames.h"

#include <stdlib.h>

#include "actors/runtime/crash.h"

struct load_frames *load_frames_create(bool is_exact)
{
	struct load_frames *frames = calloc(1, sizeof(*frames));
	if (!frames)
		crash_out_of_memory("loading the data");
	frames->is_exact = is_exact;
	return frames;
}

void load_frames_locate(struct load_frames *frames, uint64_t offset)
{
	size_t last = frames->frames.frames - 1;
	if (last >= frames->offset_capacity) {
		size_t capacity = frames->offset_capacity ? 2 * frames->offset_capacity : 1024;
		uint64_t *grown = realloc(frames->offsets, capacity * sizeof(*grown));
		if (!grown)
			crash_out_of_memory("loading the data");
		frames->offsets = grown;
		frames->offset_capacity = capacity;
	}
	frames->offsets[last] = offset;
}

void load_frames_destroy(struct load_frames **frames)
{
	if (!*frames)
		return;
	frame_writer_fini(&(*frames)->frames);
	free((*frames)->offsets);
	free(*frames);
	*frames = NULL;
}

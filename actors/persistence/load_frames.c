#include "actors/persistence/load_frames.h"

#include <stdlib.h>

#include "actors/runtime/crash.h"
#include "transport/array.h"

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
	if (!array_reserve(&frames->offsets, &frames->offset_capacity, last + 1, sizeof(*frames->offsets), 1024))
		crash_out_of_memory("loading the data");
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

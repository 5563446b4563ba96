#include "actors/persistence/group.h"

#include "actors/runtime/clock.h"

void group_init(struct group *group)
{
	*group = (struct group){ 0 };
	aof_renderer_init(&group->renderer);
}

void group_fini(struct group *group)
{
	aof_text_fini(&group->text);
}

static void add_frame(struct group *group, struct frame_reader *reader, const struct frame *frame, int64_t time_ms)
{
	if (group->has_timestamps)
		aof_render_timestamp(&group->renderer, time_ms, &group->text);
	aof_render_frame(&group->renderer, reader, frame, &group->text);
	if (group->frames++ == 0)
		group->first = frame->sequence;
	group->last = frame->sequence;
}

bool group_add(struct group *group, const struct turn_message *message, struct frame_reader *reader, uint64_t *out_cut)
{
	struct frame frame;
	if (group->frames == 0)
		group->began_ns = monotonic_ns();
	while (frame_next(reader, &frame)) {
		bool is_cut = frame_begins_base(reader, &frame);
		add_frame(group, reader, &frame, message->frames.time_ms);
		if (!is_cut)
			continue;
		*out_cut = frame.sequence;
		return true;
	}
	return false;
}

void group_clear(struct group *group)
{
	aof_text_clear(&group->text);
	group->renderer.database = -1;
	group->frames = group->credit_bytes = 0;
}

#include "support/log_part.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/persistence/crc32c.h"

void log_part_init(struct log_part *part, uint64_t id, uint64_t sequence)
{
	*part = (struct log_part){ .id = id, .sequence = sequence, .crc = annotation_seed(id) };
	aof_renderer_init(&part->renderer);
}

void log_part_add(struct log_part *part, const struct frame_writer *frames)
{
	struct aof_text text = { .referenced_bytes = 0 };
	char line[ANNOTATION_MAX_BYTES + 1];
	log_render(frames, &part->renderer, &text);
	struct buffer bytes = log_gather(&text);
	struct annotation group = { .id = part->id, .first = part->sequence + 1, .last = part->sequence + frames->frames, .bytes = bytes.len };
	group.crc = crc32c(annotation_chain(part->crc, &group), bytes.data, bytes.len);
	buffer_append(&part->bytes, line, annotation_print(&group, line));
	buffer_append(&part->bytes, bytes.data, bytes.len);
	part->sequence = group.last;
	part->crc = group.crc;
	buffer_fini(&bytes);
	aof_text_fini(&text);
}

void log_part_fini(struct log_part *part)
{
	buffer_fini(&part->bytes);
}

/* ---- reading ---- */

static void take(struct log_result *result, struct log_data *data, struct slice file, const struct load_frames *frames)
{
	const uint64_t *offsets = frames->offsets;
	for (uint32_t i = 0; i < frames->frames.frames; i++)
		result->offsets_are_good &= offsets[i] < file.len && file.data[offsets[i]] == '*' && (i == 0 || offsets[i] > offsets[i - 1]);
	result->frames += frames->frames.frames;
	data->target.is_exact = frames->is_exact;
	result->fits &= log_apply(&data->target, &frames->frames);
	result->steps++;
}

struct log_result log_read_disk(struct memory_disk *disk, const struct aof_read_options *options)
{
	struct aof_read_options all = *options;
	struct log_result result = { .status = AOF_READ_FRAMES, .fits = true, .offsets_are_good = true };
	struct log_data data;
	all.disk = &disk->functions;
	all.name = options->name ? options->name : "part";
	log_data_init(&data, options->is_ours);
	struct aof_reader *reader = aof_reader_create(&all);
	if (!reader)
		abort();
	while (result.status == AOF_READ_FRAMES) {
		struct load_frames *frames = load_frames_create(true);
		result.status = aof_read(reader, frames);
		if (result.status != AOF_READ_REFUSED)
			take(&result, &data, disk->file, frames);
		load_frames_destroy(&frames);
	}
	aof_reader_get_figures(reader, &result.figures);
	result.figures.reason = NULL; /* it ends with the reader */
	snprintf(result.error, sizeof(result.error), "%s", result.status == AOF_READ_REFUSED ? aof_reader_error(reader) : "");
	log_data_digest(&data, result.digest);
	aof_reader_destroy(&reader);
	log_data_fini(&data);
	return result;
}

struct log_result log_read(struct slice file, const struct aof_read_options *options)
{
	struct memory_disk disk = memory_disk_of(file);
	return log_read_disk(&disk, options);
}

/*
 * Verifying the groups of a part, before anything of them is handed on.
 *
 * The length of a group is in its annotation, where a flipped bit can change it. If it exceeds the rest of the file, the group looks torn, and
 * all groups after it would be given up with it. So the rest is examined first. The annotation is damaged, and the group not torn, if another
 * annotation of this part follows, or if the checksum is that of the rest of the file.
 */
#include "actors/persistence/aof_read_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/crc32c.h"

/* A larger group is read twice, so that no more than this has to be in memory. */
#define GROUP_IN_WINDOW_MAX ((uint64_t)4 << 20)
#define PIECE_BYTES ((size_t)64 << 10)

#define DAMAGED(reader, ...) aof_read_problem(reader, STEP_DAMAGED, (reader)->unit_at, __VA_ARGS__)

/* ---- the annotation ---- */

/* Fills the window until it has so many bytes or ends where the file does. */
static int fill_up_to(struct file_window *window, uint64_t bytes)
{
	int error = 0;
	while (error == 0 && file_window_len(window) < bytes && window->read_at < window->size)
		error = file_window_fill(window, GROUP_IN_WINDOW_MAX);
	return error;
}

/* An annotation that the end of the file has cut off; not one whose last byte isn't a newline. */
static bool is_beginning_of_annotation(const uint8_t *line, size_t len)
{
	size_t prefix = sizeof(ANNOTATION_PREFIX) - 1;
	char mended[ANNOTATION_MAX_BYTES];
	struct annotation whole;
	memcpy(mended, line, len);
	mended[len - 1] = '\n';
	return memcmp(line, ANNOTATION_PREFIX, len < prefix ? len : prefix) == 0 && !annotation_parse(mended, len, &whole);
}

static enum step read_annotation(struct aof_reader *reader, struct annotation *out_annotation)
{
	struct file_window *window = &reader->window;
	int error = fill_up_to(window, ANNOTATION_MAX_BYTES);
	if (error)
		return aof_read_disk_problem(reader, error);
	const uint8_t *line = file_window_bytes(window);
	size_t len = file_window_len(window);
	size_t most = len < ANNOTATION_MAX_BYTES ? len : ANNOTATION_MAX_BYTES;
	const uint8_t *newline = memchr(line, '\n', most);
	if (!newline && most < ANNOTATION_MAX_BYTES && is_beginning_of_annotation(line, most))
		return aof_read_problem(reader, STEP_TORN, reader->unit_at, "the file ends inside of the annotation of a group");
	if (!newline || !annotation_parse((const char *)line, (size_t)(newline - line) + 1, out_annotation))
		return DAMAGED(reader, "expected the annotation of a group");
	file_window_pass(window, (size_t)(newline - line) + 1);
	return STEP_ON;
}

static enum step check_place(struct aof_reader *reader, const struct annotation *group)
{
	if (group->id != reader->options.id)
		return DAMAGED(reader, "the group is of the part with the id %016" PRIx64 ", and this part's id is %016" PRIx64, group->id,
			       reader->options.id);
	if (group->first != reader->figures.last_sequence + 1)
		return DAMAGED(reader, "the group begins with frame %" PRIu64 ", and the frame before it is %" PRIu64, group->first,
			       reader->figures.last_sequence);
	return STEP_ON;
}

/* ---- the rest of the file after a group that is longer ---- */

struct search {
	struct aof_reader *reader;
	uint8_t *bytes;            /* a piece of the file, after the end of the one before */
	char wanted[64];           /* how annotations of this part begin */
	size_t wanted_len;
	uint32_t crc;              /* if the group were as long as the file */
	bool has_found;
};

static int search_rest(struct search *search, uint64_t at)
{
	const struct file_window *window = &search->reader->window;
	size_t kept = 0;
	for (int error; at < window->size && !search->has_found;) {
		size_t got = 0;
		if ((error = window->disk->pread(window->disk, window->fd, search->bytes + kept, PIECE_BYTES, at, &got)))
			return error;
		if (got == 0)
			return ENODATA;
		search->crc = crc32c(search->crc, search->bytes + kept, got);
		at += got;
		size_t len = kept + got;
		search->has_found = memmem(search->bytes, len, search->wanted, search->wanted_len);
		kept = len < search->wanted_len ? len : search->wanted_len;
		memmove(search->bytes, search->bytes + len - kept, kept);
	}
	return 0;
}

static enum step judge_long_group(struct aof_reader *reader, const struct annotation *group, uint64_t begin)
{
	struct annotation shorter = *group;
	struct search search = { .reader = reader, .bytes = malloc(PIECE_BYTES + sizeof(search.wanted)) };
	if (!search.bytes)
		return aof_read_disk_problem(reader, ENOMEM);
	shorter.bytes = reader->window.size - begin;
	search.crc = annotation_chain(reader->chain, &shorter);
	search.wanted_len =
		(size_t)snprintf(search.wanted, sizeof(search.wanted), ANNOTATION_PREFIX "id=%016" PRIx64 " first=", reader->options.id);
	int error = search_rest(&search, begin);
	free(search.bytes);
	if (error)
		return aof_read_disk_problem(reader, error);
	if (search.has_found || search.crc == group->crc)
		return DAMAGED(reader, "the group has another length than its annotation says");
	return aof_read_problem(reader, STEP_TORN, reader->unit_at, "the file ends inside of a group");
}

/* ---- the checksum ---- */

/* Of bytes that are too many for the window. */
static int checksum_file(const struct file_window *window, uint64_t at, uint64_t end, uint32_t *crc)
{
	uint8_t *bytes = malloc(PIECE_BYTES);
	int error = bytes ? 0 : ENOMEM;
	while (error == 0 && at < end) {
		size_t wanted = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES, got = 0;
		error = window->disk->pread(window->disk, window->fd, bytes, wanted, at, &got);
		if (error == 0 && got < wanted)
			error = ENODATA;
		if (error == 0)
			*crc = crc32c(*crc, bytes, got);
		at += got;
	}
	free(bytes);
	return error;
}

static int checksum(struct file_window *window, uint64_t bytes, uint32_t *crc)
{
	uint64_t begin = file_window_offset(window);
	int error = bytes <= GROUP_IN_WINDOW_MAX ? fill_up_to(window, bytes) : 0;
	if (error)
		return error;
	size_t there = file_window_len_before(window, begin + bytes);
	if (there > 0)
		*crc = crc32c(*crc, file_window_bytes(window), there);
	return there < bytes ? checksum_file(window, begin + there, begin + bytes, crc) : 0;
}

static void note_group(struct aof_reader *reader, const struct annotation *group)
{
	struct aof_read_figures *figures = &reader->figures;
	figures->groups++;
	figures->group = *group;
	figures->group_at = reader->unit_at;
	figures->chain = reader->chain;
	figures->last_sequence = group->last;
	reader->chain = group->crc;
}

enum step aof_read_group(struct aof_reader *reader)
{
	struct annotation group = { 0 };
	enum step step = read_annotation(reader, &group);
	if (step == STEP_ON)
		step = check_place(reader, &group);
	if (step != STEP_ON)
		return step;
	uint64_t begin = file_window_offset(&reader->window);
	if (group.bytes > reader->window.size - begin)
		return judge_long_group(reader, &group, begin);
	uint32_t crc = annotation_chain(reader->chain, &group);
	int error = checksum(&reader->window, group.bytes, &crc);
	if (error)
		return aof_read_disk_problem(reader, error);
	if (crc != group.crc)
		return DAMAGED(reader, "the checksum of the group of frames %" PRIu64 " to %" PRIu64 " is wrong", group.first, group.last);
	reader->limit = begin + group.bytes;
	reader->frames_left = group.last - group.first + 1;
	note_group(reader, &group);
	return STEP_ON;
}

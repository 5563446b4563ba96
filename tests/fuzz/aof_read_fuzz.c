/*
 * Any bytes as a file of commands. The first byte says whose file it is and what may be given up; the rest is the file, or the contents of a
 * group whose checksum is right. What was read must be the same when the file is cut where the reader says.
 */
#include <stdlib.h>

#include "actors/persistence/crc32c.h"
#include "storage/memory.h"
#include "support/log_part.h"

#define ID 7

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	memory_init();
	keyspace_seed_hash_repeatably(1);
	return 0;
}

static void wrap(struct slice contents, struct buffer *out)
{
	char line[ANNOTATION_MAX_BYTES + 1];
	struct annotation group = { .id = ID, .first = 1, .last = 1000, .bytes = contents.len };
	group.crc = crc32c(annotation_chain(annotation_seed(ID), &group), contents.data, contents.len);
	buffer_append(out, line, annotation_print(&group, line));
	buffer_append(out, contents.data, contents.len);
}

static void check_cut(struct slice file, const struct aof_read_options *options, const struct log_result *result)
{
	if (result->figures.end > file.len)
		abort();
	/* In the middle of a group a recovery ends, and no file. */
	if (result->figures.tail == AOF_TAIL_LATER && options->is_ours)
		return;
	struct log_result again = log_read(slice_of(file.data, (size_t)result->figures.end), options);
	if (again.status != AOF_READ_END || again.figures.tail != AOF_TAIL_NONE || strcmp(again.digest, result->digest) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct aof_read_options options = {
		.is_ours = data[0] & 1,
		.id = ID,
		.is_last = data[0] & 2,
		.loads_truncated = data[0] & 4,
		.corrupt_tail_max_bytes = data[0] & 8 ? 100 : 0,
		.until_s = data[0] & 16 ? 1000 : AOF_READ_ALL,
	};
	struct buffer file = { 0 };
	if (options.is_ours && data[0] & 32)
		wrap(slice_of(data + 1, size - 1), &file);
	else
		buffer_append(&file, data + 1, size - 1);
	struct log_result result = log_read(slice_of(file.data, file.len), &options);
	if (!result.offsets_are_good || result.figures.frames < result.frames)
		abort();
	if (result.status == AOF_READ_END && result.fits)
		check_cut(slice_of(file.data, file.len), &options, &result);
	buffer_fini(&file);
	return 0;
}

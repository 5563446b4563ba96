/*
 * A part of the log of this program in memory, written group by group, and what can be read from such bytes.
 */
#ifndef TESTS_SUPPORT_LOG_PART_H
#define TESTS_SUPPORT_LOG_PART_H

#include "actors/persistence/aof_read.h"
#include "support/log_frames.h"
#include "support/memory_disk.h"

struct log_part {
	struct buffer bytes;
	struct aof_renderer renderer;
	uint64_t id, sequence;   /* of the last frame */
	uint32_t crc;            /* of the last group */
};

/* `sequence` is that of the frame before the first. */
void log_part_init(struct log_part *part, uint64_t id, uint64_t sequence);
/* Appends the frames as a group. */
void log_part_add(struct log_part *part, const struct frame_writer *frames);
void log_part_fini(struct log_part *part);

/* What reading came to. */
struct log_result {
	enum aof_read_status status;
	struct aof_read_figures figures;
	uint64_t steps, frames;
	bool fits;                     /* all frames fitted the data */
	bool offsets_are_good;         /* they rise, and a command begins at each */
	char digest[LOG_DIGEST_BYTES]; /* of what the frames make of empty data */
	char error[700];
};

/* Reads the file to its end and applies the frames. `options` needs neither disk nor descriptor; its name may be NULL. */
struct log_result log_read(struct slice file, const struct aof_read_options *options);
/* The same with a disk that may fail. */
struct log_result log_read_disk(struct memory_disk *disk, const struct aof_read_options *options);

#endif

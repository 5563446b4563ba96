/*
 * A part of the log that is open for writing. It grows by whole groups: a group that can't be written leaves nothing behind, or a torn end
 * that is cut off before anything else is written.
 *
 * Only the AOF actor calls. A function that returns int returns 0 or an errno value.
 */
#ifndef ACTORS_PERSISTENCE_PART_WRITER_H
#define ACTORS_PERSISTENCE_PART_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/aof_text.h"
#include "actors/persistence/disk.h"

struct part_writer {
	const struct disk *disk;
	int fd;                   /* -1: none is open */
	uint64_t id;
	uint32_t crc;             /* of the last group */
	uint64_t bytes;           /* of all whole groups */
	uint64_t durable_bytes;   /* of these, what a sync has confirmed */
	uint64_t written_back;    /* up to here write-back has been started */
	bool has_torn_end;        /* a write has failed: behind `bytes` there may be part of a group */
};

/* No part is open. */
void part_writer_init(struct part_writer *writer, const struct disk *disk);
/* Begins an empty part. The writer closes the descriptor. */
void part_writer_begin(struct part_writer *writer, int fd, uint64_t id);
/* Goes on behind the last group of a part, which is durable. */
void part_writer_go_on(struct part_writer *writer, int fd, uint64_t id, uint64_t bytes, uint32_t crc);

/* Appends a group: the frames `first` to `last`, as text. After an error the part is as before. */
int part_writer_append(struct part_writer *writer, uint64_t first, uint64_t last, const struct aof_text *text);
/* Makes all groups durable. After an error, nothing more may be written to this part. */
int part_writer_sync(struct part_writer *writer);
/* Removes what no sync has confirmed. */
int part_writer_cut(struct part_writer *writer);
void part_writer_close(struct part_writer *writer);

/* There are groups that no sync has confirmed. */
static inline bool part_writer_has_unsynced(const struct part_writer *writer)
{
	return writer->fd >= 0 && writer->durable_bytes < writer->bytes;
}

static inline bool part_writer_is_open(const struct part_writer *writer)
{
	return writer->fd >= 0;
}

#endif

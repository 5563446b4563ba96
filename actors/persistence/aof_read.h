/*
 * Reads a file of commands in steps: a part of the log of this program, or of Redis's, or an append-only file of an old Redis.
 *
 * A part of ours is groups, each with its annotation. A group is handed on only when its checksum is right and its sequences follow on
 * those before it. A file of another server has no checksums: it is read command by command, and a transaction is handed on whole. The same
 * holds for commands after the last group: redis-server has run on the directory and has appended them. Annotations that aren't ours are
 * skipped; "#TS:" tells the time.
 *
 * How a file can end early. It is *torn* if it ends inside of a group, a command or a transaction. It is *damaged* where its bytes can't be
 * what was written. Only the last file of a log may be torn, and what is torn or damaged is given up only as the directives say; everything
 * else is refused, with the file's name, the offset and the reason. What was handed on by then is part of a log that isn't to be used.
 *
 * One thread, which may block. Without memory for frames the process stops.
 */
#ifndef ACTORS_PERSISTENCE_AOF_READ_H
#define ACTORS_PERSISTENCE_AOF_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/annotation.h"
#include "actors/persistence/disk.h"
#include "actors/persistence/load_frames.h"

/* No end of time. */
#define AOF_READ_ALL INT64_MAX

struct aof_read_options {
	const struct disk *disk;
	int fd;                      /* open for reading; the caller's */
	const char *name;            /* of the file, for errors; outlives the reader */
	uint64_t offset;             /* where the commands begin: 0, or after an RDB preamble */
	bool is_ours;                /* the manifest has an id for it */
	uint64_t id;                 /* if it is ours, both from the manifest */
	uint64_t sequence;           /* of the frame before its first */
	bool has_end;                /* it must end with this frame, and of what follows nothing is read; else it ends where the file does */
	uint64_t end_sequence;
	bool is_last;                /* file of the log */
	bool loads_truncated;        /* aof-load-truncated */
	uint64_t corrupt_tail_max_bytes; /* aof-load-corrupt-tail-max-size */
	int64_t until_s;             /* stop at the first "#TS:" after this time; AOF_READ_ALL */
	int64_t now_ms;              /* wall clock: relative times to live begin here */
};

enum aof_read_status {
	AOF_READ_FRAMES,   /* call again */
	AOF_READ_END,      /* all is read, but for what was given up */
	AOF_READ_PREAMBLE, /* the file begins with an RDB; nothing was read */
	AOF_READ_REFUSED,
};

enum aof_tail { AOF_TAIL_NONE, AOF_TAIL_TORN, AOF_TAIL_DAMAGED, AOF_TAIL_LATER };

struct aof_read_figures {
	uint64_t size;         /* of the file */
	uint64_t offset;       /* up to here it has been read and handed on */
	uint64_t groups, commands, frames;
	uint64_t last_sequence; /* of ours */
	uint64_t foreign_at;   /* of ours: where commands of another server begin; 0: there are none. Nothing may be appended to such a part */
	bool has_time;
	int64_t first_s, last_s; /* the times in "#TS:" */
	/* At the end: what was not read, from `end` on, and why. To go on writing, cut the file there. After a refusal: where and why. */
	enum aof_tail tail;    /* LATER: than `until_s` */
	uint64_t end;
	const char *reason;
	/* Of ours: the group that was read last, or not to its end; where its annotation begins; the checksum before it. */
	struct annotation group;
	uint64_t group_at;
	uint32_t chain;
};

struct aof_reader;

/* NULL without memory. */
struct aof_reader *aof_reader_create(const struct aof_read_options *options);
void aof_reader_destroy(struct aof_reader **reader);

/* Puts the frames of one step, about AOF_READ_STEP_BYTES, into an empty `out`. After any other status than AOF_READ_FRAMES don't call again. */
#define AOF_READ_STEP_BYTES (256u << 10)
enum aof_read_status aof_read(struct aof_reader *reader, struct load_frames *out);

void aof_reader_get_figures(const struct aof_reader *reader, struct aof_read_figures *out_figures);
/* After AOF_READ_REFUSED: file, offset and reason. */
const char *aof_reader_error(const struct aof_reader *reader);

#endif

/*
 * The file of a snapshot while it is written: a temporary file, which takes the place of the former one when it is complete and durable. The
 * base of a log is written under the name that it is given, since the log puts it in place.
 *
 * Order of calls: snapshot_file_open(), snapshot_file_write() as often as needed, then snapshot_file_finish() or snapshot_file_abandon(). The
 * first error sticks. Whatever happens, the former file is there until finish() replaces it, and nothing else is left behind; after a crash
 * the temporary file is, and snapshot_file_clean() removes it. The file is locked while it is written, which tells one from the other.
 */
#ifndef ACTORS_PERSISTENCE_SNAPSHOT_FILE_H
#define ACTORS_PERSISTENCE_SNAPSHOT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

struct snapshot_file {
	const struct disk *disk;
	const char *directory;   /* the caller's */
	char *path, *temporary;  /* where it goes, and where it is; the same if that stays */
	int fd;                  /* -1 when it is not open */
	uint64_t bytes;          /* written */
	uint64_t told_bytes;     /* of them: the disk has been told to begin with these */
	bool writes_back;
	char error[256];         /* "" without one */
};

struct snapshot_file_options {
	const char *directory, *name; /* must live until the end */
	bool writes_back;        /* tells the disk to begin writing every few megabytes, so that the sync takes less time */
	bool is_temporary;       /* the name is a temporary one, which stays */
};

/* False: the error says why. Nothing else need be called then. */
bool snapshot_file_open(struct snapshot_file *file, const struct disk *disk, const struct snapshot_file_options *options);
/* For rdb_file_options: the context is the file. */
bool snapshot_file_write(void *file, const void *data, size_t len);
/* Makes it durable and puts it in place of the former file. False: the error says why; the former file is still there. */
bool snapshot_file_finish(struct snapshot_file *file);
void snapshot_file_abandon(struct snapshot_file *file);

/* Removes temporary files that a crash has left in the directory. */
void snapshot_file_clean(const struct disk *disk, const char *directory);

#endif

/*
 * The file layer: everything that persistence asks of a disk, as a table of functions, so that tests can put a simulated disk in its place
 * (tests/simulation/disk.h).
 *
 * Every function returns 0 or an errno value. Nothing is tried again after an error; interrupted calls go on. Paths are relative to the
 * working directory. All calls may block: only actors with a thread of their own make them.
 *
 * What is durable. The bytes and the size of a file: after sync(). Names (creating, renaming and removing files, creating directories): after
 * sync_directory() of the directory that holds the name. After a failed sync the kernel may have dropped the bytes and a later sync of
 * the file says nothing about them: write them to another file.
 */
#ifndef ACTORS_PERSISTENCE_DISK_H
#define ACTORS_PERSISTENCE_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum disk_open {
	DISK_READ,   /* the file exists */
	DISK_WRITE,  /* the file exists; for reading too */
	DISK_CREATE, /* the file must not exist (EEXIST); for reading too */
};

struct disk {
	/* Creates files with mode 0644 less the umask. */
	int (*open)(const struct disk *disk, const char *path, enum disk_open how, int *out_fd);
	/* The descriptor is closed, even after an error. */
	int (*close)(const struct disk *disk, int fd);
	/* May write less than asked for, but not nothing. */
	int (*pwritev)(const struct disk *disk, int fd, const struct iovec *pieces, int count, uint64_t offset, size_t *out_written);
	/* Reads less than asked for only at the end of the file. */
	int (*pread)(const struct disk *disk, int fd, void *data, size_t bytes, uint64_t offset, size_t *out_read);
	int (*size)(const struct disk *disk, int fd, uint64_t *out_bytes);
	int (*sync)(const struct disk *disk, int fd);
	/* Begins to write these bytes to the disk and doesn't wait: a later sync has less to do. Makes nothing durable. */
	int (*start_writeback)(const struct disk *disk, int fd, uint64_t offset, uint64_t bytes);
	int (*truncate)(const struct disk *disk, int fd, uint64_t bytes);
	/* Makes the file at least this long and gives it all its space on the disk. After ENOSPC it may have some of it. */
	int (*allocate)(const struct disk *disk, int fd, uint64_t bytes);
	/* Replaces `to`, atomically. */
	int (*rename)(const struct disk *disk, const char *from, const char *to);
	int (*unlink)(const struct disk *disk, const char *path);
	/* With mode 0755 less the umask. EEXIST if the path exists, whatever it is. */
	int (*make_directory)(const struct disk *disk, const char *path);
	/* 0 on a file system that can't sync directories: nothing more can be done there. */
	int (*sync_directory)(const struct disk *disk, const char *path);
	/* Visits the names in the directory, in no order. visit() must not change the directory. */
	int (*list)(const struct disk *disk, const char *path, void (*visit)(void *context, const char *name), void *context);
	/* What this user may still fill. */
	int (*free_space)(const struct disk *disk, const char *path, uint64_t *out_bytes);
	/* Opens the file for reading and writing, creates it if it is absent, and locks it until close(). EWOULDBLOCK: someone else holds it. */
	int (*lock)(const struct disk *disk, const char *path, int *out_fd);
};

const struct disk *disk_real(void);

/* ---- made of these ---- */

/* Writes everything; returns an error only if a call does. `*out_written` counts what has been written in any case. */
int disk_write(const struct disk *disk, int fd, const void *data, size_t bytes, uint64_t offset, size_t *out_written);

#endif

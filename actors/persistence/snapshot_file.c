#include "actors/persistence/snapshot_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/persistence/disk.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"

#define PREFIX "temp-qcache-"
#define SUFFIX ".rdb"
#define WRITEBACK_BYTES (UINT64_C(4) << 20)

static char *path_of(const char *directory, const char *name)
{
	char *path;
	if (asprintf(&path, "%s%s%s", directory, directory[0] ? "/" : "", name) < 0)
		crash_out_of_memory("the name of a snapshot's file");
	return path;
}

/* The first error stays. Returns false. */
static bool fail(struct snapshot_file *file, const char *what, const char *path, int error)
{
	if (!file->error[0])
		snprintf(file->error, sizeof(file->error), "can't %s %s: %s", what, path, strerror(error));
	return false;
}

static void free_names(struct snapshot_file *file)
{
	free(file->path);
	free(file->temporary);
	file->path = file->temporary = NULL;
}

/* A file of that name may be left from a process with the same number: it is locked, so it is ours, and emptied. */
static bool create(struct snapshot_file *file)
{
	int error = file->disk->lock(file->disk, file->temporary, &file->fd);
	if (error == EWOULDBLOCK)
		return fail(file, "write", file->temporary, EBUSY);
	if (error) {
		file->fd = -1;
		return fail(file, "create", file->temporary, error);
	}
	error = file->disk->truncate(file->disk, file->fd, 0);
	return !error || fail(file, "truncate", file->temporary, error);
}

bool snapshot_file_open(struct snapshot_file *file, const struct disk *disk, const struct snapshot_file_options *options)
{
	char name[64];
	snprintf(name, sizeof(name), PREFIX "%d" SUFFIX, (int)getpid());
	*file = (struct snapshot_file){
		.disk = disk, .directory = options->directory, .fd = -1, .writes_back = options->writes_back,
		.path = path_of(options->directory, options->name), .temporary = path_of(options->directory, options->is_temporary ? options->name : name),
	};
	if (create(file))
		return true;
	if (file->fd >= 0)
		snapshot_file_abandon(file);
	free_names(file);
	return false;
}

/* Advice: if the disk can't take it, the sync will say so. */
static void write_back(struct snapshot_file *file)
{
	if (!file->writes_back || file->bytes - file->told_bytes < WRITEBACK_BYTES)
		return;
	file->disk->start_writeback(file->disk, file->fd, file->told_bytes, file->bytes - file->told_bytes);
	file->told_bytes = file->bytes;
}

bool snapshot_file_write(void *context, const void *data, size_t len)
{
	struct snapshot_file *file = context;
	size_t written;
	if (file->error[0])
		return false;
	int error = disk_write(file->disk, file->fd, data, len, file->bytes, &written);
	file->bytes += written;
	if (error)
		return fail(file, "write", file->temporary, error);
	write_back(file);
	return true;
}

static bool close_file(struct snapshot_file *file)
{
	int error = file->disk->close(file->disk, file->fd);
	file->fd = -1;
	return !error || fail(file, "close", file->temporary, error);
}

/* The lock is held until the file has its name. */
static bool put_in_place(struct snapshot_file *file)
{
	int error = file->disk->sync(file->disk, file->fd);
	if (error)
		return fail(file, "sync", file->temporary, error);
	if (strcmp(file->temporary, file->path) == 0)
		return true;
	error = file->disk->rename(file->disk, file->temporary, file->path);
	return !error || fail(file, "replace", file->path, error);
}

bool snapshot_file_finish(struct snapshot_file *file)
{
	if (file->error[0] || !put_in_place(file)) {
		snapshot_file_abandon(file);
		return false;
	}
	int error = file->disk->sync_directory(file->disk, file->directory);
	bool is_durable = !error || fail(file, "sync directory", file->directory, error);
	bool is_closed = close_file(file);
	free_names(file);
	return is_durable && is_closed;
}

static void remove_temporary(const struct disk *disk, const char *path)
{
	int error = disk->unlink(disk, path);
	if (error)
		log_event(LOG_WARNING, "Can't remove %s: %s", path, strerror(error));
}

void snapshot_file_abandon(struct snapshot_file *file)
{
	remove_temporary(file->disk, file->temporary);
	close_file(file);
	free_names(file);
}

/* ---- after a crash ---- */

struct leftovers {
	const char *directory;
	char **paths;
	size_t count;
};

static bool is_temporary(const char *name)
{
	size_t len = strlen(name), least = strlen(PREFIX SUFFIX);
	return len > least && strncmp(name, PREFIX, strlen(PREFIX)) == 0 && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static void note_leftover(void *context, const char *name)
{
	struct leftovers *leftovers = context;
	if (!is_temporary(name))
		return;
	char **paths = realloc(leftovers->paths, (leftovers->count + 1) * sizeof(*paths));
	if (!paths)
		crash_out_of_memory("the names of temporary files");
	leftovers->paths = paths;
	paths[leftovers->count++] = path_of(leftovers->directory, name);
}

/* A running server holds the lock of its file. */
static void remove_unlocked(const struct disk *disk, const char *path)
{
	int fd;
	if (disk->lock(disk, path, &fd) != 0)
		return;
	log_event(LOG_NOTICE, "Removing %s, which a crash has left", path);
	remove_temporary(disk, path);
	disk->close(disk, fd); /* nothing was written */
}

void snapshot_file_clean(const struct disk *disk, const char *directory)
{
	struct leftovers leftovers = { .directory = directory };
	if (disk->list(disk, directory, note_leftover, &leftovers) != 0)
		return; /* writing there will say why */
	for (size_t i = 0; i < leftovers.count; i++) {
		remove_unlocked(disk, leftovers.paths[i]);
		free(leftovers.paths[i]);
	}
	free(leftovers.paths);
}

#include "actors/persistence/parts_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"

bool parts_fail(struct parts_error *out_error, int error, const char *format, ...)
{
	va_list arguments;
	out_error->error = error;
	out_error->lost_former = false;
	va_start(arguments, format);
	int len = vsnprintf(out_error->text, sizeof(out_error->text), format, arguments);
	va_end(arguments);
	if (error && len < (int)sizeof(out_error->text))
		snprintf(out_error->text + len, sizeof(out_error->text) - (size_t)len, ": %s", strerror(error));
	return false;
}

/* ---- paths ---- */

struct path parts_join(const char *directory, const char *prefix, const char *name, const char *suffix)
{
	struct path path;
	if (snprintf(path.text, sizeof(path.text), "%s/%s%s%s", directory, prefix, name, suffix) >= (int)sizeof(path.text))
		crash_broken_invariant("a path in the log's directory is too long"); /* parts_open() has checked it */
	return path;
}

struct path parts_path(const struct parts *parts, const char *name)
{
	return parts_join(parts->directory.text, "", name, "");
}

struct path parts_named(const struct parts *parts, const char *prefix, const char *suffix)
{
	return parts_join(parts->directory.text, prefix, parts->file_name, suffix);
}

int parts_sync_file(struct parts *parts, const char *path)
{
	int fd, error = parts->disk->open(parts->disk, path, DISK_WRITE, &fd);
	if (error)
		return error;
	error = parts->disk->sync(parts->disk, fd);
	int close_error = parts->disk->close(parts->disk, fd);
	return error ? error : close_error;
}

bool parts_find(struct parts *parts, const char *path, int *out_error)
{
	int fd, error = parts->disk->open(parts->disk, path, DISK_READ, &fd);
	bool is_there = !error;
	if (is_there)
		error = parts->disk->close(parts->disk, fd);
	*out_error = error == ENOENT ? 0 : error;
	return is_there;
}

bool parts_sync_directory(struct parts *parts, const char *path, struct parts_error *out_error)
{
	int error = parts->disk->sync_directory(parts->disk, path);
	return error ? parts_fail(out_error, error, "can't sync the directory %s", path) : true;
}

/* ---- the manifest, and its files ---- */

void parts_close(struct parts **parts_at)
{
	struct parts *parts = *parts_at;
	if (parts->lock_fd >= 0)
		parts->disk->close(parts->disk, parts->lock_fd); /* this unlocks it, whatever it returns */
	manifest_fini(&parts->manifest);
	manifest_fini(&parts->waiting);
	free(parts);
	*parts_at = NULL;
}

const struct manifest *parts_manifest(const struct parts *parts)
{
	return &parts->manifest;
}

const char *parts_temporary_base(const struct parts *parts)
{
	return parts->temporary_base.text;
}

bool parts_open_file(struct parts *parts, const struct manifest_part *part, int *out_fd, uint64_t *out_bytes, struct parts_error *out_error)
{
	struct path path = parts_path(parts, part->name);
	int fd, error = parts->disk->open(parts->disk, path.text, DISK_READ, &fd);
	if (error == ENOENT)
		return parts_fail(out_error, 0, "the manifest names %s, which is missing", path.text);
	if (error)
		return parts_fail(out_error, error, "can't open %s", path.text);
	if ((error = parts->disk->size(parts->disk, fd, out_bytes))) {
		parts->disk->close(parts->disk, fd); /* it was not even read */
		return parts_fail(out_error, error, "can't tell the size of %s", path.text);
	}
	*out_fd = fd;
	return true;
}

/* Cuts off what comes after the end, and makes the rest durable: a killed server may have left it in the page cache. */
static bool cut_and_sync(struct parts *parts, const struct open_part *part, const char *path, struct parts_error *out_error)
{
	uint64_t bytes = 0;
	int error = parts->disk->size(parts->disk, part->fd, &bytes);
	if (!error && bytes < part->bytes)
		return parts_fail(out_error, 0, "%s has become shorter since it was loaded", path);
	if (!error && bytes > part->bytes)
		error = parts->disk->truncate(parts->disk, part->fd, part->bytes);
	if (!error)
		error = parts->disk->sync(parts->disk, part->fd);
	return error ? parts_fail(out_error, error, "can't prepare %s for appending", path) : true;
}

bool parts_resume(struct parts *parts, uint64_t end_bytes, struct open_part *out_part, struct parts_error *out_error)
{
	const struct manifest_part *last = manifest_last_increment(&parts->manifest);
	if (!last)
		crash_broken_invariant("the log has no increment to go on with");
	struct open_part part = { .bytes = end_bytes, .part = *last };
	struct path path = parts_path(parts, last->name);
	int error = parts->disk->open(parts->disk, path.text, DISK_WRITE, &part.fd);
	if (error)
		return parts_fail(out_error, error, "can't open %s for appending", path.text);
	if (!cut_and_sync(parts, &part, path.text, out_error)) {
		parts->disk->close(parts->disk, part.fd); /* nothing was written to it */
		return false;
	}
	*out_part = part;
	return true;
}

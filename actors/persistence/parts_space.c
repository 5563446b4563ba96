#include <errno.h>

#include "actors/persistence/parts_state.h"

#define BALLAST_NAME "qcache.ballast"

bool parts_has_ballast(const struct parts *parts)
{
	return parts->has_ballast;
}

static int open_ballast(struct parts *parts, const char *path, int *out_fd)
{
	int error = parts->disk->open(parts->disk, path, DISK_WRITE, out_fd);
	return error == ENOENT ? parts->disk->open(parts->disk, path, DISK_CREATE, out_fd) : error;
}

/* A former server may have left it, with another size. */
static int fill_ballast(struct parts *parts, int fd)
{
	uint64_t bytes = 0;
	int error = parts->disk->size(parts->disk, fd, &bytes);
	if (!error && bytes > parts->ballast_bytes)
		error = parts->disk->truncate(parts->disk, fd, parts->ballast_bytes);
	return error ? error : parts->disk->allocate(parts->disk, fd, parts->ballast_bytes);
}

bool parts_make_ballast(struct parts *parts, struct parts_error *out_error)
{
	struct path path = parts_path(parts, BALLAST_NAME);
	int fd;
	if (parts->has_ballast)
		return true;
	if (parts->ballast_bytes == 0)
		return parts_release_ballast(parts, out_error);
	int error = open_ballast(parts, path.text, &fd);
	if (error)
		return parts_fail(out_error, error, "can't create %s", path.text);
	error = fill_ballast(parts, fd);
	int close_error = parts->disk->close(parts->disk, fd);
	parts->has_ballast = !error && !close_error;
	if (parts->has_ballast)
		return true;
	parts->disk->unlink(parts->disk, path.text); /* what is there of it is of no use; the next attempt goes on with it */
	return parts_fail(out_error, error ? error : close_error, "can't allocate %s", path.text);
}

bool parts_release_ballast(struct parts *parts, struct parts_error *out_error)
{
	struct path path = parts_path(parts, BALLAST_NAME);
	int error = parts->disk->unlink(parts->disk, path.text);
	if (error && error != ENOENT)
		return parts_fail(out_error, error, "can't delete %s", path.text);
	parts->has_ballast = false;
	return true;
}

bool parts_free_space(const struct parts *parts, uint64_t *out_bytes, struct parts_error *out_error)
{
	int error = parts->disk->free_space(parts->disk, parts->directory.text, out_bytes);
	return error ? parts_fail(out_error, error, "can't tell the free space of %s", parts->directory.text) : true;
}

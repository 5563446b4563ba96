#include "actors/persistence/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The result of a system call, which is repeated while signals interrupt it. */
#define RETRIED(call)                                             \
	({                                                        \
		long result_;                                     \
		while ((result_ = (call)) < 0 && errno == EINTR)  \
			;                                         \
		result_;                                          \
	})

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static int real_open(const struct disk *disk, const char *path, enum disk_open how, int *out_fd)
{
	static const int flags[] = {
		[DISK_READ] = O_RDONLY,
		[DISK_WRITE] = O_RDWR,
		[DISK_CREATE] = O_RDWR | O_CREAT | O_EXCL,
	};
	int fd = (int)RETRIED(open(path, flags[how] | O_CLOEXEC, 0644));
	if (fd >= 0)
		*out_fd = fd;
	return error_of(fd);
}

static int real_close(const struct disk *disk, int fd)
{
	/* Linux has closed the descriptor even if it reports EINTR. */
	int error = error_of(close(fd));
	return error == EINTR ? 0 : error;
}

static int real_pwritev(const struct disk *disk, int fd, const struct iovec *pieces, int count, uint64_t offset, size_t *out_written)
{
	ssize_t written = RETRIED(pwritev(fd, pieces, count < IOV_MAX ? count : IOV_MAX, (off_t)offset));
	if (written > 0)
		*out_written = (size_t)written;
	/* A file system that takes nothing and names no reason would be asked for ever. */
	return written == 0 ? ENOSPC : error_of(written);
}

static int real_pread(const struct disk *disk, int fd, void *data, size_t bytes, uint64_t offset, size_t *out_read)
{
	size_t done = 0;
	while (done < bytes) {
		ssize_t more = RETRIED(pread(fd, (char *)data + done, bytes - done, (off_t)(offset + done)));
		if (more < 0)
			return errno;
		if (more == 0)
			break;
		done += (size_t)more;
	}
	*out_read = done;
	return 0;
}

static int real_size(const struct disk *disk, int fd, uint64_t *out_bytes)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return errno;
	*out_bytes = (uint64_t)status.st_size;
	return 0;
}

static int real_sync(const struct disk *disk, int fd)
{
	return error_of(RETRIED(fdatasync(fd)));
}

static int real_start_writeback(const struct disk *disk, int fd, uint64_t offset, uint64_t bytes)
{
	return error_of(RETRIED(sync_file_range(fd, (off_t)offset, (off_t)bytes, SYNC_FILE_RANGE_WRITE)));
}

static int real_truncate(const struct disk *disk, int fd, uint64_t bytes)
{
	return error_of(RETRIED(ftruncate(fd, (off_t)bytes)));
}

static int real_allocate(const struct disk *disk, int fd, uint64_t bytes)
{
	int error;
	while ((error = posix_fallocate(fd, 0, (off_t)bytes)) == EINTR)
		;
	return error;
}

static int real_rename(const struct disk *disk, const char *from, const char *to)
{
	return error_of(rename(from, to));
}

static int real_unlink(const struct disk *disk, const char *path)
{
	return error_of(unlink(path));
}

static int real_make_directory(const struct disk *disk, const char *path)
{
	return error_of(mkdir(path, 0755));
}

static int real_sync_directory(const struct disk *disk, const char *path)
{
	int fd = (int)RETRIED(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd < 0)
		return errno;
	int error = error_of(RETRIED(fsync(fd)));
	if (error == EINVAL)
		error = 0;
	int close_error = real_close(disk, fd);
	return error ? error : close_error;
}

static int real_list(const struct disk *disk, const char *path, void (*visit)(void *context, const char *name), void *context)
{
	DIR *directory = opendir(path);
	if (!directory)
		return errno;
	const struct dirent *entry;
	while (errno = 0, (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			visit(context, entry->d_name);
	int error = errno;
	closedir(directory); /* it was only read */
	return error;
}

static int real_free_space(const struct disk *disk, const char *path, uint64_t *out_bytes)
{
	struct statvfs status;
	if (RETRIED(statvfs(path, &status)) < 0)
		return errno;
	*out_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	return 0;
}

/* flock() excludes other processes and also other servers in this one; the kernel releases it when the process dies. */
static int real_lock(const struct disk *disk, const char *path, int *out_fd)
{
	int fd = (int)RETRIED(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	if (fd < 0)
		return errno;
	int error = error_of(RETRIED(flock(fd, LOCK_EX | LOCK_NB)));
	if (error)
		close(fd); /* nothing was written */
	else
		*out_fd = fd;
	return error;
}

const struct disk *disk_real(void)
{
	static const struct disk real = {
		.open = real_open,
		.close = real_close,
		.pwritev = real_pwritev,
		.pread = real_pread,
		.size = real_size,
		.sync = real_sync,
		.start_writeback = real_start_writeback,
		.truncate = real_truncate,
		.allocate = real_allocate,
		.rename = real_rename,
		.unlink = real_unlink,
		.make_directory = real_make_directory,
		.sync_directory = real_sync_directory,
		.list = real_list,
		.free_space = real_free_space,
		.lock = real_lock,
	};
	return &real;
}

int disk_write(const struct disk *disk, int fd, const void *data, size_t bytes, uint64_t offset, size_t *out_written)
{
	*out_written = 0;
	while (*out_written < bytes) {
		struct iovec rest = { .iov_base = (char *)data + *out_written, .iov_len = bytes - *out_written };
		size_t more = 0;
		int error = disk->pwritev(disk, fd, &rest, 1, offset + *out_written, &more);
		if (error)
			return error;
		*out_written += more;
	}
	return 0;
}

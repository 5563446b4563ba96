#include "support/memory_disk.h"

#include <errno.h>

static int read_at(const struct disk *functions, int fd, void *data, size_t bytes, uint64_t offset, size_t *out_read)
{
	struct memory_disk *disk = (struct memory_disk *)functions;
	if (++disk->reads == disk->fail_at)
		return EIO;
	size_t left = offset < disk->file.len ? disk->file.len - (size_t)offset : 0;
	*out_read = bytes < left ? bytes : left;
	if (*out_read > 0)
		memcpy(data, disk->file.data + offset, *out_read);
	return 0;
}

static int size(const struct disk *functions, int fd, uint64_t *out_bytes)
{
	*out_bytes = ((const struct memory_disk *)functions)->file.len;
	return 0;
}

struct memory_disk memory_disk_of(struct slice file)
{
	return (struct memory_disk){ .functions = { .pread = read_at, .size = size }, .file = file };
}

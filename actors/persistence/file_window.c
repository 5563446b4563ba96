#include "actors/persistence/file_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Few calls, and what is read is still in the CPU's cache when it is parsed. */
#define READ_BYTES ((size_t)256 << 10)

int file_window_open(struct file_window *window, const struct disk *disk, int fd, uint64_t offset)
{
	*window = (struct file_window){ .disk = disk, .fd = fd, .read_at = offset };
	int error = disk->size(disk, fd, &window->size);
	if (error == 0 && offset > window->size)
		error = ENODATA;
	if (error == 0 && !(window->data = malloc(2 * READ_BYTES)))
		error = ENOMEM;
	window->capacity = error ? 0 : 2 * READ_BYTES;
	return error;
}

void file_window_fini(struct file_window *window)
{
	free(window->data);
	*window = (struct file_window){ 0 };
}

static int read_all(struct file_window *window, void *out, size_t bytes)
{
	size_t got = 0;
	int error = window->disk->pread(window->disk, window->fd, out, bytes, window->read_at, &got);
	if (error == 0 && got < bytes)
		error = ENODATA;
	if (error == 0)
		window->read_at += bytes;
	return error;
}

/* Makes room for READ_BYTES after the window. */
static int make_room(struct file_window *window, size_t most)
{
	size_t len = file_window_len(window);
	if (window->capacity - window->end >= READ_BYTES)
		return 0;
	if (window->capacity - len >= READ_BYTES) {
		memmove(window->data, file_window_bytes(window), len);
	} else {
		size_t capacity = 2 * (len + READ_BYTES);
		uint8_t *data = len < most ? malloc(capacity) : NULL;
		if (!data)
			return ENOMEM;
		memcpy(data, file_window_bytes(window), len);
		free(window->data);
		window->data = data;
		window->capacity = capacity;
	}
	window->begin = 0;
	window->end = len;
	return 0;
}

int file_window_fill(struct file_window *window, size_t most)
{
	uint64_t left = window->size - window->read_at;
	size_t bytes = left < READ_BYTES ? (size_t)left : READ_BYTES;
	int error = make_room(window, most);
	if (error == 0)
		error = read_all(window, window->data + window->end, bytes);
	if (error == 0)
		window->end += bytes;
	return error;
}

int file_window_take(struct file_window *window, size_t kept, void *out, size_t bytes)
{
	size_t there = file_window_len(window) - kept;
	size_t from_window = there < bytes ? there : bytes;
	uint8_t *taken = file_window_bytes(window) + kept;
	if (from_window > 0)
		memcpy(out, taken, from_window);
	if (there > from_window)
		memmove(taken, taken + from_window, there - from_window);
	window->end -= from_window;
	return bytes > from_window ? read_all(window, (uint8_t *)out + from_window, bytes - from_window) : 0;
}

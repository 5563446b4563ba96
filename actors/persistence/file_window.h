/*
 * A window that moves forward over a file, for parsers that need bytes in one piece. It is data[begin] to data[end].
 *
 * Filling moves the window in memory: pointers into it are valid until then. Functions return 0 or an errno value; ENODATA: the file has
 * become shorter. Owner's thread only.
 */
#ifndef ACTORS_PERSISTENCE_FILE_WINDOW_H
#define ACTORS_PERSISTENCE_FILE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "actors/persistence/disk.h"

struct file_window {
	const struct disk *disk;
	int fd;              /* the caller's */
	uint64_t size;       /* of the file when the window was opened; what is appended later isn't read */
	uint64_t read_at;    /* the offset of the byte after the window */
	uint8_t *data;
	size_t capacity, begin, end;
};

/* An empty window at the offset. */
int file_window_open(struct file_window *window, const struct disk *disk, int fd, uint64_t offset);
void file_window_fini(struct file_window *window);

static inline uint8_t *file_window_bytes(const struct file_window *window)
{
	return window->data + window->begin;
}

static inline size_t file_window_len(const struct file_window *window)
{
	return window->end - window->begin;
}

/* The bytes of the window that lie before an offset. */
static inline size_t file_window_len_before(const struct file_window *window, uint64_t offset)
{
	uint64_t after = window->read_at > offset ? window->read_at - offset : 0, len = file_window_len(window);
	return len > after ? (size_t)(len - after) : 0;
}

/* The offset of the window's first byte. Not while bytes have been taken out of its middle. */
static inline uint64_t file_window_offset(const struct file_window *window)
{
	return window->read_at - file_window_len(window);
}

static inline void file_window_pass(struct file_window *window, size_t bytes)
{
	window->begin += bytes;
}

/* Reads more: some bytes, unless the window ends where the file does. ENOMEM: without memory, or if it would have more than `most` bytes. */
int file_window_fill(struct file_window *window, size_t most);

/* Takes out the bytes that follow the first `kept` ones of the window, whether they have been read yet or not. The file has them. */
int file_window_take(struct file_window *window, size_t kept, void *out, size_t bytes);

#endif

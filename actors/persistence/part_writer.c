#include "actors/persistence/part_writer.h"

#include <string.h>

#include "actors/persistence/annotation.h"
#include "actors/persistence/crc32c.h"
#include "actors/runtime/log.h"

#define VECTORS_MAX 256
/* Write-back is started for so many bytes at a time, so that a later sync has little to do. */
#define WRITE_BACK_BYTES (4u * 1024 * 1024)

void part_writer_init(struct part_writer *writer, const struct disk *disk)
{
	*writer = (struct part_writer){ .disk = disk, .fd = -1 };
}

void part_writer_go_on(struct part_writer *writer, int fd, uint64_t id, uint64_t bytes, uint32_t crc)
{
	part_writer_close(writer);
	*writer = (struct part_writer){
		.disk = writer->disk, .fd = fd, .id = id, .crc = crc, .bytes = bytes, .durable_bytes = bytes, .written_back = bytes };
}

void part_writer_begin(struct part_writer *writer, int fd, uint64_t id)
{
	part_writer_go_on(writer, fd, id, 0, annotation_seed(id));
}

static uint32_t checksum(uint32_t crc, const struct aof_text *text)
{
	struct iovec vectors[VECTORS_MAX];
	uint64_t offset = 0;
	for (int count; (count = aof_text_vector(text, offset, vectors, VECTORS_MAX)) > 0;)
		for (int i = 0; i < count; i++) {
			crc = crc32c(crc, vectors[i].iov_base, vectors[i].iov_len);
			offset += vectors[i].iov_len;
		}
	return crc;
}

/* Writes the line and the text at the end of the part. */
static int write_all(const struct part_writer *writer, const char *line, size_t line_len, const struct aof_text *text)
{
	uint64_t total = line_len + aof_text_len(text);
	for (uint64_t done = 0; done < total;) {
		struct iovec vectors[VECTORS_MAX];
		int count = 0;
		size_t written = 0;
		if (done < line_len)
			vectors[count++] = (struct iovec){ (char *)line + done, line_len - done };
		count += aof_text_vector(text, done > line_len ? done - line_len : 0, vectors + count, VECTORS_MAX - count);
		int error = writer->disk->pwritev(writer->disk, writer->fd, vectors, count, writer->bytes + done, &written);
		if (error)
			return error;
		done += written;
	}
	return 0;
}

static int cut_torn_end(struct part_writer *writer)
{
	int error = writer->has_torn_end ? writer->disk->truncate(writer->disk, writer->fd, writer->bytes) : 0;
	writer->has_torn_end &= error != 0;
	return error;
}

/* A hint: what fails here shows in the sync. */
static void start_write_back(struct part_writer *writer)
{
	uint64_t bytes = writer->bytes - writer->written_back;
	if (bytes < WRITE_BACK_BYTES)
		return;
	writer->disk->start_writeback(writer->disk, writer->fd, writer->written_back, bytes);
	writer->written_back = writer->bytes;
}

int part_writer_append(struct part_writer *writer, uint64_t first, uint64_t last, const struct aof_text *text)
{
	char line[ANNOTATION_MAX_BYTES + 1];
	struct annotation annotation = { .id = writer->id, .first = first, .last = last, .bytes = aof_text_len(text) };
	annotation.crc = checksum(annotation_chain(writer->crc, &annotation), text);
	size_t line_len = annotation_print(&annotation, line);
	int error = cut_torn_end(writer);
	if (!error)
		error = write_all(writer, line, line_len, text);
	if (error) {
		writer->has_torn_end = true;
		cut_torn_end(writer); /* if that fails too, it is tried again before the next group */
		return error;
	}
	writer->crc = annotation.crc;
	writer->bytes += line_len + annotation.bytes;
	start_write_back(writer);
	return 0;
}

int part_writer_sync(struct part_writer *writer)
{
	int error = writer->disk->sync(writer->disk, writer->fd);
	if (!error)
		writer->durable_bytes = writer->bytes;
	return error;
}

int part_writer_cut(struct part_writer *writer)
{
	return writer->disk->truncate(writer->disk, writer->fd, writer->durable_bytes);
}

void part_writer_close(struct part_writer *writer)
{
	int error = part_writer_is_open(writer) ? writer->disk->close(writer->disk, writer->fd) : 0;
	if (error)
		log_event(LOG_WARNING, "Closing a part of the append-only file: %s", strerror(error));
	writer->fd = -1;
}

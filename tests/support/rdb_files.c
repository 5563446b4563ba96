#include "support/rdb_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "storage/formats/rdb_file.h"
#include "storage/load_batch.h"

/* A number like those that a snapshot uses. */
#define SLICE_BYTES 65536u

/* ---- saving ---- */

struct save {
	struct rdb_file_writer *writer;
	struct rdb_pieces pieces;
	const struct keyspace *keyspace;
	const struct databases *databases;
	uint32_t number;
	bool has_usage;
};

static bool write_all(void *context, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(*(int *)context, (const uint8_t *)data + done, len - done);
		if (n < 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void flush(struct save *save)
{
	rdb_file_add(save->writer, &save->pieces);
	rdb_pieces_clear(&save->pieces);
}

static void visit(void *context, struct entry *entry)
{
	struct save *save = context;
	struct rdb_record record = { .key = entry_key(entry), .database = save->number,
				     .expiry_ms = keyspace_expiry_ms(save->keyspace, entry) };
	if (save->has_usage) {
		record.usage = RDB_IDLE_SECONDS;
		record.usage_value = (uint32_t)(access_idle_ms(save->databases->storage.access, entry, 1) / 1000);
	}
	if (!rdb_pieces_add(&save->pieces, &record, entry))
		abort();
	if (save->pieces.bytes > SLICE_BYTES)
		flush(save);
}

static void save_database(struct save *save, uint32_t number)
{
	uint64_t cursor = 0;
	save->number = number;
	save->keyspace = databases_read(save->databases, number);
	rdb_file_select(save->writer, number, keyspace_count(save->keyspace), keyspace_expiring_count(save->keyspace));
	do
		cursor = keyspace_scan(save->keyspace, cursor, visit, save);
	while (cursor);
	flush(save);
}

const char *rdb_files_save(const struct databases *databases, const char *path, const struct rdb_files_how *how)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
	if (fd < 0)
		return strerror(errno);
	struct rdb_file_options options = { .write = write_all, .context = &fd, .compresses = how->compresses, .is_summed = how->is_summed };
	struct rdb_file_head head = { .redis_version = "7.0.15", .created_s = time(NULL) };
	struct save save = { .writer = rdb_file_writer_create(&options), .databases = databases, .has_usage = how->has_usage };
	rdb_file_begin(save.writer, &head);
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		save_database(&save, databases->in_use[i]);
	bool is_written = rdb_file_end(save.writer);
	rdb_file_writer_destroy(&save.writer);
	rdb_pieces_fini(&save.pieces);
	close(fd);
	return is_written ? NULL : "it can't be written";
}

/* ---- loading ---- */

static int read_some(void *context, void *data, size_t len, size_t *out_len)
{
	ssize_t n = read(*(int *)context, data, len);
	*out_len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? errno : 0;
}

/* Returns NULL, or an error. */
static const char *take_batch(struct databases *databases, struct load_batch *batch)
{
	static const char *const errors[] = { [LOAD_NO_MEMORY] = "no memory", [LOAD_DUPLICATE] = "a key comes twice",
					      [LOAD_NO_DATABASE] = "too many databases" };
	enum load_status status = load_batch_take(batch, databases, 1);
	load_batch_destroy(&batch);
	return errors[status];
}

const char *rdb_files_load(struct databases *databases, const char *path, struct rdb_load_figures *out_figures)
{
	static char text[256];
	struct stat stat;
	struct load_batch *batch;
	enum rdb_load_status status = RDB_LOAD_END;
	const char *error = NULL;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return strerror(errno);
	struct rdb_load_options options = { .read = read_some, .context = &fd, .file_bytes = (uint64_t)stat.st_size,
					    .databases = databases->count, .keeps_expired = true };
	struct rdb_load *load = rdb_load_create(&options);
	while (!error && (status = rdb_load_next(load, &batch)) == RDB_LOAD_BATCH)
		error = take_batch(databases, batch);
	if (!error && status == RDB_LOAD_ERROR) {
		uint64_t offset;
		const char *wrong = rdb_load_error(load, &offset);
		snprintf(text, sizeof(text), "offset %llu: %s", (unsigned long long)offset, wrong);
		error = text;
	}
	rdb_load_get_figures(load, out_figures);
	rdb_load_destroy(&load);
	close(fd);
	return error;
}

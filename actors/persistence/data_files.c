#include "actors/persistence/data_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"

static void *must_have(void *memory)
{
	if (!memory)
		crash_out_of_memory("the files of the data");
	return memory;
}

static bool refuse(struct config_error *out_error, const char *text)
{
	snprintf(out_error->text, sizeof(out_error->text), "%.*s", (int)sizeof(out_error->text) - 1, text);
	return false;
}

static const char *directory_of(const struct config *config)
{
	return config->dir[0] ? config->dir : ".";
}

static char *path_to(const struct config *config, const char *directory, const char *name)
{
	char *path;
	if (asprintf(&path, "%s/%s%s%s", directory_of(config), directory, directory[0] ? "/" : "", name) < 0)
		crash_out_of_memory("the files of the data");
	return path;
}

static void add(struct data_files *files, char *path, const struct manifest_part *part, uint64_t bytes)
{
	files->items = must_have(realloc(files->items, (files->count + 1) * sizeof(*files->items)));
	files->items[files->count++] = (struct data_file){ .path = path, .part = part, .bytes = bytes };
	files->bytes += bytes;
}

/* ---- the log ---- */

static bool add_part(struct data_files *files, const struct config *config, const struct manifest_part *part, struct config_error *out_error)
{
	struct parts_error error;
	uint64_t bytes;
	int fd;
	if (!parts_open_file(files->parts, part, &fd, &bytes, &error))
		return refuse(out_error, error.text);
	files->disk->close(files->disk, fd);
	add(files, path_to(config, config->appenddirname, part->name), part, bytes);
	return true;
}

/* The base first, then the increments, in their order. */
static bool add_parts(struct data_files *files, const struct config *config, struct config_error *out_error)
{
	const struct manifest *manifest = parts_manifest(files->parts);
	const struct manifest_part *base = manifest_base(manifest);
	if (base && !add_part(files, config, base, out_error))
		return false;
	for (size_t i = 0; i < manifest->count; i++)
		if (manifest->parts[i].type == PART_INCREMENT && !add_part(files, config, &manifest->parts[i], out_error))
			return false;
	return true;
}

bool data_files_open_log(struct data_files *files, const struct config *config, struct config_error *out_error)
{
	struct parts_options options = {
		.disk = files->disk,
		.directory = directory_of(config),
		.directory_name = config->appenddirname,
		.file_name = config->appendfilename,
		.ballast_bytes = config->aof_ballast_size,
	};
	struct parts_error error;
	files->parts = parts_open(&options, &error);
	return files->parts || refuse(out_error, error.text);
}

void data_files_close_log(struct data_files *files)
{
	if (files->parts)
		parts_close(&files->parts);
}

static bool open_log(struct data_files *files, const struct config *config, struct config_error *out_error)
{
	return data_files_open_log(files, config, out_error) && add_parts(files, config, out_error);
}

/* ---- the RDB file ---- */

static bool find_rdb(struct data_files *files, const struct config *config, struct config_error *out_error)
{
	char *path = path_to(config, "", config->dbfilename);
	uint64_t bytes = 0;
	int fd, error = files->disk->open(files->disk, path, DISK_READ, &fd);
	if (!error) {
		error = files->disk->size(files->disk, fd, &bytes);
		files->disk->close(files->disk, fd);
	}
	if (!error)
		add(files, path, NULL, bytes);
	else
		snprintf(out_error->text, sizeof(out_error->text), "can't read %s: %s", path, strerror(error));
	if (error)
		free(path);
	return !error || error == ENOENT;
}

/* People who switch appendonly on in the file, and not at run time, miss their data. */
static void warn_of_rdb(const struct data_files *files, const struct config *config)
{
	struct data_files others = { .disk = files->disk };
	struct config_error error;
	if (find_rdb(&others, config, &error) && others.count > 0)
		log_event(LOG_WARNING, "%s is not loaded, since appendonly is yes and there is no log yet. To keep its data, start without appendonly "
				       "and use CONFIG SET appendonly yes",
			  others.items[0].path);
	for (uint32_t i = 0; i < others.count; i++)
		free(others.items[i].path);
	free(others.items);
}

/* ---- both ---- */

struct data_files *data_files_open(const struct disk *disk, const struct config *config, struct config_error *out_error)
{
	struct data_files *files = must_have(calloc(1, sizeof(*files)));
	files->disk = disk;
	if (!(config->appendonly ? open_log : find_rdb)(files, config, out_error))
		data_files_close(&files);
	else if (config->appendonly && files->count == 0)
		warn_of_rdb(files, config);
	return files;
}

void data_files_close(struct data_files **files_at)
{
	struct data_files *files = *files_at;
	for (uint32_t i = 0; i < files->count; i++)
		free(files->items[i].path);
	free(files->items);
	if (!files->parts_are_borrowed)
		data_files_close_log(files);
	free(files);
	*files_at = NULL;
}

/* ---- while the server runs ---- */

bool data_files_open_file(const struct data_files *files, const struct data_file *file, int *out_fd, struct config_error *out_error)
{
	struct parts_error parts_error;
	uint64_t bytes;
	if (file->part)
		return parts_open_file(files->parts, file->part, out_fd, &bytes, &parts_error) || refuse(out_error, parts_error.text);
	int error = files->disk->open(files->disk, file->path, DISK_READ, out_fd);
	if (error)
		snprintf(out_error->text, sizeof(out_error->text), "can't read %s: %s", file->path, strerror(error));
	return !error;
}

static bool find_again(struct data_files *again, enum data_source source, const struct config *config, struct config_error *out_error)
{
	if (source == DATA_FROM_LOG)
		return again->parts ? add_parts(again, config, out_error) : refuse(out_error, "appendonly is off");
	return find_rdb(again, config, out_error) && (again->count > 0 || refuse(out_error, "there is no RDB file"));
}

struct data_files *data_files_find_again(const struct data_files *files, enum data_source source, const struct config *config,
					 struct config_error *out_error)
{
	struct data_files *again = must_have(calloc(1, sizeof(*again)));
	*again = (struct data_files){ .disk = files->disk, .parts = files->parts, .parts_are_borrowed = true };
	if (!find_again(again, source, config, out_error))
		data_files_close(&again);
	return again;
}

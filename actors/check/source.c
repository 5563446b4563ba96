#include "actors/check/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/annotation.h"
#include "actors/runtime/crash.h"

#define MANIFEST_SUFFIX ".manifest"
#define TEMPORARY_PREFIX "temp-"
/* Enough to tell what a file is: a whole annotation. */
#define HEAD_BYTES (ANNOTATION_MAX_BYTES + 1)
#define MANIFEST_BYTES_MAX ((size_t)MANIFEST_PARTS_MAX * MANIFEST_LINE_BYTES)

static bool fail(char error[SOURCE_ERROR_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(char error[SOURCE_ERROR_BYTES], const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error, SOURCE_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return false;
}

/* False if the path is too long. */
static bool join(char out[PATH_MAX], const char *directory, const char *name)
{
	int len = *directory ? snprintf(out, PATH_MAX, "%s/%s", directory, name) : snprintf(out, PATH_MAX, "%s", name);
	return len < PATH_MAX;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* The first bytes of a file, `most` of them; its size. */
static int read_head(const struct disk *disk, const char *path, void *out, size_t most, size_t *out_len, uint64_t *out_bytes)
{
	int fd, error = disk->open(disk, path, DISK_READ, &fd);
	if (error)
		return error;
	error = disk->size(disk, fd, out_bytes);
	if (error == 0)
		error = disk->pread(disk, fd, out, *out_bytes < most ? (size_t)*out_bytes : most, 0, out_len);
	disk->close(disk, fd); /* it was only read */
	return error;
}

/* ---- finding the manifest ---- */

struct search {
	char manifest[MANIFEST_NAME_BYTES + 1];
	unsigned manifests;
	struct buffer others; /* names, each with a NUL */
};

static bool is_manifest_name(const char *name)
{
	size_t len = strlen(name), suffix = strlen(MANIFEST_SUFFIX);
	return len > suffix && len <= MANIFEST_NAME_BYTES && strcmp(name + len - suffix, MANIFEST_SUFFIX) == 0 &&
	       strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0;
}

static void note_name(void *context, const char *name)
{
	struct search *search = context;
	if (!is_manifest_name(name)) {
		buffer_append(&search->others, name, strlen(name) + 1);
	} else {
		search->manifests++;
		strcpy(search->manifest, name);
	}
}

/* The only manifest in a directory. 0 or an errno value; ENODATA: there is none, EMLINK: there are several. */
static int find_manifest(const struct disk *disk, const char *directory, char out_path[PATH_MAX], struct buffer *others)
{
	struct search search = { .manifests = 0 };
	int error = disk->list(disk, directory, note_name, &search);
	if (search.others.failed)
		crash_out_of_memory("the names in a directory");
	if (error == 0)
		error = search.manifests == 0 ? ENODATA : search.manifests > 1 ? EMLINK : 0;
	if (error == 0 && !join(out_path, directory, search.manifest))
		error = ENAMETOOLONG;
	if (others)
		*others = search.others;
	else
		buffer_fini(&search.others);
	return error;
}

/* The same in the directories of a directory: a server's `dir` has the log in one of them. */
static int find_manifest_below(const struct disk *disk, const char *directory, char out_path[PATH_MAX])
{
	struct buffer names = { 0 };
	char inner[PATH_MAX], found[PATH_MAX];
	unsigned manifests = 0;
	int error = find_manifest(disk, directory, out_path, &names);
	for (size_t at = 0; error == ENODATA && at < names.len; at += strlen((char *)names.data + at) + 1) {
		const char *name = (char *)names.data + at;
		if (name[0] == '.' || !join(inner, directory, name) || find_manifest(disk, inner, found, NULL) != 0)
			continue;
		manifests++;
		strcpy(out_path, found);
	}
	buffer_fini(&names);
	if (error == ENODATA && manifests > 0)
		error = manifests > 1 ? EMLINK : 0;
	return error;
}

/* ---- a log ---- */

static bool is_rdb_head(const void *head, size_t len)
{
	return (len >= 5 && memcmp(head, "REDIS", 5) == 0) || (len >= 6 && memcmp(head, "VALKEY", 6) == 0);
}

static struct source_file *add_file(struct check_source *source)
{
	struct source_file *grown = realloc(source->files, (source->count + 1) * sizeof(*grown));
	if (!grown)
		crash_out_of_memory("the list of files");
	source->files = grown;
	grown[source->count] = (struct source_file){ .is_named = false };
	return &grown[source->count++];
}

static bool add_part(const struct disk *disk, struct check_source *source, const struct manifest_part *part, char error[SOURCE_ERROR_BYTES])
{
	struct source_file *file = add_file(source);
	char head[HEAD_BYTES];
	size_t len = 0;
	file->part = *part;
	file->is_named = true;
	strcpy(file->name, part->name);
	if (!join(file->path, source->directory, part->name))
		return fail(error, "the path of %s is too long", part->name);
	int failure = read_head(disk, file->path, head, sizeof(head), &len, &file->bytes);
	if (failure)
		return fail(error, "%s, which the manifest names: %s", file->path, strerror(failure));
	file->is_rdb = !part->has_id && is_rdb_head(head, len);
	source->bytes += file->bytes;
	return true;
}

static void find_ends(struct check_source *source)
{
	for (size_t i = 0; i + 1 < source->count; i++) {
		const struct manifest_part *next = &source->files[i + 1].part;
		source->files[i].has_end = source->files[i].part.has_id && next->has_id && next->has_sequence;
		source->files[i].end_sequence = next->sequence;
	}
}

static bool read_manifest(const struct disk *disk, struct check_source *source, char error[SOURCE_ERROR_BYTES])
{
	struct manifest_error wrong = { 0 };
	uint64_t bytes = 0;
	size_t len = 0;
	char *text = malloc(MANIFEST_BYTES_MAX);
	if (!text)
		crash_out_of_memory("the manifest");
	int failure = read_head(disk, source->manifest_path, text, MANIFEST_BYTES_MAX, &len, &bytes);
	bool is_read = failure ? fail(error, "%s: %s", source->manifest_path, strerror(failure)) : true;
	if (is_read && bytes > MANIFEST_BYTES_MAX)
		is_read = fail(error, "%s is too large for a manifest", source->manifest_path);
	if (is_read && !manifest_parse(text, len, &source->manifest, &wrong))
		is_read = wrong.line ? fail(error, "%s, line %u: %s", source->manifest_path, wrong.line, wrong.reason) :
				       fail(error, "%s: %s", source->manifest_path, wrong.reason);
	free(text);
	return is_read;
}

static bool open_log(const struct disk *disk, struct check_source *source, char error[SOURCE_ERROR_BYTES])
{
	const char *slash = strrchr(source->manifest_path, '/');
	size_t len = slash ? (size_t)(slash - source->manifest_path) : 1;
	memcpy(source->directory, slash ? source->manifest_path : ".", len ? len : 1);
	source->is_log = true;
	if (!read_manifest(disk, source, error))
		return false;
	const struct manifest_part *base = manifest_base(&source->manifest);
	if (base && !add_part(disk, source, base, error))
		return false;
	for (size_t i = 0; i < source->manifest.count; i++)
		if (source->manifest.parts[i].type == PART_INCREMENT && !add_part(disk, source, &source->manifest.parts[i], error))
			return false;
	find_ends(source);
	return true;
}

/* ---- one file ---- */

/* A part of ours says itself which one it is, and where it begins. */
static void note_annotation(struct source_file *file, const char *head, size_t len)
{
	const char *newline = memchr(head, '\n', len);
	struct annotation group;
	if (!newline || !annotation_parse(head, (size_t)(newline - head) + 1, &group))
		return;
	file->part.has_id = file->part.has_sequence = true;
	file->part.id = group.id;
	file->part.sequence = group.first - 1;
}

static bool open_file(struct check_source *source, const char *path, const char *head, size_t len, uint64_t bytes, char error[SOURCE_ERROR_BYTES])
{
	struct source_file *file = add_file(source);
	if (!join(file->path, "", path))
		return fail(error, "the path is too long");
	snprintf(file->name, sizeof(file->name), "%s", base_name(path));
	file->is_rdb = is_rdb_head(head, len);
	file->bytes = source->bytes = bytes;
	note_annotation(file, head, len);
	if (len > 0 && !file->is_rdb && head[0] != '*' && head[0] != '#')
		return fail(error, "%s is neither an RDB file nor an append-only file, nor a manifest", path);
	return true;
}

static bool open_path(const struct disk *disk, struct check_source *source, const char *path, char error[SOURCE_ERROR_BYTES])
{
	char head[HEAD_BYTES];
	size_t len = 0;
	uint64_t bytes = 0;
	int failure = find_manifest_below(disk, path, source->manifest_path);
	if (failure == 0)
		return open_log(disk, source, error);
	if (failure == EMLINK)
		return fail(error, "%s has several manifests: name one of them", path);
	if (failure == ENODATA)
		return fail(error, "%s has no manifest: it is not the directory of a log", path);
	failure = failure == ENOTDIR ? read_head(disk, path, head, sizeof(head), &len, &bytes) : failure;
	if (failure)
		return fail(error, "%s: %s", path, strerror(failure));
	if (!is_manifest_name(base_name(path)))
		return open_file(source, path, head, len, bytes, error);
	return join(source->manifest_path, "", path) ? open_log(disk, source, error) : fail(error, "the path is too long");
}

bool source_open(const struct disk *disk, const char *path, struct check_source *out_source, char error[SOURCE_ERROR_BYTES])
{
	*out_source = (struct check_source){ .is_log = false };
	if (!open_path(disk, out_source, path, error)) {
		source_close(out_source);
		return false;
	}
	if (out_source->count > 0)
		out_source->files[out_source->count - 1].is_last = true;
	return true;
}

void source_close(struct check_source *source)
{
	manifest_fini(&source->manifest);
	free(source->files);
	*source = (struct check_source){ .is_log = false };
}

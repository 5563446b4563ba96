/*
 * Opening the directory. In a new one an empty manifest is written before any other file, so a directory with files of a log and without
 * a manifest is never one that a crash has left: it is refused, rather than taken for an empty log.
 */
#include "actors/persistence/parts_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"

/* ".9223372036854775807.incr.aof", "temp-", and what the file system may add */
#define NAME_EXTRA_BYTES 48

/* ---- names ---- */

static bool is_base_name(const char *name)
{
	return *name && !strpbrk(name, "/\\") && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Whether the longest line that could be needed fits into the manifest. */
static bool fits_manifest(const char *file_name)
{
	struct manifest_part part = { .type = PART_INCREMENT, .number = INT64_MAX, .has_id = true, .has_sequence = true, .sequence = UINT64_MAX };
	struct manifest manifest = { .parts = &part, .count = 1 };
	struct buffer text = { 0 };
	snprintf(part.name, sizeof(part.name), "%s.9223372036854775807.incr.aof", file_name);
	bool fits = manifest_print(&manifest, &text);
	buffer_fini(&text);
	return fits;
}

static bool check_names(const struct parts_options *options, struct parts_error *out_error)
{
	if (!is_base_name(options->file_name) || !is_base_name(options->directory_name))
		return parts_fail(out_error, 0, "appendfilename and appenddirname must be names, not paths");
	if (strlen(options->file_name) + NAME_EXTRA_BYTES > MANIFEST_NAME_BYTES || !fits_manifest(options->file_name) ||
	    strlen(options->directory_name) > MANIFEST_NAME_BYTES)
		return parts_fail(out_error, 0, "appendfilename or appenddirname is too long");
	if (strlen(options->directory) + 2 * MANIFEST_NAME_BYTES + 3 > PARTS_PATH_BYTES)
		return parts_fail(out_error, ENAMETOOLONG, "the path of the log's directory is too long");
	return true;
}

/* ---- the directory and its lock ---- */

static bool make_directory(struct parts *parts, struct parts_error *out_error)
{
	int error = parts->disk->make_directory(parts->disk, parts->directory.text);
	if (error && error != EEXIST)
		return parts_fail(out_error, error, "can't create the directory %s", parts->directory.text);
	return parts_sync_directory(parts, parts->parent.text, out_error); /* a crash may have come before the last one's sync */
}

static bool refuse_locked(struct parts *parts, const char *path, struct parts_error *out_error)
{
	char pid[16] = "";
	size_t len = 0;
	int fd;
	if (parts->disk->open(parts->disk, path, DISK_READ, &fd) == 0) {
		if (parts->disk->pread(parts->disk, fd, pid, sizeof(pid) - 1, 0, &len) != 0)
			len = 0;
		parts->disk->close(parts->disk, fd); /* it was only read, for a name in the message */
	}
	pid[strspn(pid, "0123456789")] = '\0';
	return parts_fail(out_error, 0, "another server%s%s uses the directory %s", pid[0] ? ", process " : "", pid, parts->directory.text);
}

static bool lock(struct parts *parts, struct parts_error *out_error)
{
	struct path path = parts_path(parts, PARTS_LOCK_NAME);
	char pid[16];
	size_t written;
	int error = parts->disk->lock(parts->disk, path.text, &parts->lock_fd);
	if (error == EWOULDBLOCK)
		return refuse_locked(parts, path.text, out_error);
	if (error)
		return parts_fail(out_error, error, "can't lock %s", path.text);
	/* The pid is for the message of another server: on a full disk the lock holds without it. */
	size_t len = (size_t)snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if ((error = parts->disk->truncate(parts->disk, parts->lock_fd, 0)) ||
	    (error = disk_write(parts->disk, parts->lock_fd, pid, len, 0, &written)))
		log_event(LOG_WARNING, "can't write the process id to %s: %s", path.text, strerror(error));
	return true;
}

/* ---- the manifest ---- */

static int read_whole(struct parts *parts, int fd, struct buffer *out)
{
	uint64_t bytes = 0;
	size_t read = 0;
	int error = parts->disk->size(parts->disk, fd, &bytes);
	if (error)
		return error;
	if (bytes > (uint64_t)MANIFEST_PARTS_MAX * MANIFEST_LINE_BYTES)
		return EFBIG;
	if (!buffer_reserve(out, (size_t)bytes + 1))
		crash_out_of_memory("the log's manifest");
	error = parts->disk->pread(parts->disk, fd, out->data, (size_t)bytes, 0, &read);
	out->len = read;
	return error;
}

static bool parse(struct parts *parts, const char *path, const struct buffer *text, struct parts_error *out_error)
{
	struct manifest_error wrong;
	if (manifest_parse(text->data, text->len, &parts->manifest, &wrong))
		return true;
	if (wrong.line == 0)
		return parts_fail(out_error, 0, "the manifest %s is refused: %s", path, wrong.reason);
	return parts_fail(out_error, 0, "the manifest %s is refused: line %u: %s", path, wrong.line, wrong.reason);
}

static bool read_manifest(struct parts *parts, bool *out_is_there, struct parts_error *out_error)
{
	struct path path = parts_named(parts, "", MANIFEST_SUFFIX);
	struct buffer text = { 0 };
	int fd, error = parts->disk->open(parts->disk, path.text, DISK_READ, &fd);
	*out_is_there = error != ENOENT;
	if (error)
		return error == ENOENT || parts_fail(out_error, error, "can't open %s", path.text);
	error = read_whole(parts, fd, &text);
	int close_error = parts->disk->close(parts->disk, fd);
	error = error ? error : close_error;
	bool is_read = error ? parts_fail(out_error, error, "can't read %s", path.text) : parse(parts, path.text, &text, out_error);
	buffer_fini(&text);
	return is_read;
}

/* ---- other files in the directory ---- */

static void add_name(void *context, const char *name)
{
	struct buffer *names = context;
	buffer_append(names, name, strlen(name) + 1);
}

static bool is_named(const struct parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->manifest.count; i++)
		if (strcmp(parts->manifest.parts[i].name, name) == 0)
			return true;
	return false;
}

/* What follows the log's file name, or NULL. */
static const char *after_file_name(const struct parts *parts, const char *name)
{
	size_t len = strlen(parts->file_name);
	return strncmp(name, parts->file_name, len) == 0 ? name + len : NULL;
}

/* A file of this log that no manifest names. */
static bool is_stray(const struct parts *parts, const char *name)
{
	const char *rest = after_file_name(parts, name);
	return rest && (*rest == '\0' || *rest == '.') && strcmp(rest, MANIFEST_SUFFIX) != 0 && !is_named(parts, name);
}

static bool is_temporary(const struct parts *parts, const char *name)
{
	size_t len = strlen(TEMPORARY_PREFIX);
	const char *rest = strncmp(name, TEMPORARY_PREFIX, len) == 0 ? after_file_name(parts, name + len) : NULL;
	return rest && *rest == '.';
}

static bool judge_file(struct parts *parts, const char *name, bool has_manifest, struct parts_error *out_error)
{
	struct path path = parts_path(parts, name);
	if (is_temporary(parts, name)) {
		int error = parts->disk->unlink(parts->disk, path.text);
		return error ? parts_fail(out_error, error, "can't delete %s", path.text) : true;
	}
	if (!is_stray(parts, name))
		return true;
	if (!has_manifest)
		return parts_fail(out_error, 0, "%s is there, and no manifest that names it: restore %s%s, or move the file away", path.text,
				  parts->file_name, MANIFEST_SUFFIX);
	log_event(LOG_WARNING, "%s is not loaded, since the manifest doesn't name it", path.text);
	return true;
}

static bool judge_files(struct parts *parts, bool has_manifest, struct parts_error *out_error)
{
	struct buffer names = { 0 };
	int error = parts->disk->list(parts->disk, parts->directory.text, add_name, &names);
	bool are_fine = error ? parts_fail(out_error, error, "can't list %s", parts->directory.text) : true;
	if (names.failed)
		crash_out_of_memory("the log's directory");
	for (size_t at = 0; are_fine && at < names.len; at += strlen((char *)names.data + at) + 1)
		are_fine = judge_file(parts, (char *)names.data + at, has_manifest, out_error);
	buffer_fini(&names);
	return are_fine;
}

static bool find_file(struct parts *parts, const struct manifest_part *part, struct parts_error *out_error)
{
	uint64_t bytes;
	int fd;
	if (!parts_open_file(parts, part, &fd, &bytes, out_error))
		return false;
	int error = parts->disk->close(parts->disk, fd);
	return error ? parts_fail(out_error, error, "can't close %s", part->name) : true;
}

/* All that the manifest names, but for history. */
static bool find_files(struct parts *parts, struct parts_error *out_error)
{
	for (size_t i = 0; i < parts->manifest.count; i++)
		if (parts->manifest.parts[i].type != PART_HISTORY && !find_file(parts, &parts->manifest.parts[i], out_error))
			return false;
	return true;
}

/* ---- a log of one file, as Redis had it before version 7: it becomes the base ---- */

/*
 * Redis's order: first the manifest, then the file moves. In between the manifest names one base, with the name of the old file, which
 * isn't there yet.
 */
static bool may_take_over(const struct parts *parts)
{
	const struct manifest_part *base = manifest_base(&parts->manifest);
	return !manifest_last_increment(&parts->manifest) && (!base || strcmp(base->name, parts->file_name) == 0);
}

static bool name_old_file(struct parts *parts, struct parts_error *out_error)
{
	struct manifest_part base = { .type = PART_BASE, .number = 1 };
	struct manifest manifest = { 0 };
	if (manifest_base(&parts->manifest))
		return true;
	strcpy(base.name, parts->file_name);
	manifest_copy(&manifest, &parts->manifest); /* history, if anything */
	manifest_add(&manifest, &base);
	return parts_change_manifest(parts, &manifest, out_error);
}

static bool move_old_file(struct parts *parts, const char *old, const char *new, struct parts_error *out_error)
{
	int error = parts->disk->rename(parts->disk, old, new);
	if (error)
		return parts_fail(out_error, error, "can't move %s to %s", old, new);
	/* The new name first: the file must not lose both. */
	if (!parts_sync_directory(parts, parts->directory.text, out_error) || !parts_sync_directory(parts, parts->parent.text, out_error))
		return false;
	log_event(LOG_NOTICE, "The log %s is now the base in %s", old, parts->directory.text);
	return true;
}

static bool take_over_old_file(struct parts *parts, struct parts_error *out_error)
{
	struct path old = parts_join(parts->parent.text, "", parts->file_name, ""), new = parts_named(parts, "", "");
	int error = 0;
	if (!may_take_over(parts))
		return true;
	bool is_new_there = parts_find(parts, new.text, &error);
	if (error)
		return parts_fail(out_error, error, "can't open %s", new.text);
	if (is_new_there && manifest_base(&parts->manifest))
		return true;
	error = parts_sync_file(parts, old.text);
	if (error == ENOENT || error == EISDIR)
		return true;
	if (error)
		return parts_fail(out_error, error, "can't sync %s", old.text);
	if (is_new_there)
		return parts_fail(out_error, 0, "both %s and %s are there: move the one away that is not the log", old.text, new.text);
	return name_old_file(parts, out_error) && move_old_file(parts, old.text, new.text, out_error);
}

/* ---- opening and closing ---- */

/* The numbers of new increments begin above all that are named. */
static void find_last_number(struct parts *parts)
{
	for (size_t i = 0; i < parts->manifest.count; i++)
		if (parts->manifest.parts[i].type != PART_BASE && parts->manifest.parts[i].number > parts->last_number)
			parts->last_number = parts->manifest.parts[i].number;
}

static bool open_manifest(struct parts *parts, struct parts_error *out_error)
{
	struct manifest empty = { 0 };
	bool is_there;
	if (!read_manifest(parts, &is_there, out_error) || !judge_files(parts, is_there, out_error))
		return false;
	/* What was read may be renamed and not yet durable. */
	if (is_there ? !parts_sync_directory(parts, parts->directory.text, out_error) : !parts_change_manifest(parts, &empty, out_error))
		return false;
	return take_over_old_file(parts, out_error) && find_files(parts, out_error);
}

static bool open_directory(struct parts *parts, struct parts_error *out_error)
{
	if (!make_directory(parts, out_error) || !lock(parts, out_error))
		return false;
	if (!open_manifest(parts, out_error))
		return false;
	find_last_number(parts);
	return true;
}

struct parts *parts_open(const struct parts_options *options, struct parts_error *out_error)
{
	if (!check_names(options, out_error))
		return NULL;
	struct parts *parts = calloc(1, sizeof(*parts));
	if (!parts)
		crash_out_of_memory("the log's directory");
	parts->disk = options->disk;
	parts->lock_fd = -1;
	parts->ballast_bytes = options->ballast_bytes;
	strcpy(parts->file_name, options->file_name);
	strcpy(parts->parent.text, options->directory);
	parts->directory = parts_join(options->directory, "", options->directory_name, "");
	parts->temporary_base = parts_named(parts, TEMPORARY_PREFIX, ".base");
	if (!open_directory(parts, out_error))
		parts_close(&parts);
	return parts;
}

#include "actors/check/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/crc32c.h"
#include "actors/persistence/parts.h"

#define COPY_SUFFIX ".before-repair"
#define PIECE_BYTES ((size_t)1 << 20)

/* A repair under way. */
struct work {
	const struct examination *examination;
	const struct disk *disk;
	const struct source_file *file; /* to be cut at `offset` */
	const struct file_report *report;
	size_t number;                  /* of the file */
	uint64_t offset;
	char directory[PATH_MAX];       /* of the file */
	char *text;
	size_t text_len;
	uint8_t *piece;
};

/* ---- what is said ---- */

static void say(struct work *work, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct work *work, const char *format, ...)
{
	size_t room = REPAIR_TEXT_BYTES - work->text_len;
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(work->text + work->text_len, room, format, arguments);
	va_end(arguments);
	work->text_len += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

/* Always false. */
static bool fail(struct work *work, const char *what, const char *path, int error)
{
	say(work, "can't %s %s: %s\n", what, path, strerror(error));
	return false;
}

/* ---- files ---- */

static bool join(struct work *work, char out[PATH_MAX], const char *before, const char *path, const char *after)
{
	if (snprintf(out, PATH_MAX, "%s%s%s", before, path, after) < PATH_MAX)
		return true;
	return fail(work, "use", path, ENAMETOOLONG);
}

static bool sync_directory(struct work *work, const char *directory)
{
	int error = work->disk->sync_directory(work->disk, directory);
	return error == 0 || fail(work, "sync", directory, error);
}

static int copy_bytes(struct work *work, int from, uint64_t begin, uint64_t end, int to, uint64_t to_offset)
{
	while (begin < end) {
		size_t wanted = end - begin < PIECE_BYTES ? (size_t)(end - begin) : PIECE_BYTES, got = 0, written = 0;
		int error = work->disk->pread(work->disk, from, work->piece, wanted, begin, &got);
		if (error == 0 && got < wanted)
			error = ENODATA;
		if (error == 0)
			error = disk_write(work->disk, to, work->piece, got, to_offset, &written);
		if (error)
			return error;
		begin += got;
		to_offset += got;
	}
	return 0;
}

static int copy_and_sync(struct work *work, const char *path, int to)
{
	uint64_t bytes = 0;
	int from, error = work->disk->open(work->disk, path, DISK_READ, &from);
	if (error)
		return error;
	error = work->disk->size(work->disk, from, &bytes);
	if (error == 0)
		error = copy_bytes(work, from, 0, bytes, to, 0);
	if (error == 0)
		error = work->disk->sync(work->disk, to);
	work->disk->close(work->disk, from); /* it was only read */
	return error;
}

/* Copies the file to NAME.before-repair, which must not be there. */
static bool keep_copy(struct work *work, const char *path)
{
	char copy[PATH_MAX];
	if (!join(work, copy, "", path, COPY_SUFFIX))
		return false;
	int to, error = work->disk->open(work->disk, copy, DISK_CREATE, &to);
	if (error)
		return fail(work, "create", copy, error);
	error = copy_and_sync(work, path, to);
	int close_error = work->disk->close(work->disk, to);
	if (error || close_error) {
		work->disk->unlink(work->disk, copy); /* nothing depends on it */
		return fail(work, "copy to", copy, error ? error : close_error);
	}
	say(work, "%s: as it was\n", copy);
	return true;
}

/* ---- the manifest ---- */

/* Whether the part comes after the one that is cut. */
static bool is_given_up(const struct work *work, const struct manifest_part *part)
{
	const struct check_source *source = work->examination->source;
	for (size_t i = work->number + 1; i < source->count; i++)
		if (strcmp(source->files[i].part.name, part->name) == 0)
			return true;
	return false;
}

static bool write_manifest(struct work *work, const struct buffer *text)
{
	const struct check_source *source = work->examination->source;
	const char *name = strrchr(source->manifest_path, '/') ? strrchr(source->manifest_path, '/') + 1 : source->manifest_path;
	char in_directory[PATH_MAX], temporary[PATH_MAX];
	size_t written;
	int fd;
	if (!join(work, in_directory, source->directory, "/temp-", name) || !join(work, temporary, in_directory, "", ""))
		return false;
	int error = work->disk->open(work->disk, temporary, DISK_CREATE, &fd);
	if (error)
		return fail(work, "create", temporary, error);
	error = disk_write(work->disk, fd, text->data, text->len, 0, &written);
	if (error == 0)
		error = work->disk->sync(work->disk, fd);
	int close_error = work->disk->close(work->disk, fd);
	if (error == 0 && close_error == 0)
		error = work->disk->rename(work->disk, temporary, source->manifest_path);
	if (error || close_error)
		return fail(work, "write", source->manifest_path, error ? error : close_error);
	return sync_directory(work, source->directory);
}

/* Takes the parts after the cut out of the manifest. */
static bool shorten_manifest(struct work *work)
{
	const struct check_source *source = work->examination->source;
	struct manifest shorter = { .count = 0 };
	struct buffer text = { 0 };
	if (work->file->is_last)
		return true;
	for (size_t i = 0; i < source->manifest.count; i++) {
		if (is_given_up(work, &source->manifest.parts[i]))
			say(work, "%s: no longer in the manifest\n", source->manifest.parts[i].name);
		else
			manifest_add(&shorter, &source->manifest.parts[i]);
	}
	bool is_written = manifest_print(&shorter, &text) && write_manifest(work, &text);
	buffer_fini(&text);
	manifest_fini(&shorter);
	return is_written;
}

/* ---- the cut ---- */

/* A group that is cut within its text: its annotation has to say so. */
struct shorter_group {
	struct annotation group;
	uint64_t at, text_at;  /* of the annotation, and of the text, in the file as it was */
};

static bool is_within_group(const struct work *work, struct shorter_group *out)
{
	const struct aof_read_figures *figures = &work->report->commands;
	char line[ANNOTATION_MAX_BYTES + 1];
	*out = (struct shorter_group){ .group = figures->group, .at = figures->group_at };
	out->text_at = figures->group_at + annotation_print(&figures->group, line);
	return figures->groups > 0 && work->offset > out->at && work->offset < out->text_at + figures->group.bytes;
}

static int checksum(struct work *work, int fd, uint64_t begin, uint64_t end, uint32_t *crc)
{
	while (begin < end) {
		size_t wanted = end - begin < PIECE_BYTES ? (size_t)(end - begin) : PIECE_BYTES, got = 0;
		int error = work->disk->pread(work->disk, fd, work->piece, wanted, begin, &got);
		if (error == 0 && got < wanted)
			error = ENODATA;
		if (error)
			return error;
		*crc = crc32c(*crc, work->piece, got);
		begin += got;
	}
	return 0;
}

/* Writes the annotation and the text that is left of the group, from the copy to the file, which ends where the group begins. */
static int write_group(struct work *work, struct shorter_group *shorter, int copy, int fd)
{
	char line[ANNOTATION_MAX_BYTES + 1];
	size_t written;
	shorter->group.bytes = work->offset - shorter->text_at;
	shorter->group.crc = annotation_chain(work->report->commands.chain, &shorter->group);
	int error = checksum(work, copy, shorter->text_at, work->offset, &shorter->group.crc);
	if (error)
		return error;
	size_t len = annotation_print(&shorter->group, line);
	error = disk_write(work->disk, fd, line, len, shorter->at, &written);
	return error ? error : copy_bytes(work, copy, shorter->text_at, work->offset, fd, shorter->at + len);
}

static int cut_within_group(struct work *work, struct shorter_group *shorter, int fd)
{
	char path[PATH_MAX];
	if (!join(work, path, "", work->file->path, COPY_SUFFIX))
		return ENAMETOOLONG;
	int copy, error = work->disk->truncate(work->disk, fd, shorter->at);
	if (error || (error = work->disk->open(work->disk, path, DISK_READ, &copy)))
		return error;
	if (work->offset > shorter->text_at)
		error = write_group(work, shorter, copy, fd);
	work->disk->close(work->disk, copy); /* it was only read */
	return error;
}

static bool cut(struct work *work)
{
	struct shorter_group shorter;
	int fd, error = work->disk->open(work->disk, work->file->path, DISK_WRITE, &fd);
	if (error)
		return fail(work, "open", work->file->path, error);
	error = is_within_group(work, &shorter) ? cut_within_group(work, &shorter, fd) : work->disk->truncate(work->disk, fd, work->offset);
	if (error == 0)
		error = work->disk->sync(work->disk, fd);
	int close_error = work->disk->close(work->disk, fd);
	if (error || close_error)
		return fail(work, "cut", work->file->path, error ? error : close_error);
	say(work, "%s: cut at offset %" PRIu64 ", %" PRIu64 " bytes given up\n", work->file->path, work->offset, work->file->bytes - work->offset);
	return true;
}

/* ---- the whole ---- */

static bool change(struct work *work)
{
	const struct check_source *source = work->examination->source;
	if (!keep_copy(work, work->file->path) || (!work->file->is_last && !keep_copy(work, source->manifest_path)))
		return false;
	return sync_directory(work, work->directory) && shorten_manifest(work) && cut(work);
}

/* Locks the directory if a server of ours has ever used it. */
static bool lock(struct work *work, int *out_fd)
{
	char path[PATH_MAX];
	int fd;
	*out_fd = -1;
	if (!join(work, path, work->directory, "/", PARTS_LOCK_NAME))
		return false;
	int error = work->disk->open(work->disk, path, DISK_READ, &fd);
	if (error == ENOENT)
		return true;
	if (error == 0) {
		work->disk->close(work->disk, fd);
		error = work->disk->lock(work->disk, path, out_fd);
	}
	if (error == EWOULDBLOCK)
		say(work, "a server uses the directory %s: stop it first\n", work->directory);
	else if (error)
		fail(work, "lock", path, error);
	return error == 0;
}

static bool locked_change(struct work *work)
{
	int fd;
	if (!lock(work, &fd))
		return false;
	bool is_changed = change(work);
	if (fd >= 0)
		work->disk->close(work->disk, fd);
	return is_changed;
}

/* Where to cut. REPAIR_DONE: there. */
static enum repair_outcome decide(struct work *work)
{
	const struct examination *examination = work->examination;
	const struct problem *problem = &examination->problem;
	work->number = problem->verdict == VERDICT_WHOLE ? examination->time_file : problem->file;
	work->file = &examination->source->files[work->number];
	work->report = &examination->files[work->number];
	work->offset = problem->verdict == VERDICT_WHOLE ? work->report->commands.end : problem->offset;
	if (problem->verdict == VERDICT_WHOLE)
		return examination->has_reached_time ? REPAIR_DONE : REPAIR_NOTHING;
	if (problem->verdict == VERDICT_TORN || (problem->can_be_cut && examination->options->cuts_damage))
		return REPAIR_DONE;
	say(work, problem->can_be_cut ? "nothing is changed: the log is damaged, not torn. --damaged cuts it there\n" :
					"nothing is changed: this can't be repaired by cutting\n");
	return REPAIR_REFUSED;
}

enum repair_outcome repair(const struct examination *examination, char out_text[REPAIR_TEXT_BYTES])
{
	struct work work = { .examination = examination, .disk = examination->disk, .text = out_text };
	out_text[0] = '\0';
	if (examination->source->count == 0)
		return REPAIR_NOTHING;
	enum repair_outcome outcome = decide(&work);
	if (outcome != REPAIR_DONE)
		return outcome;
	const char *slash = strrchr(work.file->path, '/');
	snprintf(work.directory, sizeof(work.directory), "%.*s", slash ? (int)(slash - work.file->path) : 1, slash ? work.file->path : ".");
	if (!(work.piece = malloc(PIECE_BYTES))) {
		say(&work, "%s\n", strerror(ENOMEM));
		return REPAIR_REFUSED;
	}
	bool is_changed = locked_change(&work);
	free(work.piece);
	return is_changed ? REPAIR_DONE : REPAIR_REFUSED;
}

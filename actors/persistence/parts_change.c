/*
 * Each change: make the new file durable, then the directory that has its name, then a manifest that names it, then delete what no manifest
 * names any more.
 *
 * The manifest is written to a temporary file, synced, renamed, and its directory synced. If the last two fail nobody knows which manifest
 * a power cut would leave, so the former one is written anew at once. If that fails too the directory is unsettled, and no file that
 * either manifest loads is deleted. The history of the former manifest is history in the other one too.
 */
#include "actors/persistence/parts_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/crash.h"
#include "actors/runtime/random.h"

/* How many names are tried that files without a place in the manifest may have. */
#define NAMES_TRIED 1000

/*
 * Deletes a file that only a failed change has made. If that fails too it stays, named by nothing: the next such file gets another name,
 * and the next parts_open() removes or reports it.
 */
static void clean_up(struct parts *parts, const char *path)
{
	parts->disk->unlink(parts->disk, path);
}

/* ---- the manifest ---- */

static bool write_file(struct parts *parts, const char *path, const struct buffer *text, struct parts_error *out_error)
{
	const struct disk *disk = parts->disk;
	int fd, error = disk->unlink(disk, path);
	size_t written;
	if (error && error != ENOENT)
		return parts_fail(out_error, error, "can't delete %s", path);
	if ((error = disk->open(disk, path, DISK_CREATE, &fd)))
		return parts_fail(out_error, error, "can't create %s", path);
	error = disk_write(disk, fd, text->data, text->len, 0, &written);
	if (!error)
		error = disk->sync(disk, fd);
	int close_error = disk->close(disk, fd);
	if (!error)
		error = close_error;
	if (!error)
		return true;
	clean_up(parts, path);
	return parts_fail(out_error, error, "can't write %s", path);
}

/* From the rename on it is uncertain which manifest is there, until the directory is synced. */
static bool replace_manifest(struct parts *parts, const char *temporary, struct parts_error *out_error)
{
	struct path path = parts_named(parts, "", MANIFEST_SUFFIX);
	parts->is_unsettled = true;
	int error = parts->disk->rename(parts->disk, temporary, path.text);
	if (error)
		return parts_fail(out_error, error, "can't rename %s to %s", temporary, path.text);
	if (!parts_sync_directory(parts, parts->directory.text, out_error))
		return false;
	parts->is_unsettled = false;
	return true;
}

static bool write_manifest(struct parts *parts, const struct manifest *manifest, struct parts_error *out_error)
{
	struct path temporary = parts_named(parts, TEMPORARY_PREFIX, MANIFEST_SUFFIX);
	struct buffer text = { 0 };
	bool is_written = manifest_print(manifest, &text) ? write_file(parts, temporary.text, &text, out_error)
							  : parts_fail(out_error, ENAMETOOLONG, "a line of the manifest gets too long");
	buffer_fini(&text);
	return is_written && replace_manifest(parts, temporary.text, out_error);
}

bool parts_is_settled(const struct parts *parts)
{
	return !parts->is_unsettled;
}

bool parts_settle(struct parts *parts, struct parts_error *out_error)
{
	return parts_is_settled(parts) || write_manifest(parts, &parts->manifest, out_error);
}

bool parts_change_manifest(struct parts *parts, struct manifest *manifest, struct parts_error *out_error)
{
	struct parts_error second;
	bool is_written = manifest->count <= MANIFEST_PARTS_MAX ? write_manifest(parts, manifest, out_error)
								: parts_fail(out_error, EMFILE, "the log has too many files");
	if (is_written) {
		manifest_fini(&parts->manifest);
		parts->manifest = *manifest;
		parts->history_deleted = 0;
	} else {
		manifest_fini(manifest);
		parts_settle(parts, &second); /* the caller learns of the first error; a second one leaves the directory unsettled */
	}
	return is_written;
}

/* "appendonly.aof.1.incr.aof": Redis's names. */
static void name_part(const struct parts *parts, struct manifest_part *part, int64_t number, const char *suffix)
{
	part->number = number;
	if (snprintf(part->name, sizeof(part->name), "%s.%" PRId64 ".%s", parts->file_name, number, suffix) >= (int)sizeof(part->name))
		crash_broken_invariant("the name of a part is too long"); /* parts_open() has checked it */
}

/* ---- increments ---- */

static bool create_numbered(struct parts *parts, struct open_part *out_part, struct parts_error *out_error)
{
	for (int i = 0; i < NAMES_TRIED; i++) {
		name_part(parts, &out_part->part, ++parts->last_number, "incr.aof");
		struct path path = parts_path(parts, out_part->part.name);
		int error = parts->disk->open(parts->disk, path.text, DISK_CREATE, &out_part->fd);
		if (!error)
			return true;
		if (error != EEXIST)
			return parts_fail(out_error, error, "can't create %s", path.text);
	}
	return parts_fail(out_error, EEXIST, "can't create an increment in %s", parts->directory.text);
}

static bool enter(struct parts *parts, const struct manifest_part *part, enum part_entry entry, struct parts_error *out_error)
{
	struct manifest changed;
	if (entry == PART_ENTERS_WITH_BASE || parts->waiting.count > 0) {
		manifest_add(&parts->waiting, part);
		return true;
	}
	manifest_copy(&changed, &parts->manifest);
	manifest_add(&changed, part);
	return parts_change_manifest(parts, &changed, out_error);
}

static bool make_durable(struct parts *parts, const struct open_part *part, struct parts_error *out_error)
{
	int error = parts->disk->sync(parts->disk, part->fd);
	if (error)
		return parts_fail(out_error, error, "can't sync %s", part->part.name);
	return parts_sync_directory(parts, parts->directory.text, out_error);
}

static bool sync_former(struct parts *parts, const struct open_part *former, struct parts_error *out_error)
{
	int error = former ? parts->disk->sync(parts->disk, former->fd) : 0;
	if (!error)
		return true;
	parts_fail(out_error, error, "can't sync %s", former->part.name);
	out_error->lost_former = true;
	return false;
}

static void drop_part(struct parts *parts, const struct open_part *part)
{
	struct path path = parts_path(parts, part->part.name);
	parts->disk->close(parts->disk, part->fd); /* it is empty, and deleted or forgotten */
	if (parts_is_settled(parts))
		clean_up(parts, path.text);
}

bool parts_roll(struct parts *parts, const struct open_part *former, uint64_t sequence, enum part_entry entry, struct open_part *out_part,
		struct parts_error *out_error)
{
	struct open_part part = { .part = { .type = PART_INCREMENT, .has_id = true, .has_sequence = true, .sequence = sequence } };
	random_fill(&part.part.id, sizeof(part.part.id));
	if (!sync_former(parts, former, out_error) || !create_numbered(parts, &part, out_error))
		return false;
	if (!make_durable(parts, &part, out_error) || !enter(parts, &part.part, entry, out_error)) {
		drop_part(parts, &part);
		return false;
	}
	*out_part = part;
	return true;
}

void parts_abandon(struct parts *parts)
{
	for (size_t i = 0; i < parts->waiting.count; i++)
		clean_up(parts, parts_path(parts, parts->waiting.parts[i].name).text);
	manifest_fini(&parts->waiting);
}

/* ---- bases ---- */

/* Gives the base a number above the former one's; no file may have its name, since renaming would replace it. */
static bool name_base(struct parts *parts, const struct new_base *base, struct manifest_part *out_part, struct parts_error *out_error)
{
	const struct manifest_part *former = manifest_base(&parts->manifest);
	int64_t number = former ? former->number : 0;
	char suffix[16];
	snprintf(suffix, sizeof(suffix), "base.%s", base->format);
	for (int i = 0; i < NAMES_TRIED; i++) {
		int error;
		name_part(parts, out_part, ++number, suffix);
		if (parts_find(parts, parts_path(parts, out_part->name).text, &error))
			continue;
		return error ? parts_fail(out_error, error, "can't open %s", out_part->name) : true;
	}
	return parts_fail(out_error, EEXIST, "can't name a new base in %s", parts->directory.text);
}

static bool place_base(struct parts *parts, const struct manifest_part *part, struct parts_error *out_error)
{
	const char *temporary = parts->temporary_base.text;
	struct path path = parts_path(parts, part->name);
	int error = parts->disk->rename(parts->disk, temporary, path.text);
	if (error)
		return parts_fail(out_error, error, "can't rename %s to %s", temporary, path.text);
	if (parts_sync_directory(parts, parts->directory.text, out_error))
		return true;
	clean_up(parts, path.text);
	return false;
}

static void add_after_base(struct manifest *manifest, const struct manifest *from, int64_t first_number)
{
	for (size_t i = 0; i < from->count; i++) {
		struct manifest_part part = from->parts[i];
		if (part.type != PART_INCREMENT || part.number < first_number)
			part.type = PART_HISTORY;
		manifest_add(manifest, &part);
	}
}

static bool enter_base(struct parts *parts, const struct manifest_part *part, int64_t first_number, struct parts_error *out_error)
{
	struct manifest changed = { 0 };
	manifest_add(&changed, part);
	add_after_base(&changed, &parts->manifest, first_number);
	add_after_base(&changed, &parts->waiting, first_number);
	if (parts_change_manifest(parts, &changed, out_error)) {
		manifest_fini(&parts->waiting);
		return true;
	}
	if (parts_is_settled(parts))
		clean_up(parts, parts_path(parts, part->name).text);
	return false;
}

static bool sync_temporary_base(struct parts *parts, struct parts_error *out_error)
{
	int error = parts_sync_file(parts, parts->temporary_base.text);
	return error ? parts_fail(out_error, error, "can't sync %s", parts->temporary_base.text) : true;
}

bool parts_install_base(struct parts *parts, const struct new_base *base, struct parts_error *out_error)
{
	struct manifest_part part = { .type = PART_BASE, .has_sequence = true, .sequence = base->sequence };
	if (sync_temporary_base(parts, out_error) && name_base(parts, base, &part, out_error) &&
	    place_base(parts, &part, out_error))
		return enter_base(parts, &part, base->first_number, out_error);
	clean_up(parts, parts->temporary_base.text);
	return false;
}

/* ---- history ---- */

bool parts_has_history(const struct parts *parts)
{
	for (size_t i = 0; i < parts->manifest.count; i++)
		if (parts->manifest.parts[i].type == PART_HISTORY)
			return true;
	return false;
}

/* Deletes the file, or only its end if it is large: freeing many blocks at once would hold up other calls of the disk. */
static int delete_some(struct parts *parts, const char *path, bool *out_is_gone)
{
	const struct disk *disk = parts->disk;
	uint64_t bytes = 0;
	int fd, error = disk->open(disk, path, DISK_WRITE, &fd);
	*out_is_gone = error == ENOENT;
	if (error)
		return error == ENOENT ? 0 : error;
	error = disk->size(disk, fd, &bytes);
	if (!error && bytes > PARTS_STEP_BYTES)
		error = disk->truncate(disk, fd, bytes - PARTS_STEP_BYTES);
	int close_error = disk->close(disk, fd);
	if (error || close_error)
		return error ? error : close_error;
	if (bytes <= PARTS_STEP_BYTES) {
		error = disk->unlink(disk, path);
		*out_is_gone = error == 0;
	}
	return error;
}

static bool forget_history(struct parts *parts, struct parts_error *out_error)
{
	struct manifest changed = { 0 };
	if (!parts_sync_directory(parts, parts->directory.text, out_error))
		return false;
	for (size_t i = 0; i < parts->manifest.count; i++)
		if (parts->manifest.parts[i].type != PART_HISTORY)
			manifest_add(&changed, &parts->manifest.parts[i]);
	return parts_change_manifest(parts, &changed, out_error);
}

bool parts_delete_history(struct parts *parts, struct parts_error *out_error)
{
	if (!parts_has_history(parts))
		return true;
	for (; parts->history_deleted < parts->manifest.count; parts->history_deleted++) {
		const struct manifest_part *part = &parts->manifest.parts[parts->history_deleted];
		bool is_gone = true;
		if (part->type != PART_HISTORY)
			continue;
		struct path path = parts_path(parts, part->name);
		int error = delete_some(parts, path.text, &is_gone);
		if (error)
			return parts_fail(out_error, error, "can't delete %s", path.text);
		parts->history_deleted += is_gone;
		return true;
	}
	return forget_history(parts, out_error);
}

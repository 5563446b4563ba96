/*
 * Rewriting the log: a snapshot becomes its new base, and the increments since the cut stay.
 *
 * The AOF asks the store for it when the log has grown, has too many parts, or has a gap. Before the snapshot begins it says where to write
 * it, if the disk has room. Afterwards it puts the file into the manifest, and deletes step by step what that no longer needs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/aof_state.h"
#include "actors/persistence/base_file.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"

/* More increments than this are rewritten, however small the log is: each takes a file and a line of the manifest. */
#define PARTS_WANTED 64
/* With so many nothing is rewritten any more, since each attempt adds one. */
#define PARTS_MAX 1024
#define CLEAN_UP_RETRY_NS 60000000000u

/* ---- asking for it ---- */

static uint64_t log_bytes(const struct aof *aof)
{
	return aof->sizes.base + aof->sizes.increments + aof->part.bytes;
}

static bool has_grown(const struct aof *aof)
{
	uint64_t bytes = log_bytes(aof), before = aof->rewrite.bytes_after ? aof->rewrite.bytes_after : 1;
	uint64_t percentage = (uint64_t)aof->config.auto_aof_rewrite_percentage;
	return percentage > 0 && bytes >= aof->config.auto_aof_rewrite_min_size && bytes > before &&
	       (bytes - before) / before * 100 + (bytes - before) % before * 100 / before >= percentage;
}

void aof_ask_for_rewrite(struct aof *aof)
{
	struct rewrite *rewrite = &aof->rewrite;
	bool is_needed = has_grown(aof) || aof->sizes.parts > PARTS_WANTED || aof->trouble.has_gap || aof->waits_for_base;
	if (rewrite->is_asked || rewrite->is_prepared || !aof->config.appendonly || !aof->files->parts || aof->loader || !is_needed)
		return;
	rewrite->is_asked = true;
	actor_post(aof->actor, aof->store, STORE_REWRITE, 0, NULL);
}

/* ---- preparing ---- */

/* The new base is about as large as the log, or as the data if there is no log yet. */
static bool has_room(const struct aof *aof, uint64_t data_bytes, char *out_why_not, size_t size)
{
	uint64_t needed = aof->sizes.base && log_bytes(aof) < data_bytes ? log_bytes(aof) : data_bytes, free_bytes;
	struct parts_error error;
	if (!parts_free_space(aof->files->parts, &free_bytes, &error)) {
		snprintf(out_why_not, size, "%s", error.text);
		return false;
	}
	snprintf(out_why_not, size, "the disk has %llu bytes left, and a rewritten append-only file may need %llu",
		 (unsigned long long)free_bytes, (unsigned long long)needed);
	return free_bytes >= needed;
}

static const char *obstacle(const struct aof *aof, uint64_t data_bytes, char *text, size_t size)
{
	if (!aof->files->parts)
		return "appendonly is off";
	if (aof->sizes.parts >= PARTS_MAX)
		return "the append-only file has too many parts; restart the server when the disk works";
	return has_room(aof, data_bytes, text, size) ? NULL : text;
}

static struct base_file *temporary_base(const struct aof *aof)
{
	const char *path = parts_temporary_base(aof->files->parts), *slash = strrchr(path, '/');
	char *directory = strndup(path, (size_t)(slash - path));
	if (!directory)
		crash_out_of_memory("the append-only file");
	struct base_file *file = base_file_create(directory, slash + 1);
	free(directory);
	return file;
}

void rewrite_prepare(struct aof *aof, uint64_t data_bytes)
{
	char text[PARTS_ERROR_BYTES];
	const char *why_not = obstacle(aof, data_bytes, text, sizeof(text));
	aof->rewrite.is_asked = false;
	if (why_not) {
		actor_post(aof->actor, aof->store, AOF_PREPARE_BASE_FAILED, 0, config_error_create("%s", why_not));
		return;
	}
	aof->rewrite.is_prepared = true;
	aof->rewrite.is_cut = false;
	actor_post(aof->actor, aof->store, AOF_PREPARE_BASE_DONE, 0, temporary_base(aof));
}

void rewrite_drop(struct aof *aof)
{
	aof->rewrite.is_prepared = aof->rewrite.is_cut = false;
	base_file_destroy(&aof->rewrite.file);
}

/* ---- installing ---- */

static void note_installed(struct aof *aof, const struct base_file *file)
{
	struct rewrite *rewrite = &aof->rewrite;
	aof->sizes.base = file->bytes;
	aof->sizes.increments -= rewrite->bytes_before;
	aof->sizes.parts -= rewrite->parts_before;
	rewrite->bytes_after = log_bytes(aof);
	rewrite->clean_up_at_ns = 1;
	if (aof->waits_for_base) {
		aof->waits_for_base = false;
		aof_set_mark(aof, aof->synced);
		trouble_is_healed(aof);
	}
	aof_set_mark(aof, file->sequence);
	aof_warn_without_ballast(aof);
}

/* False: out_error says why; the log is as it was. */
static bool install(struct aof *aof, const struct base_file *file, struct parts_error *out_error)
{
	const struct new_base base = { .format = "rdb", .sequence = file->sequence, .first_number = aof->rewrite.first_number };
	if (aof->rewrite.is_cut && aof->rewrite.sequence == file->sequence)
		return parts_install_base(aof->files->parts, &base, out_error);
	snprintf(out_error->text, sizeof(out_error->text), "the append-only file has no part that begins where the new base ends");
	return false;
}

void rewrite_on_written(struct aof *aof, struct base_file *file)
{
	aof->rewrite.file = file;
}

void aof_install_base(struct aof *aof)
{
	const struct base_file *file = aof->rewrite.file;
	struct parts_error error;
	if (!file || (aof->cut.is_pending && !aof->is_closing))
		return;
	if (install(aof, file, &error)) {
		note_installed(aof, file);
		actor_post(aof->actor, aof->store, AOF_INSTALL_BASE_DONE, 0, NULL);
	} else {
		actor_post(aof->actor, aof->store, AOF_INSTALL_BASE_FAILED, 0, config_error_create("%s", error.text));
	}
	rewrite_drop(aof);
}

/* ---- cleaning up ---- */

/* One step in each turn: frames come first. */
void aof_clean_up(struct aof *aof)
{
	struct rewrite *rewrite = &aof->rewrite;
	struct parts_error error;
	if (!rewrite->clean_up_at_ns || aof->group.frames > 0 || monotonic_ns() < rewrite->clean_up_at_ns)
		return;
	bool is_done = parts_delete_history(aof->files->parts, &error);
	if (!is_done && !rewrite->clean_up_has_failed)
		log_event(LOG_WARNING, "%s", error.text);
	rewrite->clean_up_has_failed = !is_done;
	rewrite->clean_up_at_ns = is_done ? 1 : monotonic_ns() + CLEAN_UP_RETRY_NS;
	if (!parts_has_history(aof->files->parts))
		rewrite->clean_up_at_ns = 0;
}

/*
 * The parts of the log as the AOF uses them: going on after loading, a new part in place of one that can't be trusted, the ballast, the end.
 */
#include <errno.h>
#include <string.h>

#include "actors/persistence/aof_state.h"
#include "actors/persistence/parts.h"
#include "actors/runtime/log.h"

static int error_number(const struct parts_error *error)
{
	return error->error ? error->error : EIO;
}

/* Says it once, not at every attempt. */
static int say(const struct aof *aof, const struct parts_error *error)
{
	if (error_number(error) != aof->trouble.error)
		log_event(LOG_WARNING, "%s", error->text);
	return error_number(error);
}

/* ---- opening ---- */

void aof_begin_part(struct aof *aof, const struct open_part *part)
{
	part_writer_begin(&aof->part, part->fd, part->part.id);
	aof->trouble.part_is_lost = false;
	aof->sizes.parts++;
}

void aof_leave_part(struct aof *aof)
{
	if (part_writer_is_open(&aof->part))
		aof->sizes.increments += aof->part.durable_bytes;
	part_writer_close(&aof->part);
}

static bool begin_log(struct aof *aof, const struct open_part *former, struct parts_error *out_error)
{
	struct open_part part;
	if (!parts_roll(aof->files->parts, former, aof_durable(aof), PART_ENTERS_NOW, &part, out_error))
		return false;
	aof->written = aof_durable(aof);
	aof_begin_part(aof, &part);
	return true;
}

/* Ours goes on where it ends. One that another server has written to is cut where it ends, and a part of ours follows. */
static bool go_on(struct aof *aof, const struct aof_end *end, struct parts_error *out_error)
{
	struct open_part part;
	if (!parts_resume(aof->files->parts, end->bytes, &part, out_error))
		return false;
	aof->sizes.increments -= end->file_bytes;
	if (end->is_ours) {
		part_writer_go_on(&aof->part, part.fd, part.part.id, part.bytes, end->crc);
		return true;
	}
	aof->sizes.increments += part.bytes;
	bool has_begun = begin_log(aof, &part, out_error);
	aof->disk->close(aof->disk, part.fd);
	return has_begun;
}

/* What may have been executed before a full disk is noticed: the credit on the bus, which a frame may exceed, as text. */
#define BALLAST_ENOUGH_BYTES (2 * BUS_CREDIT_BYTES)

static void warn_of_settings(const struct aof *aof)
{
	if (aof->config.aof_ballast_size < BALLAST_ENOUGH_BYTES)
		log_event(LOG_WARNING, "aof-ballast-size %lld is below %d: when the disk is full, acknowledged writes may wait in memory until there is "
				       "room, and are lost if the server ends before",
			  (long long)aof->config.aof_ballast_size, BALLAST_ENOUGH_BYTES);
	if (aof_is_always(aof) && aof->config.no_appendfsync_on_rewrite)
		log_event(LOG_WARNING, "no-appendfsync-on-rewrite has no effect with appendfsync always: each reply waits for its sync");
}

void aof_warn_without_ballast(struct aof *aof)
{
	struct parts_error error;
	if (!parts_has_ballast(aof->files->parts) && !aof->trouble.gave_ballast && !parts_make_ballast(aof->files->parts, &error))
		log_event(LOG_WARNING, "There is no ballast for when the disk is full (aof-ballast-size): %s", error.text);
}

bool aof_open(struct aof *aof, const struct aof_end *end, struct parts_error *out_error)
{
	warn_of_settings(aof);
	bool is_open = end->is_increment ? go_on(aof, end, out_error) : begin_log(aof, NULL, out_error);
	aof->rewrite.bytes_after = aof->sizes.base + aof->sizes.increments + aof->part.bytes;
	aof->rewrite.clean_up_at_ns = parts_has_history(aof->files->parts);
	if (is_open)
		aof_warn_without_ballast(aof);
	return is_open;
}

/* ---- trouble ---- */

int aof_roll(struct aof *aof)
{
	struct parts_error error;
	int cut_error = part_writer_is_open(&aof->part) ? part_writer_cut(&aof->part) : 0;
	if (cut_error) /* no harm: loading ends this part where the next one begins */
		log_event(LOG_WARNING, "Cutting the part of the append-only file whose sync failed: %s", strerror(cut_error));
	aof_leave_part(aof);
	return begin_log(aof, NULL, &error) ? 0 : say(aof, &error);
}

int aof_settle(struct aof *aof)
{
	struct parts_error error;
	if (parts_is_settled(aof->files->parts))
		return 0;
	if (!parts_settle(aof->files->parts, &error))
		return say(aof, &error);
	aof_set_mark(aof, aof->synced);
	return 0;
}

bool aof_give_ballast(struct aof *aof)
{
	struct parts_error error;
	if (!parts_has_ballast(aof->files->parts))
		return false;
	if (parts_release_ballast(aof->files->parts, &error))
		return true;
	log_event(LOG_WARNING, "The ballast could not be given up: %s", error.text);
	return false;
}

int aof_take_ballast(struct aof *aof)
{
	struct parts_error error;
	return parts_make_ballast(aof->files->parts, &error) ? 0 : error_number(&error);
}

/* ---- the end ---- */

static void sync_rest(struct aof *aof)
{
	bool has_rest = part_writer_has_unsynced(&aof->part) && !aof->trouble.part_is_lost;
	int error = has_rest ? aof_sync_part(aof) : 0;
	if (error)
		log_event(LOG_WARNING, "Syncing the append-only file failed: %s", strerror(error));
}

/* A part that waits for a base which won't come any more is of no use. */
static void abandon_part(struct aof *aof)
{
	part_writer_close(&aof->part);
	if (aof->waits_for_base)
		parts_abandon(aof->files->parts);
}

void aof_finish(struct aof *aof)
{
	if (!aof->files->parts)
		return;
	aof_make_cut(aof);
	bool has_all = aof->group.frames == 0 || aof_commit(aof);
	if (!has_all || aof->cut.first)
		log_event(LOG_WARNING, "The last changes, from %llu on, are not in the append-only file", (unsigned long long)aof->group.first);
	sync_rest(aof);
	abandon_part(aof);
}

void aof_count_files(const struct aof *aof, struct aof_figures *out_figures)
{
	out_figures->base_bytes = aof->sizes.base;
	out_figures->bytes = aof->sizes.base + aof->sizes.increments + (part_writer_is_open(&aof->part) ? aof->part.bytes : 0);
	out_figures->parts = aof->sizes.parts;
}

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

static void begin_part(struct aof *aof, const struct open_part *part)
{
	part_writer_begin(&aof->part, part->fd, part->part.id);
	aof->trouble.part_is_lost = false;
	aof->sizes.parts++;
}

static bool begin_log(struct aof *aof, const struct open_part *former, struct parts_error *out_error)
{
	struct open_part part;
	if (!parts_roll(aof->files->parts, former, aof->written, PART_ENTERS_NOW, &part, out_error))
		return false;
	begin_part(aof, &part);
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

bool aof_open(struct aof *aof, const struct aof_end *end, struct parts_error *out_error)
{
	struct parts_error error;
	warn_of_settings(aof);
	bool is_open = end->is_increment ? go_on(aof, end, out_error) : begin_log(aof, NULL, out_error);
	if (is_open && !parts_make_ballast(aof->files->parts, &error))
		log_event(LOG_WARNING, "There is no ballast for when the disk is full (aof-ballast-size): %s", error.text);
	return is_open;
}

/* ---- trouble ---- */

int aof_roll(struct aof *aof)
{
	struct parts_error error;
	int cut_error = part_writer_is_open(&aof->part) ? part_writer_cut(&aof->part) : 0;
	if (cut_error) /* no harm: loading ends this part where the next one begins */
		log_event(LOG_WARNING, "Cutting the part of the append-only file whose sync failed: %s", strerror(cut_error));
	aof->sizes.increments += part_writer_is_open(&aof->part) ? aof->part.durable_bytes : 0;
	part_writer_close(&aof->part);
	return begin_log(aof, NULL, &error) ? 0 : say(aof, &error);
}

int aof_settle(struct aof *aof)
{
	struct parts_error error;
	return parts_is_settled(aof->files->parts) || parts_settle(aof->files->parts, &error) ? 0 : say(aof, &error);
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
	bool has_rest = part_writer_is_open(&aof->part) && !aof->trouble.part_is_lost && aof->part.durable_bytes < aof->part.bytes;
	int error = has_rest ? part_writer_sync(&aof->part) : 0;
	if (error)
		log_event(LOG_WARNING, "Syncing the append-only file failed: %s", strerror(error));
	else if (has_rest)
		aof_set_mark(aof, aof->written);
}

void aof_finish(struct aof *aof)
{
	if (aof->group.frames > 0 && !aof_commit(aof))
		log_event(LOG_WARNING, "The last %llu changes are not in the append-only file", (unsigned long long)aof->group.frames);
	sync_rest(aof);
}

void aof_count_files(const struct aof *aof, struct aof_figures *out_figures)
{
	out_figures->base_bytes = aof->sizes.base;
	out_figures->bytes = aof->sizes.base + aof->sizes.increments + (part_writer_is_open(&aof->part) ? aof->part.bytes : 0);
	out_figures->parts = aof->sizes.parts;
}

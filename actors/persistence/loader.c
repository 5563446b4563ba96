/*
 * Loading: reads the files one after the other and gives the store batches of what is in them. A few batches are under way, so that reading
 * and taking go on at the same time; each answer of the store lets the next one be read.
 *
 * Only the last increment may end within a group or command, as it does after a power failure: the rest is cut off. An increment before it
 * ends where the next one begins, whatever else is in its file: so it is after a failed sync (aof_trouble.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/aof_read.h"
#include "actors/persistence/aof_state.h"
#include "actors/persistence/load_frames.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"
#include "storage/formats/rdb_load.h"
#include "storage/load_batch.h"

#define BATCHES_MAX 4
_Static_assert(SLOTS_AOF_STORE >= BATCHES_MAX + 12, "load batches");
/* How often the log says how far it is. */
#define REPORT_MS 5000

struct loader {
	const struct data_files *files;
	const struct config *config;
	const struct data_file *file;         /* being read; behind the last one at the end */
	int fd;                              /* of that file; -1: it is not open yet */
	uint64_t offset;                     /* read so far */
	struct rdb_load *rdb;                /* one of these reads it */
	struct aof_reader *commands;
	uint64_t bytes_before;               /* of the files before */
	uint64_t sequence;                   /* of the last frame so far; a file of another server has none, and its frames are counted */
	bool sequence_is_known;
	struct rdb_history history;          /* without appendonly: the log's base does not tell */
	const struct data_file *under_way[BATCHES_MAX]; /* where the batches with the store come from, the oldest first */
	uint32_t under_way_count;
	struct aof_end end;
	int64_t began_ms, reported_ms;       /* monotonic */
	struct config_error *error;          /* it has failed; then nothing more is read */
};

static bool is_again(const struct aof *aof)
{
	return aof->loader->files != aof->files;
}

/* ---- the end of it ---- */

static void fail(struct aof *aof, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct aof *aof, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	aof->loader->error = config_error_create_from(format, arguments);
	va_end(arguments);
}

/* NULL if there is none. */
static struct rdb_history *copy_history(const struct rdb_history *history)
{
	if (!history->id[0])
		return NULL;
	struct rdb_history *copy = malloc(sizeof(*copy));
	if (!copy)
		crash_out_of_memory("loading the data");
	*copy = *history;
	return copy;
}

/* The log must end where it ended for this server: nothing is written to it meanwhile. */
static void finish_again(struct aof *aof)
{
	const struct loader *loader = aof->loader;
	if (aof->reload.source == DATA_FROM_LOG && loader->sequence != aof->written)
		fail(aof, "the log ends with change %llu instead of %llu", (unsigned long long)loader->sequence, (unsigned long long)aof->written);
	if (!loader->error)
		actor_post(aof->actor, aof->store, AOF_RELOAD_DONE, 0, NULL);
}

static void finish_start(struct aof *aof)
{
	struct loader *loader = aof->loader;
	struct parts_error error;
	aof->written = aof->mark = loader->sequence;
	if (aof->config.appendonly && !aof_open(aof, &loader->end, &error)) {
		fail(aof, "%s", error.text);
		return;
	}
	/* Redis's words, which tools look for. */
	if (aof->files->count > 0)
		log_event(LOG_NOTICE, "DB loaded from %s: %.3f seconds", aof->config.appendonly ? "append only file" : "disk",
			  (double)(monotonic_ms() - loader->began_ms) / 1000.0);
	actor_post(aof->actor, aof->store, STORE_LOADED, loader->sequence, copy_history(&loader->history));
}

/* At the start a failure ends the server. */
static void report_failure(struct aof *aof)
{
	struct config_error *error = aof->loader->error;
	aof->loader->error = NULL;
	if (is_again(aof))
		actor_post(aof->actor, aof->store, AOF_RELOAD_FAILED, 0, error);
	else
		actor_post(aof->actor, runtime_actor(aof->actor->runtime, ACTOR_SUPERVISOR, 0), SUPERVISOR_LOAD_FAILED, 0, error);
}

static void finish(struct aof *aof)
{
	if (!aof->loader->error)
		(is_again(aof) ? finish_again : finish_start)(aof);
	if (aof->loader->error)
		report_failure(aof);
	loader_fini(aof);
	reload_end(aof);
}

/* ---- one file ---- */

static bool is_last(const struct aof *aof, const struct data_file *file)
{
	return file + 1 == aof->loader->files->items + aof->loader->files->count;
}

static const struct data_file *behind_last(const struct aof *aof)
{
	return aof->loader->files->items + aof->loader->files->count;
}

/* For rdb_load: bytes of the file, in order. */
static int read_bytes(void *context, void *data, size_t len, size_t *out_len)
{
	struct aof *aof = context;
	struct loader *loader = aof->loader;
	int error = aof->disk->pread(aof->disk, loader->fd, data, len, loader->offset, out_len);
	loader->offset += error ? 0 : *out_len;
	return error;
}

static void read_as_rdb(struct aof *aof)
{
	struct loader *loader = aof->loader;
	loader->rdb = rdb_load_create(&(struct rdb_load_options){
		.read = read_bytes,
		.context = aof,
		.file_bytes = loader->file->bytes,
		.databases = (uint32_t)loader->config->databases,
		.now_ms = wall_clock_ms(),
		.keeps_expired = loader->file->part || (is_again(aof) && aof->reload.source == DATA_FROM_SAVE),
		.ignores_checksum = !loader->file->part && !loader->config->rdbchecksum,
	});
	if (!loader->rdb)
		crash_out_of_memory("loading the data");
}

/* The increment that follows, if it says where it goes on; else NULL. */
static const struct manifest_part *next_of(const struct aof *aof)
{
	const struct data_file *file = aof->loader->file;
	const struct manifest_part *next = is_last(aof, file) ? NULL : file[1].part;
	return next && next->has_id && next->has_sequence ? next : NULL;
}

static void read_as_commands(struct aof *aof, uint64_t offset)
{
	struct loader *loader = aof->loader;
	const struct manifest_part *part = loader->file->part, *next = next_of(aof);
	loader->commands = aof_reader_create(&(struct aof_read_options){
		.disk = aof->disk,
		.fd = loader->fd,
		.name = loader->file->path,
		.offset = offset,
		.is_ours = part->has_id,
		.id = part->id,
		.sequence = part->sequence,
		.has_end = next != NULL,
		.end_sequence = next ? next->sequence : 0,
		.is_last = is_last(aof, loader->file),
		.loads_truncated = loader->config->aof_load_truncated,
		.corrupt_tail_max_bytes = loader->config->aof_load_corrupt_tail_max_size,
		.until_s = AOF_READ_ALL,
		.now_ms = wall_clock_ms(),
	});
	if (!loader->commands)
		crash_out_of_memory("loading the data");
}

/* Whether the part goes on where the files before it end. */
static bool follows(struct aof *aof)
{
	const struct loader *loader = aof->loader;
	const struct manifest_part *part = loader->file->part;
	if (!part || !part->has_sequence || !loader->sequence_is_known || part->sequence == loader->sequence)
		return true;
	fail(aof, "%s begins behind change %llu, but the files before it end with change %llu: a file is missing or doubled",
	     loader->file->path, (unsigned long long)part->sequence, (unsigned long long)loader->sequence);
	return false;
}

static void open_file(struct aof *aof)
{
	struct loader *loader = aof->loader;
	struct config_error error;
	if (!follows(aof))
		return;
	if (!data_files_open_file(loader->files, loader->file, &loader->fd, &error)) {
		loader->fd = -1;
		fail(aof, "%s", error.text);
		return;
	}
	log_event(LOG_NOTICE, "Loading %s, %llu bytes", loader->file->path, (unsigned long long)loader->file->bytes);
	loader->offset = 0;
	if (loader->file->part)
		read_as_commands(aof, 0);
	else
		read_as_rdb(aof);
}

static void close_readers(struct aof *aof)
{
	struct loader *loader = aof->loader;
	if (loader->rdb)
		rdb_load_destroy(&loader->rdb);
	if (loader->commands)
		aof_reader_destroy(&loader->commands);
	if (loader->fd >= 0)
		aof->disk->close(aof->disk, loader->fd);
	loader->fd = -1;
}

static void go_to_next_file(struct aof *aof)
{
	struct loader *loader = aof->loader;
	close_readers(aof);
	loader->bytes_before += loader->file->bytes;
	loader->file++;
}

/* ---- one batch ---- */

static void count_under_way(struct loader *loader)
{
	loader->under_way[loader->under_way_count++] = loader->file;
}

static void send_entries(struct aof *aof, struct load_batch *batch)
{
	struct rdb_load_figures figures;
	rdb_load_get_figures(aof->loader->rdb, &figures);
	count_under_way(aof->loader);
	actor_post(aof->actor, aof->store, STORE_LOAD_ENTRIES, aof->loader->bytes_before + figures.offset, batch);
}

static void end_rdb(struct aof *aof)
{
	struct loader *loader = aof->loader;
	struct rdb_load_figures figures;
	rdb_load_get_figures(loader->rdb, &figures);
	if (figures.has_sequence)
		loader->sequence = figures.sequence;
	loader->sequence_is_known = figures.has_sequence;
	if (!loader->file->part)
		loader->history = figures.history;
	log_event(LOG_NOTICE, "%s: %llu keys%s", loader->file->path, (unsigned long long)figures.keys,
		  figures.has_checksum ? "" : ", without a checksum");
	rdb_load_destroy(&loader->rdb);
	if (loader->file->part && figures.offset < loader->file->bytes)
		read_as_commands(aof, figures.offset); /* behind the preamble of an append-only file */
	else
		go_to_next_file(aof);
}

static void read_entries(struct aof *aof)
{
	struct load_batch *batch;
	uint64_t offset;
	switch (rdb_load_next(aof->loader->rdb, &batch)) {
	case RDB_LOAD_BATCH: send_entries(aof, batch); return;
	case RDB_LOAD_END: end_rdb(aof); return;
	case RDB_LOAD_ERROR: break;
	}
	const char *reason = rdb_load_error(aof->loader->rdb, &offset);
	fail(aof, "%s at offset %llu: %s. qcache-check tells more", aof->loader->file->path, (unsigned long long)offset, reason);
}

static void send_frames(struct aof *aof, struct load_frames *frames)
{
	struct aof_read_figures figures;
	aof_reader_get_figures(aof->loader->commands, &figures);
	if (frames->frames.frames == 0) {
		load_frames_destroy(&frames);
		return;
	}
	count_under_way(aof->loader);
	actor_post(aof->actor, aof->store, STORE_LOAD_FRAMES, aof->loader->bytes_before + figures.offset, frames);
}

/* The commands of another server have no sequences. What follows them has higher ones than what was before. */
static void count_sequence(struct loader *loader, const struct aof_read_figures *figures)
{
	bool begins_known = loader->file->part->has_id && loader->file->part->has_sequence;
	loader->sequence_is_known = begins_known && !figures->foreign_at;
	uint64_t before = begins_known ? figures->last_sequence : loader->sequence;
	loader->sequence = loader->sequence_is_known ? before : before + figures->frames;
}

static void end_commands(struct aof *aof)
{
	struct loader *loader = aof->loader;
	const struct manifest_part *part = loader->file->part;
	struct aof_read_figures figures;
	aof_reader_get_figures(loader->commands, &figures);
	count_sequence(loader, &figures);
	if (figures.tail != AOF_TAIL_NONE)
		log_event(LOG_WARNING, "%s: %llu bytes from offset %llu on are cut off: %s", loader->file->path,
			  (unsigned long long)(figures.size - figures.end), (unsigned long long)figures.end, figures.reason);
	loader->end = (struct aof_end){
		.is_increment = part->type == PART_INCREMENT,
		.is_ours = part->has_id && !figures.foreign_at,
		.bytes = figures.end,
		.file_bytes = figures.size,
		.crc = figures.groups ? figures.group.crc : annotation_seed(part->id),
	};
	go_to_next_file(aof);
}

static void read_frames(struct aof *aof)
{
	struct loader *loader = aof->loader;
	const struct manifest_part *part = loader->file->part;
	struct load_frames *frames = load_frames_create(part->has_id);
	enum aof_read_status status = aof_read(loader->commands, frames);
	send_frames(aof, frames);
	switch (status) {
	case AOF_READ_FRAMES: return;
	case AOF_READ_END: end_commands(aof); return;
	case AOF_READ_PREAMBLE:
		aof_reader_destroy(&loader->commands);
		read_as_rdb(aof);
		return;
	case AOF_READ_REFUSED: break;
	}
	fail(aof, "%s. qcache-check tells more, and can repair it", aof_reader_error(loader->commands));
}

/* Reads the next step. */
static void read_some(struct aof *aof)
{
	const struct loader *loader = aof->loader;
	(loader->fd < 0 ? open_file : loader->rdb ? read_entries : read_frames)(aof);
}

/* ---- the whole ---- */

static void report(struct aof *aof)
{
	struct loader *loader = aof->loader;
	int64_t now_ms = monotonic_ms();
	if (now_ms - loader->reported_ms < REPORT_MS || loader->file == behind_last(aof))
		return;
	loader->reported_ms = now_ms;
	log_event(LOG_NOTICE, "Loading: %llu of %llu bytes so far",
		  (unsigned long long)(loader->bytes_before + loader->offset), (unsigned long long)loader->files->bytes);
}

static void go_on(struct aof *aof)
{
	struct loader *loader = aof->loader;
	report(aof);
	while (!loader->error && loader->file < behind_last(aof) && loader->under_way_count < BATCHES_MAX)
		read_some(aof);
	if (loader->under_way_count == 0)
		finish(aof);
}

void loader_begin(struct aof *aof, const struct data_files *files, const struct config *config)
{
	aof->loader = calloc(1, sizeof(*aof->loader));
	if (!aof->loader)
		crash_out_of_memory("loading the data");
	*aof->loader = (struct loader){ .files = files, .config = config, .file = files->items, .fd = -1, .began_ms = monotonic_ms(),
					.reported_ms = monotonic_ms() };
	go_on(aof);
}

void loader_on_taken(struct aof *aof, struct config_error *misfit)
{
	struct loader *loader = aof->loader;
	const struct data_file *from = loader->under_way[0];
	memmove(loader->under_way, loader->under_way + 1, --loader->under_way_count * sizeof(loader->under_way[0]));
	if (misfit && !loader->error)
		fail(aof, "%s %s. qcache-check tells more", from->path, misfit->text);
	free(misfit);
	if (!aof->is_stopping)
		go_on(aof);
}

void loader_fini(struct aof *aof)
{
	if (!aof->loader)
		return;
	close_readers(aof);
	free(aof->loader->error);
	free(aof->loader);
	aof->loader = NULL;
}

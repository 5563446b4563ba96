#include "actors/check/examine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/check/progress.h"
#include "actors/runtime/clock.h"
#include "storage/formats/rdb_file.h"
#include "storage/number.h"

/* The file in hand. */
struct reading {
	struct examination *examination;
	const struct source_file *file;
	struct file_report *report;
	struct progress *progress;
	size_t number;
	int fd;
	uint64_t offset;   /* of what follows the bytes that were read for the RDB */
	int disk_error;
};

/* The sequence with which the next part has to begin. */
struct chain {
	bool is_known;
	uint64_t sequence;
};

/* Always false. */
static bool problem(struct reading *reading, enum verdict verdict, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static bool problem(struct reading *reading, enum verdict verdict, uint64_t offset, const char *format, ...)
{
	struct problem *found = &reading->examination->problem;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(found->reason, sizeof(found->reason), format, arguments);
	va_end(arguments);
	found->verdict = verdict;
	found->file = reading->number;
	found->offset = offset;
	return false;
}

static bool damaged(struct reading *reading, uint64_t offset, const char *reason)
{
	return problem(reading, VERDICT_DAMAGED, offset, "%s", reason);
}

/* For what isn't the fault of the file. */
static bool give_up(struct reading *reading, const char *reason)
{
	return problem(reading, VERDICT_WHOLE, 0, "%s: %s", reading->file->path, reason);
}

/* ---- keys ---- */

static bool judge_contents(struct reading *reading, enum contents_status status, uint64_t offset)
{
	switch (status) {
	case CONTENTS_DONE: return true;
	case CONTENTS_NO_MEMORY: return give_up(reading, "not enough memory to count its keys; --quick does without");
	case CONTENTS_NO_DATABASE: return damaged(reading, offset, "the number of the database is too high");
	case CONTENTS_DUPLICATE: return damaged(reading, offset, "this key is there already");
	case CONTENTS_MISFIT: break;
	}
	reading->examination->problem.can_be_cut = true;
	return damaged(reading, offset, "the change does not fit the data before it");
}

/* ---- RDB ---- */

static int read_bytes(void *context, void *data, size_t len, size_t *out_len)
{
	struct reading *reading = context;
	const struct disk *disk = reading->examination->disk;
	reading->disk_error = disk->pread(disk, reading->fd, data, len, reading->offset, out_len);
	reading->offset += reading->disk_error ? 0 : *out_len;
	progress_show(reading->progress, reading->offset);
	return reading->disk_error;
}

static bool is_named(const struct rdb_item *item, const char *name)
{
	return slice_equal(item->name, slice_of(name, strlen(name)));
}

static void note_field(struct rdb_report *rdb, const struct rdb_item *item)
{
	int64_t number = 0;
	bool is_number = number_is_text_of(item->value, &number) && number >= 0;
	if (is_named(item, "redis-ver") || is_named(item, "valkey-ver"))
		snprintf(rdb->writer, sizeof(rdb->writer), "%.*s %.*s", (int)item->name.len - 4, (const char *)item->name.data,
			 (int)(item->value.len < 40 ? item->value.len : 40), (const char *)item->value.data);
	if (is_number && is_named(item, "ctime"))
		rdb->created_s = number;
	if (is_number && is_named(item, "qcache-sequence")) {
		rdb->has_sequence = true;
		rdb->sequence = (uint64_t)number;
	}
}

static bool take_record(struct reading *reading, struct rdb_file_reader *reader, const struct rdb_item *item)
{
	struct value value;
	if (!value_decode(&reader->values, item->record.type, &value))
		return damaged(reading, reader->values.error_offset, reader->values.error);
	reading->report->rdb.keys++;
	return judge_contents(reading, contents_add(&reading->examination->contents, &item->record, &value), item->offset);
}

static bool take_items(struct reading *reading, struct rdb_file_reader *reader)
{
	struct rdb_report *rdb = &reading->report->rdb;
	struct rdb_item item;
	for (;;) {
		switch (rdb_file_next(reader, &item)) {
		case RDB_ITEM_FIELD: note_field(rdb, &item); break;
		case RDB_ITEM_DATABASE:
		case RDB_ITEM_SIZE: break;
		case RDB_ITEM_RECORD:
			if (!take_record(reading, reader, &item))
				return false;
			break;
		case RDB_ITEM_END: rdb->is_whole = true; rdb->has_checksum = item.has_checksum; return true;
		case RDB_ITEM_ERROR: return damaged(reading, reader->values.error_offset, reader->values.error);
		}
	}
}

static bool read_rdb(struct reading *reading)
{
	struct rdb_report *rdb = &reading->report->rdb;
	struct rdb_file_reader *reader = rdb_file_reader_create(read_bytes, reading);
	if (!reader)
		return give_up(reading, strerror(ENOMEM));
	rdb->is_there = true;
	bool is_read = take_items(reading, reader);
	rdb->version = reader->version;
	rdb->bytes = rdb_offset(&reader->values);
	if (reading->disk_error)
		give_up(reading, strerror(reading->disk_error));
	else if (reader->values.has_no_memory)
		give_up(reading, strerror(ENOMEM));
	rdb_file_reader_destroy(&reader);
	if (is_read && rdb->created_s > reading->examination->options->until_s)
		return damaged(reading, 0, "this file was made after the time that --until names");
	return is_read;
}

/* ---- commands ---- */

static bool end_commands(struct reading *reading, const struct aof_read_figures *figures)
{
	struct examination *examination = reading->examination;
	switch (figures->tail) {
	case AOF_TAIL_NONE: return true;
	case AOF_TAIL_LATER:
		examination->has_reached_time = true;
		examination->time_file = reading->number;
		return true;
	case AOF_TAIL_TORN:
	case AOF_TAIL_DAMAGED: break;
	}
	bool is_torn = figures->tail == AOF_TAIL_TORN && reading->file->is_last;
	examination->problem.can_be_cut = true;
	return problem(reading, is_torn ? VERDICT_TORN : VERDICT_DAMAGED, figures->end, "%s", figures->reason);
}

/* One step. False at the end, and when something is wrong. */
static bool take_step(struct reading *reading, struct aof_reader *reader)
{
	struct examination *examination = reading->examination;
	struct load_frames *frames = load_frames_create(reading->file->part.has_id);
	uint64_t offset = 0;
	enum aof_read_status status = aof_read(reader, frames);
	struct aof_read_figures *figures = &reading->report->commands;
	aof_reader_get_figures(reader, figures);
	progress_show(reading->progress, figures->offset);
	bool goes_on = status == AOF_READ_FRAMES;
	if (status != AOF_READ_REFUSED && examination->keeps_contents) {
		enum contents_status applied = contents_apply(&examination->contents, frames, &offset);
		goes_on &= judge_contents(reading, applied, offset);
	}
	if (examination->problem.reason[0] == '\0' && status == AOF_READ_END)
		end_commands(reading, figures);
	if (status == AOF_READ_REFUSED)
		damaged(reading, figures->end, figures->reason);
	figures->reason = NULL; /* it ends with the reader */
	load_frames_destroy(&frames);
	return goes_on;
}

/* Everything that can be given up is: what that means is judged here. */
static bool read_commands(struct reading *reading, uint64_t offset)
{
	struct examination *examination = reading->examination;
	const struct source_file *file = reading->file;
	struct aof_reader *reader = aof_reader_create(&(struct aof_read_options){
		.disk = examination->disk,
		.fd = reading->fd,
		.name = file->name,
		.offset = offset,
		.is_ours = file->part.has_id,
		.id = file->part.id,
		.sequence = file->part.sequence,
		.has_end = file->has_end,
		.end_sequence = file->end_sequence,
		.is_last = true,
		.loads_truncated = true,
		.corrupt_tail_max_bytes = UINT64_MAX,
		.until_s = examination->options->until_s,
		.now_ms = wall_clock_ms(),
	});
	if (!reader)
		return give_up(reading, strerror(ENOMEM));
	reading->report->has_commands = true;
	while (take_step(reading, reader))
		;
	aof_reader_destroy(&reader);
	return examination->problem.reason[0] == '\0';
}

/* Commands after an RDB need its keys. */
static bool begin_commands(struct reading *reading, uint64_t offset)
{
	struct examination *examination = reading->examination;
	examination->needs_contents = !examination->keeps_contents && !examination->options->is_quick;
	return !examination->needs_contents && read_commands(reading, offset);
}

/* ---- files ---- */

static bool read_file(struct reading *reading)
{
	const struct disk *disk = reading->examination->disk;
	int error = disk->open(disk, reading->file->path, DISK_READ, &reading->fd);
	if (error)
		return give_up(reading, strerror(error));
	bool is_read = reading->file->is_rdb ? read_rdb(reading) : true;
	uint64_t rdb_bytes = reading->report->rdb.bytes;
	if (is_read && (!reading->file->is_rdb || rdb_bytes < reading->file->bytes))
		is_read = begin_commands(reading, rdb_bytes);
	disk->close(disk, reading->fd); /* it was only read */
	return is_read;
}

/* Whether the part goes on where the files before it end; notes where it ends itself. */
static bool follows(struct reading *reading, struct chain *chain)
{
	const struct manifest_part *part = &reading->file->part;
	if (chain->is_known && part->has_sequence && part->sequence != chain->sequence)
		return problem(reading, VERDICT_DAMAGED, 0,
			       "the part begins behind frame %" PRIu64 ", and the files before it end with frame %" PRIu64, part->sequence,
			       chain->sequence);
	return true;
}

static void note_end(const struct reading *reading, struct chain *chain)
{
	const struct file_report *report = reading->report;
	if (reading->file->is_rdb)
		*chain = (struct chain){ report->rdb.has_sequence, report->rdb.sequence };
	else
		*chain = (struct chain){ reading->file->part.has_id, report->commands.last_sequence };
}

static bool has_times(const struct examination *examination)
{
	for (size_t i = 0; i < examination->source->count; i++)
		if (examination->files[i].commands.has_time)
			return true;
	return examination->has_reached_time;
}

static void read_files(struct examination *examination, struct progress *progress)
{
	const struct check_source *source = examination->source;
	struct chain chain = { .is_known = false };
	uint64_t before = 0;
	for (size_t i = 0; i < source->count && !examination->has_reached_time; i++) {
		struct reading reading = { .examination = examination, .file = &source->files[i], .report = &examination->files[i],
					   .progress = progress, .number = i };
		progress_next_file(progress, before);
		before += source->files[i].bytes;
		if (!follows(&reading, &chain) || !read_file(&reading))
			return;
		note_end(&reading, &chain);
	}
	if (examination->options->until_s != AOF_READ_ALL && !has_times(examination))
		snprintf(examination->problem.reason, sizeof(examination->problem.reason),
			 "there are no timestamps: the log was written without aof-timestamp-enabled");
}

/* ---- the whole ---- */

static bool begin(struct examination *examination, bool keeps)
{
	examination->keeps_contents = keeps;
	examination->files = calloc(examination->source->count + 1, sizeof(*examination->files));
	if (examination->files && contents_init(&examination->contents, keeps, wall_clock_ms()))
		return true;
	snprintf(examination->problem.reason, sizeof(examination->problem.reason), "%s", strerror(ENOMEM));
	return false;
}

static void read_all(struct examination *examination)
{
	struct progress progress;
	progress_begin(&progress, examination->source->bytes);
	read_files(examination, &progress);
	progress_end(&progress);
}

/* An RDB alone needs no memory for its keys. If commands follow it, it is read once more. */
static bool is_rdb(const struct check_source *source)
{
	return source->count == 1 && source->files[0].is_rdb;
}

bool examine(struct examination *examination, const struct disk *disk, const struct check_options *options, struct check_source *source)
{
	*examination = (struct examination){ .disk = disk, .options = options, .source = source };
	if (!begin(examination, !options->is_quick && !is_rdb(source)))
		return false;
	read_all(examination);
	if (examination->needs_contents) {
		examination_fini(examination);
		*examination = (struct examination){ .disk = disk, .options = options, .source = source };
		if (!begin(examination, true))
			return false;
		read_all(examination);
	}
	contents_count(&examination->contents);
	return examination->problem.reason[0] == '\0' || examination->problem.verdict != VERDICT_WHOLE;
}

void examination_fini(struct examination *examination)
{
	if (examination->contents.counts)
		contents_fini(&examination->contents);
	free(examination->files);
	*examination = (struct examination){ .disk = NULL };
}

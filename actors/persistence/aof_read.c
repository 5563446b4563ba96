/*
 * The happy path: of a part of ours, the next group is verified as a whole; then its commands are parsed where they lie in the window, until
 * the group ends. A file of another server is like one group that needs no verification.
 *
 * A step ends between two frames, never inside of a transaction. So what is to be given up is always in the frames of the current step.
 */
#include "actors/persistence/aof_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/aof_read_state.h"
#include "transport/decimal.h"

/* Bounds for what is in memory at once. Redis has 1 GB by default (client-query-buffer-limit). */
#define COMMAND_BYTES_MAX ((size_t)4 << 30)     /* without large values */
#define TRANSACTION_BYTES_MAX ((size_t)4 << 30) /* of frames and large values */
/* Redis's limit. */
#define ANNOTATION_LINE_MAX 1024
#define TIMESTAMP "#TS:"

static const struct resp_limits limits = {
	.max_args = INT32_MAX,
	.max_bulk_bytes = 512u << 20,
	.max_inline_bytes = 65536,
	.large_bulk_bytes = BLOB_MIN_BYTES,
};

/* ---- problems ---- */

enum step aof_read_problem(struct aof_reader *reader, enum step step, uint64_t offset, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reader->reason, sizeof(reader->reason), format, arguments);
	va_end(arguments);
	reader->problem_at = offset;
	return step;
}

enum step aof_read_disk_problem(struct aof_reader *reader, int error)
{
	const char *what = error == ENODATA ? "the file has become shorter" : strerror(error);
	return aof_read_problem(reader, STEP_REFUSED, reader->window.read_at, "can't read on: %s", what);
}

/* The bytes end in the middle of something. In a group, whose checksum is right, they never do. */
static enum step ends_inside(struct aof_reader *reader, const char *what)
{
	if (reader->parser.is_ours)
		return aof_read_problem(reader, STEP_REFUSED, reader->unit_at, "the group ends inside of %s", what);
	return aof_read_problem(reader, STEP_TORN, reader->unit_at, "the file ends inside of %s", what);
}

/* ---- commands ---- */

static size_t visible_len(const struct aof_reader *reader)
{
	return file_window_len_before(&reader->window, reader->limit);
}

static enum step fill(struct aof_reader *reader)
{
	const uint8_t *before = file_window_bytes(&reader->window);
	int error = file_window_fill(&reader->window, COMMAND_BYTES_MAX);
	resp_args_rebase(&reader->args, 0, before, file_window_bytes(&reader->window));
	return error ? aof_read_disk_problem(reader, error) : STEP_ON;
}

static enum step read_on(struct aof_reader *reader)
{
	return reader->window.read_at < reader->limit ? fill(reader) : ends_inside(reader, "a command");
}

/* Reads a large value into a blob of its own. Its length is trusted only as far as the file has the bytes. */
static enum step take_large(struct aof_reader *reader)
{
	struct file_window *window = &reader->window;
	size_t kept = reader->resp.consumed, len = reader->resp.large_len;
	uint64_t begin = window->read_at - (file_window_len(window) - kept);
	if (len > reader->limit - begin)
		return ends_inside(reader, "a command");
	struct blob *blob = blob_create((uint32_t)len);
	int error = blob ? file_window_take(window, kept, blob->data, len) : ENOMEM;
	if (error == 0 && resp_large_bulk_done(&reader->resp, blob->data, &reader->args) == RESP_NO_MEMORY)
		error = ENOMEM;
	if (error) {
		blob_release(&blob);
		return aof_read_disk_problem(reader, error);
	}
	blob->len = (uint32_t)len;
	reader->large_args++;
	reader->step_bytes += len;
	return STEP_ON;
}

/* Bytes that can't be what was written. In a group, whose checksum is right, they were written so: that can't be given up as damage. */
static enum step damaged(struct aof_reader *reader, const char *what, const char *why)
{
	return aof_read_problem(reader, reader->parser.is_ours ? STEP_REFUSED : STEP_DAMAGED, file_window_offset(&reader->window), "%s%s", what,
				why);
}

static enum step damaged_words(struct aof_reader *reader)
{
	static const char prefix[] = "Protocol error: ";
	const char *why = reader->resp.error;
	bool has_prefix = strncmp(why, prefix, sizeof(prefix) - 1) == 0;
	return damaged(reader, "expected a command: ", why + (has_prefix ? sizeof(prefix) - 1 : 0));
}

/* Parses the words of the next command. */
static enum step parse_words(struct aof_reader *reader)
{
	for (;;) {
		enum step step = STEP_ON;
		switch (resp_parse(&reader->resp, &limits, file_window_bytes(&reader->window), visible_len(reader), &reader->args)) {
		case RESP_REQUEST: return STEP_ON;
		case RESP_EMPTY: return damaged(reader, "expected a command: ", "it has no words");
		case RESP_ERROR: return damaged_words(reader);
		case RESP_NO_MEMORY: return aof_read_disk_problem(reader, ENOMEM);
		case RESP_INCOMPLETE: step = read_on(reader); break;
		case RESP_LARGE_BULK: step = take_large(reader); break;
		}
		if (step != STEP_ON)
			return step;
	}
}

static void release_words(struct aof_reader *reader)
{
	for (size_t i = 0; reader->large_args > 0; i++) {
		if (!reader->args.items[i].is_large)
			continue;
		struct blob *blob = blob_from_data(reader->args.items[i].data);
		blob_release(&blob);
		reader->large_args--;
	}
	reader->args.count = 0;
}

static enum step note_frame(struct aof_reader *reader, struct load_frames *out)
{
	load_frames_locate(out, reader->frame_at);
	reader->figures.frames++;
	if (reader->parser.is_ours && reader->frames_left-- == 0)
		return aof_read_problem(reader, STEP_REFUSED, reader->frame_at, "the group has more frames than its annotation says");
	return STEP_ON;
}

static enum step parse_command(struct aof_reader *reader, struct load_frames *out)
{
	uint64_t at = file_window_offset(&reader->window);
	uint32_t frames = out->frames.frames;
	if (out->frames.bytes.len + reader->step_bytes > TRANSACTION_BYTES_MAX)
		return aof_read_problem(reader, STEP_REFUSED, reader->unit_at, "the transaction is too large");
	enum step step = parse_words(reader);
	if (step != STEP_ON)
		return step;
	/* A transaction of ours is a frame that begins with MULTI. */
	if (!reader->parser.is_ours || !reader->parser.is_in_transaction)
		reader->frame_at = at;
	if (!aof_parse_command(&reader->parser, reader->args.items, (uint32_t)reader->args.count, &out->frames))
		return aof_read_problem(reader, STEP_REFUSED, at, "%s", reader->parser.error);
	release_words(reader);
	file_window_pass(&reader->window, reader->resp.consumed);
	reader->figures.commands++;
	return out->frames.frames > frames ? note_frame(reader, out) : STEP_ON;
}

/* ---- lines that begin with '#' ---- */

static enum step take_time(struct aof_reader *reader, int64_t time_s)
{
	struct aof_read_figures *figures = &reader->figures;
	if (time_s > reader->options.until_s) {
		figures->last_s = time_s;
		return aof_read_problem(reader, STEP_LATER, file_window_offset(&reader->window), "the time %" PRId64, time_s);
	}
	figures->first_s = figures->has_time ? figures->first_s : time_s;
	figures->last_s = time_s;
	figures->has_time = true;
	return STEP_ON;
}

/* Reads until the line is whole. */
static enum step find_line(struct aof_reader *reader, size_t *out_len)
{
	for (;;) {
		const uint8_t *line = file_window_bytes(&reader->window);
		size_t len = visible_len(reader), most = len < ANNOTATION_LINE_MAX ? len : ANNOTATION_LINE_MAX;
		const uint8_t *newline = memchr(line, '\n', most);
		if (newline) {
			*out_len = (size_t)(newline - line) + 1;
			return STEP_ON;
		}
		if (most == ANNOTATION_LINE_MAX)
			return damaged(reader, "an annotation has no end", "");
		if (reader->window.read_at >= reader->limit)
			return ends_inside(reader, "an annotation");
		enum step step = fill(reader);
		if (step != STEP_ON)
			return step;
	}
}

static bool is_timestamp(const uint8_t *line, size_t len, int64_t *out_time_s)
{
	const size_t prefix = sizeof(TIMESTAMP) - 1;
	size_t end = len - 1 - (len > 1 && line[len - 2] == '\r');
	return end > prefix && memcmp(line, TIMESTAMP, prefix) == 0 && decimal_parse_int64(line + prefix, end - prefix, out_time_s);
}

/* In a file that another server wrote as a whole, an annotation of ours is a comment. */
static bool is_out_of_place(const struct aof_reader *reader, size_t len)
{
	size_t prefix = sizeof(ANNOTATION_PREFIX) - 1;
	return reader->options.is_ours && len >= prefix && memcmp(file_window_bytes(&reader->window), ANNOTATION_PREFIX, prefix) == 0;
}

static enum step skip_line(struct aof_reader *reader)
{
	size_t len = 0;
	int64_t time_s;
	enum step step = find_line(reader, &len);
	if (step == STEP_ON && is_out_of_place(reader, len))
		step = damaged(reader, "a group of this part after commands of another server", "");
	if (step == STEP_ON && is_timestamp(file_window_bytes(&reader->window), len, &time_s))
		step = take_time(reader, time_s);
	if (step == STEP_ON)
		file_window_pass(&reader->window, len);
	return step;
}

/* ---- steps ---- */

static bool has_preamble(const struct aof_reader *reader)
{
	static const char *const magics[] = { "REDIS", "VALKEY" };
	if (reader->options.is_ours || file_window_offset(&reader->window) > 0)
		return false;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		size_t len = strlen(magics[i]);
		if (visible_len(reader) >= len && memcmp(file_window_bytes(&reader->window), magics[i], len) == 0)
			return true;
	}
	return false;
}

static bool is_full(const struct aof_reader *reader, const struct load_frames *out)
{
	return out->frames.bytes.len + reader->step_bytes >= AOF_READ_STEP_BYTES;
}

/* Between two units: what is read next is given up as a whole. */
static enum step begin_unit(struct aof_reader *reader, struct load_frames *out)
{
	if (is_full(reader, out))
		return STEP_FULL;
	reader->unit_mark = frame_writer_mark(&out->frames);
	if (!reader->parser.is_ours)
		reader->unit_at = file_window_offset(&reader->window);
	return STEP_ON;
}

/* Commands after the last group. No damage of a few bits makes them of an annotation. */
static enum step go_on_with_foreign(struct aof_reader *reader)
{
	reader->figures.foreign_at = reader->unit_at;
	reader->parser.is_ours = false;
	reader->limit = reader->window.size;
	return STEP_FULL; /* what follows is applied in another way */
}

static enum step end_part(struct aof_reader *reader)
{
	uint64_t wanted = reader->options.end_sequence, last = reader->figures.last_sequence;
	if (!reader->options.has_end || last == wanted)
		return STEP_END;
	return aof_read_problem(reader, STEP_REFUSED, reader->unit_at, "the file ends with frame %" PRIu64 ", and must end with frame %" PRIu64, last,
				wanted);
}

static enum step next_group(struct aof_reader *reader)
{
	bool has_all = reader->options.has_end && reader->figures.last_sequence == reader->options.end_sequence;
	if (has_all || reader->unit_at == reader->window.size)
		return end_part(reader);
	enum step step = file_window_len(&reader->window) > 0 ? STEP_ON : fill(reader);
	if (step != STEP_ON)
		return step;
	return *file_window_bytes(&reader->window) == '*' ? go_on_with_foreign(reader) : aof_read_group(reader);
}

/* At the end of a group, or of the file of another server. */
static enum step go_on_behind(struct aof_reader *reader)
{
	if (reader->parser.is_in_transaction)
		return ends_inside(reader, "a transaction");
	reader->unit_at = file_window_offset(&reader->window);
	return reader->parser.is_ours ? next_group(reader) : STEP_END;
}

static enum step next(struct aof_reader *reader, struct load_frames *out)
{
	enum step step = reader->parser.is_in_transaction ? STEP_ON : begin_unit(reader, out);
	if (step == STEP_ON && file_window_offset(&reader->window) == reader->limit)
		return go_on_behind(reader);
	if (step == STEP_ON && visible_len(reader) == 0)
		step = fill(reader);
	if (step != STEP_ON)
		return step;
	if (has_preamble(reader))
		return STEP_PREAMBLE;
	switch (*file_window_bytes(&reader->window)) {
	case '*': return parse_command(reader, out);
	case '#': return skip_line(reader);
	default: return damaged(reader, "expected a command", "");
	}
}

/* ---- the end ---- */

static enum aof_read_status refuse(struct aof_reader *reader, const char *hint)
{
	snprintf(reader->error, sizeof(reader->error), "%s: offset %" PRIu64 ": %s%s", reader->options.name, reader->problem_at,
		 reader->reason, hint);
	reader->figures.end = reader->problem_at;
	reader->figures.reason = reader->reason;
	return AOF_READ_REFUSED;
}

static enum aof_read_status give_up(struct aof_reader *reader, struct load_frames *out, enum aof_tail tail)
{
	struct aof_read_figures *figures = &reader->figures;
	bool is_between_units = tail == AOF_TAIL_LATER && !reader->parser.is_in_transaction;
	figures->frames -= out->frames.frames - reader->unit_mark.frames;
	frame_writer_cut(&out->frames, reader->unit_mark);
	figures->tail = tail;
	figures->end = is_between_units ? reader->problem_at : reader->unit_at;
	figures->reason = reader->reason;
	return AOF_READ_END;
}

static enum aof_read_status end_torn(struct aof_reader *reader, struct load_frames *out)
{
	if (!reader->options.is_last)
		return refuse(reader, ", and other files follow it");
	if (!reader->options.loads_truncated)
		return refuse(reader, ". With aof-load-truncated, it is cut there");
	return give_up(reader, out, AOF_TAIL_TORN);
}

static enum aof_read_status end_damaged(struct aof_reader *reader, struct load_frames *out)
{
	if (reader->options.is_last && reader->window.size - reader->unit_at <= reader->options.corrupt_tail_max_bytes)
		return give_up(reader, out, AOF_TAIL_DAMAGED);
	return refuse(reader, "");
}

static enum aof_read_status finish(struct aof_reader *reader, enum step step, struct load_frames *out)
{
	release_words(reader);
	switch (step) {
	case STEP_ON:
	case STEP_FULL: return AOF_READ_FRAMES;
	case STEP_END: reader->figures.end = reader->unit_at; return AOF_READ_END;
	case STEP_PREAMBLE: return AOF_READ_PREAMBLE;
	case STEP_TORN: return end_torn(reader, out);
	case STEP_DAMAGED: return end_damaged(reader, out);
	case STEP_LATER: return give_up(reader, out, AOF_TAIL_LATER);
	case STEP_REFUSED: break;
	}
	return refuse(reader, "");
}

enum aof_read_status aof_read(struct aof_reader *reader, struct load_frames *out)
{
	enum step step = reader->open_error ? aof_read_disk_problem(reader, reader->open_error) : STEP_ON;
	reader->step_bytes = 0;
	out->is_exact = reader->parser.is_ours;
	while (step == STEP_ON)
		step = next(reader, out);
	enum aof_read_status status = finish(reader, step, out);
	reader->figures.offset = file_window_offset(&reader->window);
	return status;
}

/* ---- life ---- */

struct aof_reader *aof_reader_create(const struct aof_read_options *options)
{
	struct aof_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->options = *options;
	resp_parser_init(&reader->resp);
	aof_parser_init(&reader->parser, options->is_ours, options->now_ms);
	reader->open_error = file_window_open(&reader->window, options->disk, options->fd, options->offset);
	/* Of ours nothing is verified yet. */
	reader->limit = options->is_ours ? options->offset : reader->window.size;
	reader->unit_at = options->offset;
	reader->chain = annotation_seed(options->id);
	reader->figures.size = reader->window.size;
	reader->figures.last_sequence = options->sequence;
	return reader;
}

void aof_reader_destroy(struct aof_reader **reader)
{
	if (!*reader)
		return;
	release_words(*reader);
	resp_args_fini(&(*reader)->args);
	file_window_fini(&(*reader)->window);
	free(*reader);
	*reader = NULL;
}

void aof_reader_get_figures(const struct aof_reader *reader, struct aof_read_figures *out_figures)
{
	*out_figures = reader->figures;
}

const char *aof_reader_error(const struct aof_reader *reader)
{
	return reader->error;
}

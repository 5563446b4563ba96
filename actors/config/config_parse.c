/* Reads directives from files and lines. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_table.h"
#include "actors/runtime/crash.h"
#include "transport/resp_inline.h"

#define MAX_FILE_BYTES (16 * 1024 * 1024)
/* Files that each include another ten times would otherwise be read for ever. */
#define MAX_INCLUDES 1000
/* Enough to start fixing; a longer list helps nobody. */
#define MAX_REFUSALS 100

/* Copies the words of a line; false when one holds a NUL byte. */
static bool take_words(const struct resp_args *args, struct config_words *out_words)
{
	for (size_t i = 0; i < args->count; i++) {
		const struct resp_arg *arg = &args->items[i];
		if (arg->len > 0 && memchr(arg->data, '\0', arg->len))
			return false;
		words_add(out_words, (const char *)arg->data, arg->len);
	}
	return true;
}

bool config_split(const char *line, struct config_words *out_words, struct config_error *out_error)
{
	struct resp_args args = { 0 };
	size_t len = strlen(line);
	char *bytes = config_text(line, len);
	enum resp_status status = resp_split_inline((uint8_t *)bytes, len, &args);
	if (status == RESP_NO_MEMORY)
		crash_out_of_memory("the configuration");
	*out_words = (struct config_words){ 0 };
	bool is_split = status != RESP_ERROR || config_fail(out_error, "Unbalanced quotes in configuration line");
	if (is_split && !take_words(&args, out_words)) {
		words_fini(out_words);
		is_split = config_fail(out_error, "a NUL byte in a value");
	}
	resp_args_fini(&args);
	free(bytes);
	return is_split;
}

char *config_resolve(const char *dir, const char *path)
{
	if (path[0] == '/')
		return config_text(path, strlen(path));
	struct buffer joined = { 0 };
	buffer_printf(&joined, "%s/%s", dir, path);
	config_buffer_text(&joined);
	return (char *)joined.data;
}

static bool include_one(struct config_reader *reader, const char *path, struct config_error *out_error)
{
	struct config_error error;
	if (reader->files++ == MAX_INCLUDES) {
		reader->has_given_up = true;
		return config_fail(out_error, "more than %d files are included", MAX_INCLUDES);
	}
	reader->depth++;
	bool is_read = config_read_file(reader, path, &error) || config_fail(out_error, "%.300s: %s", path, error.text);
	reader->depth--;
	return is_read;
}

/* Writes a pattern that matches this name only. */
static void put_literally(struct buffer *out, const char *name)
{
	for (; *name; name++)
		buffer_printf(out, "%s%c", strchr("*?[\\", *name) ? "\\" : "", *name);
}

/* As in Redis, a name with wildcards may match no file; a plain name must exist. */
static bool include_matching(struct config_reader *reader, const char *name, struct config_error *out_error)
{
	glob_t files = { 0 };
	struct buffer pattern = { 0 };
	if (name[0] != '/') {
		put_literally(&pattern, reader->config->dir);
		buffer_append(&pattern, "/", 1);
	}
	buffer_append(&pattern, name, strlen(name));
	int outcome = glob(config_buffer_text(&pattern), 0, NULL, &files);
	bool is_read = outcome == 0 || outcome == GLOB_NOMATCH || config_fail(out_error, "%.300s can't be looked up", name);
	for (size_t i = 0; is_read && i < files.gl_pathc; i++)
		is_read = include_one(reader, files.gl_pathv[i], out_error);
	globfree(&files);
	buffer_fini(&pattern);
	return is_read;
}

static bool include(struct config_reader *reader, const struct config_words *words, struct config_error *out_error)
{
	if (words->count != 2)
		return config_fail(out_error, "wrong number of arguments");
	if (reader->depth >= CONFIG_INCLUDE_DEPTH) {
		reader->has_given_up = true;
		return config_fail(out_error, "files are nested more than %d deep", CONFIG_INCLUDE_DEPTH);
	}
	if (strpbrk(words->items[1], "*?["))
		return include_matching(reader, words->items[1], out_error);
	char *path = config_resolve(reader->config->dir, words->items[1]);
	bool is_read = include_one(reader, path, out_error);
	free(path);
	return is_read;
}

static bool refuse_unknown(const char *name, struct config_error *out_error)
{
	const char *reason = directive_refusal(name);
	if (reason)
		return config_fail(out_error, "%s", reason);
	const char *nearest = config_nearest_name(name);
	if (nearest)
		return config_fail(out_error, "unknown directive; did you mean %s?", nearest);
	return config_fail(out_error, "unknown directive");
}

static void refuse(struct config_reader *reader, const struct directive *directive, const char *place, const char *reason)
{
	if (reader->refusals.count < MAX_REFUSALS) {
		refusals_add(&reader->refusals, directive, place, reason);
	} else if (!reader->has_given_up) {
		refusals_add(&reader->refusals, NULL, place, "there are more than 100 errors, the rest is not read");
		reader->has_given_up = true;
	}
}

/* Each line adds to those before, unless it is "". */
static bool parse_added(struct config *config, const struct directive *directive, const struct config_words *words,
			struct config_error *out_error)
{
	struct config_words all;
	bool is_empty = words->count == 2 && words->items[1][0] == '\0';
	words_copy(&all, is_empty ? &(struct config_words){ 0 } : directive_field(directive, config));
	for (uint32_t i = 1; i < words->count; i++)
		words_add(&all, words->items[i], strlen(words->items[i]));
	bool is_parsed = directive_parse(directive, config, all.items, all.count, out_error);
	words_fini(&all);
	return is_parsed;
}

static bool parse(struct config *config, const struct directive *directive, const struct config_words *words,
		  struct config_error *out_error)
{
	if ((directive->flags & SAVE_POINTS) && words->count > 1)
		return parse_added(config, directive, words, out_error);
	return directive_parse(directive, config, words->items + 1, words->count - 1, out_error);
}

/* A later line may replace a value that is not supported, and a directory that does not exist. */
static void take_value(struct config_reader *reader, const struct directive *directive, const struct config_words *words,
		       const char *place)
{
	struct config_error error;
	if (!parse(reader->config, directive, words, &error) ||
	    !directive_check_line(directive, reader->config, &error))
		refuse(reader, directive->type == TYPE_PATH ? directive : NULL, place, error.text);
	else if (!directive_check_support(directive, reader->config, &error))
		refuse(reader, directive, place, error.text);
	else
		refusals_drop(&reader->refusals, directive);
}

void config_take(struct config_reader *reader, const struct config_words *words, const char *place)
{
	const char *name = words->items[0];
	const struct directive *directive = directive_find(name, strlen(name));
	struct config_error error;
	if (directive)
		take_value(reader, directive, words, place);
	else if (strcasecmp(name, "include") == 0 ? !include(reader, words, &error) : !refuse_unknown(name, &error))
		refuse(reader, NULL, place, error.text);
}

/* One line without its newline. */
static void read_line(struct config_reader *reader, const char *line, size_t len, const char *place)
{
	struct config_error error;
	struct config_words words;
	if (len > CONFIG_LINE_BYTES) {
		config_fail(&error, "the line has %zu bytes, and at most %d are possible", len, CONFIG_LINE_BYTES);
		refuse(reader, NULL, place, error.text);
		return;
	}
	if (memchr(line, '\0', len)) {
		refuse(reader, NULL, place, "a NUL byte in the line");
		return;
	}
	char *text = config_text(line, len);
	bool is_comment = text[strspn(text, " \t\r\v\f")] == '#';
	if (!config_split(is_comment ? "" : text, &words, &error)) {
		refuse(reader, NULL, place, error.text);
	} else if (words.count > 0) {
		struct config_error named;
		config_fail(&named, "%s: %.64s", place, words.items[0]);
		config_take(reader, &words, named.text);
	}
	words_fini(&words);
	free(text);
}

void config_read_text(struct config_reader *reader, const char *name, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct config_error place;
	if (len > MAX_FILE_BYTES) {
		config_fail(&place, "the file has more than %d bytes", MAX_FILE_BYTES);
		refuse(reader, NULL, name, place.text);
		return;
	}
	unsigned number = 1;
	for (size_t at = 0, line_len; at < len && !reader->has_given_up; at += line_len + 1, number++) {
		const char *line = text + at, *newline = memchr(line, '\n', len - at);
		line_len = newline ? (size_t)(newline - line) : len - at;
		config_fail(&place, "%.300s:%u", name, number);
		if (at == 0 && line_len >= 3 && memcmp(line, mark, 3) == 0)
			refuse(reader, NULL, place.text, "the file begins with a byte order mark (EF BB BF): save it without one");
		else
			read_line(reader, line, line_len, place.text);
	}
}

bool config_slurp(int fd, struct buffer *out)
{
	while (out->len <= MAX_FILE_BYTES) {
		if (!buffer_reserve(out, 4096))
			crash_out_of_memory("the configuration");
		ssize_t got = read(fd, out->data + out->len, out->capacity - out->len);
		if (got == 0)
			return true;
		if (got > 0)
			out->len += (size_t)got;
		else if (errno != EINTR)
			return false;
	}
	return true; /* config_read_text() refuses it as too long */
}

int config_open(const char *path, enum config_source source, const char **out_reason)
{
	struct stat status;
	/* Opening a pipe would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (source == CONFIG_FILE ? O_NONBLOCK : 0));
	if (fd < 0) {
		*out_reason = strerror(errno);
		return -1;
	}
	if (source == CONFIG_FILE && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
		*out_reason = "Not a regular file";
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

static bool read_descriptor(struct config_reader *reader, const char *name, int fd, struct config_error *out_error)
{
	struct buffer text = { 0 };
	bool is_read = config_slurp(fd, &text) || config_fail(out_error, "%s", strerror(errno));
	if (is_read)
		config_read_text(reader, name, (const char *)text.data, text.len);
	buffer_fini(&text);
	return is_read;
}

/*
 * The file given at start may be a pipe, as in `qcache-server <(command)`. An included file may not: CONFIG REWRITE reads it again, when
 * nothing writes to the pipe.
 */
bool config_read_file(struct config_reader *reader, const char *path, struct config_error *out_error)
{
	const char *reason;
	int fd = config_open(path, reader->depth > 0 ? CONFIG_FILE : CONFIG_FILE_OR_PIPE, &reason);
	if (fd < 0)
		return config_fail(out_error, "%s", reason);
	bool is_read = read_descriptor(reader, path, fd, out_error);
	close(fd);
	return is_read;
}

bool config_read_stdin(struct config_reader *reader, struct config_error *out_error)
{
	return read_descriptor(reader, "stdin", STDIN_FILENO, out_error);
}

/* From files and lines to directives. A line is at most 64 KB, a file 16 MB, includes nest 16 deep. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config_table.h"
#include "actors/runtime/crash.h"
#include "transport/resp_inline.h"

#define MAX_LINE_BYTES (64 * 1024)
#define MAX_FILE_BYTES (16 * 1024 * 1024)
#define MAX_INCLUDE_DEPTH 16

/* Lines that Redis knows in files only, and why none of them can be taken here. */
static const struct {
	const char *name, *reason;
} elsewhere[] = {
	{ "loadmodule", "modules are not supported" },
	{ "rename-command", "commands can't be renamed" },
	{ "user", "access control lists are not supported" },
	{ "sentinel", "this server is no sentinel" },
	{ "list-max-ziplist-entries", "has had no effect since Redis 3.2" },
	{ "list-max-ziplist-value", "has had no effect since Redis 3.2" },
};

/* Copies what a line was split into; false when a word holds a NUL byte. */
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
		crash_broken_invariant("no memory for the configuration");
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

static bool include_one(struct config_reader *reader, const char *path)
{
	if (reader->depth >= MAX_INCLUDE_DEPTH)
		return config_fail(reader->error, "files are nested more than %d deep", MAX_INCLUDE_DEPTH);
	reader->depth++;
	bool is_read = config_read_file(reader, path);
	reader->depth--;
	return is_read;
}

/* As Redis does it: a name with wildcards may fit no file, a plain one must be there. */
static bool include_matching(struct config_reader *reader, const char *pattern)
{
	glob_t files = { 0 };
	int outcome = glob(pattern, 0, NULL, &files);
	bool is_read = outcome == 0 || outcome == GLOB_NOMATCH;
	if (!is_read)
		config_fail(reader->error, "%s can't be looked up", pattern);
	for (size_t i = 0; is_read && i < files.gl_pathc; i++)
		is_read = include_one(reader, files.gl_pathv[i]);
	globfree(&files);
	return is_read;
}

static bool apply_include(struct config_reader *reader, const struct config_words *words)
{
	if (words->count != 2)
		return config_fail(reader->error, "wrong number of arguments");
	char *path = config_resolve(reader->config->dir, words->items[1]);
	bool is_read = strpbrk(path, "*?[") ? include_matching(reader, path) : include_one(reader, path);
	free(path);
	return is_read;
}

static bool refuse_unknown(struct config_reader *reader, const char *name)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strcasecmp(name, elsewhere[i].name) == 0)
			return config_fail(reader->error, "%s", elsewhere[i].reason);
	const char *nearest = config_nearest_name(name);
	if (nearest)
		return config_fail(reader->error, "unknown directive; did you mean %s?", nearest);
	return config_fail(reader->error, "unknown directive");
}

/* A directive that nothing stands behind may hold its default and nothing else. */
static bool check_support(const struct directive *directive, const struct config *config,
			  struct config_error *out_error)
{
	if (!(directive->flags & (UNSUPPORTED | NO_DISK)))
		return true;
	struct config defaults;
	config_init(&defaults);
	bool is_default = directive_is_equal(directive, &defaults, config);
	config_fini(&defaults);
	if (is_default)
		return true;
	return config_fail(out_error, "%s: only the default, %s, is accepted",
			   directive->flags & NO_DISK ? "nothing is kept on disk yet" : "not supported",
			   directive->initial[0] ? directive->initial : "\"\"");
}

bool config_apply(struct config_reader *reader, const struct config_words *words)
{
	const char *name = words->items[0];
	if (strcasecmp(name, "include") == 0)
		return apply_include(reader, words);
	const struct directive *directive = directive_find(name, strlen(name));
	if (!directive)
		return refuse_unknown(reader, name);
	return directive_parse(directive, reader->config, words->items + 1, words->count - 1, reader->error) &&
	       check_support(directive, reader->config, reader->error);
}

/* What a later caller up the includes must not add to: the place is where the trouble is. */
static bool place_error(struct config_reader *reader, const char *file, unsigned line, const char *directive)
{
	if (reader->is_placed)
		return false;
	struct config_error inner = *reader->error;
	reader->is_placed = true;
	if (!directive)
		return config_fail(reader->error, "%.300s:%u: %s", file, line, inner.text);
	return config_fail(reader->error, "%.300s:%u: %.64s: %s", file, line, directive, inner.text);
}

/* One line, NUL-terminated and without its newline. */
static bool read_line(struct config_reader *reader, const char *file, unsigned number, const char *line)
{
	struct config_words words;
	while (isspace((unsigned char)*line))
		line++;
	if (*line == '#')
		return true;
	if (!config_split(line, &words, reader->error))
		return reader->skip_bad || place_error(reader, file, number, NULL);
	bool is_taken = words.count == 0 || config_apply(reader, &words) || reader->skip_bad ||
			place_error(reader, file, number, words.items[0]);
	words_fini(&words);
	return is_taken;
}

bool config_read_text(struct config_reader *reader, const char *name, const char *text, size_t len)
{
	unsigned number = 1;
	for (const char *at = text, *end = text + len; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line_len = (size_t)((newline ? newline : end) - at);
		if (line_len > MAX_LINE_BYTES || memchr(at, '\0', line_len)) {
			config_fail(reader->error, line_len > MAX_LINE_BYTES ? "the line is longer than 64 KB"
									     : "a NUL byte in the line");
			return place_error(reader, name, number, NULL);
		}
		char *line = config_text(at, line_len);
		bool is_taken = read_line(reader, name, number, line);
		free(line);
		if (!is_taken)
			return false;
		at += line_len + 1;
	}
	return true;
}

bool config_slurp(int fd, struct buffer *out)
{
	for (;;) {
		if (out->len > MAX_FILE_BYTES) {
			errno = EFBIG;
			return false;
		}
		if (!buffer_reserve(out, 4096))
			crash_broken_invariant("no memory for the configuration");
		ssize_t got = read(fd, out->data + out->len, out->capacity - out->len);
		if (got == 0)
			return true;
		if (got > 0)
			out->len += (size_t)got;
		else if (errno != EINTR)
			return false;
	}
}

static bool read_descriptor(struct config_reader *reader, const char *name, int fd)
{
	struct buffer text = { 0 };
	bool is_read = config_slurp(fd, &text) || config_fail(reader->error, "%.300s: %s", name, strerror(errno));
	is_read = is_read && config_read_text(reader, name, (const char *)text.data, text.len);
	buffer_fini(&text);
	return is_read;
}

bool config_read_file(struct config_reader *reader, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return config_fail(reader->error, "%.300s: %s", path, strerror(errno));
	bool is_read = read_descriptor(reader, path, fd);
	close(fd);
	return is_read;
}

bool config_read_stdin(struct config_reader *reader)
{
	return read_descriptor(reader, "stdin", STDIN_FILENO);
}

/*
 * Any bytes as values of CONFIG SET. Each line has the name of a directive, or a byte that chooses one, a blank and the value. An accepted
 * value must be accepted again in the form of CONFIG GET, show the same, and come back from a file. A refused one must change nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/config/config_table.h"

/* Few, because each is read back from a file. */
#define LINES_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must_be(bool is_so, const struct directive *directive, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "%s: %s\n", directive->name, what);
	abort();
}

static bool set(struct config *config, const struct directive *directive, const void *value, size_t len)
{
	struct config_pair pair = { slice_of(directive->name, strlen(directive->name)), slice_of(value, len) };
	struct config_changes changes;
	struct config_error error = { "" };
	bool is_set = config_set(config, &pair, 1, CONFIG_FROM_HERE, &changes, &error);
	must_be(is_set || (error.text[0] && !strpbrk(error.text, "\r\n")), directive, "the refusal is not one line");
	return is_set;
}

static void show(const struct config *config, const struct directive *directive, struct buffer *out)
{
	directive_print(directive, config, out);
	config_buffer_text(out);
}

static void check_written(const struct config *config, const struct directive *directive)
{
	struct buffer text = { 0 };
	struct config_error error;
	bool is_written = config_rewrite_text(config, "", 0, &text, &error);
	buffer_fini(&text);
	must_be(is_written, directive, "does not come back from a file");
}

static void set_and_check(struct config *config, const struct directive *directive, const uint8_t *value, size_t len)
{
	struct buffer before = { 0 }, shown = { 0 }, again = { 0 };
	show(config, directive, &before);
	bool is_set = set(config, directive, value, len);
	show(config, directive, &shown);
	if (is_set) {
		must_be(set(config, directive, shown.data, shown.len), directive, "what is shown is refused");
		show(config, directive, &again);
		must_be(strcmp((char *)shown.data, (char *)again.data) == 0, directive, "what is shown is taken for something else");
		check_written(config, directive);
	} else {
		must_be(strcmp((char *)before.data, (char *)shown.data) == 0, directive, "a refused value has changed it");
	}
	buffer_fini(&before);
	buffer_fini(&shown);
	buffer_fini(&again);
}

/* A line without its newline. */
static void set_line(struct config *config, const uint8_t *line, size_t len)
{
	const uint8_t *blank = memchr(line, ' ', len);
	size_t name_len = blank ? (size_t)(blank - line) : len;
	const struct directive *directive = directive_find((const char *)line, name_len);
	if (!directive)
		directive = &config_directives[line[0] % DIRECTIVES];
	size_t at = blank ? name_len + 1 : len;
	set_and_check(config, directive, line + at, len - at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config config;
	config_init(&config);
	config.enable_protected_configs = PROTECTED_USE_YES;
	size_t at = 0, line_len;
	for (int lines = 0; at < len && lines < LINES_MAX; at += line_len + 1, lines++) {
		const uint8_t *end = memchr(data + at, '\n', len - at);
		line_len = end ? (size_t)(end - data) - at : len - at;
		if (line_len > 0)
			set_line(&config, data + at, line_len);
	}
	config_fini(&config);
	return 0;
}

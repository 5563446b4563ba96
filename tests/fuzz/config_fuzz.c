/*
 * Any bytes as a configuration file. An accepted one is rewritten as by CONFIG REWRITE, into the same file and into an empty one, and read
 * again. The values must be the same, and a second rewrite must change nothing. Includes are refused, so that only the bytes matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/config/config_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool read_text(struct config *config, const char *text, size_t len)
{
	struct config_reader reader = { .config = config, .depth = CONFIG_INCLUDE_DEPTH };
	config_init(config);
	config_read_text(&reader, "fuzz", text, len);
	bool is_taken = reader.refusals.count == 0;
	refusals_fini(&reader.refusals);
	return is_taken;
}

static void must_be(bool is_so, const char *what, const char *detail)
{
	if (is_so)
		return;
	fprintf(stderr, "%s: %s\n", what, detail);
	abort();
}

static void check_rewrite(const struct config *config, const char *old, size_t len)
{
	struct buffer text = { 0 }, again = { 0 };
	struct config_error error = { "" };
	struct config outcome;
	must_be(config_rewrite_text(config, old, len, &text, &error), "not rewritten", error.text);
	must_be(read_text(&outcome, (const char *)text.data, text.len), "not read", config_buffer_text(&text));
	for (size_t i = 0; i < DIRECTIVES; i++)
		must_be(directive_is_equal(&config_directives[i], config, &outcome), "not the same", config_directives[i].name);
	must_be(config_rewrite_text(&outcome, (const char *)text.data, text.len, &again, &error), "not rewritten again", error.text);
	must_be(text.len == again.len && (text.len == 0 || memcmp(text.data, again.data, text.len) == 0), "changed again",
		config_buffer_text(&again));
	config_fini(&outcome);
	buffer_fini(&text);
	buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config config;
	if (read_text(&config, (const char *)data, len)) {
		check_rewrite(&config, (const char *)data, len);
		check_rewrite(&config, "", 0);
	}
	config_fini(&config);
	return 0;
}

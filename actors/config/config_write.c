/* Writes a directive's value as a line of a file; reading the line gives the same value. */
#include <string.h>

#include "config_table.h"

/* Quotes a word if it must be quoted. */
static void put_word(struct buffer *out, const char *word)
{
	bool is_plain = *word != '\0' && *word != '#' && !strpbrk(word, " \"'\\");
	for (const char *at = word; *at; at++)
		is_plain = is_plain && (unsigned char)*at > 0x20 && (unsigned char)*at != 0x7f;
	if (is_plain) {
		buffer_printf(out, "%s", word);
		return;
	}
	buffer_append(out, "\"", 1);
	for (const char *at = word; *at; at++) {
		unsigned char c = (unsigned char)*at;
		if (c == '"' || c == '\\')
			buffer_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buffer_printf(out, "\\x%02x", c);
		else
			buffer_append(out, at, 1);
	}
	buffer_append(out, "\"", 1);
}

static void put_bytes(struct buffer *out, uint64_t bytes)
{
	static const char *const units[] = { "", "kb", "mb", "gb" };
	unsigned unit = 0;
	for (; bytes > 0 && bytes % 1024 == 0 && unit < 3; unit++)
		bytes /= 1024;
	buffer_printf(out, "%llu%s", (unsigned long long)bytes, units[unit]);
}

static const char *const class_names[CLIENT_CLASSES] = { "normal", "replica", "pubsub" };

void limit_write(const char *name, enum client_class class, const struct output_limit *limit, struct buffer *out)
{
	buffer_printf(out, "%s %s ", name, class_names[class]);
	put_bytes(out, limit->hard_bytes);
	buffer_append(out, " ", 1);
	put_bytes(out, limit->soft_bytes);
	buffer_printf(out, " %lld\n", (long long)limit->soft_seconds);
}

static void put_words(struct buffer *out, const struct config_words *words)
{
	if (words->count == 0)
		buffer_append(out, " \"\"", 3);
	for (uint32_t i = 0; i < words->count; i++) {
		buffer_append(out, " ", 1);
		put_word(out, words->items[i]);
	}
}

void directive_write(const struct directive *directive, const struct config *config, struct buffer *out)
{
	const void *field = directive_field(directive, config);
	if (directive->type == TYPE_OUTPUT_LIMITS) {
		for (int class = 0; class < CLIENT_CLASSES; class++)
			limit_write(directive->name, class, (const struct output_limit *)field + class, out);
		return;
	}
	buffer_printf(out, "%s", directive->name);
	if (directive->type == TYPE_WORDS) {
		put_words(out, field);
	} else {
		buffer_append(out, " ", 1);
		if (directive->type == TYPE_MEMORY) {
			put_bytes(out, *(const uint64_t *)field);
		} else {
			struct buffer value = { 0 };
			directive_print(directive, config, &value);
			put_word(out, config_buffer_text(&value));
			buffer_fini(&value);
		}
	}
	buffer_append(out, "\n", 1);
}

bool directive_check_line(const struct directive *directive, const struct config *config, struct config_error *out_error)
{
	struct buffer line = { 0 };
	if (!directive_is_text(directive))
		return true;
	directive_write(directive, config, &line);
	config_buffer_text(&line);
	size_t len = line.len - 1;
	buffer_fini(&line);
	return len <= CONFIG_LINE_BYTES ||
	       config_fail(out_error, "the value takes a line of %zu bytes in a file, and at most %d are possible", len, CONFIG_LINE_BYTES);
}

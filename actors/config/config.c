#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config_table.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/printable.h"

#define ROW(field, name, alias, type, flags, initial, least, most, choices) \
	{ name, alias, type, flags, offsetof(struct config, field), initial, (uint64_t)(least), (uint64_t)(most), choices },

const struct directive config_directives[DIRECTIVES] = {
#define YES_NO(field, name, alias, initial, flags) ROW(field, name, alias, TYPE_YES_NO, flags, initial, 0, 0, NULL)
#define INTEGER(field, name, alias, initial, least, most, flags) \
	ROW(field, name, alias, TYPE_INTEGER, flags, initial, least, most, NULL)
#define OCTAL(field, name, alias, initial, least, most, flags) \
	ROW(field, name, alias, TYPE_OCTAL, flags, initial, least, most, NULL)
#define MEMORY(field, name, alias, initial, least, most, flags) \
	ROW(field, name, alias, TYPE_MEMORY, flags, initial, least, most, NULL)
#define CHOICE(field, name, alias, initial, choices, flags) \
	ROW(field, name, alias, TYPE_CHOICE, flags, initial, 0, 0, choices)
#define TEXT(field, name, alias, initial, flags) ROW(field, name, alias, TYPE_TEXT, flags, initial, 0, 0, NULL)
#define PATH(field, name, alias, initial, flags) ROW(field, name, alias, TYPE_PATH, flags, initial, 0, 0, NULL)
#define CPUS(field, name, alias, initial, flags) ROW(field, name, alias, TYPE_CPUS, flags, initial, 0, 0, NULL)
#define WORDS(field, name, alias, initial, most, flags) \
	ROW(field, name, alias, TYPE_WORDS, flags, initial, 0, most, NULL)
#define FLAGS(field, name, alias, initial, choices, flags) \
	ROW(field, name, alias, TYPE_FLAGS, flags, initial, 0, 0, choices)
#define OUTPUT_LIMITS(field, name, alias, initial, flags) \
	ROW(field, name, alias, TYPE_OUTPUT_LIMITS, flags, initial, 0, 0, NULL)
#include "directives.def"
};

static const struct {
	const char *name, *reason;
} refused_lines[] = {
#define REFUSED(name, reason) { name, reason },
#include "directives.def"
};

const char *directive_refusal(const char *name)
{
	for (size_t i = 0; i < sizeof(refused_lines) / sizeof(refused_lines[0]); i++)
		if (strcasecmp(name, refused_lines[i].name) == 0)
			return refused_lines[i].reason;
	return NULL;
}

static bool is_name(const char *candidate, const char *name, size_t len)
{
	return candidate && strlen(candidate) == len && strncasecmp(candidate, name, len) == 0;
}

const struct directive *directive_find(const char *name, size_t len)
{
	for (size_t i = 0; i < DIRECTIVES; i++) {
		const struct directive *directive = &config_directives[i];
		if (is_name(directive->name, name, len) || is_name(directive->alias, name, len))
			return directive;
	}
	return NULL;
}

bool config_is_secret(struct slice name)
{
	const struct directive *directive = directive_find((const char *)name.data, name.len);
	return directive && (directive->flags & SECRET) != 0;
}

char *config_text(const char *text, size_t len)
{
	char *copy = strndup(text, len);
	if (!copy)
		crash_broken_invariant("no memory for the configuration");
	return copy;
}

const char *config_buffer_text(struct buffer *buffer)
{
	buffer_append(buffer, "", 1);
	if (buffer->failed)
		crash_broken_invariant("no memory for the configuration");
	buffer->len--;
	return (const char *)buffer->data;
}

bool config_fail(struct config_error *out_error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(out_error->text, sizeof(out_error->text), format, arguments);
	va_end(arguments);
	size_t printable;
	for (char *at = out_error->text; *at; at += printable ? printable : 1)
		if ((printable = printable_length(at, strlen(at))) == 0)
			*at = '?';
	return false;
}

void words_add(struct config_words *words, const char *word, size_t len)
{
	char **items = realloc(words->items, (words->count + 1) * sizeof(*items));
	if (!items)
		crash_broken_invariant("no memory for the configuration");
	items[words->count++] = config_text(word, len);
	words->items = items;
}

void words_copy(struct config_words *out_words, const struct config_words *from)
{
	*out_words = (struct config_words){ 0 };
	for (uint32_t i = 0; i < from->count; i++)
		words_add(out_words, from->items[i], strlen(from->items[i]));
}

void words_fini(struct config_words *words)
{
	for (uint32_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct config_words){ 0 };
}

static char *working_directory(void)
{
	char *directory = getcwd(NULL, 0);
	return directory ? directory : config_text("/", 1); /* it has been removed, or is out of our sight */
}

void config_init(struct config *config)
{
	*config = (struct config){ 0 };
	config->config_file = config_text("", 0);
	config->start_dir = working_directory();
	for (size_t i = 0; i < DIRECTIVES; i++) {
		const struct directive *directive = &config_directives[i];
		struct config_error error;
		struct config_words words = { 0 };
		words_add(&words, directive->initial, strlen(directive->initial));
		if (directive->type == TYPE_PATH)
			*(char **)directive_field(directive, config) = config_text(config->start_dir, strlen(config->start_dir));
		else if (!directive_parse(directive, config, words.items, words.count, &error))
			crash_broken_invariant("the built-in value of %s: %s", directive->name, error.text);
		words_fini(&words);
	}
}

/* Gives `copy`, which has the same bytes as `from`, texts of its own. */
static void own_texts(const struct directive *directive, struct config *copy, const struct config *from)
{
	void *field = directive_field(directive, copy), *origin = directive_field(directive, from);
	switch (directive->type) {
	case TYPE_TEXT:
	case TYPE_PATH:
	case TYPE_CPUS:
		*(char **)field = config_text(*(char **)origin, strlen(*(char **)origin));
		return;
	case TYPE_WORDS:
		words_copy(field, origin);
		return;
	case TYPE_YES_NO:
	case TYPE_INTEGER:
	case TYPE_OCTAL:
	case TYPE_MEMORY:
	case TYPE_CHOICE:
	case TYPE_FLAGS:
	case TYPE_OUTPUT_LIMITS:
		return;
	}
}

/* ---- what is not supported ---- */

static bool has_default(const struct directive *directive, const struct config *config)
{
	struct config defaults;
	config_init(&defaults);
	bool is_default = directive_is_equal(directive, &defaults, config);
	config_fini(&defaults);
	return is_default;
}

bool directive_check_support(const struct directive *directive, const struct config *config, struct config_error *out_error)
{
	if (!(directive->flags & (UNSUPPORTED | NO_DISK)) || has_default(directive, config))
		return true;
	return config_fail(out_error, "%s: only the default, %s, is accepted",
			   directive->flags & NO_DISK ? "nothing is kept on disk yet" : "not supported",
			   directive->initial[0] ? directive->initial : "\"\"");
}

void config_print_inert(const struct config *config, char *out_text, size_t size)
{
	struct config defaults;
	size_t len = 0;
	unsigned further = 0;
	config_init(&defaults);
	out_text[0] = '\0';
	for (size_t i = 0; i < DIRECTIVES; i++) {
		const struct directive *directive = &config_directives[i];
		if (!(directive->flags & INERT) || directive_is_equal(directive, &defaults, config))
			continue;
		/* Room stays for how many more there are. */
		if (len + strlen(directive->name) + 32 > size)
			further++;
		else
			len += (size_t)sprintf(out_text + len, "%s%s", len ? ", " : "", directive->name);
	}
	if (further > 0)
		snprintf(out_text + len, size - len, " and %u more", further);
	config_fini(&defaults);
}

bool config_exceeds_cgroup(const struct config *config)
{
	return config->cgroup_limit && (config->maxmemory == 0 || config->maxmemory > config->cgroup_limit);
}

/* ---- copies ---- */

void config_copy(struct config *out_config, const struct config *from)
{
	*out_config = *from;
	out_config->config_file = config_text(from->config_file, strlen(from->config_file));
	out_config->start_dir = config_text(from->start_dir, strlen(from->start_dir));
	for (size_t i = 0; i < DIRECTIVES; i++)
		own_texts(&config_directives[i], out_config, from);
}

void config_fini(struct config *config)
{
	for (size_t i = 0; i < DIRECTIVES; i++) {
		void *field = directive_field(&config_directives[i], config);
		enum directive_type type = config_directives[i].type;
		if (type == TYPE_TEXT || type == TYPE_PATH || type == TYPE_CPUS)
			free(*(char **)field);
		else if (type == TYPE_WORDS)
			words_fini(field);
	}
	free(config->config_file);
	free(config->start_dir);
	*config = (struct config){ 0 };
}

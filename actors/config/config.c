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
#include "transport/array.h"
#include "transport/resp_parser.h"

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
#define SHORT_TEXT(field, name, alias, initial, most, flags) ROW(field, name, alias, TYPE_TEXT, flags, initial, 0, most, NULL)
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
	return !directive || (directive->flags & SECRET) != 0;
}

char *config_text(const char *text, size_t len)
{
	char *copy = strndup(text, len);
	if (!copy)
		crash_out_of_memory("the configuration");
	return copy;
}

const char *config_buffer_text(struct buffer *buffer)
{
	buffer_append(buffer, "", 1);
	if (buffer->failed)
		crash_out_of_memory("the configuration");
	buffer->len--;
	return (const char *)buffer->data;
}

struct config_error *config_error_create_from(const char *format, va_list arguments)
{
	struct config_error *error = malloc(sizeof(*error));
	if (!error)
		crash_out_of_memory("an error text");
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	return error;
}

struct config_error *config_error_create(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct config_error *error = config_error_create_from(format, arguments);
	va_end(arguments);
	return error;
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
	if (!array_reserve(&words->items, &words->capacity, words->count + 1, sizeof(*words->items), 4))
		crash_out_of_memory("the configuration");
	words->items[words->count++] = config_text(word, len);
}

void words_copy(struct config_words *out_words, const struct config_words *from)
{
	*out_words = (struct config_words){ 0 };
	for (uint32_t i = 0; i < from->count; i++)
		words_add(out_words, from->items[i], strlen(from->items[i]));
}

static bool words_are_equal(const struct config_words *a, const struct config_words *b)
{
	bool are_equal = a->count == b->count;
	for (uint32_t i = 0; are_equal && i < a->count; i++)
		are_equal = strcmp(a->items[i], b->items[i]) == 0;
	return are_equal;
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
	return directory ? directory : config_text("/", 1); /* it has been removed or can't be read */
}

/* ---- one field ---- */

static const size_t field_bytes[] = {
	[TYPE_YES_NO] = sizeof(bool),
	[TYPE_INTEGER] = sizeof(int64_t),
	[TYPE_OCTAL] = sizeof(int64_t),
	[TYPE_MEMORY] = sizeof(uint64_t),
	[TYPE_CHOICE] = sizeof(int),
	[TYPE_TEXT] = sizeof(char *),
	[TYPE_PATH] = sizeof(char *),
	[TYPE_CPUS] = sizeof(char *),
	[TYPE_WORDS] = sizeof(struct config_words),
	[TYPE_FLAGS] = sizeof(int),
	[TYPE_OUTPUT_LIMITS] = sizeof(struct output_limit) * CLIENT_CLASSES,
};

static bool holds_text(const struct directive *directive)
{
	return directive->type == TYPE_TEXT || directive->type == TYPE_PATH || directive->type == TYPE_CPUS;
}

/* `config` has its start_dir. */
static void init_field(const struct directive *directive, struct config *config)
{
	struct config_error error;
	char *initial = (char *)directive->initial; /* only read */
	if (directive->type == TYPE_PATH)
		*(char **)directive_field(directive, config) = config_text(config->start_dir, strlen(config->start_dir));
	else if (!directive_parse(directive, config, &initial, 1, &error))
		crash_broken_invariant("the built-in value of %s: %s", directive->name, error.text);
}

static void copy_field(const struct directive *directive, struct config *to, const struct config *from)
{
	void *field = directive_field(directive, to);
	const void *origin = directive_field(directive, from);
	if (holds_text(directive))
		*(char **)field = config_text(*(char *const *)origin, strlen(*(char *const *)origin));
	else if (directive->type == TYPE_WORDS)
		words_copy(field, origin);
	else
		memcpy(field, origin, field_bytes[directive->type]);
}

static void fini_field(const struct directive *directive, struct config *config)
{
	void *field = directive_field(directive, config);
	if (holds_text(directive))
		free(*(char **)field);
	else if (directive->type == TYPE_WORDS)
		words_fini(field);
}

void directive_copy(const struct directive *directive, struct config *to, const struct config *from)
{
	fini_field(directive, to);
	copy_field(directive, to, from);
}

bool directive_is_equal(const struct directive *directive, const struct config *a, const struct config *b)
{
	const void *left = directive_field(directive, a), *right = directive_field(directive, b);
	if (holds_text(directive))
		return strcmp(*(char *const *)left, *(char *const *)right) == 0;
	if (directive->type == TYPE_WORDS)
		return words_are_equal(left, right);
	return memcmp(left, right, field_bytes[directive->type]) == 0;
}

/* ---- all of them ---- */

void config_init(struct config *config)
{
	*config = (struct config){ 0 };
	config->config_file = config_text("", 0);
	config->start_dir = working_directory();
	for (size_t i = 0; i < DIRECTIVES; i++)
		init_field(&config_directives[i], config);
}

void config_copy(struct config *out_config, const struct config *from)
{
	*out_config = *from;
	out_config->config_file = config_text(from->config_file, strlen(from->config_file));
	out_config->start_dir = config_text(from->start_dir, strlen(from->start_dir));
	for (size_t i = 0; i < DIRECTIVES; i++)
		copy_field(&config_directives[i], out_config, from);
}

void config_fini(struct config *config)
{
	for (size_t i = 0; i < DIRECTIVES; i++)
		fini_field(&config_directives[i], config);
	free(config->config_file);
	free(config->start_dir);
	*config = (struct config){ 0 };
}

/* ---- directives that are not supported ---- */

static bool has_default(const struct directive *directive, const struct config *config)
{
	struct config defaults = { .start_dir = config->start_dir };
	init_field(directive, &defaults);
	bool is_default = directive_is_equal(directive, &defaults, config);
	fini_field(directive, &defaults);
	return is_default;
}

bool directive_check_support(const struct directive *directive, const struct config *config, struct config_error *out_error)
{
	if (!(directive->flags & UNSUPPORTED) || has_default(directive, config))
		return true;
	return config_fail(out_error, "not supported: only the default, %s, is accepted",
			   directive->initial[0] ? directive->initial : "\"\"");
}

void config_print_inert(const struct config *config, char *out_text, size_t size)
{
	size_t len = 0;
	unsigned further = 0;
	out_text[0] = '\0';
	for (size_t i = 0; i < DIRECTIVES; i++) {
		const struct directive *directive = &config_directives[i];
		if (!(directive->flags & INERT) || has_default(directive, config))
			continue;
		/* Leaves bytes for " and N more". */
		if (len + strlen(directive->name) + 32 > size)
			further++;
		else
			len += (size_t)sprintf(out_text + len, "%s%s", len ? ", " : "", directive->name);
	}
	if (further > 0)
		snprintf(out_text + len, size - len, " and %u more", further);
}

bool config_exceeds_cgroup(const struct config *config)
{
	return config->cgroup_limit && (config->maxmemory == 0 || config->maxmemory > config->cgroup_limit);
}

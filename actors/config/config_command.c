/* CONFIG GET and CONFIG SET. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_table.h"
#include "storage/glob.h"

struct visitor {
	const struct config *config;
	config_visit *visit;
	void *context;
	bool seen[DIRECTIVES][2]; /* by name, by alias */
};

static void show(struct visitor *visitor, const struct directive *directive, bool by_alias, const char *name)
{
	bool *seen = &visitor->seen[directive - config_directives][by_alias];
	if (*seen)
		return;
	*seen = true;
	struct buffer value = { 0 };
	directive_print(directive, visitor->config, &value);
	visitor->visit(visitor->context, name, config_buffer_text(&value));
	buffer_fini(&value);
}

static bool is_alias(const struct directive *directive, const char *name, size_t len)
{
	return directive->alias && strlen(directive->alias) == len && strncasecmp(directive->alias, name, len) == 0;
}

static bool has_wildcard(struct slice pattern)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (pattern.data[i] != '\0' && strchr("[*?", pattern.data[i]))
			return true;
	return false;
}

static void show_named(struct visitor *visitor, struct slice name)
{
	const struct directive *directive = directive_find((const char *)name.data, name.len);
	if (!directive)
		return;
	char *as_asked = config_text((const char *)name.data, name.len);
	show(visitor, directive, is_alias(directive, as_asked, name.len), as_asked);
	free(as_asked);
}

static bool matches(struct slice pattern, const char *name)
{
	return name && glob_matches(pattern, slice_of(name, strlen(name)), GLOB_ANY_CASE);
}

static void show_matching(struct visitor *visitor, struct slice pattern)
{
	for (size_t i = 0; i < DIRECTIVES; i++) {
		const struct directive *directive = &config_directives[i];
		if (directive->flags & HIDDEN)
			continue;
		if (matches(pattern, directive->name))
			show(visitor, directive, false, directive->name);
		if (matches(pattern, directive->alias))
			show(visitor, directive, true, directive->alias);
	}
}

void config_get(const struct config *config, const struct slice *patterns, size_t count, config_visit *visit,
		void *context)
{
	struct visitor visitor = { .config = config, .visit = visit, .context = context };
	for (size_t i = 0; i < count; i++) {
		if (has_wildcard(patterns[i]))
			show_matching(&visitor, patterns[i]);
		else
			show_named(&visitor, patterns[i]);
	}
}

/* Names come from clients; an error shows 128 bytes at most. */
#define SHOWN_NAME(slice) (int)((slice).len > 128 ? 128 : (slice).len), (const char *)(slice).data

static bool refuse_pair(struct slice name, const char *reason, struct config_error *out_error)
{
	return config_fail(out_error, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
			   SHOWN_NAME(name), reason);
}

static bool may_set_protected(const struct config *config, enum config_origin origin)
{
	return config->enable_protected_configs == PROTECTED_USE_YES ||
	       (config->enable_protected_configs == PROTECTED_USE_LOCAL && origin == CONFIG_FROM_HERE);
}

/* All checks that need no values. */
static bool check_names(const struct config *config, const struct config_pair *pairs, size_t count,
			enum config_origin origin, struct config_error *out_error)
{
	bool seen[DIRECTIVES] = { false };
	for (size_t i = 0; i < count; i++) {
		struct slice name = pairs[i].name;
		const struct directive *directive = directive_find((const char *)name.data, name.len);
		if (!directive)
			return config_fail(out_error, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
					   SHOWN_NAME(name));
		if (directive->flags & FIXED)
			return refuse_pair(name, "can't set immutable config", out_error);
		if ((directive->flags & PROTECTED) && !may_set_protected(config, origin))
			return refuse_pair(name, "can't set protected config", out_error);
		if (seen[directive - config_directives])
			return refuse_pair(name, "duplicate parameter", out_error);
		seen[directive - config_directives] = true;
	}
	return true;
}

static bool apply_pair(struct config *config, const struct config_pair *pair, struct config_error *out_error)
{
	const struct directive *directive = directive_find((const char *)pair->name.data, pair->name.len);
	bool by_alias = is_alias(directive, (const char *)pair->name.data, pair->name.len);
	const char *name = by_alias ? directive->alias : directive->name;
	struct slice shown = slice_of(name, strlen(name));
	if (pair->value.len > 0 && memchr(pair->value.data, '\0', pair->value.len))
		return refuse_pair(shown, "argument must not contain a NUL byte", out_error);

	struct config_error error;
	char *value = config_text(pair->value.len ? (const char *)pair->value.data : "", pair->value.len);
	bool applied = (directive_parse(directive, config, &value, 1, &error) && directive_check_support(directive, config, &error) &&
			directive_check_line(directive, config, &error)) ||
		       refuse_pair(shown, error.text, out_error);
	free(value);
	return applied;
}

static void note_changes(const struct config *before, const struct config *after, struct config_changes *out_changes)
{
	*out_changes = (struct config_changes){ 0 };
	for (size_t i = 0; i < DIRECTIVES; i++)
		if (!directive_is_equal(&config_directives[i], before, after))
			out_changes->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

bool config_set(struct config *config, const struct config_pair *pairs, size_t count, enum config_origin origin,
		struct config_changes *out_changes, struct config_error *out_error)
{
	if (!check_names(config, pairs, count, origin, out_error))
		return false;
	struct config next;
	config_copy(&next, config);
	for (size_t i = 0; i < count; i++) {
		if (!apply_pair(&next, &pairs[i], out_error)) {
			config_fini(&next);
			return false;
		}
	}
	note_changes(config, &next, out_changes);
	config_fini(config);
	*config = next;
	return true;
}

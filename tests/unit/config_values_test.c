/*
 * Every directive with values that it can't have: each is refused with file, line and name, under its alias too, and by CONFIG SET. A
 * directive that is not supported is refused at any value but the default.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/config/config.h"
#include "support/process.h"
#include "support/suite.h"

enum type { YES_NO, INTEGER, OCTAL, MEMORY, CHOICE, TEXT, PATH, CPUS, WORDS, FLAGS, OUTPUT_LIMITS };

/* The flags as in directives.def. */
enum { RUNTIME = 0, FIXED = 1, PROTECTED = 2, SECRET = 4, HIDDEN = 8, UNSUPPORTED = 16, PERCENTS = 32, INERT = 64, NO_ONE = 128,
       SAVE_POINTS = 256, FILE_NAME = 512, SAVE_OR_NOT = 1024 };

static const struct row {
	const char *name, *alias, *initial;
	enum type type;
	uint64_t least, most;
	const char *choices;
	unsigned flags;
} rows[] = {
#define YES_NO(field, name, alias, initial, flags) { name, alias, initial, YES_NO, 0, 0, NULL, flags },
#define INTEGER(field, name, alias, initial, least, most, flags) \
	{ name, alias, initial, INTEGER, (uint64_t)(least), (uint64_t)(most), NULL, flags },
#define OCTAL(field, name, alias, initial, least, most, flags) { name, alias, initial, OCTAL, least, most, NULL, flags },
#define MEMORY(field, name, alias, initial, least, most, flags) { name, alias, initial, MEMORY, least, most, NULL, flags },
#define CHOICE(field, name, alias, initial, choices, flags) { name, alias, initial, CHOICE, 0, 0, choices, flags },
#define TEXT(field, name, alias, initial, flags) { name, alias, initial, TEXT, 0, 0, NULL, flags },
#define PATH(field, name, alias, initial, flags) { name, alias, initial, PATH, 0, 0, NULL, flags },
#define CPUS(field, name, alias, initial, flags) { name, alias, initial, CPUS, 0, 0, NULL, flags },
#define WORDS(field, name, alias, initial, most, flags) { name, alias, initial, WORDS, 0, most, NULL, flags },
#define FLAGS(field, name, alias, initial, choices, flags) { name, alias, initial, FLAGS, 0, 0, choices, flags },
#define OUTPUT_LIMITS(field, name, alias, initial, flags) { name, alias, initial, OUTPUT_LIMITS, 0, 0, NULL, flags },
#include "actors/config/directives.def"
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static char scratch[256], path[300];

/* ---- values ---- */

#define VALUES_MAX 16
#define VALUE_BYTES 2048

struct values {
	char items[VALUES_MAX][VALUE_BYTES];
	int count;
};

static void add(struct values *values, const char *text)
{
	CU_ASSERT_FATAL(values->count < VALUES_MAX);
	snprintf(values->items[values->count++], VALUE_BYTES, "%s", text);
}

static void add_number(struct values *values, bool is_signed, uint64_t number)
{
	char text[32];
	if (is_signed)
		snprintf(text, sizeof(text), "%lld", (long long)number);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	add(values, text);
}

static void add_all(struct values *values, const char *const *texts)
{
	for (; *texts; texts++)
		add(values, *texts);
}

static void add_out_of_range(const struct row *row, struct values *values)
{
	char text[32];
	if (row->type == INTEGER) {
		if ((int64_t)row->least != INT64_MIN)
			add_number(values, true, row->least - 1);
		if ((int64_t)row->most != INT64_MAX)
			add_number(values, true, row->most + 1);
		return;
	}
	if (row->type == OCTAL) {
		snprintf(text, sizeof(text), "%llo", (unsigned long long)row->most + 1);
		add(values, text);
		return;
	}
	if (row->least > 0)
		add_number(values, false, row->least - 1);
	if (row->most != UINT64_MAX)
		add_number(values, false, row->most + 1);
}

static void add_too_many_words(const struct row *row, struct values *values)
{
	char text[VALUE_BYTES] = "";
	for (uint64_t i = 0; i <= row->most; i++)
		strcat(text, i ? " w" : "w");
	add(values, text);
}

/* As in a line, behind the name. */
static void add_ill_formed(const struct row *row, struct values *values)
{
	switch (row->type) {
	case YES_NO: add_all(values, (const char *const[]){ "maybe", "1", "true", "\"\"", "yes no", NULL }); return;
	case INTEGER:
		add_all(values, (const char *const[]){ "ten", "1.5", "1k", "0x10", "1 2", "\"\"", "99999999999999999999", NULL });
		return;
	case OCTAL: add_all(values, (const char *const[]){ "8", "rwx", "-1", "\"\"", "7 7", "7777777777777777777777777", NULL }); return;
	case MEMORY: add_all(values, (const char *const[]){ "-1", "1tb", "much", "1.5mb", "1 mb", NULL }); return;
	case CHOICE: add_all(values, (const char *const[]){ "nonsense", "\"\"", "0", "a b", NULL }); return;
	case FLAGS: add_all(values, (const char *const[]){ "nonsense", "\"\"", "now stop", "default,now", NULL });
		if (row->flags & SAVE_OR_NOT)
			add(values, "save now nosave");
		return;
	case TEXT: add_all(values, (const char *const[]){ "two words", NULL });
		if (row->flags & FILE_NAME)
			add_all(values, (const char *const[]){ "\"\"", "a/b", "/a", "a\\b", NULL });
		return;
	case PATH: add_all(values, (const char *const[]){ "/nonexistent", "/dev/null", "/ /", NULL }); return;
	case CPUS: add_all(values, (const char *const[]){ "first", "0-", "3-1", "0,,1", "0-4:0", "99999", "0 1", NULL }); return;
	case WORDS:
		add_too_many_words(row, values);
		if (row->flags & SAVE_POINTS)
			add_all(values, (const char *const[]){ "900", "900 1 300", "0 1", "-1 1", "1 -1", "900 x", "x 1", "1.5 1", NULL });
		if (row->flags & PERCENTS)
			add_all(values, (const char *const[]){ "half", "50 -1", "100.1", "nan", "5O", NULL });
		return;
	case OUTPUT_LIMITS:
		add_all(values, (const char *const[]){ "normal 1 2", "nobody 1 2 3", "normal x 0 0", "normal 0 x 0", "normal 0 0 -1",
						       "normal 0 0 x", NULL });
		return;
	}
}

/* Good values other than the default. */
static void add_others(const struct row *row, struct values *values)
{
	char choices[512];
	switch (row->type) {
	case YES_NO: add(values, strcmp(row->initial, "yes") == 0 ? "no" : "yes"); return;
	case INTEGER: add_number(values, true, atoll(row->initial) == (long long)row->most ? row->least : row->most); return;
	case MEMORY: add_number(values, false, row->most); return;
	case CHOICE:
	case FLAGS:
		snprintf(choices, sizeof(choices), "%s", row->choices);
		for (char *choice = strtok(choices, "|"); choice; choice = strtok(NULL, "|"))
			if (strcmp(choice, row->initial) != 0)
				add(values, choice);
		return;
	case TEXT: add(values, "another"); return;
	case WORDS: add(values, "1"); return;
	case OCTAL:
	case PATH:
	case CPUS:
	case OUTPUT_LIMITS: CU_FAIL("such a directive is always supported"); return;
	}
}

/* ---- checks ---- */

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(fputs(text, file) >= 0);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void check_file_is_refused(const char *name, const char *value, const char *reason)
{
	char text[VALUE_BYTES + 128], begin[512];
	snprintf(text, sizeof(text), "# a file\n\n%s %s\nport 7000\n", name, value);
	write_file(text);
	struct config config;
	char *refusals;
	char *argv[] = { "qcache-server", path, NULL };
	bool is_refused = config_load(&config, 2, argv, &refusals) == CONFIG_REFUSED;
	config_fini(&config);
	snprintf(begin, sizeof(begin), "%s:3: %s: %s", path, name, reason);
	bool is_placed = is_refused && strncmp(refusals, begin, strlen(begin)) == 0 && strchr(refusals, '\n')[1] == '\0';
	if (!is_placed)
		fprintf(stderr, "%s %s: \"%s\" should begin with \"%s\"\n", name, value, is_refused ? refusals : "", begin);
	CU_ASSERT(is_placed);
	free(refusals);
}

static void print_value(void *context, const char *name, const char *value)
{
	snprintf(context, VALUE_BYTES, "%s", value);
}

static void value_of(const struct config *config, const char *name, char *out)
{
	struct slice pattern = slice_of(name, strlen(name));
	out[0] = '\0';
	config_get(config, &pattern, 1, print_value, out);
}

/* An empty value in quotes. */
static void check_set_is_refused(const char *name, const char *value)
{
	struct config config;
	config_init(&config);
	char before[VALUE_BYTES], after[VALUE_BYTES], begin[128];
	value_of(&config, name, before);
	size_t len = strcmp(value, "\"\"") == 0 ? 0 : strlen(value);
	struct config_pair pair = { slice_of(name, strlen(name)), slice_of(value, len) };
	struct config_changes changes;
	struct config_error error = { "" };
	snprintf(begin, sizeof(begin), "ERR CONFIG SET failed (possibly related to argument '%s') - ", name);
	CU_ASSERT_FALSE(config_set(&config, &pair, 1, CONFIG_FROM_HERE, &changes, &error));
	if (strncmp(error.text, begin, strlen(begin)) != 0)
		fprintf(stderr, "%s %s: \"%s\"\n", name, value, error.text);
	CU_ASSERT(strncmp(error.text, begin, strlen(begin)) == 0);
	value_of(&config, name, after);
	CU_ASSERT_STRING_EQUAL(before, after);
	config_fini(&config);
}

static void check_all(const struct row *row, const struct values *values, const char *reason)
{
	for (int i = 0; i < values->count; i++) {
		check_file_is_refused(row->name, values->items[i], reason);
		/* Blanks separate words only in a file; for CONFIG SET such a text may be good. */
		if (row->type != TEXT || (row->flags & UNSUPPORTED))
			check_set_is_refused(row->name, values->items[i]);
		if (row->alias)
			check_file_is_refused(row->alias, values->items[i], reason);
	}
}

static void for_each(void (*check)(const struct row *row, struct values *values))
{
	scratch_create(scratch, sizeof(scratch));
	snprintf(path, sizeof(path), "%s/q.conf", scratch);
	for (size_t i = 0; i < ROWS; i++) {
		struct values values = { .count = 0 };
		check(&rows[i], &values);
	}
	scratch_remove(scratch);
}

static void check_ill_formed(const struct row *row, struct values *values)
{
	add_ill_formed(row, values);
	CU_ASSERT(values->count > 0);
	check_all(row, values, "");
}

static void an_ill_formed_value_is_refused_with_file_and_line(void)
{
	CU_ASSERT_EQUAL(ROWS, DIRECTIVES);
	for_each(check_ill_formed);
}

static void check_range(const struct row *row, struct values *values)
{
	if (row->type != INTEGER && row->type != OCTAL && row->type != MEMORY)
		return;
	add_out_of_range(row, values);
	check_all(row, values, "argument must be between ");
}

/* Loads the file as it is. */
static void load_written(struct config *config)
{
	char *argv[] = { "qcache-server", path, NULL }, *refusals;
	enum config_load_status status = config_load(config, 2, argv, &refusals);
	if (status != CONFIG_LOADED)
		fprintf(stderr, "%s", refusals);
	CU_ASSERT_EQUAL_FATAL(status, CONFIG_LOADED);
}

/* A line with the value, and more lines. */
static void load_file(const struct row *row, const char *value, const char *further, struct config *config)
{
	char text[2 * VALUE_BYTES];
	snprintf(text, sizeof(text), "%s %s\n%s", row->name, value, further);
	write_file(text);
	load_written(config);
}

/* Both ends of the range are accepted, shown and written unchanged. */
static void check_ends(const struct row *row, struct values *values)
{
	if ((row->type != INTEGER && row->type != MEMORY) || (row->flags & UNSUPPORTED))
		return;
	add_number(values, row->type == INTEGER, row->least);
	add_number(values, row->type == INTEGER, row->most);
	for (int i = 0; i < values->count; i++) {
		struct config config;
		struct config_error error;
		char shown[VALUE_BYTES];
		for (int time = 0; time < 2; time++) {
			if (time == 0)
				load_file(row, values->items[i], "", &config);
			else
				load_written(&config);
			value_of(&config, row->name, shown);
			CU_ASSERT_STRING_EQUAL(shown, values->items[i]);
			CU_ASSERT_TRUE(config_rewrite(&config, &error));
			config_fini(&config);
		}
	}
}

static void a_number_at_the_end_of_its_range_is_taken(void)
{
	for_each(check_ends);
}

static void a_number_out_of_range_is_refused_with_file_and_line(void)
{
	for_each(check_range);
}

static void check_support(const struct row *row, struct values *values)
{
	if (!(row->flags & UNSUPPORTED))
		return;
	add_others(row, values);
	check_all(row, values, "not supported");
}

static void what_is_not_supported_has_its_default_and_nothing_else(void)
{
	for_each(check_support);
}

static void check_taken_back(const struct row *row, struct values *values)
{
	if (!(row->flags & UNSUPPORTED))
		return;
	char further[256];
	snprintf(further, sizeof(further), "port 1\n%s \"%s\"\n", row->alias ? row->alias : row->name, row->initial);
	add_others(row, values);
	for (int i = 0; i < values->count; i++) {
		struct config config;
		load_file(row, values->items[i], further, &config);
		config_fini(&config);
	}
}

static void a_value_that_a_later_line_takes_back_does_not_stop_the_start(void)
{
	for_each(check_taken_back);
}

static void check_shown(const struct config *config, const struct row *row, const char *value, const char *warning)
{
	char shown[VALUE_BYTES], names[128];
	value_of(config, row->name, shown);
	CU_ASSERT_STRING_EQUAL(shown, value);
	config_print_inert(config, names, sizeof(names));
	CU_ASSERT_STRING_EQUAL(names, warning);
}

static void check_inert(const struct row *row, struct values *values)
{
	if (!(row->flags & INERT))
		return;
	struct config config;
	add_others(row, values);
	for (int i = 0; i < values->count; i++) {
		load_file(row, values->items[i], "", &config);
		check_shown(&config, row, values->items[i], row->name);
		struct config_pair pair = { slice_of(row->name, strlen(row->name)), slice_of(row->initial, strlen(row->initial)) };
		struct config_changes changes;
		struct config_error error;
		bool is_set = config_set(&config, &pair, 1, CONFIG_FROM_HERE, &changes, &error);
		CU_ASSERT_EQUAL(is_set, !(row->flags & (FIXED | PROTECTED)));
		if (is_set && row->type != MEMORY)
			check_shown(&config, row, row->initial, "");
		CU_ASSERT_TRUE(config_rewrite(&config, &error));
		config_fini(&config);
	}
}

static void what_is_inert_takes_any_value_keeps_it_and_is_named_in_a_warning(void)
{
	for_each(check_inert);
}

static void check_missing(const struct row *row, struct values *values)
{
	check_file_is_refused(row->name, "", "wrong number of arguments");
}

static void a_missing_value_is_refused_with_file_and_line(void)
{
	for_each(check_missing);
}

static const struct suite_case cases[] = {
	CASE(an_ill_formed_value_is_refused_with_file_and_line),
	CASE(a_number_at_the_end_of_its_range_is_taken),
	CASE(a_number_out_of_range_is_refused_with_file_and_line),
	CASE(what_is_not_supported_has_its_default_and_nothing_else),
	CASE(a_value_that_a_later_line_takes_back_does_not_stop_the_start),
	CASE(what_is_inert_takes_any_value_keeps_it_and_is_named_in_a_warning),
	CASE(a_missing_value_is_refused_with_file_and_line),
};

SUITE_MAIN("config values", cases)

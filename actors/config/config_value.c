/* A directive's value, from text and to text. The error texts are Redis's. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "config_table.h"
#include "actors/runtime/cpus.h"
#include "transport/decimal.h"

/* As in Redis. */
#define SOFT_SECONDS_MAX INT32_MAX

static const char *const class_names[CLIENT_CLASSES] = { "normal", "slave", "pubsub" };

bool directive_is_list(const struct directive *directive)
{
	return directive->type == TYPE_WORDS || directive->type == TYPE_FLAGS || directive->type == TYPE_OUTPUT_LIMITS;
}

static bool parse_yes_no(const char *text, bool *out_value, struct config_error *out_error)
{
	bool is_yes = strcasecmp(text, "yes") == 0;
	if (!is_yes && strcasecmp(text, "no") != 0)
		return config_fail(out_error, "argument must be 'yes' or 'no'");
	*out_value = is_yes;
	return true;
}

static bool parse_integer(const struct directive *directive, const char *text, int64_t *out_value,
			  struct config_error *out_error)
{
	int64_t value, least = (int64_t)directive->least, most = (int64_t)directive->most;
	if (!decimal_parse_int64(text, strlen(text), &value))
		return config_fail(out_error, "argument couldn't be parsed into an integer");
	if (value < least || value > most)
		return config_fail(out_error, "argument must be between %lld and %lld inclusive", (long long)least,
				   (long long)most);
	*out_value = value;
	return true;
}

static bool parse_octal(const struct directive *directive, const char *text, int64_t *out_value,
			struct config_error *out_error)
{
	size_t digits = strspn(text, "01234567");
	if (digits == 0 || text[digits] != '\0')
		return config_fail(out_error, "argument couldn't be parsed as an octal number");
	int64_t value = digits > 8 ? INT64_MAX : strtoll(text, NULL, 8);
	if (value > (int64_t)directive->most)
		return config_fail(out_error, "argument must be between %llo and %llo inclusive",
				   (unsigned long long)directive->least, (unsigned long long)directive->most);
	*out_value = value;
	return true;
}

/* Bytes in a unit, 0 when there is no such unit. */
static uint64_t unit_bytes(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{ "", 1 },	     { "b", 1 },	  { "k", 1000 },       { "kb", 1 << 10 },
		{ "m", 1000 * 1000 }, { "mb", 1 << 20 }, { "g", 1000000000 }, { "gb", 1 << 30 },
	};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcasecmp(unit, units[i].name) == 0)
			return units[i].bytes;
	return 0;
}

/* "1gb" in bytes. A number too large for 64 bits becomes the largest. As in Redis, no digits count as 0. */
static bool parse_bytes(const char *text, uint64_t *out_bytes)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t unit = unit_bytes(text + digits);
	if (unit == 0)
		return false;
	errno = 0;
	unsigned long long number = digits ? strtoull(text, NULL, 10) : 0;
	if (errno == ERANGE || __builtin_mul_overflow(number, unit, out_bytes))
		*out_bytes = UINT64_MAX;
	return true;
}

static bool parse_memory(const struct directive *directive, const char *text, uint64_t *out_value,
			 struct config_error *out_error)
{
	uint64_t value;
	if (!parse_bytes(text, &value))
		return config_fail(out_error, "argument must be a memory value");
	if (value < directive->least || value > directive->most)
		return config_fail(out_error, "argument must be between %llu and %llu inclusive",
				   (unsigned long long)directive->least, (unsigned long long)directive->most);
	*out_value = value;
	return true;
}

/* Returns the choice that begins at *list and moves *list to the next; NULL at the end. */
static const char *next_choice(const char **list, size_t *out_len)
{
	const char *choice = *list;
	if (*choice == '\0')
		return NULL;
	*out_len = strcspn(choice, "|");
	*list = choice + *out_len + (choice[*out_len] == '|');
	return choice;
}

static bool refuse_choice(const struct directive *directive, struct config_error *out_error)
{
	struct buffer names = { 0 };
	const char *list = directive->choices, *choice;
	size_t len;
	while ((choice = next_choice(&list, &len)))
		buffer_printf(&names, "%s%.*s", names.len ? ", " : "", (int)len, choice);
	config_fail(out_error, "argument(s) must be one of the following: %s", config_buffer_text(&names));
	buffer_fini(&names);
	return false;
}

static bool parse_choice(const struct directive *directive, const char *text, int *out_value,
			 struct config_error *out_error)
{
	const char *list = directive->choices, *choice;
	size_t len;
	for (int index = 0; (choice = next_choice(&list, &len)); index++) {
		if (strlen(text) == len && strncasecmp(text, choice, len) == 0) {
			*out_value = index;
			return true;
		}
	}
	return refuse_choice(directive, out_error);
}

static bool parse_flags(const struct directive *directive, const struct config_words *words, int *out_value,
			struct config_error *out_error)
{
	int value = 0, index;
	for (uint32_t i = 0; i < words->count; i++) {
		if (!parse_choice(directive, words->items[i], &index, out_error))
			return false;
		value |= 1 << index;
	}
	if ((directive->flags & SAVE_OR_NOT) && (value & SHUTDOWN_SAVE) && (value & SHUTDOWN_NOSAVE))
		return config_fail(out_error, "shutdown options SAVE and NOSAVE can't be used simultaneously");
	*out_value = value;
	return value != 0 || refuse_choice(directive, out_error);
}

static void replace_text(char **field, char *text)
{
	free(*field);
	*field = text;
}

static bool parse_path(struct config *config, const char *text, char **field, struct config_error *out_error)
{
	struct stat status;
	char *path = config_resolve(config->dir, text);
	char *absolute = realpath(path, NULL);
	free(path);
	if (!absolute || stat(absolute, &status) != 0) {
		config_fail(out_error, "%s", strerror(errno));
		free(absolute);
		return false;
	}
	if (!S_ISDIR(status.st_mode)) {
		free(absolute);
		return config_fail(out_error, "%s", strerror(ENOTDIR));
	}
	replace_text(field, absolute);
	return true;
}

static bool parse_cpus(const char *text, char **field, struct config_error *out_error)
{
	cpu_set_t cpus;
	if (!cpus_parse(text, &cpus))
		return config_fail(out_error, "argument must be a list of CPUs below %d, like 0,2-3 or 0-6:2", CPU_SETSIZE);
	replace_text(field, config_text(text, strlen(text)));
	return true;
}

static bool parse_text(const struct directive *directive, const char *text, char **field, struct config_error *out_error)
{
	if (directive->most > 0 && strlen(text) > directive->most)
		return config_fail(out_error, "argument must have at most %llu bytes", (unsigned long long)directive->most);
	if ((directive->flags & FILE_NAME) && text[0] == '\0')
		return config_fail(out_error, "%s can't be empty", directive->name);
	if ((directive->flags & FILE_NAME) && strpbrk(text, "/\\"))
		return config_fail(out_error, "%s can't be a path, just a filename", directive->name);
	replace_text(field, config_text(text, strlen(text)));
	return true;
}

/* Splits arguments that hold several words. */
static struct config_words flatten(char *const *words, size_t count)
{
	struct config_words flat = { 0 };
	for (size_t i = 0; i < count; i++) {
		for (const char *at = words[i]; *at;) {
			size_t len = strcspn(at, " ");
			if (len > 0)
				words_add(&flat, at, len);
			at += len + (at[len] == ' ');
		}
	}
	return flat;
}

/* As Redis prints it: six decimals, without trailing zeros. */
static bool parse_percent(const char *name, const char *word, struct config_words *out_words, struct config_error *out_error)
{
	char *end, text[32];
	double percent = strtod(word, &end);
	if (end == word || *end || isnan(percent))
		return config_fail(out_error, "Invalid %s parameters", name);
	if (percent < 0 || percent > 100)
		return config_fail(out_error, "%s parameters should sit between [0.0,100.0]", name);
	int len = snprintf(text, sizeof(text), "%.6f", percent);
	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	words_add(out_words, text, (size_t)len);
	return true;
}

static bool parse_percents(const struct directive *directive, const struct config_words *words, struct config_words *field,
			   struct config_error *out_error)
{
	struct config_words percents = { 0 };
	for (uint32_t i = 0; i < words->count; i++) {
		if (!parse_percent(directive->name, words->items[i], &percents, out_error)) {
			words_fini(&percents);
			return false;
		}
	}
	words_fini(field);
	*field = percents;
	return true;
}

static bool is_number_from(const char *word, int64_t least)
{
	int64_t value;
	return decimal_parse_int64(word, strlen(word), &value) && value >= least;
}

static bool check_save_points(const struct config_words *words, struct config_error *out_error)
{
	bool are_pairs = words->count % 2 == 0;
	for (uint32_t i = 0; are_pairs && i < words->count; i++)
		are_pairs = is_number_from(words->items[i], i % 2 == 0);
	return are_pairs || config_fail(out_error, "Invalid save parameters");
}

/* "no one", as Redis has it for replicaof. */
static bool is_no_one(const struct config_words *words)
{
	return words->count == 2 && strcasecmp(words->items[0], "no") == 0 && strcasecmp(words->items[1], "one") == 0;
}

static bool parse_words(const struct directive *directive, const struct config_words *words, struct config_words *field,
			struct config_error *out_error)
{
	if (words->count > directive->most)
		return config_fail(out_error, "%u words, and at most %llu are possible", words->count,
				   (unsigned long long)directive->most);
	if (directive->flags & PERCENTS)
		return parse_percents(directive, words, field, out_error);
	if ((directive->flags & SAVE_POINTS) && !check_save_points(words, out_error))
		return false;
	words_fini(field);
	if (!(directive->flags & NO_ONE) || !is_no_one(words))
		words_copy(field, words);
	return true;
}

int config_client_class(const char *name)
{
	if (strcasecmp(name, "replica") == 0)
		return CLIENT_CLASS_REPLICA;
	for (int class = 0; class < CLIENT_CLASSES; class++)
		if (strcasecmp(name, class_names[class]) == 0)
			return class;
	return -1;
}

static bool parse_limit(char *const *words, struct output_limit *out_limit, struct config_error *out_error)
{
	static const char reason[] = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
	struct output_limit limit;
	if (!parse_bytes(words[0], &limit.hard_bytes) || !parse_bytes(words[1], &limit.soft_bytes) ||
	    !decimal_parse_int64(words[2], strlen(words[2]), &limit.soft_seconds))
		return config_fail(out_error, "%s", reason);
	if (limit.soft_seconds < 0 || limit.soft_seconds > SOFT_SECONDS_MAX)
		return config_fail(out_error, "%s soft_seconds must be between 0 and %d inclusive", reason, SOFT_SECONDS_MAX);
	*out_limit = limit;
	return true;
}

static bool parse_output_limits(const struct config_words *words, struct output_limit *field,
				struct config_error *out_error)
{
	struct output_limit limits[CLIENT_CLASSES];
	memcpy(limits, field, sizeof(limits));
	if (words->count % 4 != 0)
		return config_fail(out_error, "Wrong number of arguments in buffer limit configuration.");
	for (uint32_t i = 0; i < words->count; i += 4) {
		int class = config_client_class(words->items[i]);
		if (class < 0)
			return config_fail(out_error, "Invalid client class specified in buffer limit configuration.");
		if (!parse_limit(&words->items[i + 1], &limits[class], out_error))
			return false;
	}
	memcpy(field, limits, sizeof(limits));
	return true;
}

static bool parse_list(const struct directive *directive, void *field, char *const *words, size_t count,
		       struct config_error *out_error)
{
	struct config_words flat = flatten(words, count);
	bool parsed = directive->type == TYPE_WORDS   ? parse_words(directive, &flat, field, out_error)
		      : directive->type == TYPE_FLAGS ? parse_flags(directive, &flat, field, out_error)
						      : parse_output_limits(&flat, field, out_error);
	words_fini(&flat);
	return parsed;
}

bool directive_parse(const struct directive *directive, struct config *config, char *const *words, size_t count,
		     struct config_error *out_error)
{
	void *field = directive_field(directive, config);
	if (directive_is_list(directive) && count > 0)
		return parse_list(directive, field, words, count, out_error);
	if (count != 1)
		return config_fail(out_error, "wrong number of arguments");
	switch (directive->type) {
	case TYPE_YES_NO:
		return parse_yes_no(words[0], field, out_error);
	case TYPE_INTEGER:
		return parse_integer(directive, words[0], field, out_error);
	case TYPE_OCTAL:
		return parse_octal(directive, words[0], field, out_error);
	case TYPE_MEMORY:
		return parse_memory(directive, words[0], field, out_error);
	case TYPE_CHOICE:
		return parse_choice(directive, words[0], field, out_error);
	case TYPE_PATH:
		return parse_path(config, words[0], field, out_error);
	case TYPE_CPUS:
		return parse_cpus(words[0], field, out_error);
	case TYPE_TEXT:
		return parse_text(directive, words[0], field, out_error);
	case TYPE_WORDS:
	case TYPE_FLAGS:
	case TYPE_OUTPUT_LIMITS:
		break;
	}
	return false;
}

static void print_words(const struct config_words *words, struct buffer *out)
{
	for (uint32_t i = 0; i < words->count; i++)
		buffer_printf(out, "%s%s", i ? " " : "", words->items[i]);
}

static void print_choice(const struct directive *directive, int value, struct buffer *out)
{
	const char *list = directive->choices, *choice;
	size_t len;
	for (int index = 0; (choice = next_choice(&list, &len)); index++)
		if (index == value)
			buffer_append(out, choice, len);
}

static void print_flags(const struct directive *directive, int value, struct buffer *out)
{
	const char *list = directive->choices, *choice;
	size_t len, begin = out->len;
	for (int index = 0; (choice = next_choice(&list, &len)); index++)
		if (value >> index & 1)
			buffer_printf(out, "%s%.*s", out->len > begin ? " " : "", (int)len, choice);
}

static void print_output_limits(const struct output_limit *limits, struct buffer *out)
{
	for (int class = 0; class < CLIENT_CLASSES; class++)
		buffer_printf(out, "%s%s %llu %llu %lld", class ? " " : "", class_names[class],
			      (unsigned long long)limits[class].hard_bytes, (unsigned long long)limits[class].soft_bytes,
			      (long long)limits[class].soft_seconds);
}

void directive_print(const struct directive *directive, const struct config *config, struct buffer *out)
{
	const void *field = directive_field(directive, config);
	switch (directive->type) {
	case TYPE_YES_NO:
		buffer_printf(out, "%s", *(const bool *)field ? "yes" : "no");
		return;
	case TYPE_INTEGER:
		buffer_printf(out, "%lld", (long long)*(const int64_t *)field);
		return;
	case TYPE_OCTAL:
		buffer_printf(out, "%llo", (unsigned long long)*(const int64_t *)field);
		return;
	case TYPE_MEMORY:
		buffer_printf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
		return;
	case TYPE_CHOICE:
		print_choice(directive, *(const int *)field, out);
		return;
	case TYPE_TEXT:
	case TYPE_PATH:
	case TYPE_CPUS:
		buffer_printf(out, "%s", *(char *const *)field);
		return;
	case TYPE_WORDS:
		print_words(field, out);
		return;
	case TYPE_FLAGS:
		print_flags(directive, *(const int *)field, out);
		return;
	case TYPE_OUTPUT_LIMITS:
		print_output_limits(field, out);
		return;
	}
}

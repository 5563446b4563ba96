/*
 * The command line. It takes Redis's forms: a file first, `--directive value ...`, "--directive value" in one argument, `-` for stdin
 * at either end. It also takes the forms of other servers: one dash, -listenAddr, -persist, -dbfile.
 *
 * As in Redis, the first argument behind an option is its value, whatever it looks like. Later arguments are values until one looks like
 * an option.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_table.h"

#define DEFAULT_PIDFILE "/var/run/qcache.pid"

void config_print_help(FILE *out)
{
	static const struct {
		const char *name, *value, *what;
	} options[] = {
#define OPTION(name, value, what) { name, value, what },
#include "options.def"
	};
	fputs("usage: qcache-server [FILE | -] [--DIRECTIVE VALUE...]...\n"
	      "\n"
	      "FILE holds directives, one a line, as redis.conf does; - reads them from stdin. Options are the same\n"
	      "directives and go before the file's. One dash is as good as two.\n"
	      "\n", out);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int len = fprintf(out, "  %s %s", options[i].name, options[i].value);
		fprintf(out, "%*s%s\n", len < 27 ? 27 - len : 1, "", options[i].what);
	}
}

struct options {
	struct config_reader reader;
	int argc, at;
	char **argv;
};

enum friendly { FRIENDLY_NONE, FRIENDLY_LISTEN_ADDR, FRIENDLY_PERSIST, FRIENDLY_DBFILE };

static enum friendly friendly_form(const char *name)
{
	if (strcasecmp(name, "listenAddr") == 0)
		return FRIENDLY_LISTEN_ADDR;
	if (strcasecmp(name, "persist") == 0)
		return FRIENDLY_PERSIST;
	return strcasecmp(name, "dbfile") == 0 ? FRIENDLY_DBFILE : FRIENDLY_NONE;
}

static const char *without_dashes(const char *argument)
{
	return argument + (argument[0] == '-') + (argument[0] == '-' && argument[1] == '-');
}

static bool is_known(const char *name)
{
	return directive_find(name, strlen(name)) || friendly_form(name) != FRIENDLY_NONE ||
	       strcasecmp(name, "include") == 0;
}

static void take(struct config_reader *reader, const char *name, const char *value, const char *place)
{
	struct config_words words = { 0 };
	words_add(&words, name, strlen(name));
	words_add(&words, value, strlen(value));
	config_take(reader, &words, place);
	words_fini(&words);
}

static void refuse(struct config_reader *reader, const char *place, const char *reason)
{
	refusals_add(&reader->refusals, NULL, place, reason);
}

/* HOST:PORT, [IPV6]:PORT, or :PORT for all addresses. */
static void take_listen_addr(struct config_reader *reader, const char *value, const char *place)
{
	const char *colon = strrchr(value, ':');
	if (!colon) {
		refuse(reader, place, "argument must be HOST:PORT or :PORT");
		return;
	}
	size_t len = (size_t)(colon - value);
	bool is_bracketed = len > 2 && value[0] == '[' && colon[-1] == ']';
	char *host = is_bracketed ? config_text(value + 1, len - 2) : config_text(value, len);
	if (is_bracketed || !strpbrk(host, ":[] ")) {
		take(reader, "port", colon + 1, place);
		take(reader, "bind", *host ? host : "* -::*", place);
	} else {
		refuse(reader, place, "argument must be HOST:PORT or [IPV6]:PORT");
	}
	free(host);
}

static void take_words(struct config_reader *reader, const struct config_words *words, const char *place)
{
	enum friendly form = friendly_form(words->items[0]);
	if (form == FRIENDLY_NONE)
		config_take(reader, words, place);
	else if (form == FRIENDLY_PERSIST)
		take(reader, "save", "60 1", place);
	else if (words->count != 2)
		refuse(reader, place, "wrong number of arguments");
	else if (form == FRIENDLY_LISTEN_ADDR)
		take_listen_addr(reader, words->items[1], place);
	else
		take(reader, "dbfilename", words->items[1], place);
}

/* Whether the argument begins an option, behind an option that has `values` so far. */
static bool begins_option(const char *argument, const struct directive *current, uint32_t values)
{
	if (argument[0] != '-' || values == 0)
		return false;
	if (argument[1] == '-' || is_known(argument + 1))
		return true;
	return isalpha((unsigned char)argument[1]) && !(current && directive_is_list(current));
}

/* Redis allows an empty list of save points as in `--save --port 7000`, and scripts use it. */
static bool has_empty_value(const struct options *options, const char *name)
{
	return strcasecmp(name, "save") == 0 &&
	       (options->at == options->argc || strncmp(options->argv[options->at], "--", 2) == 0);
}

static void take_values(struct options *options, struct config_words *words)
{
	const struct directive *directive = directive_find(words->items[0], strlen(words->items[0]));
	if (friendly_form(words->items[0]) == FRIENDLY_PERSIST)
		return;
	if (words->count == 1 && has_empty_value(options, words->items[0])) {
		words_add(words, "", 0);
		return;
	}
	for (; options->at < options->argc; options->at++) {
		const char *argument = options->argv[options->at];
		if (begins_option(argument, directive, words->count - 1))
			break;
		words_add(words, argument, strlen(argument));
	}
}

static void take_option(struct options *options)
{
	const char *argument = options->argv[options->at++];
	struct config_reader *reader = &options->reader;
	struct config_words words;
	struct config_error place, error;
	/* As typed, without a value in the same argument. */
	size_t len = strcspn(argument, " \t");
	config_fail(&place, "%s %.*s", argument[0] == '-' ? "option" : "argument", (int)(len < 128 ? len : 128), argument);
	if (argument[0] != '-') {
		refuse(reader, place.text, "not an option");
		return;
	}
	bool is_named = config_split(without_dashes(argument), &words, &error) &&
			(words.count > 0 || config_fail(&error, "the name is missing"));
	if (!is_named)
		words_add(&words, "", 0); /* its values are skipped too */
	take_values(options, &words);
	if (is_named)
		take_words(reader, &words, place.text);
	else
		refuse(reader, place.text, error.text);
	words_fini(&words);
}

static void take_file(struct config_reader *reader, const char *path)
{
	struct config *config = reader->config;
	struct config_error error;
	free(config->config_file);
	config->config_file = config_resolve(config->start_dir, path);
	if (!config_read_file(reader, path, &error))
		refuse(reader, path, error.text);
}

static void take_stdin(struct config_reader *reader)
{
	struct config_error error;
	if (!config_read_stdin(reader, &error))
		refuse(reader, "stdin", error.text);
}

static void take_arguments(struct options *options)
{
	struct config_reader *reader = &options->reader;
	int argc = options->argc;
	bool is_dash_first = argc > 1 && strcmp(options->argv[1], "-") == 0;
	bool is_dash_last = argc > 2 && strcmp(options->argv[argc - 1], "-") == 0;
	options->argc -= is_dash_last;
	options->at += is_dash_first;
	if (argc > 1 && options->argv[1][0] != '-')
		take_file(reader, options->argv[options->at++]);
	if (is_dash_first || is_dash_last)
		take_stdin(reader);
	while (options->at < options->argc && !reader->has_given_up)
		take_option(options);
}

static bool is_one_of(const char *argument, const char *long_name, const char *short_name)
{
	return strcmp(without_dashes(argument), long_name) == 0 || strcmp(argument, short_name) == 0;
}

/* One line for each refusal; the caller frees the text. */
static char *refusals_text(const struct config_refusals *refusals)
{
	struct buffer text = { 0 };
	for (uint32_t i = 0; i < refusals->count; i++)
		buffer_printf(&text, "%s\n", refusals->items[i].text);
	config_buffer_text(&text);
	return (char *)text.data;
}

enum config_load_status config_load(struct config *config, int argc, char **argv, char **out_refusals)
{
	*out_refusals = NULL;
	config_init(config);
	if (argc == 2 && argv[1][0] == '-' && is_one_of(argv[1], "version", "-v"))
		return CONFIG_SHOW_VERSION;
	if (argc == 2 && argv[1][0] == '-' && is_one_of(argv[1], "help", "-h"))
		return CONFIG_SHOW_HELP;
	struct options options = { { .config = config }, argc, 1, argv };
	take_arguments(&options);
	bool is_refused = options.reader.refusals.count > 0;
	if (is_refused)
		*out_refusals = refusals_text(&options.reader.refusals);
	refusals_fini(&options.reader.refusals);
	if (is_refused)
		return CONFIG_REFUSED;
	/* As in Redis, a daemon always has a pidfile. */
	if (config->daemonize && config->pidfile[0] == '\0') {
		free(config->pidfile);
		config->pidfile = config_text(DEFAULT_PIDFILE, strlen(DEFAULT_PIDFILE));
	}
	return CONFIG_LOADED;
}

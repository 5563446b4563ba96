/*
 * The command line. What Redis has: a file first, `--directive value ...`, "--directive value" in one argument,
 * `-` for stdin at either end. What people know from elsewhere: one dash will do, -listenAddr, -persist, -dbfile.
 *
 * The first argument behind an option is its value whatever it looks like, as in Redis; later ones are values
 * until one looks like an option.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_table.h"

#define DEFAULT_PIDFILE "/var/run/qcache.pid"

const char config_help[] =
	"usage: qcache-server [FILE | -] [--DIRECTIVE VALUE...]...\n"
	"\n"
	"FILE holds directives, one a line, as redis.conf does; - reads them from stdin. Options are the same\n"
	"directives and go before the file's. One dash is as good as two.\n"
	"\n"
	"  --port 7000              listen on this TCP port (6379)\n"
	"  --bind 10.0.0.1 ::1      listen at these addresses (127.0.0.1)\n"
	"  --listenAddr HOST:PORT   both at once; :PORT is every address of this machine\n"
	"  --unixsocket PATH        listen on a unix socket too\n"
	"  --requirepass PASSWORD   ask clients for a password\n"
	"  --io-threads 4           threads that serve connections (1)\n"
	"  --maxclients 20000       connections at a time (10000)\n"
	"  --daemonize yes          run in the background\n"
	"  --logfile PATH           log to a file rather than stdout\n"
	"  --loglevel LEVEL         debug, verbose, notice or warning (notice)\n"
	"  --version, -v            print the version\n"
	"  --help, -h               print this\n";

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

static bool apply(struct config_reader *reader, const char *name, const char *value)
{
	struct config_words words = { 0 };
	words_add(&words, name, strlen(name));
	words_add(&words, value, strlen(value));
	bool is_applied = config_apply(reader, &words);
	words_fini(&words);
	return is_applied;
}

/* HOST:PORT, [IPV6]:PORT, or :PORT for all addresses. */
static bool apply_listen_addr(struct config_reader *reader, const char *value)
{
	const char *colon = strrchr(value, ':');
	if (!colon)
		return config_fail(reader->error, "argument must be HOST:PORT or :PORT");
	size_t len = (size_t)(colon - value);
	bool is_bracketed = len > 2 && value[0] == '[' && colon[-1] == ']';
	char *host = is_bracketed ? config_text(value + 1, len - 2) : config_text(value, len);
	bool is_host = is_bracketed || !strpbrk(host, ":[] ");
	bool is_applied = is_host && apply(reader, "port", colon + 1) && apply(reader, "bind", *host ? host : "* -::*");
	free(host);
	return is_applied || (!is_host && config_fail(reader->error, "argument must be HOST:PORT or [IPV6]:PORT"));
}

static bool apply_option(struct config_reader *reader, const struct config_words *words)
{
	switch (friendly_form(words->items[0])) {
	case FRIENDLY_LISTEN_ADDR:
		if (words->count != 2)
			return config_fail(reader->error, "wrong number of arguments");
		return apply_listen_addr(reader, words->items[1]);
	case FRIENDLY_PERSIST:
		return config_fail(reader->error, "nothing is kept on disk yet");
	case FRIENDLY_DBFILE:
		if (words->count != 2)
			return config_fail(reader->error, "wrong number of arguments");
		return apply(reader, "dbfilename", words->items[1]);
	case FRIENDLY_NONE:
		return config_apply(reader, words);
	}
	return false;
}

/* Does the argument begin an option, when the one in hand already has `values` of its own? */
static bool begins_option(const char *argument, const struct directive *in_hand, uint32_t values)
{
	if (argument[0] != '-' || values == 0)
		return false;
	if (argument[1] == '-' || is_known(argument + 1))
		return true;
	return isalpha((unsigned char)argument[1]) && !(in_hand && directive_is_list(in_hand));
}

/* An empty list of save points is written `--save --port 7000` by scripts, which Redis allows. */
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

/* `name` is the option as typed, without what came with it in the same argument. */
static bool name_option(struct config_reader *reader, const char *name)
{
	struct config_error inner = *reader->error;
	size_t len = strcspn(name, " \t");
	if (reader->is_placed)
		return false;
	return config_fail(reader->error, "option %.*s: %s", (int)(len < 128 ? len : 128), name, inner.text);
}

static bool take_option(struct options *options)
{
	const char *argument = options->argv[options->at++];
	struct config_reader *reader = &options->reader;
	struct config_words words;
	if (argument[0] != '-')
		return config_fail(reader->error, "argument %.128s: not an option", argument);
	if (!config_split(without_dashes(argument), &words, reader->error))
		return name_option(reader, argument);
	bool is_taken = false;
	if (words.count > 0) {
		take_values(options, &words);
		is_taken = apply_option(reader, &words);
	} else {
		config_fail(reader->error, "the name is missing");
	}
	words_fini(&words);
	return is_taken || name_option(reader, argument);
}

static bool take_file(struct config *config, struct config_reader *reader, const char *path)
{
	free(config->config_file);
	config->config_file = config_resolve(config->start_dir, path);
	return config_read_file(reader, path);
}

static bool take_arguments(struct config *config, int argc, char **argv, struct config_error *out_error)
{
	struct options options = { { .config = config, .error = out_error }, argc, 1, argv };
	struct config_reader *reader = &options.reader;
	bool is_dash_first = argc > 1 && strcmp(argv[1], "-") == 0;
	bool is_dash_last = argc > 2 && strcmp(argv[argc - 1], "-") == 0;
	options.argc -= is_dash_last;
	options.at += is_dash_first;
	if (argc > 1 && argv[1][0] != '-' && !take_file(config, reader, argv[options.at++]))
		return false;
	if ((is_dash_first || is_dash_last) && !config_read_stdin(reader))
		return false;
	while (options.at < options.argc)
		if (!take_option(&options))
			return false;
	return true;
}

static bool is_one_of(const char *argument, const char *long_name, const char *short_name)
{
	return strcmp(without_dashes(argument), long_name) == 0 || strcmp(argument, short_name) == 0;
}

enum config_load_status config_load(struct config *config, int argc, char **argv, struct config_error *out_error)
{
	config_init(config);
	if (argc == 2 && argv[1][0] == '-' && is_one_of(argv[1], "version", "-v"))
		return CONFIG_SHOW_VERSION;
	if (argc == 2 && argv[1][0] == '-' && is_one_of(argv[1], "help", "-h"))
		return CONFIG_SHOW_HELP;
	if (!take_arguments(config, argc, argv, out_error))
		return CONFIG_REFUSED;
	/* As in Redis, a daemon has a pidfile whether one is asked for or not. */
	if (config->daemonize && config->pidfile[0] == '\0') {
		free(config->pidfile);
		config->pidfile = config_text(DEFAULT_PIDFILE, strlen(DEFAULT_PIDFILE));
	}
	return CONFIG_LOADED;
}

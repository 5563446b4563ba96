#include "actors/check/check_options.h"

#include <string.h>
#include <time.h>

#include "actors/persistence/aof_read.h"
#include "transport/decimal.h"

static void refuse(struct check_options *options, const char *what, const char *word)
{
	options->action = CHECK_USAGE;
	snprintf(options->error, sizeof(options->error), "%s%.100s", what, word);
}

/* Unix seconds, or a local time. */
static bool parse_time(const char *text, int64_t *out_time_s)
{
	struct tm local = { .tm_isdst = -1 };
	if (decimal_parse_int64(text, strlen(text), out_time_s))
		return *out_time_s >= 0;
	const char *end = strptime(text, strchr(text, 'T') ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
	*out_time_s = end && *end == '\0' ? (int64_t)mktime(&local) : -1;
	return *out_time_s >= 0;
}

static void take_time(struct check_options *options, const char *text)
{
	if (!text)
		refuse(options, "--until needs a time", "");
	else if (!parse_time(text, &options->until_s))
		refuse(options, "not a time: ", text);
}

static void take_path(struct check_options *options, const char *path)
{
	if (options->path)
		refuse(options, "one file or directory at a time, and no more: ", path);
	options->path = path;
}

static bool is(const char *word, const char *name)
{
	return strcmp(word, name) == 0;
}

/* Takes the word at *at, and moves *at to its value if it has one. */
static void take_word(struct check_options *options, char **argv, int *at)
{
	const char *word = argv[*at];
	if (is(word, "--until"))
		take_time(options, argv[++*at]);
	else if (is(word, "--quick"))
		options->is_quick = true;
	else if (is(word, "--digest"))
		options->has_digest = true;
	else if (is(word, "--damaged"))
		options->cuts_damage = true;
	else if (is(word, "--json"))
		options->is_json = true;
	else if (is(word, "--version") || is(word, "-v"))
		options->action = CHECK_SHOW_VERSION;
	else if (is(word, "--help") || is(word, "-h"))
		options->action = CHECK_SHOW_HELP;
	else if (word[0] == '-' && word[1])
		refuse(options, "unknown option: ", word);
	else
		take_path(options, word);
}

void check_options_parse(struct check_options *out_options, int argc, char **argv)
{
	*out_options = (struct check_options){ .action = CHECK_ONLY, .until_s = AOF_READ_ALL };
	int at = 1;
	if (argc > 1 && (is(argv[1], "check") || is(argv[1], "repair")))
		out_options->action = is(argv[at++], "check") ? CHECK_ONLY : CHECK_REPAIR;
	for (; at < argc && out_options->action <= CHECK_REPAIR; at++)
		take_word(out_options, argv, &at);
	if (out_options->action <= CHECK_REPAIR && !out_options->path)
		refuse(out_options, "which file or directory?", "");
	if (out_options->action == CHECK_ONLY && out_options->cuts_damage)
		refuse(out_options, "--damaged belongs to repair", "");
}

void check_options_print_help(FILE *out)
{
	static const struct {
		const char *name, *value, *what;
	} lines[] = {
#define OPTION(name, value, what) { name, value, what },
#include "actors/check/options.def"
	};
	fprintf(out, "usage: qcache-check [check | repair] [OPTIONS] FILE|DIR\n\n"
		     "Reads an RDB file, an append-only file, or the directory of one, of qcache or of Redis, and tells what is in it and where it\n"
		     "breaks. `check` changes nothing. `repair` cuts off a torn end, after it has copied the file to NAME.before-repair. Stop\n"
		     "the server first.\n\n"
		     "The exit status is 0 if all is well, 1 if it is not, 2 if the command line is wrong or nothing could be read.\n\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(out, "  %-13s %-5s %s\n", lines[i].name, lines[i].value, lines[i].what);
}

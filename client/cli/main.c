/*
 * qcache-cli: runs commands that are typed, given as arguments or read from standard input; and tools.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/prompt.h"
#include "client/cli/tools.h"
#include "client/cli/tty.h"

static int (*const tools[])(struct session *session) = {
	[TOOL_STAT] = tool_stat,
	[TOOL_LATENCY] = tool_latency,
	[TOOL_LATENCY_HISTORY] = tool_latency_history,
	[TOOL_LATENCY_DIST] = tool_latency_dist,
	[TOOL_INTRINSIC_LATENCY] = tool_intrinsic_latency,
	[TOOL_ACTORS] = tool_actors,
	[TOOL_SLOWLOG] = tool_slowlog,
	[TOOL_BIGKEYS] = tool_bigkeys,
	[TOOL_MEMKEYS] = tool_memkeys,
	[TOOL_KEYSTATS] = tool_keystats,
	[TOOL_HOTKEYS] = tool_hotkeys,
	[TOOL_SCAN] = tool_scan,
	[TOOL_LRU_TEST] = tool_lru_test,
	[TOOL_PIPE] = tool_pipe,
	[TOOL_IMPORT] = tool_import,
	[TOOL_RDB] = tool_rdb,
	[TOOL_FUNCTIONS_RDB] = tool_functions_rdb,
};

/* Runs the command -r times with a pause of -i. Returns the worst outcome. */
static enum outcome run_repeatedly(struct session *s, const struct words *words)
{
	enum outcome worst = OUTCOME_OK;

	for (long left = s->options->repeat; left != 0; left -= left > 0) {
		enum outcome outcome = session_run(s, words);
		worst = outcome > worst ? outcome : worst;
		if (outcome > OUTCOME_FAILED)
			break;
		if (left != 1 && s->options->interval_s > 0 && !pause_us((int64_t)(s->options->interval_s * 1e6)))
			return OUTCOME_CANCELLED;
	}
	return worst;
}

/* False if reading has failed, which has been printed: the data is incomplete. */
static bool is_whole(FILE *file, const char *name)
{
	if (!ferror(file))
		return true;
	fprintf(stderr, "qcache-cli: %s: %s\n", name, strerror(errno));
	return false;
}

static bool read_all(FILE *file, const char *name, struct text *out)
{
	char chunk[65536];
	size_t n;

	text_add(out, "", 0);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		text_add(out, chunk, n);
	return is_whole(file, name);
}

/* EVAL with the arguments of -eval: keys, a comma, arguments. Without a comma all are keys. */
static void write_eval(struct words *out, const struct text *script, const struct words *given)
{
	char count[24];
	size_t keys = 0;

	while (keys < given->count && !words_is(given, keys, ","))
		keys++;
	snprintf(count, sizeof(count), "%zu", keys);
	words_add(out, "EVAL", 4);
	words_add(out, script->data, script->len);
	words_add(out, count, strlen(count));
	for (size_t i = 0; i < given->count; i++)
		if (i != keys)
			words_add(out, given->owned[i], given->items[i].len);
}

static bool read_script(struct words *out, const struct options *o)
{
	struct text script = {NULL, 0, 0};
	FILE *file = strcmp(o->eval, "-") == 0 ? stdin : fopen(o->eval, "re");
	bool ok = file && read_all(file, o->eval, &script);

	if (!file)
		fprintf(stderr, "qcache-cli: %s: %s\n", o->eval, strerror(errno));
	if (ok)
		write_eval(out, &script, &o->command);
	if (file && file != stdin)
		fclose(file);
	text_fini(&script);
	return ok;
}

/* The given command, with the argument that -x or -X reads from standard input. */
static bool read_command(struct words *out, const struct options *o)
{
	struct text input = {NULL, 0, 0};
	bool ok = o->eval ? read_script(out, o) : true;

	if (ok && (o->last_from_stdin || o->tag))
		ok = read_all(stdin, "standard input", &input);
	for (size_t i = 0; ok && !o->eval && i < o->command.count; i++) {
		bool is_input = o->tag && strcmp(o->command.owned[i], o->tag) == 0;
		words_add(out, is_input ? input.data : o->command.owned[i], is_input ? input.len : o->command.items[i].len);
	}
	if (ok && o->last_from_stdin)
		words_add(out, input.data, input.len);
	text_fini(&input);
	return ok;
}

static int run_given(struct session *s)
{
	struct words words = {NULL, 0, 0, NULL};
	int status = EXIT_FAILED;

	if (read_command(&words, s->options))
		status = outcome_status(run_repeatedly(s, &words));
	words_fini(&words);
	return status;
}

/* Runs one command per line. Returns the worst status. */
static int run_lines(struct session *s)
{
	struct words words = {NULL, 0, 0, NULL};
	enum outcome worst = OUTCOME_OK;
	char *line = NULL;
	size_t size = 0;

	while (worst <= OUTCOME_FAILED && getline(&line, &size, stdin) >= 0) {
		enum words_status status = words_split(&words, line);
		enum outcome outcome = OUTCOME_OK;
		if (status != WORDS_OK) {
			puts("Invalid argument(s)");
			fflush(stdout);
			outcome = OUTCOME_FAILED;
		} else if (words.count) {
			outcome = run_repeatedly(s, &words);
		}
		worst = outcome > worst ? outcome : worst;
		if (status == WORDS_OK && words_is(&words, 0, "quit"))
			break;
	}
	bool whole = is_whole(stdin, "standard input");
	if (s->state.in_multi) {
		fputs("qcache-cli: the input ends inside a transaction, which is not executed\n", stderr);
		whole = false;
	}
	if (!whole)
		worst = worst > OUTCOME_FAILED ? worst : OUTCOME_FAILED;
	words_fini(&words);
	free(line);
	return outcome_status(worst);
}

/* stdio buffers: write errors may appear only now. */
static int flush_output(int status)
{
	if (fflush(stdout) == 0 || status != EXIT_OK)
		return status;
	perror("qcache-cli: standard output");
	return EXIT_FAILED;
}

/* For editing and showing text: UTF-8 if the environment names no language. Numbers keep the C format that the protocol needs. */
static void choose_characters(void)
{
	const char *chosen = setlocale(LC_CTYPE, "");

	if (!chosen || strcmp(chosen, "C") == 0 || strcmp(chosen, "POSIX") == 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static int run(struct options *options)
{
	struct session session;
	int status;

	session_init(&session, options);
	if (options->tool != TOOL_NONE)
		status = tools[options->tool](&session);
	else if (options->command.count || options->eval)
		status = run_given(&session);
	else if (isatty(STDIN_FILENO))
		status = prompt_run(&session);
	else
		status = run_lines(&session);
	session_fini(&session);
	return status;
}

int main(int argc, char **argv)
{
	struct text password = {NULL, 0, 0};
	struct options options;
	int status = EXIT_USAGE;

	choose_characters();
	enum options_status parsed = options_parse(&options, argc, argv);
	if (parsed == OPTIONS_OK) {
		signal(SIGPIPE, SIG_IGN);
		interrupt_start();
		if (options.asks_password && tty_ask_secret("Password: ", &password))
			options.connection.password = password.data;
		status = run(&options);
	}
	options_fini(&options);
	text_fini(&password);
	return flush_output(parsed == OPTIONS_DONE ? EXIT_OK : status);
}

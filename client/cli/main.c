/*
 * qcache-cli: commands typed, given, or read; and tools around them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/prompt.h"
#include "client/cli/tools.h"

static int run_tool(struct session *s)
{
	switch (s->options->tool) {
	case TOOL_STAT:
		return tool_stat(s);
	case TOOL_LATENCY:
		return tool_latency(s);
	case TOOL_LATENCY_DIST:
		return tool_latency_dist(s);
	case TOOL_BIGKEYS:
		return tool_bigkeys(s);
	case TOOL_MEMKEYS:
		return tool_memkeys(s);
	case TOOL_SCAN:
		return tool_scan(s);
	case TOOL_PIPE:
		return tool_pipe(s);
	case TOOL_IMPORT:
		return tool_import(s, s->options->file);
	case TOOL_RDB:
		return tool_rdb(s, s->options->file);
	case TOOL_NONE:
		break;
	}
	return EXIT_USAGE;
}

/* As often as -r says, with a pause of -i between. The worst that came of it. */
static enum outcome run_repeatedly(struct session *s, const struct words *words)
{
	enum outcome worst = OUTCOME_FINE;

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

/* False, and said, when standard input can't be read: what has come of it is not all. */
static bool is_whole_input(void)
{
	if (!ferror(stdin))
		return true;
	perror("qcache-cli: standard input");
	return false;
}

static bool read_all(struct text *out)
{
	char chunk[65536];
	size_t n;

	text_add(out, "", 0);
	while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
		text_add(out, chunk, n);
	return is_whole_input();
}

static int run_given(struct session *s)
{
	struct words words = {NULL, 0, 0, NULL};
	struct text input = {NULL, 0, 0};
	int status = EXIT_FAILED;

	for (int i = 0; i < s->options->command_count; i++)
		words_add(&words, s->options->command[i], strlen(s->options->command[i]));
	if (!s->options->last_from_stdin) {
		status = outcome_status(run_repeatedly(s, &words));
	} else if (read_all(&input)) {
		words_add(&words, input.data, input.len);
		status = outcome_status(run_repeatedly(s, &words));
	}
	words_fini(&words);
	text_fini(&input);
	return status;
}

/* A command a line; the status is that of the worst. */
static int run_lines(struct session *s)
{
	struct words words = {NULL, 0, 0, NULL};
	enum outcome worst = OUTCOME_FINE;
	char *line = NULL;
	size_t size = 0;

	while (worst <= OUTCOME_FAILED && getline(&line, &size, stdin) >= 0) {
		enum words_status status = words_split(&words, line);
		enum outcome outcome = OUTCOME_FINE;
		if (status != WORDS_FINE) {
			puts("Invalid argument(s)");
			fflush(stdout);
			outcome = OUTCOME_FAILED;
		} else if (words.count) {
			outcome = run_repeatedly(s, &words);
		}
		worst = outcome > worst ? outcome : worst;
		if (status == WORDS_FINE && words_is(&words, 0, "quit"))
			break;
	}
	bool is_whole = is_whole_input();
	if (s->state.in_multi) {
		fputs("qcache-cli: the input ends inside of a transaction, which is not executed\n", stderr);
		is_whole = false;
	}
	if (!is_whole)
		worst = worst > OUTCOME_FAILED ? worst : OUTCOME_FAILED;
	words_fini(&words);
	free(line);
	return outcome_status(worst);
}

/* What goes through stdio's buffer is only known to be written now. */
static int flush_output(int status)
{
	if (fflush(stdout) == 0 || status != EXIT_FINE)
		return status;
	perror("qcache-cli: standard output");
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct options options;
	struct session session;
	int status;

	enum options_status parsed = options_parse(&options, argc, argv);
	if (parsed != OPTIONS_FINE) {
		options_fini(&options);
		return parsed == OPTIONS_DONE ? flush_output(EXIT_FINE) : EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	interrupt_start();
	session_init(&session, &options);
	if (options.tool != TOOL_NONE)
		status = run_tool(&session);
	else if (options.command_count)
		status = run_given(&session);
	else if (isatty(STDIN_FILENO))
		status = prompt_run(&session);
	else
		status = run_lines(&session);
	session_fini(&session);
	options_fini(&options);
	return flush_output(status);
}

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

static int status_of(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_FINE:
		return EXIT_FINE;
	case OUTCOME_FAILED:
		return EXIT_FAILED;
	case OUTCOME_LOST:
		return EXIT_NO_CONNECTION;
	case OUTCOME_CANCELLED:
		break;
	}
	return 130;
}

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

/* As often as -r says, with a pause of -i between. */
static enum outcome run_repeatedly(struct session *s, const struct words *words)
{
	enum outcome outcome = OUTCOME_FINE;

	for (long left = s->options->repeat; left != 0; left -= left > 0) {
		outcome = session_run(s, words);
		if (outcome == OUTCOME_LOST || outcome == OUTCOME_CANCELLED)
			break;
		if (left != 1 && s->options->interval_s > 0 && !pause_us((int64_t)(s->options->interval_s * 1e6)))
			break;
	}
	return outcome;
}

static void read_all(FILE *file, struct text *out)
{
	char chunk[65536];
	size_t n;

	text_add(out, "", 0);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		text_add(out, chunk, n);
}

static int run_given(struct session *s)
{
	struct words words = {NULL, 0, 0, NULL};
	struct text input = {NULL, 0, 0};

	for (int i = 0; i < s->options->command_count; i++)
		words_add(&words, s->options->command[i], strlen(s->options->command[i]));
	if (s->options->last_from_stdin) {
		read_all(stdin, &input);
		words_add(&words, input.data, input.len);
	}
	enum outcome outcome = run_repeatedly(s, &words);
	words_fini(&words);
	text_fini(&input);
	return status_of(outcome);
}

/* A command a line; the status is that of the worst. */
static int run_lines(struct session *s)
{
	struct words words = {NULL, 0, 0, NULL};
	char *line = NULL;
	size_t size = 0;
	int worst = EXIT_FINE;

	while (getline(&line, &size, stdin) >= 0) {
		enum words_status status = words_split(&words, line);
		if (status != WORDS_FINE) {
			puts("Invalid argument(s)");
			fflush(stdout);
			worst = EXIT_FAILED;
		}
		if (status != WORDS_FINE || words.count == 0)
			continue;
		enum outcome outcome = run_repeatedly(s, &words);
		worst = status_of(outcome) > worst ? status_of(outcome) : worst;
		if (outcome == OUTCOME_LOST || outcome == OUTCOME_CANCELLED || words_is(&words, 0, "quit"))
			break;
	}
	words_fini(&words);
	free(line);
	return worst;
}

int main(int argc, char **argv)
{
	struct options options;
	struct session session;
	int status;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_DONE:
		return EXIT_FINE;
	case OPTIONS_WRONG:
		return EXIT_USAGE;
	case OPTIONS_FINE:
		break;
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
	return status;
}

/*
 * The interactive prompt: lines from the editor become commands of the prompt itself or of the server.
 */
#include "client/cli/prompt.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/complete.h"
#include "client/cli/confirm.h"
#include "client/cli/editor.h"

struct prompt {
	struct session *session;
	struct editor editor;
	struct history history;
	struct help help;
	char text[256];    /* the text before the line */
	bool is_continued; /* a quote is open: the next line continues this one */
	bool has_asked;    /* the server's commands have been loaded */
};

static void make_front(struct prompt *p)
{
	const struct session *s = p->session;
	char db[24] = "";

	if (s->state.db)
		snprintf(db, sizeof(db), "[%d]", s->state.db);
	if (p->is_continued)
		snprintf(p->text, sizeof(p->text), "... ");
	else if (!session_is_connected(s))
		snprintf(p->text, sizeof(p->text), "not connected> ");
	else
		snprintf(p->text, sizeof(p->text), "%s%s%s> ", s->options->shown, db, s->state.in_multi ? "(TX)" : "");
}

/* Lines */

/* Checks the address first: a typing error must not close the present connection. */
static void reconnect_to(struct prompt *p, const struct words *w)
{
	struct options *o = p->session->options;
	struct state *state = &p->session->state;
	bool is_url = w->count == 2 && strstr(w->owned[1], "://");

	if (is_url ? options_set_url(o, w->owned[1])
		   : (w->count == 2 || w->count == 3) && options_set_server(o, w->owned[1], w->count > 2 ? w->owned[2] : NULL)) {
		/* The URL gives these. */
		if (is_url) {
			state->db = o->connection.db;
			words_clear(&state->auth);
		}
		p->session->wants_no_password = false;
		session_connect(p->session);
	} else {
		text_puts(&p->session->out, "usage: connect HOST [PORT], connect HOST:PORT, connect SOCKET-PATH, connect URL\n");
	}
}

/* Runs a command of the prompt itself. False if it is one for the server. */
static bool run_own(struct prompt *p, const struct words *w)
{
	if (words_is(w, 0, "help") || words_is(w, 0, "?"))
		help_print(&p->help, w, &p->session->out);
	else if (words_is(w, 0, "clear") && w->count == 1)
		text_puts(&p->session->out, p->editor.is_smart ? "\033[H\033[2J" : "");
	else if (words_is(w, 0, "connect"))
		reconnect_to(p, w);
	else
		return false;
	print(&p->session->out);
	return true;
}

/* Removes the repeat count before a command and returns it; 1 if there is none. */
static long take_count(struct words *w)
{
	char *end;

	if (w->count < 2 || !isdigit((unsigned char)w->owned[0][0]))
		return 1;
	long times = strtol(w->owned[0], &end, 10);
	if (*end || times < 1)
		return 1;
	free(w->owned[0]);
	w->count--;
	memmove(w->owned, w->owned + 1, w->count * sizeof(*w->owned));
	memmove(w->items, w->items + 1, w->count * sizeof(*w->items));
	return times;
}

static void run_words(struct prompt *p, struct words *w)
{
	long times = take_count(w);

	if (run_own(p, w))
		return;
	enum outcome outcome = OUTCOME_OK;
	for (long i = 0; i < times && (outcome == OUTCOME_OK || outcome == OUTCOME_FAILED); i++)
		outcome = session_run(p->session, w);
	/* The pasted lines that follow may belong to a transaction that is lost. */
	if (outcome == OUTCOME_LOST)
		editor_forget_pasted(&p->editor);
}

/* Runs the command with its output piped to a shell program, in the format for programs unless an option chooses one. */
static void run_into(struct prompt *p, struct words *w, const char *program)
{
	struct session *s = p->session;
	struct style style = s->style;

	if (!output_to_program(program))
		return;
	s->style.format = s->options->style.format == FORMAT_AUTO ? FORMAT_RAW : s->options->style.format;
	s->style.has_colour = s->style.is_readable = false;
	run_words(p, w);
	output_back();
	s->style = style;
}

/* Asks before a dangerous command. If it is not run, the pasted lines after it are discarded. */
static bool is_meant(struct prompt *p, const struct words *w)
{
	struct text question = {NULL, 0, 0};
	bool meant = p->session->options->is_sure || !p->editor.is_smart || !confirm_question(p->session, w, &question) ||
		     editor_confirm(&p->editor, question.data);

	if (!meant) {
		puts("(not run)");
		fflush(stdout);
		editor_forget_pasted(&p->editor);
	}
	text_fini(&question);
	return meant;
}

static bool is_end(const struct words *w)
{
	return w->count == 1 && (words_is(w, 0, "quit") || words_is(w, 0, "exit"));
}

static void run_line(struct prompt *p, struct words *w, const char *program)
{
	if (!is_meant(p, w))
		return;
	if (program)
		run_into(p, w, program);
	else
		run_words(p, w);
}

/* Adds the line to the history, unless the command or the program contains a password. */
static void remember(struct prompt *p, const char *line, const struct words *words, const char *program)
{
	struct words behind = {NULL, 0, 0, NULL};
	bool is_secret = history_is_secret(words);

	if (program) {
		words_split(&behind, program);
		is_secret = is_secret || history_is_secret(&behind);
	}
	if (!is_secret)
		history_add(&p->history, line);
	words_fini(&behind);
}

/* Takes one line, which may continue the previous one. False if it was the last. */
static bool take_line(struct prompt *p, struct text *line, const char *more)
{
	struct words words = {NULL, 0, 0, NULL};
	const char *program;
	bool goes_on = true;

	if (p->is_continued)
		text_puts(line, "\n");
	text_puts(line, more);
	enum words_status status = words_split_pipe(&words, line->data, &program);
	p->is_continued = status == WORDS_OPEN;
	if (status == WORDS_OPEN) {
		words_fini(&words);
		return true;
	}
	if (status == WORDS_WRONG) {
		puts("Invalid argument(s)");
	} else if (words.count) {
		remember(p, line->data, &words, program);
		goes_on = !is_end(&words);
		if (goes_on)
			run_line(p, &words, program);
	}
	text_clear(line);
	words_fini(&words);
	return goes_on;
}

/* Reads and runs lines until the end of input. */
static void run(struct prompt *p)
{
	struct text line = {NULL, 0, 0};
	bool goes_on = true;

	while (goes_on) {
		if (session_is_connected(p->session) && !p->has_asked) {
			p->has_asked = true;
			help_ask(&p->help, p->session);
		}
		make_front(p);
		switch (editor_read(&p->editor, p->text)) {
		case EDITOR_LINE:
			goes_on = take_line(p, &line, p->editor.line.text.data);
			break;
		case EDITOR_INTERRUPTED:
			p->is_continued = false;
			text_clear(&line);
			break;
		case EDITOR_END:
			goes_on = false;
			break;
		}
	}
	text_fini(&line);
}

int prompt_run(struct session *session)
{
	struct prompt p = {.session = session};
	struct completer completer = {.help = &p.help, .session = session};
	struct editor_help help = {.data = &completer, .hint = completer_hint, .complete = completer_complete};

	session->is_interactive = true;
	interrupt_only_commands();
	help_init(&p.help);
	history_open(&p.history);
	editor_open(&p.editor, &p.history, &help);
	p.editor.is_coloured = session->style.has_colour;
	session_connect(session);
	run(&p);
	editor_close(&p.editor);
	history_fini(&p.history);
	help_fini(&p.help);
	return 0;
}

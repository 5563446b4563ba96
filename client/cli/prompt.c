#include "client/cli/prompt.h"

#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/editor.h"

#define HISTORY_LINES 2000

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

static void remember(struct prompt *p, const char *line, const struct words *words)
{
	HistEvent event;

	if (history_is_secret(words))
		return;
	history_add(&p->kept, line);
	history(p->history, &event, H_ENTER, line);
}

static void recall_all(struct prompt *p)
{
	HistEvent event;

	history_open(&p->kept);
	p->history = history_init();
	history(p->history, &event, H_SETSIZE, HISTORY_LINES);
	history(p->history, &event, H_SETUNIQUE, 1);
	for (size_t i = 0; i < p->kept.count; i++)
		history(p->history, &event, H_ENTER, p->kept.lines[i]);
}

/* Lines */

/* What is no address costs nobody the connection there is. */
static void reconnect_to(struct prompt *p, const struct words *w)
{
	struct options *o = (struct options *)p->session->options;

	if ((w->count == 2 || w->count == 3) && options_aim(o, w->owned[1], w->count > 2 ? w->owned[2] : NULL))
		session_connect(p->session);
	else
		text_puts(&p->session->out, "usage: connect HOST [PORT], connect HOST:PORT, connect SOCKET-PATH\n");
}

/* Commands of our own; false when it is one for the server. */
static bool run_own(struct prompt *p, const struct words *w)
{
	if (words_is(w, 0, "help") || words_is(w, 0, "?"))
		help_print(&p->help, w, &p->session->out);
	else if (words_is(w, 0, "clear") && w->count == 1)
		text_puts(&p->session->out, "\033[H\033[2J");
	else if (words_is(w, 0, "connect"))
		reconnect_to(p, w);
	else
		return false;
	print(&p->session->out);
	return true;
}

/* The number in front of a command that is to be repeated, which is taken off; else 1. */
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
	enum outcome outcome = OUTCOME_FINE;
	for (long i = 0; i < times && (outcome == OUTCOME_FINE || outcome == OUTCOME_FAILED); i++)
		outcome = session_run(p->session, w);
	/* Pasted lines that follow may have been meant for a transaction that is no more. */
	if (outcome == OUTCOME_LOST)
		text_clear(&p->pasted);
}

static bool is_end(const struct words *w)
{
	return w->count == 1 && (words_is(w, 0, "quit") || words_is(w, 0, "exit"));
}

/* Takes a line, which may go on from the one before; false when it was the last. */
static bool take_line(struct prompt *p, struct text *line, const char *more)
{
	struct words words = {NULL, 0, 0, NULL};
	bool goes_on = true;

	if (p->is_continued)
		text_puts(line, "\n");
	text_puts(line, more);
	enum words_status status = words_split(&words, line->data);
	p->is_continued = status == WORDS_OPEN;
	if (status == WORDS_OPEN) {
		words_fini(&words);
		return true;
	}
	if (status == WORDS_WRONG) {
		puts("Invalid argument(s)");
	} else if (words.count) {
		remember(p, line->data, &words);
		goes_on = !is_end(&words);
		if (goes_on)
			run_words(p, &words);
	}
	text_clear(line);
	words_fini(&words);
	return goes_on;
}

/* The next pasted line, if there is a whole one; what is left over without a line end goes into the editor. */
static char *next_pasted(struct prompt *p)
{
	char *end = p->pasted.len ? strchr(p->pasted.data, '\n') : NULL;

	if (!end) {
		if (p->pasted.len)
			el_push(p->edit, p->pasted.data);
		text_clear(&p->pasted);
		return NULL;
	}
	char *line = checked(strndup(p->pasted.data, (size_t)(end - p->pasted.data)));
	p->pasted.len -= (size_t)(end + 1 - p->pasted.data);
	memmove(p->pasted.data, end + 1, p->pasted.len + 1);
	printf("%s%s\n", p->text, line);
	fflush(stdout);
	return line;
}

static char *edit_line(struct prompt *p)
{
	int len = 0;

	fputs("\033[?2004h", stdout);
	fflush(stdout);
	p->was_interrupted = p->is_finished = false;
	const char *got = el_gets(p->edit, &len);
	fputs("\033[?2004l", stdout);
	if (!got || len <= 0) {
		puts("");
		fflush(stdout);
		return NULL;
	}
	fflush(stdout);
	/* One that was recalled may have more than one line, in quotes: only the last line's end is none of it. */
	return checked(strndup(got, (size_t)len - (got[len - 1] == '\n')));
}

/* For what is typed, which is UTF-8 where the environment names no language; numbers stay as the protocol has them. */
static void choose_characters(void)
{
	const char *chosen = setlocale(LC_CTYPE, "");

	if (!chosen || strcmp(chosen, "C") == 0 || strcmp(chosen, "POSIX") == 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

int prompt_run(struct session *session)
{
	struct prompt p = {.session = session};
	struct text line = {NULL, 0, 0};
	bool goes_on = true;

	choose_characters();
	session->is_interactive = true;
	interrupt_only_commands();
	help_init(&p.help);
	recall_all(&p);
	editor_open(&p);
	session_connect(session);
	while (goes_on) {
		if (session_is_connected(session) && !p.has_asked) {
			p.has_asked = true;
			help_ask(&p.help, session);
		}
		make_front(&p);
		char *got = next_pasted(&p);
		if (!got)
			got = edit_line(&p);
		if (!got)
			break;
		if (p.was_interrupted) {
			p.was_interrupted = p.is_continued = false;
			text_clear(&line);
			text_clear(&p.pasted);
		} else {
			goes_on = take_line(&p, &line, got);
		}
		free(got);
	}
	history_end(p.history);
	history_fini(&p.kept);
	el_end(p.edit);
	help_fini(&p.help);
	text_fini(&line);
	text_fini(&p.hint);
	text_fini(&p.pasted);
	return 0;
}

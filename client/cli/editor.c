#include "client/cli/editor.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define PASTE_BEGIN "\033[200~"
#define PASTE_END "\033[201~"
/* No terminal sends this: it is pushed to run the editor's own end of a line. */
#define NEWLINE_KEY "\033[299~"

#ifdef __SANITIZE_ADDRESS__
/* libedit never frees the names of the functions that are added to it, copied by wcsdup(3). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:wcsdup\n";
}
#endif

static char *front(EditLine *edit)
{
	struct prompt *p;

	el_get(edit, EL_CLIENTDATA, &p);
	return p->text;
}

static size_t columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* Words typed so far; how many of them are whole. */
static size_t read_line(const struct prompt *p, struct words *words)
{
	const LineInfo *info = el_line(p->edit);
	char *line = checked(strndup(info->buffer, (size_t)(info->lastchar - info->buffer)));
	size_t len = strlen(line);

	words_split(words, line);
	size_t whole = len && isspace((unsigned char)line[len - 1]) ? words->count : words->count ? words->count - 1 : 0;
	free(line);
	return whole;
}

/*
 * A hint is drawn in grey from its first letter on, and the library draws no more of a line than has changed: nothing that stands
 * behind the hint is sure to be drawn and to end the colour. So it is ended before the line is drawn anew, and before a key is
 * awaited.
 */
static void end_grey(struct prompt *p)
{
	if (!p->is_grey)
		return;
	fputs("\033[0m", stdout);
	fflush(stdout);
	p->is_grey = false;
}

static char *hint(EditLine *edit)
{
	struct words words = {NULL, 0, 0, NULL};
	struct prompt *p;

	el_get(edit, EL_CLIENTDATA, &p);
	end_grey(p);
	const LineInfo *info = el_line(edit);
	size_t whole = read_line(p, &words), used = strlen(p->text) + (size_t)(info->lastchar - info->buffer);
	const struct help_entry *entry =
		whole ? help_find(&p->help, words.owned[0], whole > 1 ? words.owned[1] : NULL) : NULL;
	text_clear(&p->hint);
	if (entry && columns() > used + 8 && !p->is_finished) {
		size_t named = strchr(entry->name, ' ') ? 2 : 1;
		help_hint(entry, whole - named, &p->hint);
		if (p->hint.len > columns() - used - 6)
			p->hint.data[columns() - used - 6] = 0;
	}
	words_fini(&words);
	if (!p->hint.data || !*p->hint.data)
		return (char *)"";
	if (p->session->colour) {
		struct text coloured = {NULL, 0, 0};
		text_printf(&coloured, "\1\033[90m\1%s", p->hint.data);
		text_fini(&p->hint);
		p->hint = coloured;
		p->is_grey = true;
	}
	return p->hint.data;
}

/* Keys */

/* As the library's own, but that the hint is drawn anew. */
static unsigned char on_insert(EditLine *edit, int key)
{
	char text[2] = {(char)key, 0};

	return el_insertstr(edit, text) == 0 ? CC_REFRESH : CC_ERROR;
}

/* Ends the line where it ends; the hint goes first, and for that the line is drawn once more. */
static unsigned char finish(struct prompt *p)
{
	const LineInfo *info = el_line(p->edit);

	p->is_finished = true;
	el_cursor(p->edit, (int)(info->lastchar - info->cursor));
	el_push(p->edit, NEWLINE_KEY);
	return CC_REFRESH;
}

static unsigned char on_newline(EditLine *edit, int key)
{
	struct prompt *p;

	(void)key;
	el_get(edit, EL_CLIENTDATA, &p);
	return finish(p);
}

static unsigned char on_interrupt(EditLine *edit, int key)
{
	struct prompt *p;

	(void)key;
	el_get(edit, EL_CLIENTDATA, &p);
	p->was_interrupted = true;
	const LineInfo *info = el_line(edit);
	el_cursor(edit, (int)(info->lastchar - info->cursor));
	el_insertstr(edit, "^C");
	return finish(p);
}

static unsigned char on_suspend(EditLine *edit, int key)
{
	(void)key;
	el_set(edit, EL_PREP_TERM, 0);
	kill(getpid(), SIGTSTP);
	el_set(edit, EL_PREP_TERM, 1);
	return CC_REDISPLAY;
}

/* The library's own handling of signals would allocate inside of a handler: so the handler only notes, and the key waited for tells. */
static volatile sig_atomic_t was_resized;

static void on_resize(int number)
{
	(void)number;
	was_resized = 1;
}

/* A character, of however many bytes. */
static int read_key(EditLine *edit, wchar_t *out)
{
	mbstate_t state;
	struct prompt *p;
	char byte, encoded[MB_LEN_MAX];

	el_get(edit, EL_CLIENTDATA, &p);
	end_grey(p);
	memset(&state, 0, sizeof(state));
	for (;;) {
		ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (was_resized) {
			was_resized = 0;
			el_resize(edit);
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		size_t used = mbrtowc(out, &byte, 1, &state);
		if (used == (size_t)-2)
			continue;
		/* No character here: the byte stands for itself, where the locale has such a character. */
		if (used == (size_t)-1)
			*out = (unsigned char)byte;
		else if (used == 0)
			*out = 0;
		if (used != (size_t)-1 || wcrtomb(encoded, *out, &(mbstate_t){0}) != (size_t)-1)
			return 1;
		fputs("\a", stderr);
		memset(&state, 0, sizeof(state));
	}
}

static bool fits(const char *name, const char *prefix, size_t len)
{
	return strncasecmp(name, prefix, len) == 0;
}

/* Inserts what all candidates have in common behind `len`; returns how much that was. */
static size_t insert_common(EditLine *edit, const char *const *names, size_t count, size_t len, bool lower)
{
	char text[128];
	size_t at = 0;

	for (; names[0][len + at] && at + 2 < sizeof(text); at++) {
		char c = names[0][len + at];
		for (size_t i = 1; i < count; i++)
			if (names[i][len + at] != c)
				goto done;
		text[at] = lower ? (char)tolower((unsigned char)c) : c;
	}
done:
	if (count == 1)
		text[at++] = ' ';
	text[at] = 0;
	if (at)
		el_insertstr(edit, text);
	return at;
}

static void list_candidates(const char *const *names, size_t count)
{
	size_t widest = 0, per_line;

	for (size_t i = 0; i < count; i++)
		widest = strlen(names[i]) > widest ? strlen(names[i]) : widest;
	per_line = columns() / (widest + 2) ? columns() / (widest + 2) : 1;
	for (size_t i = 0; i < count; i++)
		printf("%s%-*s", i % per_line == 0 ? "\n" : "", (int)widest + 2, names[i]);
	puts("");
	fflush(stdout);
}

/* The names that fit what stands in front of the cursor: of commands, or sub-commands behind one. */
static size_t find_candidates(struct prompt *p, const char *typed, size_t len, const char **names, size_t max, size_t *out_from)
{
	size_t count = 0;
	const char *space = memchr(typed, ' ', len);

	*out_from = space ? (size_t)(space - typed) + 1 : 0;
	for (size_t i = 0; i < p->help.count && count < max; i++) {
		const char *name = p->help.items[i].name;
		if (fits(name, typed, len) && !strchr(name + len, ' '))
			names[count++] = name + *out_from;
	}
	return count;
}

static unsigned char on_tab(EditLine *edit, int key)
{
	const LineInfo *info = el_line(edit);
	size_t len = (size_t)(info->cursor - info->buffer), from;
	const char *names[512];
	struct prompt *p;

	(void)key;
	el_get(edit, EL_CLIENTDATA, &p);
	if (len == 0)
		return CC_ERROR;
	bool lower = islower((unsigned char)info->buffer[len - 1]) || islower((unsigned char)info->buffer[0]);
	size_t count = find_candidates(p, info->buffer, len, names, 512, &from);
	if (count == 0)
		return CC_REFRESH_BEEP;
	if (insert_common(edit, names, count, len - from, lower))
		return CC_REFRESH;
	list_candidates(names, count);
	return CC_REDISPLAY;
}

/* A paste comes between two marks: its first line goes where the cursor is, whole lines behind it wait their turn. */
static unsigned char on_paste(EditLine *edit, int key)
{
	struct text text = {NULL, 0, 0};
	struct prompt *p;
	wchar_t c;

	(void)key;
	el_get(edit, EL_CLIENTDATA, &p);
	while (el_wgetc(edit, &c) == 1) {
		char bytes[MB_LEN_MAX];
		size_t len = wcrtomb(bytes, c == L'\r' ? L'\n' : c, &(mbstate_t){0});
		if (len != (size_t)-1)
			text_add(&text, bytes, len);
		if (text.len >= strlen(PASTE_END) && strcmp(text.data + text.len - strlen(PASTE_END), PASTE_END) == 0) {
			text.len -= strlen(PASTE_END);
			text.data[text.len] = 0;
			break;
		}
	}
	char *rest = text.data ? strchr(text.data, '\n') : NULL;
	if (rest) {
		*rest++ = 0;
		text_puts(&p->pasted, rest);
	}
	if (text.data && *text.data)
		el_insertstr(edit, text.data);
	text_fini(&text);
	return rest ? finish(p) : CC_REFRESH;
}

void editor_open(struct prompt *p)
{
	p->edit = checked(el_init("qcache-cli", stdin, stdout, stderr));
	el_set(p->edit, EL_CLIENTDATA, p);
	el_set(p->edit, EL_PROMPT, front);
	el_set(p->edit, EL_RPROMPT_ESC, hint, '\1');
	el_set(p->edit, EL_EDITOR, "emacs");
	el_wset(p->edit, EL_GETCFN, read_key);
	sigaction(SIGWINCH, &(struct sigaction){.sa_handler = on_resize}, NULL);
	el_set(p->edit, EL_HIST, history, p->history);
	el_set(p->edit, EL_ADDFN, "qc-insert", "inserts and hints", on_insert);
	el_set(p->edit, EL_ADDFN, "qc-complete", "completes", on_tab);
	el_set(p->edit, EL_ADDFN, "qc-interrupt", "throws the line away", on_interrupt);
	el_set(p->edit, EL_ADDFN, "qc-newline", "ends the line", on_newline);
	el_set(p->edit, EL_ADDFN, "qc-suspend", "stops the program for a while", on_suspend);
	el_set(p->edit, EL_ADDFN, "qc-paste", "takes a paste", on_paste);
	for (char c = ' '; c < 127; c++) {
		char name[8];
		snprintf(name, sizeof(name), "\\%03o", (unsigned)c);
		el_set(p->edit, EL_BIND, name, "qc-insert", NULL);
	}
	el_set(p->edit, EL_BIND, "^I", "qc-complete", NULL);
	el_set(p->edit, EL_BIND, PASTE_BEGIN, "qc-paste", NULL);
	el_set(p->edit, EL_BIND, NEWLINE_KEY, "ed-newline", NULL);
	el_set(p->edit, EL_BIND, "^M", "qc-newline", NULL);
	el_set(p->edit, EL_BIND, "^J", "qc-newline", NULL);
	el_set(p->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(p->edit, NULL);
	/* While a line is edited Ctrl-C and Ctrl-Z are keys; while a command runs they are signals. */
	el_set(p->edit, EL_SETTY, "-d", "-isig", NULL);
	/* What is typed meanwhile is seen when it is its turn. */
	el_set(p->edit, EL_SETTY, "-x", "-echo", NULL);
	el_set(p->edit, EL_BIND, "^C", "qc-interrupt", NULL);
	el_set(p->edit, EL_BIND, "^Z", "qc-suspend", NULL);
}

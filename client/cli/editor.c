#include "client/cli/editor.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/cli/session.h"
#include "client/cli/tty.h"

/* The result of a key. */
enum step { STEP_ON, STEP_LINE, STEP_INTERRUPTED, STEP_END };

/* The signal only has to interrupt the read of the next key, so that the line is redrawn. */
static void on_resize(int number)
{
	(void)number;
}

void editor_open(struct editor *e, struct history *history, const struct editor_help *help)
{
	*e = (struct editor){.history = history, .help = help, .keys = {.fd = STDIN_FILENO},
			     .is_smart = tty_is_smart(STDOUT_FILENO)};
	if (e->is_smart) {
		sigaction(SIGWINCH, &(struct sigaction){.sa_handler = on_resize}, NULL);
		tty_run();
	}
}

void editor_close(struct editor *e)
{
	if (e->is_smart)
		tty_restore();
	line_fini(&e->line);
	screen_fini(&e->screen);
	keys_fini(&e->keys);
	text_fini(&e->hint);
	text_fini(&e->pasted);
	text_fini(&e->draft);
	text_fini(&e->search);
}

void editor_forget_pasted(struct editor *e)
{
	text_clear(&e->pasted);
}

/* Drawing */

static void draw(struct editor *e, bool is_hinted)
{
	struct line *l = &e->line;

	text_clear(&e->hint);
	if (is_hinted && l->text.len)
		e->help->hint(e->help->data, l->text.data, l->text.len, &e->hint);
	screen_draw(&e->screen, &(struct screen_view){.prompt = e->prompt, .text = l->text.data, .text_len = l->text.len,
						      .cursor = l->cursor, .hint = e->hint.data, .is_coloured = e->is_coloured});
}

/* Leaves the line on the screen, above further output. */
static void leave_line(struct editor *e, const char *mark)
{
	struct text end = {NULL, 0, 0};

	e->line.cursor = e->line.text.len;
	draw(e, false);
	text_printf(&end, "%s\r\n", mark);
	print(&end);
	text_fini(&end);
}

/* History */

static void show_recalled(struct editor *e, size_t index)
{
	bool is_draft = index == e->history->count;
	const char *text = is_draft ? e->draft.data : e->history->lines[index];

	if (e->recalled == e->history->count) {
		text_clear(&e->draft);
		text_add(&e->draft, e->line.text.data, e->line.text.len);
	}
	e->recalled = index;
	line_set(&e->line, text, strlen(text));
}

static void recall_older(struct editor *e)
{
	if (e->recalled > 0)
		show_recalled(e, e->recalled - 1);
}

static void recall_newer(struct editor *e)
{
	if (e->recalled < e->history->count)
		show_recalled(e, e->recalled + 1);
}

/* The newest line before `end` that contains the searched text; history->count if there is none. */
static size_t find_older(const struct editor *e, size_t end)
{
	while (end-- > 0)
		if (strstr(e->history->lines[end], e->search.data))
			return end;
	return e->history->count;
}

static void draw_search(struct editor *e, const char *found, bool is_found)
{
	struct text front = {NULL, 0, 0};
	const char *at = is_found ? strstr(found, e->search.data) : NULL;

	text_printf(&front, "(%ssearch) %s: ", is_found ? "" : "failed ", e->search.data);
	screen_draw(&e->screen, &(struct screen_view){.prompt = front.data, .text = found, .text_len = strlen(found),
						      .cursor = at ? (size_t)(at - found) : strlen(found)});
	text_fini(&front);
}

static void search_erase(struct editor *e)
{
	struct line typed = {.text = e->search, .cursor = e->search.len};

	line_erase(&typed, line_left(&typed));
	e->search = typed.text;
}

/*
 * Ctrl-R searches older lines for the typed text; Ctrl-R again finds the next older one. Ctrl-G cancels. Any other key is returned, and
 * applies to the line found.
 */
static int search(struct editor *e)
{
	size_t found = e->recalled, count = e->history->count;
	int key;

	text_clear(&e->search);
	text_add(&e->search, "", 0);
	for (;;) {
		const char *line = found < count ? e->history->lines[found] : e->line.text.data;
		bool is_found = !e->search.len || strstr(line, e->search.data);
		if (!keys_wait(&e->keys))
			draw_search(e, line, is_found);
		key = keys_next(&e->keys);
		size_t end = found < count ? found + 1 : count;
		if (key == KEY_TEXT) {
			text_add(&e->search, e->keys.text.data, e->keys.text.len);
		} else if (key == KEY_RUBOUT || key == CONTROL('H')) {
			search_erase(e);
			end = count;
		} else if (key == CONTROL('R')) {
			end = found < count ? found : count;
		} else if (key != KEY_NONE) {
			break;
		}
		size_t next = e->search.len ? find_older(e, end) : count;
		found = !e->search.len ? count : next < count ? next : found;
	}
	if (key == CONTROL('G') || key == CONTROL('C'))
		return KEY_UNKNOWN;
	if (found < count && e->search.len)
		show_recalled(e, found);
	return key;
}

/* Completion */

/* The length of the common prefix of all candidates. */
static size_t common_length(const struct words *w)
{
	size_t len = w->items[0].len;

	for (size_t i = 1; i < w->count; i++)
		for (size_t at = 0; at < len; at++)
			if (at >= w->items[i].len || w->owned[i][at] != w->owned[0][at])
				len = at;
	/* Don't cut a UTF-8 character. */
	while (len > 0 && w->count > 1 && ((unsigned char)w->owned[0][len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void list_candidates(struct editor *e, const struct words *w)
{
	struct text out = {NULL, 0, 0};
	size_t widest = 0, columns = e->screen.columns, most = e->screen.rows > 4 ? e->screen.rows - 3 : 1;

	for (size_t i = 0; i < w->count; i++)
		widest = w->items[i].len > widest ? w->items[i].len : widest;
	size_t per_row = columns / (widest + 2) ? columns / (widest + 2) : 1;
	leave_line(e, "");
	for (size_t i = 0; i < w->count && i < most * per_row; i++)
		text_printf(&out, "%s%-*s", i && i % per_row == 0 ? "\r\n" : "", (int)(per_row > 1 ? widest + 2 : 0), w->owned[i]);
	if (w->count > most * per_row)
		text_printf(&out, "\r\n... %zu more", w->count - most * per_row);
	text_puts(&out, "\r\n");
	print(&out);
	text_fini(&out);
	screen_begin(&e->screen);
}

static void complete(struct editor *e)
{
	struct candidates c = {.from = e->line.cursor};
	struct line *l = &e->line;

	if (l->cursor)
		e->help->complete(e->help->data, l->text.data, l->cursor, &c);
	size_t typed = l->cursor - c.from, common = c.words.count ? common_length(&c.words) : 0;
	if (c.words.count == 0) {
		fputs("\a", stderr);
	} else if (c.words.count == 1 || common > typed) {
		line_erase(l, c.from);
		line_insert(l, c.words.owned[0], common);
		if (c.words.count == 1)
			line_insert(l, " ", 1);
	} else {
		size_t cursor = l->cursor;
		list_candidates(e, &c.words);
		l->cursor = cursor;
	}
	words_fini(&c.words);
}

/* Keys */

static enum step enter_line(struct editor *e)
{
	leave_line(e, "");
	return STEP_LINE;
}

static enum step interrupt(struct editor *e)
{
	leave_line(e, "^C");
	text_clear(&e->pasted);
	return STEP_INTERRUPTED;
}

/* Ctrl-D on an empty line ends the input. */
static enum step delete_or_end(struct editor *e)
{
	if (e->line.text.len == 0) {
		leave_line(e, "");
		return STEP_END;
	}
	line_erase(&e->line, line_right(&e->line));
	return STEP_ON;
}

static enum step clear_screen(struct editor *e)
{
	struct text out = {NULL, 0, 0};

	text_puts(&out, "\033[H\033[2J");
	print(&out);
	text_fini(&out);
	screen_begin(&e->screen);
	return STEP_ON;
}

static void begin_editing(struct editor *e)
{
	struct text on = {NULL, 0, 0};

	tty_edit();
	text_puts(&on, KEY_PASTE_ON);
	print(&on);
	text_fini(&on);
	screen_begin(&e->screen);
}

static void end_editing(void)
{
	struct text off = {NULL, 0, 0};

	text_puts(&off, KEY_PASTE_OFF);
	print(&off);
	text_fini(&off);
	tty_run();
}

static enum step suspend(struct editor *e)
{
	leave_line(e, "");
	end_editing();
	tty_restore();
	kill(getpid(), SIGTSTP);
	begin_editing(e);
	return STEP_ON;
}

/* Inserts the first pasted line at the cursor. The remaining lines are kept. */
static enum step paste(struct editor *e)
{
	struct text *text = &e->keys.text;
	char *end = memchr(text->data, '\n', text->len);

	line_insert(&e->line, text->data, end ? (size_t)(end - text->data) : text->len);
	if (!end)
		return STEP_ON;
	text_add(&e->pasted, end + 1, text->len - (size_t)(end + 1 - text->data));
	return enter_line(e);
}

static enum step step_search(struct editor *e);

static enum step step_text(struct editor *e)
{
	line_insert(&e->line, e->keys.text.data, e->keys.text.len);
	return STEP_ON;
}

/* A key moves the cursor to a position, removes the text up to a position, or calls a function. */
static const struct binding {
	int key;
	size_t (*to)(const struct line *line);
	void (*with)(struct line *line, size_t to); /* NULL: move the cursor there */
	void (*on_line)(struct line *line);
	void (*on_editor)(struct editor *editor);
	enum step (*step)(struct editor *editor);
} bindings[] = {
	{KEY_TEXT, .step = step_text},
	{CONTROL('A'), .to = line_begin},
	{KEY_HOME, .to = line_begin},
	{CONTROL('E'), .to = line_end},
	{KEY_END, .to = line_end},
	{CONTROL('B'), .to = line_left},
	{KEY_LEFT, .to = line_left},
	{CONTROL('F'), .to = line_right},
	{KEY_RIGHT, .to = line_right},
	{KEY_WORD_LEFT, .to = line_word_left},
	{KEY_WORD_RIGHT, .to = line_word_right},
	{KEY_RUBOUT, .to = line_left, .with = line_erase},
	{CONTROL('H'), .to = line_left, .with = line_erase},
	{KEY_DELETE, .to = line_right, .with = line_erase},
	{CONTROL('K'), .to = line_end, .with = line_kill},
	{CONTROL('U'), .to = line_begin, .with = line_kill},
	{CONTROL('W'), .to = line_blank_left, .with = line_kill},
	{KEY_WORD_RUBOUT, .to = line_word_left, .with = line_kill},
	{KEY_WORD_DELETE, .to = line_word_right, .with = line_kill},
	{CONTROL('Y'), .on_line = line_yank},
	{CONTROL('T'), .on_line = line_transpose},
	{CONTROL('P'), .on_editor = recall_older},
	{KEY_UP, .on_editor = recall_older},
	{CONTROL('N'), .on_editor = recall_newer},
	{KEY_DOWN, .on_editor = recall_newer},
	{CONTROL('I'), .on_editor = complete},
	{CONTROL('R'), .step = step_search},
	{CONTROL('M'), .step = enter_line},
	{CONTROL('J'), .step = enter_line},
	{CONTROL('C'), .step = interrupt},
	{CONTROL('D'), .step = delete_or_end},
	{CONTROL('L'), .step = clear_screen},
	{CONTROL('Z'), .step = suspend},
	{KEY_PASTE, .step = paste},
};

static enum step take_key(struct editor *e, int key)
{
	struct line *l = &e->line;

	if (key == KEY_CLOSED)
		return STEP_END;
	for (const struct binding *b = bindings; b < bindings + sizeof(bindings) / sizeof(bindings[0]); b++) {
		if (b->key != key)
			continue;
		if (b->step)
			return b->step(e);
		if (b->on_editor)
			b->on_editor(e);
		else if (b->on_line)
			b->on_line(l);
		else if (b->with)
			b->with(l, b->to(l));
		else
			l->cursor = b->to(l);
		break;
	}
	return STEP_ON;
}

static enum step step_search(struct editor *e)
{
	int key = search(e);

	return take_key(e, key);
}

static enum step edit(struct editor *e)
{
	enum step step = STEP_ON;

	begin_editing(e);
	while (step == STEP_ON) {
		/* Draw only when no more input waits, so that a paste of thousands of characters is drawn once. */
		if (!keys_wait(&e->keys))
			draw(e, true);
		step = take_key(e, keys_next(&e->keys));
	}
	end_editing();
	return step;
}

/* Takes the next whole pasted line. A rest without a line end becomes the beginning of the line being edited. */
static bool take_pasted(struct editor *e)
{
	char *end = e->pasted.len ? memchr(e->pasted.data, '\n', e->pasted.len) : NULL;
	size_t len = end ? (size_t)(end - e->pasted.data) : e->pasted.len, used = len + (end != NULL);

	line_set(&e->line, e->pasted.data, len);
	e->pasted.len -= used;
	if (used)
		memmove(e->pasted.data, e->pasted.data + used, e->pasted.len);
	if (end) {
		screen_begin(&e->screen);
		leave_line(e, "");
	}
	return end != NULL;
}

static enum editor_status read_plain(struct editor *e)
{
	FILE *to = isatty(STDOUT_FILENO) ? stdout : stderr;
	char *line = NULL;
	size_t size = 0;

	fputs(e->prompt, to);
	fflush(to);
	ssize_t len = getline(&line, &size, stdin);
	if (len > 0)
		line_set(&e->line, line, (size_t)len - (line[len - 1] == '\n'));
	else
		fputs("\n", to);
	free(line);
	return len > 0 ? EDITOR_LINE : EDITOR_END;
}

enum editor_status editor_read(struct editor *e, const char *prompt)
{
	static const enum editor_status ended[] = {[STEP_LINE] = EDITOR_LINE, [STEP_INTERRUPTED] = EDITOR_INTERRUPTED,
						   [STEP_END] = EDITOR_END};

	e->prompt = prompt;
	e->recalled = e->history->count;
	line_set(&e->line, "", 0);
	if (!e->is_smart)
		return read_plain(e);
	if (take_pasted(e))
		return EDITOR_LINE;
	return ended[edit(e)];
}

static void no_hint(void *data, const char *line, size_t len, struct text *out)
{
	(void)data, (void)line, (void)len, (void)out;
}

static void no_candidates(void *data, const char *line, size_t len, struct candidates *candidates)
{
	(void)data, (void)line, (void)len, (void)candidates;
}

bool editor_confirm(struct editor *e, const char *question)
{
	static const struct editor_help none = {.hint = no_hint, .complete = no_candidates};
	struct history nothing = {.lines = NULL}, *history = e->history;
	const struct editor_help *help = e->help;
	struct text pasted = e->pasted;

	e->pasted = (struct text){NULL, 0, 0};
	e->history = &nothing;
	e->help = &none;
	bool answered = editor_read(e, question) == EDITOR_LINE;
	const char *answer = e->line.text.data;
	e->history = history;
	e->help = help;
	text_fini(&e->pasted);
	e->pasted = pasted;
	return answered && (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
}

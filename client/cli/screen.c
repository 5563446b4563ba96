#include "client/cli/screen.h"

#include <string.h>
#include <unistd.h>

#include "client/cli/session.h"
#include "client/cli/tty.h"

/* The gap between text and hint, and the least width at which a hint is useful. */
#define HINT_GAP 2
#define HINT_LEAST 4

/* The position of the next character. As on a terminal, a full row ends only when another character follows. */
struct pen {
	size_t columns, row, column;
	size_t first, end; /* the rows that are drawn */
	struct text *out;  /* NULL: only measure */
};

static bool is_shown(const struct pen *p)
{
	return p->out && p->row >= p->first && p->row < p->end;
}

static void put(struct pen *p, const char *bytes, size_t len, size_t width)
{
	if (p->column + width > p->columns) {
		p->row++;
		p->column = 0;
	}
	if (is_shown(p))
		text_add(p->out, bytes, len);
	p->column += width;
}

static void end_row(struct pen *p)
{
	bool was_shown = is_shown(p);

	if (was_shown && p->column < p->columns)
		text_puts(p->out, "\033[K");
	p->row++;
	p->column = 0;
	if (was_shown && is_shown(p))
		text_puts(p->out, "\r\n");
}

static void put_character(struct pen *p, const char *data, size_t len, size_t width)
{
	unsigned char c = (unsigned char)*data;
	char shown[2] = {'^', (char)(c ^ 0x40)};

	if (c == '\n')
		end_row(p);
	else if (c == '\t')
		put(p, " ", 1, 1);
	else if (c < 0x20 || c == 0x7f)
		put(p, shown, 2, 2);
	else if (c >= 0x80 && len == 1)
		put(p, "?", 1, 1);
	else
		put(p, data, len, width);
}

static void put_text(struct pen *p, const char *text, size_t len)
{
	size_t width, bytes;

	for (size_t at = 0; at < len; at += bytes) {
		bytes = line_character(text + at, len - at, &width);
		put_character(p, text + at, bytes, width);
	}
}

/*
 * A cursor after the last column belongs to the next row. Writing a blank moves it there; a line end would not do, since the terminal would
 * no longer rewrap the rows as one line when its width changes.
 */
static void settle(struct pen *p)
{
	if (p->column < p->columns)
		return;
	put(p, " ", 1, 1);
	if (is_shown(p))
		text_puts(p->out, "\r");
	p->column = 0;
}

static void put_hint(struct pen *p, const char *hint, bool is_coloured)
{
	size_t width, bytes, len = hint ? strlen(hint) : 0;
	struct pen hinted = *p;

	if (len == 0 || !is_shown(p) || p->column + HINT_GAP + HINT_LEAST >= p->columns)
		return;
	text_printf(p->out, "%*s%s", HINT_GAP, "", is_coloured ? "\033[90m" : "");
	hinted.column += HINT_GAP;
	for (size_t at = 0; at < len; at += bytes) {
		bytes = line_character(hint + at, len - at, &width);
		if (hinted.column + width >= p->columns)
			break;
		put_character(&hinted, hint + at, bytes, width);
	}
	text_puts(p->out, is_coloured ? "\033[0m" : "");
}

void screen_fini(struct screen *s)
{
	text_fini(&s->out);
	text_fini(&s->drawn);
}

void screen_begin(struct screen *s)
{
	tty_size(&s->columns, &s->rows);
	s->first_row = s->cursor_row = s->drawn_cursor = 0;
	text_clear(&s->drawn);
}

/* The position after the first `len` bytes of prompt and text. */
static struct pen measure(const struct screen *s, const char *text, size_t len)
{
	struct pen pen = {.columns = s->columns};

	put_text(&pen, text, len);
	settle(&pen);
	return pen;
}

/* Moves to the beginning of the first row drawn. */
static void go_to_start(struct screen *s)
{
	if (s->cursor_row)
		text_printf(&s->out, "\033[%zuA", s->cursor_row);
	text_puts(&s->out, "\r");
}

/* Of the rows those are drawn that hold the cursor: the first ones, or the last ones up to the cursor. */
static void choose_rows(struct screen *s, size_t cursor_row)
{
	if (cursor_row < s->first_row)
		s->first_row = cursor_row;
	if (cursor_row >= s->first_row + s->rows)
		s->first_row = cursor_row - s->rows + 1;
}

/* Where the cursor is after a change of width: most terminals rewrap the rows of a text. */
static void follow_size(struct screen *s)
{
	size_t columns = s->columns, rows = s->rows;

	tty_size(&s->columns, &s->rows);
	if (s->columns == columns && s->rows == rows)
		return;
	struct pen cursor = measure(s, s->drawn.data ? s->drawn.data : "", s->drawn_cursor);
	s->first_row = 0;
	s->cursor_row = cursor.row < s->rows ? cursor.row : s->rows - 1;
}

void screen_draw(struct screen *s, const struct screen_view *v)
{
	follow_size(s);
	go_to_start(s);
	text_clear(&s->drawn);
	text_puts(&s->drawn, v->prompt);
	s->drawn_cursor = s->drawn.len + v->cursor;
	text_add(&s->drawn, v->text, v->text_len);
	struct pen cursor = measure(s, s->drawn.data, s->drawn_cursor);
	choose_rows(s, cursor.row);
	struct pen pen = {.columns = s->columns, .first = s->first_row, .end = s->first_row + s->rows, .out = &s->out};
	put_text(&pen, s->drawn.data, s->drawn.len);
	settle(&pen);
	put_hint(&pen, v->hint, v->is_coloured);
	if (is_shown(&pen))
		text_puts(&s->out, "\033[J");
	size_t last = pen.row < pen.end ? pen.row : pen.end - 1;
	if (last > cursor.row)
		text_printf(&s->out, "\033[%zuA", last - cursor.row);
	text_puts(&s->out, "\r");
	if (cursor.column)
		text_printf(&s->out, "\033[%zuC", cursor.column);
	s->cursor_row = cursor.row - s->first_row;
	print(&s->out);
}

/*
 * Draws the line being edited: the prompt, the text over several rows, a hint at the right. Each time everything is redrawn with one write.
 * If the text has more rows than the terminal, those around the cursor are drawn.
 */
#ifndef CLIENT_CLI_SCREEN_H
#define CLIENT_CLI_SCREEN_H

#include "client/cli/line.h"

struct screen {
	size_t columns, rows;
	size_t first_row;  /* the first row shown, among all rows of the text */
	size_t cursor_row; /* counted from the first row shown */
	/* The text drawn last, and the columns before its cursor: to find the rows again after the window has changed its size. */
	struct text drawn;
	size_t drawn_cursor;
	struct text out;
};

struct screen_view {
	const char *prompt, *text, *hint; /* hint: NULL if none */
	size_t text_len, cursor;          /* cursor: index into `text` */
	bool is_coloured;                 /* draw the hint in grey */
};

void screen_fini(struct screen *screen);
/* The terminal's cursor must be at the beginning of an empty row. */
void screen_begin(struct screen *screen);
/* Also finds the rows again if the window has changed its size: terminals rewrap them. */
void screen_draw(struct screen *screen, const struct screen_view *view);

#endif

/*
 * How a line that is edited stands on the terminal: the prompt, the text over as many rows as it takes, a hint behind it. All of it
 * is drawn anew each time, in one write; of a text that has more rows than the terminal, those around the cursor.
 */
#ifndef CLIENT_CLI_SCREEN_H
#define CLIENT_CLI_SCREEN_H

#include "client/cli/line.h"

struct screen {
	size_t columns, rows;
	size_t first_row;  /* that is shown, of what was drawn */
	size_t cursor_row; /* of those that are shown */
	/* What was drawn, to know where it has gone when the window has changed its size: columns in front of the cursor. */
	struct text drawn;
	size_t drawn_cursor;
	struct text out;
};

struct screen_view {
	const char *prompt, *text, *hint; /* hint: NULL for none */
	size_t text_len, cursor;          /* cursor: in the text */
	bool is_coloured;                 /* the hint is grey */
};

void screen_fini(struct screen *screen);
/* The terminal's cursor stands at the beginning of an empty row. */
void screen_begin(struct screen *screen);
/* When the window has another size since: terminals have parted the rows of what was drawn anew. */
void screen_draw(struct screen *screen, const struct screen_view *view);

#endif

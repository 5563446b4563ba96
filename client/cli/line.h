/*
 * A line that is being edited: bytes, mostly UTF-8, and a cursor between two characters. What is no UTF-8 counts as a character
 * a byte. Knows nothing of keys and terminals.
 */
#ifndef CLIENT_CLI_LINE_H
#define CLIENT_CLI_LINE_H

#include "client/cli/text.h"

struct line {
	struct text text;
	size_t cursor;      /* 0 to text.len */
	struct text killed; /* what was cut last, to be put elsewhere */
};

void line_fini(struct line *line);
/* Replaces the text; the cursor stands behind it. */
void line_set(struct line *line, const char *data, size_t len);
void line_insert(struct line *line, const char *data, size_t len);
/* Takes away what is between the cursor and `to`; as killed text, if it is to be kept. */
void line_erase(struct line *line, size_t to);
void line_kill(struct line *line, size_t to);
void line_yank(struct line *line);
/* Exchanges the two characters around the cursor, or the last two. */
void line_transpose(struct line *line);

/* Where the cursor would stand. */
size_t line_left(const struct line *line);
size_t line_right(const struct line *line);
/* Words are letters, digits, and all that is not ASCII. */
size_t line_word_left(const struct line *line);
size_t line_word_right(const struct line *line);
/* The same for what stands between blanks. */
size_t line_blank_left(const struct line *line);
size_t line_begin(const struct line *line);
size_t line_end(const struct line *line);

/* Bytes of the character at `data`, at least 1 of `len`; *out_columns is how wide it is shown (0 to 2). */
size_t line_character(const char *data, size_t len, size_t *out_columns);

#endif

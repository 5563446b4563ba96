/*
 * A line being edited: bytes, mostly UTF-8, and a cursor between two characters. Each byte that is not UTF-8 counts as one character. Knows
 * nothing of keys and terminals.
 */
#ifndef CLIENT_CLI_LINE_H
#define CLIENT_CLI_LINE_H

#include "client/cli/text.h"

struct line {
	struct text text;
	size_t cursor;      /* 0 to text.len */
	struct text killed; /* the text cut last, for line_yank() */
};

void line_fini(struct line *line);
/* Replaces the text; the cursor moves to its end. */
void line_set(struct line *line, const char *data, size_t len);
void line_insert(struct line *line, const char *data, size_t len);
/* Removes the text between the cursor and `to`; line_kill() also keeps it for line_yank(). */
void line_erase(struct line *line, size_t to);
void line_kill(struct line *line, size_t to);
void line_yank(struct line *line);
/* Exchanges the characters before and after the cursor; at the end of the line, the last two. */
void line_transpose(struct line *line);

/* These return where the cursor would move. */
size_t line_left(const struct line *line);
size_t line_right(const struct line *line);
/* Words are letters, digits, and everything that is not ASCII. */
size_t line_word_left(const struct line *line);
size_t line_word_right(const struct line *line);
/* The same for words separated by blanks. */
size_t line_blank_left(const struct line *line);
size_t line_begin(const struct line *line);
size_t line_end(const struct line *line);

/* The length in bytes of the character at `data`, at least 1, at most `len`. *out_columns is its width (0 to 2). */
size_t line_character(const char *data, size_t len, size_t *out_columns);

#endif

/*
 * Splits a line into arguments, separated by blanks: "double quotes" with \n \r \t \b \a \xHH escapes, 'single quotes' with \'.
 */
#ifndef CLIENT_CLI_WORDS_H
#define CLIENT_CLI_WORDS_H

#include "client/qcache.h"

struct words {
	qc_arg *items;
	size_t count, capacity;
	char **owned; /* the bytes of each word */
};

enum words_status {
	WORDS_OK,
	WORDS_OPEN,  /* an open quote, which further lines may close */
	WORDS_WRONG, /* text directly after a closing quote */
};

enum words_status words_split(struct words *words, const char *line);
/*
 * Splits up to a | that stands alone after a word. *out_program is the rest of the line, for the shell; NULL if there is none.
 */
enum words_status words_split_pipe(struct words *words, const char *line, const char **out_program);
void words_add(struct words *words, const void *data, size_t len);
/* Removes the last word. There must be one. */
void words_pop(struct words *words);
/* Sorts by bytes. */
void words_sort(struct words *words);
void words_clear(struct words *words);
void words_fini(struct words *words);
/* Whether argument `index` is this word, in any letter case. */
bool words_is(const struct words *words, size_t index, const char *word);

#endif

/*
 * A line as arguments: parted by blanks; "double quotes" with \n \r \t \b \a \xHH escapes, 'single quotes' with \'.
 */
#ifndef CLIENT_CLI_WORDS_H
#define CLIENT_CLI_WORDS_H

#include "client/qcache.h"

struct words {
	qc_arg *items;
	size_t count, capacity;
	char **owned; /* the bytes of each */
};

enum words_status {
	WORDS_FINE,
	WORDS_OPEN,  /* a quote isn't closed: more lines may close it */
	WORDS_WRONG, /* something stands right behind a closing quote */
};

enum words_status words_split(struct words *words, const char *line);
/*
 * The same up to a | that stands alone behind some word: *out_program is what follows it, for the shell; NULL without.
 */
enum words_status words_split_pipe(struct words *words, const char *line, const char **out_program);
void words_add(struct words *words, const void *data, size_t len);
/* Takes the last one away; there is one. */
void words_pop(struct words *words);
/* In the order of their bytes. */
void words_sort(struct words *words);
void words_clear(struct words *words);
void words_fini(struct words *words);
/* Does argument `index` spell this, in any case? */
bool words_is(const struct words *words, size_t index, const char *word);

#endif

#include "client/cli/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "client/cli/text.h"

void words_add(struct words *words, const void *data, size_t len)
{
	if (words->count == words->capacity) {
		words->capacity = words->capacity ? words->capacity * 2 : 16;
		words->items = checked(realloc(words->items, words->capacity * sizeof(*words->items)));
		words->owned = checked(realloc(words->owned, words->capacity * sizeof(*words->owned)));
	}
	char *copy = checked(malloc(len + 1));
	if (len)
		memcpy(copy, data, len);
	copy[len] = 0;
	words->owned[words->count] = copy;
	words->items[words->count++] = qc_bytes(copy, len);
}

void words_pop(struct words *words)
{
	free(words->owned[--words->count]);
}

static int by_bytes(const void *a, const void *b)
{
	const qc_arg *left = a, *right = b;
	int order = memcmp(left->data, right->data, left->len < right->len ? left->len : right->len);

	return order ? order : (left->len > right->len) - (left->len < right->len);
}

void words_sort(struct words *words)
{
	if (words->count)
		qsort(words->items, words->count, sizeof(*words->items), by_bytes);
	for (size_t i = 0; i < words->count; i++)
		words->owned[i] = (char *)words->items[i].data;
}

void words_clear(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->owned[i]);
	words->count = 0;
}

void words_fini(struct words *words)
{
	words_clear(words);
	free(words->items);
	free(words->owned);
	*words = (struct words){NULL, 0, 0, NULL};
}

bool words_is(const struct words *words, size_t index, const char *word)
{
	return index < words->count && words->items[index].len == strlen(word) &&
	       strncasecmp(words->owned[index], word, strlen(word)) == 0;
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* Decodes one escape after a backslash, in double quotes. Returns where it ends. */
static const char *unescape(struct text *word, const char *at)
{
	static const char names[] = "nrtba", letters[] = "\n\r\t\b\a";
	const char *found = strchr(names, *at);

	if (at[0] == 'x' && hex(at[1]) >= 0 && hex(at[2]) >= 0) {
		char byte = (char)(hex(at[1]) * 16 + hex(at[2]));
		text_add(word, &byte, 1);
		return at + 3;
	}
	text_add(word, found ? &letters[found - names] : at, 1);
	return at + 1;
}

/* Reads up to the closing quote; NULL if there is none. */
static const char *quoted(struct text *word, const char *at, char quote)
{
	while (*at && *at != quote) {
		if (quote == '"' && at[0] == '\\' && at[1]) {
			at = unescape(word, at + 1);
		} else if (quote == '\'' && at[0] == '\\' && at[1] == '\'') {
			text_add(word, "'", 1);
			at += 2;
		} else {
			text_add(word, at++, 1);
		}
	}
	return *at ? at + 1 : NULL;
}

static enum words_status next_word(struct text *word, const char **at)
{
	const char *p = *at;

	text_add(word, "", 0);
	while (*p && !isspace((unsigned char)*p)) {
		if (*p != '"' && *p != '\'') {
			text_add(word, p++, 1);
			continue;
		}
		p = quoted(word, p + 1, *p);
		if (!p)
			return WORDS_OPEN;
		if (*p && !isspace((unsigned char)*p))
			return WORDS_WRONG;
	}
	*at = p;
	return WORDS_OK;
}

static bool is_pipe(const char *at)
{
	return at[0] == '|' && (!at[1] || isspace((unsigned char)at[1]));
}

enum words_status words_split(struct words *words, const char *line)
{
	return words_split_pipe(words, line, NULL);
}

enum words_status words_split_pipe(struct words *words, const char *line, const char **out_program)
{
	enum words_status status = WORDS_OK;
	struct text word = {NULL, 0, 0};

	words_clear(words);
	if (out_program)
		*out_program = NULL;
	for (;;) {
		while (isspace((unsigned char)*line))
			line++;
		if (!*line)
			break;
		if (out_program && words->count && is_pipe(line)) {
			*out_program = line + 1;
			break;
		}
		text_clear(&word);
		status = next_word(&word, &line);
		if (status != WORDS_OK)
			break;
		words_add(words, word.data, word.len);
	}
	text_fini(&word);
	return status;
}

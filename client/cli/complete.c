#include "client/cli/complete.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/cli/tty.h"

/* Completion of keys makes at most this many SCAN calls, and stops at this many keys. */
#define SCAN_STEPS 10
#define SCAN_COUNT "1000"
#define KEYS_MOST 100

/* Splits the line into the words before the last one, which may be empty. Returns where the last word begins. */
static size_t split(const char *line, size_t len, struct words *whole)
{
	char *copy = checked(strndup(line, len));
	enum words_status status = words_split(whole, copy);
	size_t from = len;

	if (status == WORDS_OK && whole->count && !isspace((unsigned char)copy[len - 1]))
		words_pop(whole);
	free(copy);
	while (from > 0 && !isspace((unsigned char)line[from - 1]))
		from--;
	return from;
}

static const struct help_entry *find_entry(const struct completer *c, const struct words *w, size_t *out_named)
{
	const struct help_entry *entry = w->count ? help_find(c->help, w->owned[0], w->count > 1 ? w->owned[1] : NULL) : NULL;

	*out_named = entry && strchr(entry->name, ' ') ? 2 : 1;
	return entry;
}

void completer_hint(void *data, const char *line, size_t len, struct text *out)
{
	struct words words = {NULL, 0, 0, NULL};
	size_t named;

	split(line, len, &words);
	const struct help_entry *entry = find_entry(data, &words, &named);
	if (entry)
		help_hint(entry, words.count - named, out);
	words_fini(&words);
}

/* The typed beginning of the current word, and the candidates for it. */
struct search {
	const char *typed;
	size_t len;
	struct words *out;
};

static bool has_word(const struct words *w, const char *text, size_t len)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].len == len && memcmp(w->owned[i], text, len) == 0)
			return true;
	return false;
}

/* Offers the name in the letter case of the typed text. */
static void offer(struct search *s, const char *name, size_t len)
{
	bool is_lower = s->len && islower((unsigned char)s->typed[*s->typed == '@' && s->len > 1]);
	char *copy;

	if (len < s->len || strncasecmp(name, s->typed, s->len) != 0)
		return;
	copy = checked(strndup(name, len));
	for (char *at = copy; *at; at++)
		*at = (char)(is_lower ? tolower((unsigned char)*at) : *at);
	if (!has_word(s->out, copy, len))
		words_add(s->out, copy, len);
	free(copy);
}

/* Offers the first words of all names, or the second words of those that begin with `command`. */
static void offer_names(struct search *s, const struct help *help, const char *command)
{
	size_t front = command ? strlen(command) : 0;

	for (size_t i = 0; i < help->count; i++) {
		const char *name = help->items[i].name;
		if (!command)
			offer(s, name, strcspn(name, " "));
		else if (strncasecmp(name, command, front) == 0 && name[front] == ' ')
			offer(s, name + front + 1, strlen(name + front + 1));
	}
}

static void offer_own(struct search *s)
{
	static const char *const names[] = {"CLEAR", "CONNECT", "EXIT", "HELP", "QUIT"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		offer(s, names[i], strlen(names[i]));
}

static void offer_groups(struct search *s, const struct help *help)
{
	struct text group = {NULL, 0, 0};

	for (size_t i = 0; i < help->count; i++) {
		text_clear(&group);
		text_printf(&group, "@%s", help->items[i].group);
		offer(s, group.data, group.len);
	}
	text_fini(&group);
}

/* Offers the upper-case words of a text like "key value [NX|XX] [EX seconds]". */
static void offer_options(struct search *s, const char *arguments)
{
	while (*arguments) {
		size_t len = 0;
		while (isupper((unsigned char)arguments[len]) || (len && (isdigit((unsigned char)arguments[len]) || arguments[len] == '-')))
			len++;
		if (len > 1 || (len && !islower((unsigned char)arguments[len])))
			offer(s, arguments, len);
		arguments += len;
		while (*arguments && !isupper((unsigned char)*arguments))
			arguments++;
	}
}

/* Keys */

/* Writes a glob pattern for keys with this prefix. */
static void write_pattern(struct text *out, const char *prefix, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr("*?[]\\", prefix[i]))
			text_puts(out, "\\");
		text_add(out, prefix + i, 1);
	}
	text_puts(out, "*");
}

/* Quotes the key if it contains special characters. */
static void offer_key(struct search *s, const char *key, size_t len)
{
	struct text word = {NULL, 0, 0};
	bool is_plain = len > 0 && !memchr(key, '"', len) && !memchr(key, '\'', len);

	for (size_t i = 0; i < len; i++)
		is_plain = is_plain && (unsigned char)key[i] > ' ' && key[i] != 0x7f;
	if (is_plain)
		text_add(&word, key, len);
	else
		text_quote(&word, key, len, true);
	if (!has_word(s->out, word.data, word.len))
		words_add(s->out, word.data, word.len);
	text_fini(&word);
}

static void scan_keys(struct session *session, struct search *s, const char *pattern)
{
	char cursor[32] = "0";

	for (int step = 0; step < SCAN_STEPS && s->out->count < KEYS_MOST; step++) {
		qc_result page qc_auto = CALL(session, "SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT);
		const qc_reply *keys = qc_reply_at(page.reply, 1);
		const char *next = qc_reply_text(qc_reply_at(page.reply, 0));
		if (qc_failed(page) || !next)
			return;
		for (size_t i = 0; i < qc_reply_count(keys); i++)
			offer_key(s, qc_reply_text(qc_reply_at(keys, i)), qc_reply_len(qc_reply_at(keys, i)));
		if (strcmp(next, "0") == 0)
			return;
		snprintf(cursor, sizeof(cursor), "%s", next);
	}
}

/* Offers nothing in a transaction, which would queue the SCAN. Ctrl-C ends the search. */
static void offer_keys(struct session *session, struct search *s)
{
	struct text pattern = {NULL, 0, 0};

	if (!session_is_connected(session) || session->state.in_multi || memchr(s->typed, '"', s->len) || memchr(s->typed, '\'', s->len))
		return;
	write_pattern(&pattern, s->typed, s->len);
	tty_run();
	scan_keys(session, s, pattern.data);
	interrupt_end();
	tty_edit();
	text_fini(&pattern);
}

static void offer_arguments(struct completer *c, struct search *s, const struct words *w)
{
	size_t named;
	const struct help_entry *entry = find_entry(c, w, &named);

	if (!entry)
		return;
	if (help_is_key(entry, w->count - named))
		offer_keys(c->session, s);
	else
		offer_options(s, entry->arguments);
}

void completer_complete(void *data, const char *line, size_t len, struct candidates *out)
{
	struct words w = {NULL, 0, 0, NULL};
	struct completer *c = data;

	out->from = split(line, len, &w);
	struct search s = {.typed = line + out->from, .len = len - out->from, .out = &out->words};
	bool is_help = words_is(&w, 0, "help") || words_is(&w, 0, "?");
	if (w.count == 0 || (w.count == 1 && is_help))
		offer_names(&s, c->help, NULL);
	if (w.count == 0)
		offer_own(&s);
	else if (is_help && w.count == 1)
		offer_groups(&s, c->help);
	if (w.count == 1 || (w.count == 2 && is_help))
		offer_names(&s, c->help, w.owned[w.count - 1]);
	if (out->words.count == 0 && !is_help)
		offer_arguments(c, &s, &w);
	words_sort(&out->words);
	words_fini(&w);
}

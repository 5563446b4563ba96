/*
 * SORT and SORT_RO. There are no lists and sets yet: a string is an error, and an absent key gives an empty result.
 */
#include "actors/store/commands/handlers.h"

/* The option words, and the number of arguments of each. */
static const struct sort_word {
	const char *word;
	uint32_t values;
	enum { SORT_PLAIN, SORT_LIMIT, SORT_STORE } kind;
} sort_words[] = {
	{ "ASC", 0, SORT_PLAIN },   { "DESC", 0, SORT_PLAIN }, { "ALPHA", 0, SORT_PLAIN }, { "LIMIT", 2, SORT_LIMIT },
	{ "STORE", 1, SORT_STORE }, { "BY", 1, SORT_PLAIN },   { "GET", 1, SORT_PLAIN },
};
#define SORT_WORDS (sizeof(sort_words) / sizeof(sort_words[0]))

static const struct sort_word *find_sort_word(const struct call *call, uint32_t index, bool may_store)
{
	for (size_t i = 0; i < SORT_WORDS; i++)
		if (call_arg_is(call, index, sort_words[i].word) && index + sort_words[i].values < call->argc &&
		    (may_store || sort_words[i].kind != SORT_STORE))
			return &sort_words[i];
	return NULL;
}

/* Parses the options. `*out_store_index` is the argument with the destination, or 0. False: the error reply has been written. */
static bool parse_sort_options(struct call *call, bool may_store, uint32_t *out_store_index)
{
	int64_t offset, count;
	*out_store_index = 0;
	for (uint32_t i = 2; i < call->argc; i++) {
		const struct sort_word *word = find_sort_word(call, i, may_store);
		if (!word) {
			reply_syntax_error(call);
			return false;
		}
		if (word->kind == SORT_LIMIT && (!call_arg_int64(call, i + 1, &offset) || !call_arg_int64(call, i + 2, &count)))
			return false;
		if (word->kind == SORT_STORE)
			*out_store_index = i + 1;
		i += word->values;
	}
	return true;
}

static void sort(struct call *call, bool may_store)
{
	uint32_t store_index;
	if (!parse_sort_options(call, may_store, &store_index))
		return;
	if (store_index)
		call_expire(call, call->session->database, store_index);
	if (call_find_to_read(call, 1)) {
		reply_wrong_type(call);
	} else if (store_index == 0) {
		reply_array(call, 0);
	} else {
		if (call_find(call, store_index))
			call_remove(call, store_index);
		reply_integer(call, 0);
	}
}

void cmd_sort(struct call *call)
{
	sort(call, true);
}

void cmd_sort_ro(struct call *call)
{
	sort(call, false);
}

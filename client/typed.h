/*
 * For the generated calls: collects arguments, then sends them.
 */
#ifndef CLIENT_TYPED_H
#define CLIENT_TYPED_H

#include "client/reply.h"
#include "client/table.h"

/* This many arguments need no allocation. */
#define ROOM 24

struct words {
	qc_arg *items, *space;
	size_t count;
};

/* At most `size` arguments follow. `space` has ROOM elements. */
struct words words_begin(qc_arg *space, size_t size);
/* Frees what words_begin() has allocated. */
void words_end(struct words *words);
/* Sends the command, and then does words_end(). */
qc_result words_run(struct words *words, qc_client *client, qc_context *context);

static inline void put(struct words *words, qc_arg arg)
{
	if (words->items)
		words->items[words->count++] = arg;
}

static inline void word(struct words *words, const char *text)
{
	put(words, qc_arg_text(text));
}

void put_all(struct words *words, qc_args args);

static inline bool is_given(const qc_arg *arg)
{
	return arg->data || arg->len;
}

#endif

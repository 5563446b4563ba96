/*
 * What the generated calls are made of: arguments gathered one by one, then sent.
 */
#ifndef CLIENT_TYPED_H
#define CLIENT_TYPED_H

#include "client/reply.h"
#include "client/table.h"

/* Arguments for which no memory is asked. */
#define ROOM 24

struct words {
	qc_arg *items, *space;
	size_t count;
};

/* At most `size` arguments will come; `space` has ROOM. */
struct words words_begin(qc_arg *space, size_t size);
/* Gives back what words_begin() has taken. */
void words_end(struct words *words);
/* Sends, and does that too. */
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

#include "client/typed.h"

#include <stdlib.h>

#include "client/error.h"

struct words words_begin(qc_arg *space, size_t size)
{
	struct words words = {.items = space, .space = space, .count = 0};

	if (size > ROOM)
		words.items = malloc(size * sizeof(*words.items));
	return words;
}

void put_all(struct words *words, qc_args args)
{
	if (!words->items || !args.count)
		return;
	memcpy(words->items + words->count, args.items, args.count * sizeof(*args.items));
	words->count += args.count;
}

void words_end(struct words *words)
{
	if (words->items != words->space)
		free(words->items);
}

qc_result words_run(struct words *words, qc_client *client, qc_context *context)
{
	if (!words->items)
		return (qc_result){.err = error_no_memory(), .reply = NULL};
	qc_result result = qc_do_args(client, context, (qc_args){words->items, words->count});
	words_end(words);
	return result;
}

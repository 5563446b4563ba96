#include "client/cli/confirm.h"

/* KEYS on so few keys takes only a moment. */
#define KEYS_MANY 10000

static const struct { const char *command, *sub, *effect; } known[] = {
	{"flushall", NULL, "deletes all keys of all databases"},
	{"flushdb", NULL, "deletes all keys of this database"},
	{"shutdown", NULL, "stops the server"},
	{"swapdb", NULL, "exchanges two databases for all clients"},
	{"script", "flush", "deletes all cached scripts"},
	{"function", "flush", "deletes all functions"},
	{"cluster", "reset", "removes the node from its cluster"},
	{"debug", "segfault", "crashes the server"},
	{"debug", "panic", "crashes the server"},
};

static const char *find_effect(const struct words *w)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (words_is(w, 0, known[i].command) && (!known[i].sub || words_is(w, 1, known[i].sub)))
			return known[i].effect;
	return NULL;
}

static long long count_keys(struct session *s)
{
	/* In a transaction DBSIZE would be queued. */
	if (!session_is_connected(s) || s->state.in_multi)
		return 0;
	qc_result size qc_auto = CALL(s, "DBSIZE");
	interrupt_end();
	return qc_reply_type(size.reply) == QC_INTEGER ? (long long)qc_reply_int(size.reply) : 0;
}

bool confirm_question(struct session *s, const struct words *w, struct text *out)
{
	const char *effect = find_effect(w);
	long long keys = words_is(w, 0, "keys") ? count_keys(s) : 0;

	text_clear(out);
	if (effect)
		text_printf(out, "%s %s at %s. Go on? (y/N) ", w->owned[0], effect, s->options->shown);
	else if (keys > KEYS_MANY)
		text_printf(out, "%s reads all %lld keys and blocks all other clients meanwhile (-scan doesn't). Go on? (y/N) ",
			    w->owned[0], keys);
	return out->len > 0;
}

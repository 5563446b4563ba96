/*
 * In a transaction the state doesn't change yet: after QUEUED a command is kept, and it is applied when EXEC has returned its reply.
 */
#include "client/cli/state.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/text.h"

static void on_select(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)reply;
	if (w->count == 2)
		s->db = s->actual_db = atoi(w->owned[1]);
}

static void copy_words(struct words *to, const struct words *from, size_t first, size_t end)
{
	words_clear(to);
	for (size_t i = first; i < end; i++)
		words_add(to, from->owned[i], from->items[i].len);
}

static void on_auth(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)reply;
	copy_words(&s->auth, w, 0, w->count);
}

/* HELLO version [AUTH user password] ... */
static void on_hello(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)reply;
	if (w->count > 1)
		s->protocol = s->actual_protocol = atoi(w->owned[1]);
	if (words_is(w, 2, "auth") && w->count >= 5)
		copy_words(&s->auth, w, 2, 5);
}

static void on_multi(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)w, (void)reply;
	s->in_multi = true;
}

static void on_exec(struct state *s, const struct words *w, const qc_reply *reply)
{
	struct queued *queued = s->queued;
	size_t count = s->queued_count;

	(void)w;
	s->queued = NULL;
	s->queued_count = 0;
	state_forget_multi(s);
	for (size_t i = 0; i < count; i++) {
		/* Null if a watched key has changed. */
		const qc_reply *answer = qc_reply_at(reply, queued[i].index);
		if (answer && qc_reply_type(answer) != QC_ERROR)
			state_note(s, &queued[i].words, answer);
		words_fini(&queued[i].words);
	}
	free(queued);
}

static void on_discard(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)w, (void)reply;
	state_forget_multi(s);
}

static void on_watch(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)w, (void)reply;
	s->is_watching = true;
}

static void on_unwatch(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)w, (void)reply;
	s->is_watching = false;
}

static void on_subscribe(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)w, (void)reply;
	s->is_subscribed = true;
}

static void on_reset(struct state *s, const struct words *w, const qc_reply *reply)
{
	(void)w, (void)reply;
	state_forget_multi(s);
	s->db = s->actual_db = 0;
	s->protocol = s->actual_protocol = 2;
}

static const struct {
	const char *name;
	void (*note)(struct state *state, const struct words *words, const qc_reply *reply);
} notes[] = {
	{"select", on_select},   {"auth", on_auth},           {"hello", on_hello},         {"multi", on_multi},
	{"exec", on_exec},       {"discard", on_discard},     {"reset", on_reset},         {"watch", on_watch},
	{"unwatch", on_unwatch}, {"subscribe", on_subscribe}, {"psubscribe", on_subscribe}, {"ssubscribe", on_subscribe},
};

bool state_is_queued(const struct state *s, const qc_reply *reply)
{
	return s->in_multi && qc_reply_type(reply) == QC_SIMPLE && strcmp(qc_reply_text(reply), "QUEUED") == 0;
}

static void keep_queued(struct state *s, const struct words *w)
{
	s->queued = checked(realloc(s->queued, (s->queued_count + 1) * sizeof(*s->queued)));
	struct queued *queued = &s->queued[s->queued_count++];
	*queued = (struct queued){.index = s->queue_length};
	copy_words(&queued->words, w, 0, w->count);
}

void state_note(struct state *s, const struct words *w, const qc_reply *reply)
{
	bool waits = state_is_queued(s, reply);

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (!words_is(w, 0, notes[i].name))
			continue;
		if (waits)
			keep_queued(s, w);
		else
			notes[i].note(s, w, reply);
		break;
	}
	s->queue_length += waits;
}

void state_forget_multi(struct state *s)
{
	for (size_t i = 0; i < s->queued_count; i++)
		words_fini(&s->queued[i].words);
	free(s->queued);
	s->queued = NULL;
	s->queued_count = s->queue_length = 0;
	s->in_multi = s->is_watching = s->is_subscribed = false;
}

const char *state_loss(const struct state *s)
{
	return s->in_multi ? "the transaction is lost" : s->is_watching ? "the keys are no longer watched" : NULL;
}

bool state_is_applied(const struct state *s)
{
	return s->db == s->actual_db && s->protocol == s->actual_protocol;
}

void state_fini(struct state *s)
{
	state_forget_multi(s);
	words_fini(&s->auth);
}

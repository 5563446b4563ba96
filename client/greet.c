#include "client/greet.h"

#include "client/error.h"

static bool is_needed(const struct settings *s, enum greet_step step)
{
	switch (step) {
	case GREET_HELLO:
		return s->protocol == 3;
	case GREET_AUTH:
		return s->password != NULL;
	case GREET_NAME:
		return s->name != NULL;
	case GREET_SELECT:
		return s->db != 0;
	case GREET_PING:
		return false;
	case GREET_DONE:
		break;
	}
	return true;
}

enum greet_step greet_step_from(const struct settings *settings, enum greet_step step)
{
	while (!is_needed(settings, step))
		step++;
	return step;
}

enum greet_step greet_step_of_old(const struct settings *settings)
{
	enum greet_step step = greet_step_from(settings, GREET_AUTH);

	return step == GREET_DONE ? GREET_PING : step;
}

static size_t hello(const struct settings *s, qc_arg *words)
{
	size_t count = 0;

	words[count++] = qc_arg("HELLO");
	words[count++] = qc_arg(3);
	if (s->password) {
		words[count++] = qc_arg("AUTH");
		words[count++] = qc_arg_text(s->user ? s->user : "default");
		words[count++] = qc_arg_text(s->password);
	}
	if (s->name) {
		words[count++] = qc_arg("SETNAME");
		words[count++] = qc_arg_text(s->name);
	}
	return count;
}

qc_args greet_words(const struct settings *s, enum greet_step step, qc_arg words[GREET_WORDS_MAX])
{
	size_t count = 0;

	switch (step) {
	case GREET_HELLO:
		count = hello(s, words);
		break;
	case GREET_AUTH:
		words[count++] = qc_arg("AUTH");
		if (s->user)
			words[count++] = qc_arg_text(s->user);
		words[count++] = qc_arg_text(s->password);
		break;
	case GREET_NAME:
		words[count++] = qc_arg("CLIENT");
		words[count++] = qc_arg("SETNAME");
		words[count++] = qc_arg_text(s->name);
		break;
	case GREET_SELECT:
		words[count++] = qc_arg("SELECT");
		words[count++] = qc_arg(s->db);
		break;
	case GREET_PING:
		words[count++] = qc_arg("PING");
		break;
	case GREET_DONE:
		break;
	}
	return (qc_args){words, count};
}

enum greet_step greet_next(const struct settings *settings, enum greet_step step, qc_error *answer)
{
	if (answer->kind == QC_OK)
		return greet_step_from(settings, step == GREET_HELLO ? GREET_SELECT : step + 1);
	/* RESP3, or HELLO itself, isn't known there. */
	if (step == GREET_HELLO && (qc_has_code(*answer, "NOPROTO") || strstr(answer->text, "unknown command"))) {
		*answer = no_error();
		return greet_step_from(settings, GREET_AUTH);
	}
	return step;
}

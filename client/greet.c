#include "client/greet.h"

#include <stdlib.h>

#include "client/error.h"

static bool is_needed(const struct greeting *g, enum greet_step step)
{
	switch (step) {
	case GREET_HELLO:
		return g->settings->protocol == 3 && !g->is_old;
	case GREET_AUTH:
		return g->password != NULL;
	case GREET_NAME:
		return g->settings->name != NULL;
	case GREET_SELECT:
		return g->settings->db != 0;
	case GREET_READONLY:
		return g->settings->read_from != QC_READ_PRIMARY;
	case GREET_LIBRARY:
	case GREET_VERSION:
		return g->has_setinfo;
	case GREET_PING:
		return g->is_old && !g->password && !g->settings->name && g->settings->db == 0 &&
		       g->settings->read_from == QC_READ_PRIMARY;
	case GREET_DONE:
		break;
	}
	return true;
}

/* The first step from `step` on that has something to send. */
static void move_to(struct greeting *g, enum greet_step step)
{
	while (!is_needed(g, step))
		step++;
	g->step = step;
}

static qc_error ask_for_credentials(struct greeting *g)
{
	const struct settings *s = g->settings;

	g->fresh.user[0] = g->fresh.password[0] = 0;
	qc_error err = s->credentials(s->credentials_data, &g->fresh);
	g->fresh.user[sizeof(g->fresh.user) - 1] = g->fresh.password[sizeof(g->fresh.password) - 1] = 0;
	g->user = g->fresh.user[0] ? g->fresh.user : NULL;
	g->password = g->fresh.password[0] ? g->fresh.password : NULL;
	return qc_wrap(err, "credentials");
}

qc_error greeting_begin(struct greeting *g, const struct settings *settings, bool is_old)
{
	g->settings = settings;
	g->is_old = is_old;
	g->has_setinfo = false;
	g->user = settings->user;
	g->password = settings->password;
	qc_error err = settings->credentials ? ask_for_credentials(g) : no_error();
	move_to(g, GREET_HELLO);
	return err;
}

void greeting_end(struct greeting *g)
{
	explicit_bzero(&g->fresh, sizeof(g->fresh));
	g->user = g->password = NULL;
}

static size_t hello(const struct greeting *g, qc_arg *words)
{
	size_t count = 0;

	words[count++] = qc_arg("HELLO");
	words[count++] = qc_arg(3);
	if (g->password) {
		words[count++] = qc_arg("AUTH");
		words[count++] = qc_arg_text(g->user ? g->user : "default");
		words[count++] = qc_arg_text(g->password);
	}
	if (g->settings->name) {
		words[count++] = qc_arg("SETNAME");
		words[count++] = qc_arg_text(g->settings->name);
	}
	return count;
}

static size_t setinfo(qc_arg *words, const char *what, const char *value)
{
	words[0] = qc_arg("CLIENT");
	words[1] = qc_arg("SETINFO");
	words[2] = qc_arg(what);
	words[3] = qc_arg(value);
	return 4;
}

qc_args greeting_words(const struct greeting *g, qc_arg words[GREET_WORDS_MAX])
{
	size_t count = 0;

	switch (g->step) {
	case GREET_HELLO:
		count = hello(g, words);
		break;
	case GREET_AUTH:
		words[count++] = qc_arg("AUTH");
		if (g->user)
			words[count++] = qc_arg_text(g->user);
		words[count++] = qc_arg_text(g->password);
		break;
	case GREET_NAME:
		words[count++] = qc_arg("CLIENT");
		words[count++] = qc_arg("SETNAME");
		words[count++] = qc_arg_text(g->settings->name);
		break;
	case GREET_SELECT:
		words[count++] = qc_arg("SELECT");
		words[count++] = qc_arg(g->settings->db);
		break;
	case GREET_READONLY:
		words[count++] = qc_arg("READONLY");
		break;
	case GREET_LIBRARY:
		count = setinfo(words, "LIB-NAME", "libqcache");
		break;
	case GREET_VERSION:
		count = setinfo(words, "LIB-VER", qc_version());
		break;
	case GREET_PING:
		words[count++] = qc_arg("PING");
		break;
	case GREET_DONE:
		break;
	}
	return (qc_args){words, count};
}

/* Since Redis 7.2 and the first Valkey, which reports its version as 7.2. */
static bool knows_setinfo(const qc_reply *hello)
{
	const char *version = qc_reply_text(qc_reply_get(hello, "version"));
	char *end = NULL;
	long major = version ? strtol(version, &end, 10) : 0;

	return major > 7 || (major == 7 && *end == '.' && strtol(end + 1, NULL, 10) >= 2);
}

qc_error greeting_take(struct greeting *g, const qc_reply *answer)
{
	qc_error err = qc_reply_err(answer);

	/* CLIENT SETINFO is only informative, so its errors are ignored. */
	if (g->step == GREET_LIBRARY || g->step == GREET_VERSION)
		err = no_error();
	if (err.kind == QC_OK) {
		g->has_setinfo |= g->step == GREET_HELLO && knows_setinfo(answer);
		move_to(g, g->step == GREET_HELLO ? GREET_SELECT : g->step + 1);
		return err;
	}
	/* The server doesn't know RESP3, or HELLO. */
	if (g->step == GREET_HELLO && (qc_has_code(err, "NOPROTO") || strstr(err.text, "unknown command"))) {
		move_to(g, GREET_AUTH);
		return no_error();
	}
	return err;
}

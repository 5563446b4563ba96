/*
 * The first words on a connection, step by step. HELLO does all at once where the server knows it; one that doesn't is spoken to
 * in RESP2, with AUTH and CLIENT SETNAME instead. A server of Redis 7.2 or later is told what library it serves.
 */
#ifndef CLIENT_GREET_H
#define CLIENT_GREET_H

#include "client/settings.h"

/* GREET_PING is for who has nothing else to say, and must know that somebody listens. */
enum greet_step { GREET_HELLO, GREET_AUTH, GREET_NAME, GREET_SELECT, GREET_LIBRARY, GREET_VERSION, GREET_PING, GREET_DONE };

#define GREET_WORDS_MAX 8

struct greeting {
	const struct settings *settings;
	enum greet_step step;
	bool is_old;      /* no HELLO, as the server closes the connection at it */
	bool has_setinfo; /* CLIENT SETINFO is known there */
	const char *user, *password;
	struct qc_credentials fresh; /* what options.credentials gave */
};

/* Fails with what options.credentials fails with. */
qc_error greeting_begin(struct greeting *greeting, const struct settings *settings, bool is_old);
/* The words of the step in hand, borrowed from the greeting and the settings. */
qc_args greeting_words(const struct greeting *greeting, qc_arg words[GREET_WORDS_MAX]);
/* Goes on to the next step by this answer, or fails with it. */
qc_error greeting_take(struct greeting *greeting, const qc_reply *answer);
/* Forgets the credentials. */
void greeting_end(struct greeting *greeting);

#endif

/*
 * The first commands on a connection, step by step. HELLO does everything at once. A server that doesn't know it is used with RESP2, AUTH
 * and CLIENT SETNAME. Redis 7.2 and later are told the name of this library.
 */
#ifndef CLIENT_GREET_H
#define CLIENT_GREET_H

#include "client/settings.h"

/* GREET_PING is sent if there is nothing else to send, to check that the server answers. */
enum greet_step { GREET_HELLO, GREET_AUTH, GREET_NAME, GREET_SELECT, GREET_READONLY, GREET_LIBRARY, GREET_VERSION, GREET_PING, GREET_DONE };

#define GREET_WORDS_MAX 8

struct greeting {
	const struct settings *settings;
	enum greet_step step;
	bool is_old;      /* the server closes the connection at HELLO: don't send it */
	bool has_setinfo; /* the server knows CLIENT SETINFO */
	const char *user, *password;
	struct qc_credentials fresh; /* from options.credentials */
};

/* Fails if options.credentials fails. */
qc_error greeting_begin(struct greeting *greeting, const struct settings *settings, bool is_old);
/* The words of the current step. They are borrowed from the greeting and the settings. */
qc_args greeting_words(const struct greeting *greeting, qc_arg words[GREET_WORDS_MAX]);
/* Takes the reply to the current step: moves to the next step, or fails. */
qc_error greeting_take(struct greeting *greeting, const qc_reply *answer);
/* Erases the credentials. */
void greeting_end(struct greeting *greeting);

#endif

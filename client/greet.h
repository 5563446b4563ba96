/*
 * The first words on a connection, step by step. HELLO does all at once where the server knows it; one that doesn't is spoken to
 * in RESP2, with AUTH and CLIENT SETNAME instead.
 */
#ifndef CLIENT_GREET_H
#define CLIENT_GREET_H

#include "client/address.h"

/* GREET_PING is for who has nothing else to say, and must know that somebody listens. */
enum greet_step { GREET_HELLO, GREET_AUTH, GREET_NAME, GREET_SELECT, GREET_PING, GREET_DONE };

#define GREET_WORDS_MAX 8

/* The first step that has something to say, from `step` on. */
enum greet_step greet_step_from(const struct settings *settings, enum greet_step step);
/* The first step with a server that closes the connection at HELLO, as some proxies do: RESP2. */
enum greet_step greet_step_of_old(const struct settings *settings);
/* Its words, borrowed from the settings. */
qc_args greet_words(const struct settings *settings, enum greet_step step, qc_arg words[GREET_WORDS_MAX]);
/* The step that follows on this answer; the error stays when it is final. */
enum greet_step greet_next(const struct settings *settings, enum greet_step step, qc_error *answer);

#endif

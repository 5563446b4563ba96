/*
 * What the user has changed on the connection: authentication, database, protocol, an open transaction. After a reconnect the new
 * connection is brought to this state.
 */
#ifndef CLIENT_CLI_STATE_H
#define CLIENT_CLI_STATE_H

#include "client/cli/words.h"

/* A queued command that changes the state when EXEC runs it. */
struct queued {
	size_t index; /* of its reply in the reply of EXEC */
	struct words words;
};

struct state {
	struct words auth;          /* AUTH as typed */
	int db, protocol;           /* as wanted */
	int actual_db, actual_protocol; /* as it is; differs from the wanted only before authentication */
	bool in_multi;
	bool is_watching;           /* the next EXEC depends on watched keys */
	bool is_subscribed;         /* a SUBSCRIBE was executed: push messages may arrive */
	size_t queue_length;
	struct queued *queued;      /* queued commands that change the state */
	size_t queued_count;
};

void state_fini(struct state *state);
/* Applies a successful command to the state. */
void state_note(struct state *state, const struct words *words, const qc_reply *reply);
/* Ends the transaction and WATCH without effect. */
void state_forget_multi(struct state *state);
/* What would be lost with the connection, as in "the transaction is lost"; NULL if nothing. */
const char *state_loss(const struct state *state);
/* Whether this is the reply to a queued command. */
bool state_is_queued(const struct state *state, const qc_reply *reply);
bool state_is_applied(const struct state *state);

#endif

/*
 * What a person has made of the connection: login, database, protocol, an open transaction. Kept here, so that a connection made
 * anew can be brought to where the lost one was.
 */
#ifndef CLIENT_CLI_STATE_H
#define CLIENT_CLI_STATE_H

#include "client/cli/words.h"

/* A command that waits for EXEC, and will change the connection then. */
struct queued {
	size_t index; /* of its reply in what EXEC answers */
	struct words words;
};

struct state {
	struct words auth;          /* AUTH as typed */
	int db, protocol;           /* as it ought to be */
	int line_db, line_protocol; /* as it is; differs only until one has logged in */
	bool in_multi;
	bool is_watching;           /* keys, for the next EXEC */
	bool is_subscribed;         /* messages come unasked: by a SUBSCRIBE that was executed */
	size_t queue_length;
	struct queued *queued;      /* those of the queue that change the connection */
	size_t queued_count;
};

void state_fini(struct state *state);
/* What a command that has succeeded does to the connection. */
void state_note(struct state *state, const struct words *words, const qc_reply *reply);
/* The transaction and what it watches are over, or lost, without effect. */
void state_forget_multi(struct state *state);
/* "the transaction is lost", where it is when the connection ends; NULL when nothing is. */
const char *state_at_stake(const struct state *state);
/* Is this the answer to a command that waits for EXEC? */
bool state_is_queued(const struct state *state, const qc_reply *reply);
bool state_is_settled(const struct state *state);

#endif

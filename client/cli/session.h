/*
 * A session with the server: one connection, which is reopened when lost, with the state that the user has set; and Ctrl-C, which cancels
 * the current command but doesn't end the program.
 */
#ifndef CLIENT_CLI_SESSION_H
#define CLIENT_CLI_SESSION_H

#include "client/cli/options.h"
#include "client/cli/output.h"
#include "client/cli/state.h"

struct session {
	struct options *options; /* CONNECT and redirections change the address */
	qc_client *client; /* NULL while not connected */
	qc_client *pinned; /* its one connection */
	struct state state;
	bool is_interactive;
	struct style style;
	const char *pager; /* shell command for long output; NULL if none */
	bool shows_pushes;
	bool wants_no_password; /* this server has no password: don't send one */
	struct text out;
};

/* The outcome of a command. */
enum outcome {
	OUTCOME_OK,
	OUTCOME_FAILED,    /* error reply */
	OUTCOME_LOST,      /* no connection, or a transaction was lost with it: later commands must not run */
	OUTCOME_CANCELLED, /* by Ctrl-C */
	OUTCOME_WRONG,     /* invalid options, such as an invalid address */
};

void session_init(struct session *session, struct options *options);
void session_fini(struct session *session);

/*
 * Returns OUTCOME_OK if there is a connection, otherwise prints the reason to stderr. At the prompt a server that asks for a password first
 * is OUTCOME_OK, too: HELLO and SELECT are sent after AUTH has succeeded.
 */
enum outcome session_connect(struct session *session);
/* Closes the connection, as after an error. */
void session_drop(struct session *session);
bool session_is_connected(const struct session *session);

/* Runs a command and prints its reply. MONITOR and subscriptions print messages until Ctrl-C. */
enum outcome session_run(struct session *session, const struct words *words);
/* For tools: only calls. Connection errors are printed, and close the connection; error replies are returned. */
qc_result session_call(struct session *session, qc_args args);
#define CALL(session, ...) session_call(session, QC_LIST(__VA_ARGS__))

/* Starts the thread that handles Ctrl-C: it cancels contexts of interrupt_begin(); a second Ctrl-C ends the program. Call before starting
 * any other thread. */
void interrupt_start(void);
/* From now on Ctrl-C never ends the program, and is ignored while no command runs. */
void interrupt_only_commands(void);
/* Returns a context that Ctrl-C cancels, until interrupt_end(). */
qc_context *interrupt_begin(void);
/* True if Ctrl-C was pressed since interrupt_begin(). */
bool interrupt_end(void);
bool interrupt_is_pending(void);

#endif

/*
 * The conversation with the server: one connection, made anew when it is lost, with the state that a person has given it; and
 * Ctrl-C, which ends the command in hand and not the program.
 */
#ifndef CLIENT_CLI_SESSION_H
#define CLIENT_CLI_SESSION_H

#include "client/cli/options.h"
#include "client/cli/output.h"
#include "client/cli/state.h"

struct session {
	struct options *options; /* the address changes with CONNECT, and in a cluster */
	qc_client *client; /* NULL while not connected */
	qc_client *line;   /* its one connection, pinned */
	struct state state;
	bool is_interactive;
	struct style style;
	const char *pager; /* a line of the shell, for what is longer than the terminal; NULL */
	bool shows_pushes;
	bool wants_no_password; /* so the server has said: none is sent any more */
	struct text out;
};

/* What a command came to. */
enum outcome {
	OUTCOME_FINE,
	OUTCOME_FAILED,    /* an error reply */
	OUTCOME_LOST,      /* no connection, or a transaction went with it: what was to follow must not run */
	OUTCOME_CANCELLED, /* by Ctrl-C */
	OUTCOME_WRONG,     /* the options can't be: an address that is none */
};

void session_init(struct session *session, struct options *options);
void session_fini(struct session *session);

/*
 * FINE when there is a connection to type on; else says on stderr why not. At the prompt it is FINE where the server wants a
 * password first: what HELLO and SELECT had to do is done when AUTH has succeeded.
 */
enum outcome session_connect(struct session *session);
/* Closes the connection, as after an error. */
void session_drop(struct session *session);
bool session_is_connected(const struct session *session);

/* Runs a command and prints the reply; streams what MONITOR and subscriptions bring until Ctrl-C. */
enum outcome session_run(struct session *session, const struct words *words);
/* For tools: the call only. Errors of the connection print, and close it; a refusal does neither. */
qc_result session_call(struct session *session, qc_args args);
#define CALL(session, ...) session_call(session, QC_LIST(__VA_ARGS__))

/* From now on Ctrl-C cancels contexts of interrupt_begin(); a second one ends the program. Before any other thread is started. */
void interrupt_start(void);
/* From now on Ctrl-C never ends the program; while no command runs it is ignored. */
void interrupt_only_commands(void);
/* A context that Ctrl-C ends, until interrupt_end(). */
qc_context *interrupt_begin(void);
/* True when Ctrl-C was pressed meanwhile. */
bool interrupt_end(void);
bool interrupt_is_pending(void);

#endif

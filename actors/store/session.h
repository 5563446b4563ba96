/*
 * A session is the store's side of a connection: database, user, RESP version, name, modes, and, while it is blocked,
 * the commands that wait.
 *
 * Blocking: a command that can't finish yet blocks its session with a function that will finish it. Later commands of that
 * connection wait in the session, in order, and the reactor stops reading its socket; all other sessions go on. When the
 * awaited thing comes (time, credit, an answer) the store calls `resume` once with the reason; it writes the
 * reply, or blocks again. A connection that closes while it waits for its client's own sake (blocked_topic tells) is resumed with
 * WAKE_CLOSED: nothing may be written, `state` must be freed. One that waits for the server finishes what it was sent.
 */
#ifndef ACTORS_STORE_SESSION_H
#define ACTORS_STORE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/store/batch.h"
#include "actors/store/commands/command.h"
#include "transport/resp_writer.h"

enum session_flags {
	SESSION_AUTHENTICATED = 1 << 0,
	SESSION_MONITOR = 1 << 1,
	SESSION_NO_EVICT = 1 << 2,
	SESSION_REPLY_OFF = 1 << 3,
	SESSION_REPLY_SKIP_NEXT = 1 << 4, /* CLIENT REPLY SKIP: becomes SKIP with the next command */
	SESSION_REPLY_SKIP = 1 << 5,
	SESSION_CLOSING = 1 << 6,         /* REPLY_CLOSE has been written: what still comes is ignored */
	SESSION_UNIX_SOCKET = 1 << 7,
	SESSION_BLOCKED = 1 << 8,
	SESSION_LOCAL = 1 << 9,           /* comes from this machine */
	SESSION_NO_TOUCH = 1 << 10,       /* its reads don't count as use of the keys */
	SESSION_ENDED = 1 << 11,          /* the client is gone; what it has sent before is still to be done */
	SESSION_GONE = 1 << 12,           /* the same, as its reactor told ahead of that; nobody takes replies */
	SESSION_OUTPUT_FULL = 1 << 13,    /* no other command may begin before its reactor reports: see unread.c */
	/* Nobody gets what is written. */
	SESSION_DEAF = SESSION_REPLY_OFF | SESSION_REPLY_SKIP | SESSION_CLOSING | SESSION_GONE,
};

enum wake_reason {
	WAKE_DEADLINE, /* the monotonic time given to session_block() has come */
	WAKE_ANSWER,   /* what the session waits for has come: `answer` is its payload, borrowed */
	WAKE_KILLED,   /* unblocked by another client: reply with an error */
	WAKE_CLOSED,   /* the connection is gone */
};

/* What a blocked session waits for: chooses who is woken by blocked_wake_all(). */
enum blocked_topic {
	BLOCKED_NOTHING,      /* only its deadline; ends with its client */
	BLOCKED_PAUSE,        /* the end of CLIENT PAUSE; ends with its client */
	BLOCKED_BUS_CREDIT,
	BLOCKED_MEMORY,       /* room below maxmemory */
	BLOCKED_OUTPUT,       /* fewer replies unread */
	BLOCKED_SLICE,        /* its next turn: what it does is too much for one; ends with its client */
	BLOCKED_TURN,         /* the next turn: this one has no time left for what waits in the session */
	BLOCKED_WOKEN,        /* nothing any more: this turn executes it */
	BLOCKED_TO_ASK_OBSERVATIONS, /* the observer to be asked */
	BLOCKED_OBSERVATIONS, /* an answer from the observer */
	BLOCKED_TO_ASK_FIGURES, /* the reactors to be asked */
	BLOCKED_FIGURES,      /* an answer from every reactor */
	BLOCKED_SUPERVISOR,   /* the supervisor's answer */
	BLOCKED_CONFIG_CHANGE,       /* another client's CONFIG SET or REWRITE */
	BLOCKED_SETTINGS,     /* every reactor to have taken the settings */
	BLOCKED_TOPICS
};

struct session;
struct store;
typedef void session_resume(struct call *call, enum wake_reason reason, void *answer);

/* A request that waits in its session: a deep copy. */
struct waiting_request;

struct session {
	struct connection_ref connection;
	uint32_t flags;              /* enum session_flags */
	uint32_t database;
	enum resp_version resp;
	int fd;                      /* for CLIENT LIST only */
	char *name;                  /* NULL without one; session_set_name() */
	size_t name_bytes;           /* what it takes */
	char *address, *local_address;
	const char *user;            /* "default" */
	int64_t opened_ms;           /* monotonic */
	int64_t last_command_ms;     /* monotonic */
	const struct command *last_command;

	/* replies, all in all; what its reactor has of them, and the kernel, as far as is known here */
	uint64_t sent_bytes, delivered_bytes, taken_bytes;

	/* while blocked */
	enum blocked_topic topic;
	session_resume *resume;
	void *state;                 /* resume's own */
	uint64_t spent_ns;           /* executing the command before it was blocked */
	int64_t deadline_ms;         /* monotonic; INT64_MAX without one */
	enum wake_reason deadline_reason; /* what resume is told at the deadline */
	enum wake_reason woken_by;   /* on BLOCKED_WOKEN: what resume is told */
	void *answer;                /* the same; borrowed */
	size_t deadline_at;          /* private: position among the deadlines */
	struct waiting_request *blocked_request; /* the command that blocked it, kept for resume; NULL when it had been finished */
	struct waiting_request *in_hand; /* one that has waited and is being executed; it may block again */
	struct waiting_request *waiting_first, *waiting_last;
	size_t waiting_bytes;        /* of all these requests, without blobs */

	struct session *next, *previous;             /* all sessions, in order of id */
	struct session *index_next;                  /* private to session_index.c */
	struct session *topic_next, *topic_previous; /* those blocked on the same topic */
	struct session *monitor_next, *monitor_previous; /* those that have MONITOR, in no order */
};

/*
 * Parks call->session. `deadline_ms` is monotonic, INT64_MAX for none. The call's arguments are copied and stay valid for resume.
 * Without memory for that the command ends with an error, once resume has been called with WAKE_CLOSED.
 */
void session_block(struct call *call, enum blocked_topic topic, int64_t deadline_ms, session_resume *resume, void *state);

/* A blocked session is resumed before this turn ends, with WAKE_DEADLINE as if its time had come, or with WAKE_KILLED. */
void session_unblock(struct store *store, struct session *session, enum wake_reason reason);

/* NULL when there is no such connection (any more). */
struct session *session_find(struct store *store, uint64_t id);

/* Memory that it takes, but for the requests that wait in it. */
size_t session_own_bytes(const struct session *session);

/* Takes a copy, and counts it as used memory; an empty name is none. False without memory: the former one stays. */
bool session_set_name(struct store *store, struct session *session, struct slice name);

/* Closes another (or the own) session's connection without writing what waits. */
void session_kill(struct store *store, struct session *session);

bool session_is_blocked(const struct session *session);

/* Comes from this machine: over the loopback or a unix socket. */
bool session_is_local(const struct session *session);

/* From now on, or no longer, MONITOR's lines go to the call's session. */
void session_set_monitor(struct call *call);
void session_clear_monitor(struct call *call);

#endif

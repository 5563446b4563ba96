/*
 * A session is the store's side of a connection: database, user, RESP version, name, modes, and, while it is blocked, the commands that
 * wait.
 *
 * Blocking: a command that can't finish yet blocks its session with a function that will finish it. Later commands of that connection
 * wait in the session, in order, and the reactor stops reading its socket. Other sessions continue. When the awaited event occurs (a
 * deadline, credit, an answer), the store calls `resume` once with the reason. It writes the reply, or blocks again.
 *
 * What happens when the client disconnects depends on the topic. If the wait only serves the client ("ends with its client" below), `resume`
 * is called with WAKE_CLOSED: it must free `state` and write nothing. Otherwise the session executes everything it has received, then ends.
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
	SESSION_CLOSING = 1 << 6,         /* REPLY_CLOSE has been written: later requests are ignored */
	SESSION_UNIX_SOCKET = 1 << 7,
	SESSION_BLOCKED = 1 << 8,
	SESSION_LOCAL = 1 << 9,           /* connected from this machine */
	SESSION_NO_TOUCH = 1 << 10,       /* its reads leave access times unchanged */
	SESSION_ENDED = 1 << 11,          /* REQUEST_CLOSED is queued behind requests that are still to be executed */
	SESSION_GONE = 1 << 12,           /* REPORT_GONE: requests are still executed, replies are discarded */
	SESSION_OUTPUT_FULL = 1 << 13,    /* no command may begin before the reactor reports: see unread.c */
	SESSION_REPLICA = 1 << 14,        /* it follows by SYNC or PSYNC and gets no replies, only what replicas get */
	/* Replies are discarded. */
	SESSION_DEAF = SESSION_REPLY_OFF | SESSION_REPLY_SKIP | SESSION_CLOSING | SESSION_GONE | SESSION_REPLICA,
};

enum wake_reason {
	WAKE_DEADLINE, /* the deadline given to session_block() has passed */
	WAKE_ANSWER,   /* the awaited event has occurred; `answer` is its payload, borrowed */
	WAKE_KILLED,   /* unblocked by another client: reply with an error */
	WAKE_CLOSED,   /* the connection is gone */
};

/* What a blocked session waits for; blocked_wake_all() wakes the sessions of one topic. */
enum blocked_topic {
	BLOCKED_NOTHING,             /* only its deadline; ends with its client */
	BLOCKED_PAUSE,               /* the end of CLIENT PAUSE; ends with its client */
	BLOCKED_BUS_CREDIT,          /* credit of a required subscriber */
	BLOCKED_SNAPSHOT,            /* fewer former states to wait for the snapshot's writer */
	BLOCKED_MEMORY,              /* memory below maxmemory */
	BLOCKED_OUTPUT,              /* the client to read its replies */
	BLOCKED_SLICE,               /* the next turn, for the rest of a long command; ends with its client */
	BLOCKED_TURN,                /* the next turn, for its queued commands */
	BLOCKED_WOKEN,               /* nothing: this turn executes it */
	BLOCKED_TO_ASK_OBSERVATIONS, /* the question to the observer to be sent */
	BLOCKED_OBSERVATIONS,        /* the observer's answer */
	BLOCKED_TO_ASK_FIGURES,      /* the questions to the reactors to be sent */
	BLOCKED_FIGURES,             /* the answers of all reactors */
	BLOCKED_SUPERVISOR,          /* the answer of the supervisor or the worker; appendonly to be on */
	BLOCKED_CONFIG_CHANGE,       /* the end of another CONFIG SET or CONFIG REWRITE */
	BLOCKED_SETTINGS,            /* every reactor and the AOF to have the new settings */
	BLOCKED_DURABLE,             /* what was executed to be durable; ends with its client */
	BLOCKED_AOF_FIGURES,         /* the AOF's answer; ends with its client */
	BLOCKED_SAVE,                /* the snapshot's file */
	BLOCKED_RELOAD,              /* all data to be loaded again */
	BLOCKED_REPLICAS,            /* acknowledgements of replicas, or more of the stream; ends with its client */
	BLOCKED_SHUTDOWN,            /* a shutdown, which ends it, or its failure; ends with its client */
	BLOCKED_TOPICS
};

struct session;
struct store;
typedef void session_resume(struct call *call, enum wake_reason reason, void *answer);

/* A request queued in its session: a deep copy. */
struct waiting_request;

struct session {
	struct connection_ref connection;
	uint32_t flags;              /* enum session_flags */
	uint32_t database;
	enum resp_version resp;
	int fd;                      /* for CLIENT LIST only */
	char *name;                  /* NULL without one; set by session_set_name() */
	size_t name_bytes;           /* including the NUL */
	char *address, *local_address;
	const char *user;            /* "default" */
	int64_t opened_ms;           /* monotonic */
	int64_t last_command_ms;     /* monotonic */
	const struct command *last_command;
	struct replica *replica;     /* NULL: it has said nothing about being one */

	/* total bytes of replies: written here; received by the reactor and taken by the kernel, as last reported */
	uint64_t sent_bytes, delivered_bytes, taken_bytes;

	/* while blocked */
	enum blocked_topic topic;
	session_resume *resume;
	void *state;                 /* resume's own */
	uint64_t spent_ns;           /* time spent on the command before it blocked */
	int64_t deadline_ms;         /* monotonic; INT64_MAX without one */
	enum wake_reason deadline_reason; /* reason to pass at the deadline */
	enum wake_reason woken_by;   /* on BLOCKED_WOKEN: reason to pass */
	void *answer;                /* on BLOCKED_WOKEN: answer to pass; borrowed */
	size_t deadline_at;          /* private: index in the heap of deadlines */
	struct waiting_request *blocked_request; /* the command that blocked it, kept for resume; NULL if that had finished */
	struct waiting_request *executing; /* a queued request during its execution; it may block again */
	struct waiting_request *waiting_first, *waiting_last;
	size_t waiting_bytes;        /* all these requests, without blobs */

	struct session *next, *previous;             /* all sessions, in order of id */
	struct session *index_next;                  /* private to session_index.c */
	struct session *topic_next, *topic_previous; /* sessions blocked on the same topic */
	struct session *monitor_next, *monitor_previous; /* sessions with MONITOR, in no order */
};

/*
 * Blocks call->session. `deadline_ms` is monotonic, INT64_MAX for none. The call's arguments are copied and stay valid for resume.
 * If out of memory, calls resume with WAKE_CLOSED and replies with an error.
 */
void session_block(struct call *call, enum blocked_topic topic, int64_t deadline_ms, session_resume *resume, void *state);

/* Resumes a blocked session before this turn ends, with WAKE_DEADLINE or WAKE_KILLED. */
void session_unblock(struct store *store, struct session *session, enum wake_reason reason);

/* NULL when there is no such connection, or it is closing. */
struct session *session_find(struct store *store, uint64_t id);

/* Memory of the session without its queued requests. */
size_t session_own_bytes(const struct session *session);

/* Copies the name and counts it as used memory; an empty name removes it. False if out of memory: the old name stays. */
bool session_set_name(struct store *store, struct session *session, struct slice name);

/* Closes the session's connection without sending pending replies. */
void session_kill(struct store *store, struct session *session);

bool session_is_blocked(const struct session *session);

/* Connected from this machine: over the loopback or a unix socket. */
bool session_is_local(const struct session *session);

/* Starts and stops sending MONITOR lines to the call's session. */
void session_set_monitor(struct call *call);
void session_clear_monitor(struct call *call);

#endif

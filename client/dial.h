/*
 * A connection being made: resolve the host name, race its addresses, TLS handshake, greeting. If that fails, the next server of the list
 * is tried. Nothing here waits, so a dial can change hands: one call gives up and another continues it.
 *
 * Call dial_start(), then dial_advance() until it is over, each time when dial_fd() is readable or dial_due_ns() has come; after DIAL_DONE
 * dial_take(); dial_destroy() in any case.
 */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include "client/conn.h"
#include "client/greet.h"
#include "client/lookup.h"
#include "client/race.h"

enum dial_stage { DIAL_LOOKING_UP, DIAL_RACING, DIAL_SECURING, DIAL_GREETING, DIAL_READY };

/* What the pool knew when the dial began: see struct outage. */
struct dial_note {
	unsigned failures;
	bool is_probe;
	size_t master; /* the master's number by the Sentinels; 0 without Sentinels */
};

struct dial {
	/* The pool's note. */
	struct dial *next;
	struct dial_note note;
	/* For waiting with wait_ready(). The connection inherits it. */
	int wake_fd;
	/* private */
	const struct settings *settings;
	struct tls_context *tls;
	size_t first, tried; /* indices in the settings: the first server, and how many have failed */
	enum dial_stage stage;
	int epoll_fd;        /* everything waited for is registered here */
	int watched_fd;      /* the registered descriptor that is not part of the race; -1 if none */
	struct lookup *lookup;
	struct race race;
	struct conn *conn;
	struct greeting greeting;
	bool is_old;         /* the server closed the connection at HELLO: greet without HELLO */
	int64_t deadline_ns; /* for the current server */
};

enum dial_state { DIAL_GOES_ON, DIAL_DONE, DIAL_FAILED };

/* Begins with the server at `first` and then tries the others. The settings and the TLS context (NULL without TLS) must outlive the dial. */
qc_error dial_start(const struct settings *settings, struct tls_context *tls, size_t first, struct dial **out_dial);
/* DIAL_FAILED returns the last error: there is no server left to try. */
enum dial_state dial_advance(struct dial *dial, qc_error *out_err);
int dial_fd(const struct dial *dial);
int64_t dial_due_ns(const struct dial *dial);
/* Whether its time has passed while no call advanced it. */
bool dial_is_overdue(const struct dial *dial);
/* Takes the connection made. Its socket is non-blocking. */
struct conn *dial_take(struct dial *dial);
void dial_destroy(struct dial **dial);
/* In a forked child: sends nothing to the server, and leaves the parent's name lookup alone. */
void dial_disown(struct dial **dial);

#endif

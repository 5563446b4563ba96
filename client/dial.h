/*
 * A connection in the making: a host's name is looked up, its addresses are raced, TLS and the greeting follow; if that fails the
 * next server of the list is tried. Nothing here waits, so a dial may change hands: who gives up leaves it to another, who goes on
 * where it stands.
 *
 * Order of calls: dial_start(), then dial_advance() until it is over, each time when dial_fd() is readable or dial_due_ns() has
 * come; dial_take() after DIAL_DONE; dial_destroy() in any case.
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
	size_t master; /* that Sentinels have named; 0 without */
};

struct dial {
	/* The pool's. */
	struct dial *next;
	struct dial_note note;
	/* For who waits: see wait_ready(). The connection inherits it. */
	int wake_fd;
	/* private */
	const struct settings *settings;
	struct tls_context *tls;
	size_t first, tried; /* of the servers in the settings: where it began, and how many have failed */
	enum dial_stage stage;
	int epoll_fd;        /* all that is waited for is registered here */
	int watched_fd;      /* the one besides what the race has; -1 */
	struct lookup *lookup;
	struct race race;
	struct conn *conn;
	struct greeting greeting;
	bool is_old;         /* a connection was closed at HELLO: this one does without */
	int64_t deadline_ns; /* of the server in hand */
};

enum dial_state { DIAL_GOES_ON, DIAL_DONE, DIAL_FAILED };

/* Begins with the server at `first` and goes round. The settings and the TLS context (NULL without) must outlive it. */
qc_error dial_start(const struct settings *settings, struct tls_context *tls, size_t first, struct dial **out_dial);
/* DIAL_FAILED, with the last error: nothing is left to try. */
enum dial_state dial_advance(struct dial *dial, qc_error *out_err);
int dial_fd(const struct dial *dial);
int64_t dial_due_ns(const struct dial *dial);
/* Has its time passed while nobody drove it? */
bool dial_is_overdue(const struct dial *dial);
/* The connection that came of it; its socket doesn't block. */
struct conn *dial_take(struct dial *dial);
void dial_destroy(struct dial **dial);
/* In a forked child: nothing is said to the server. What a thread of the parent was looking up is left behind. */
void dial_disown(struct dial **dial);

#endif

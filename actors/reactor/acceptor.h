/*
 * Accepting: the first reactor owns the listening sockets and deals accepted connections out, to itself and to the others, in turn.
 * On the thread of the reactor that is given, but for reactor_listen(), which may be called before its loop runs.
 */
#ifndef ACTORS_ACCEPTOR_H
#define ACTORS_ACCEPTOR_H

#include "actors/reactor/reactor.h"

/* What REACTOR_ADOPT brings. */
struct accepted;
/* Turns the client away. */
void accepted_destroy(struct accepted **accepted);

/* The first reactor accepts from these, which it owns, and from no others: what it had besides is closed. */
void reactor_listen(struct reactor *reactor, const struct descriptors *descriptors);
/* Closes all of them. Who is in a queue is turned away. */
void reactor_stop_listening(struct reactor *reactor);
/* Opens a connection that the first reactor has accepted; takes `accepted`. */
void reactor_adopt(struct reactor *reactor, struct accepted *accepted);

#endif

/*
 * The listening sockets of the first reactor, and the connections accepted there. reactor.h has the rest of acceptor.c: reactor_listen()
 * and accepted_destroy(). Runs on the thread of the reactor given.
 */
#ifndef ACTORS_ACCEPTOR_H
#define ACTORS_ACCEPTOR_H

#include "actors/reactor/reactor.h"

/* Closes all listening sockets. The kernel resets connections that still wait in their queues. */
void reactor_stop_listening(struct reactor *reactor);
/* Opens a connection that the first reactor has accepted. Takes `accepted`. */
void reactor_adopt(struct reactor *reactor, struct accepted *accepted);

#endif

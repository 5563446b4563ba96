/*
 * The listening sockets of the first reactor, and the connections accepted there.
 *
 * A connection counts as one of maxclients until its socket is closed, whichever reactor has it. Those above maxclients stay with the
 * first reactor and are marked for the store, which refuses them. So the process has at most maxclients + PROCESS_EXCESS_CONNECTIONS of them.
 *
 * reactor.h has the rest of acceptor.c: reactor_listen() and accepted_destroy(). Runs on the thread of the reactor given.
 */
#ifndef ACTORS_REACTOR_ACCEPTOR_H
#define ACTORS_REACTOR_ACCEPTOR_H

#include "actors/reactor/connection.h"
#include "actors/reactor/reactor.h"

/* Closes all listening sockets. The kernel resets connections that still wait in their queues. */
void reactor_stop_listening(struct reactor *reactor);
/* Opens a connection that the first reactor has accepted. Takes `accepted`. */
void reactor_adopt(struct reactor *reactor, struct accepted *accepted);

/* A connection of this reactor is closed, or could not be opened. */
void acceptor_count_closed(struct reactor *reactor, enum connection_share share);
/* Reports to the first reactor how many connections were closed in this one. */
void acceptor_report_closed(struct reactor *reactor);
/* Takes such a report. */
void acceptor_on_closed(struct reactor *reactor, uint32_t sender, uint64_t count);

#endif

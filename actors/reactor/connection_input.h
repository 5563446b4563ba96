/*
 * The input of a connection actor: from bytes to records of a batch. For connection.c and reactor.c.
 */
#ifndef ACTORS_CONNECTION_INPUT_H
#define ACTORS_CONNECTION_INPUT_H

#include "actors/reactor/connection.h"

/* The socket is readable: one read, and every request in what came. */
void connection_read(struct connection *connection);

/* All earlier requests are answered: is the one that stopped us within the limits that hold now? */
void connection_judge_again(struct connection *connection);

/* No more input: answers what is under way, then closes. In connection.c. */
void connection_end_input(struct connection *connection);

/* Frees whatever a half-read request holds. */
void connection_drop_input(struct connection *connection);

/* Bytes read that are not yet a whole request, and the room around them; the vector of its arguments so far. */
size_t connection_input_bytes(const struct connection *connection);
size_t connection_input_free(const struct connection *connection);
size_t connection_args_bytes(const struct connection *connection);

#endif

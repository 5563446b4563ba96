/*
 * The input of a connection actor: from bytes to records of a batch. For connection.c and reactor.c.
 */
#ifndef ACTORS_REACTOR_CONNECTION_INPUT_H
#define ACTORS_REACTOR_CONNECTION_INPUT_H

#include "actors/reactor/connection.h"

/* The socket is readable: reads once and records every request that is complete. */
void connection_read(struct connection *connection);

/* All earlier requests are answered: parses the one under PAUSE_JUDGING again, with the limits that hold now. */
void connection_judge_again(struct connection *connection);

/* Reads no more; requests under way are answered before the connection closes. In connection.c. */
void connection_end_input(struct connection *connection);

/* Frees what an incomplete request holds. */
void connection_drop_input(struct connection *connection);

/* An incomplete request: bytes read, free bytes in its buffers, and bytes of the vectors of its arguments. */
size_t connection_input_bytes(const struct connection *connection);
size_t connection_input_free(const struct connection *connection);
size_t connection_args_bytes(const struct connection *connection);

#endif

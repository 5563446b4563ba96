/*
 * A replica of a simulated node: a client that follows by PSYNC, loads the snapshot, applies the stream, and acknowledges it. When the store
 * closes it, it may come back with follower_connect() and goes on where it was, if it may. It crashes on what a replica could not understand.
 */
#ifndef TESTS_SIMULATION_FOLLOWER_H
#define TESTS_SIMULATION_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/aof_parse.h"
#include "actors/store/data_digest.h"
#include "simulation/reactor_double.h"
#include "storage/databases.h"

enum follower_state { FOLLOWER_ASKS, FOLLOWER_LOADS, FOLLOWER_FOLLOWS };

struct follower {
	struct client *client;
	enum follower_state state;
	char id[41];                 /* of the history; "" before the first snapshot */
	char next_id[41];            /* of the history that the snapshot under way belongs to */
	char end_mark[41];
	uint64_t offset;             /* bytes of the stream that it has applied */
	uint32_t snapshots, continuations;
	struct buffer input;         /* received and not used yet */
	struct aof_parser parser;
	struct databases databases;
};

void follower_init(struct follower *follower, uint32_t databases);
void follower_fini(struct follower *follower);
/* Opens a connection and asks. */
void follower_connect(struct follower *follower, struct reactor_double *reactor);
/* Uses what has come. True if there was something. */
bool follower_read(struct follower *follower);
/* Everything that can happen without time, which the store must not need for what it owes. */
void follower_settle(struct follower *follower);
void follower_digest(const struct follower *follower, char out[DIGEST_HEX_BYTES]);

#endif

/*
 * The replication actor: a subscriber of the command bus that turns frames into the commands that replicas get, once for all of them.
 *
 * It gives the text to the store, which owns the replicas (actors/store/replication.h). One stream is under way at a time; meanwhile the next one
 * gathers, and its bus credit is returned only when the store has taken it. It subscribes as optional: writes never wait for it. If it misses
 * frames, the next stream says so, and the replicas must synchronise anew.
 */
#ifndef ACTORS_REPLICATION_REPLICATION_H
#define ACTORS_REPLICATION_REPLICATION_H

#include <stdint.h>

#include "actors/bus/subscriber.h"
#include "actors/persistence/aof_render.h"
#include "actors/replication/stream.h"

/* Much, since without credit all replicas must synchronise anew. */
#define REPLICATION_CREDIT_BYTES (INT64_C(24) << 20)
/* The most that a message takes of it: large values are shared, not copied. */
#define REPLICATION_MESSAGE_MAX_BYTES (UINT64_C(1) << 20)

struct replication_actor {
	struct subscriber subscriber;
	struct aof_renderer renderer;
	struct aof_text text;                 /* rendered, and not yet part of the stream */
	struct replication_stream *gathering; /* NULL: nothing to tell */
	uint64_t gathered_bytes;              /* bus credit of what it was made from */
	uint64_t out_bytes;                   /* the same of the stream that the store has not taken yet */
	bool is_out;
};

void replication_init(struct replication_actor *replication, struct runtime *runtime);
/* When no turn can run any more. */
void replication_fini(struct replication_actor *replication);

#endif

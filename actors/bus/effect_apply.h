/*
 * From effects back to data: the one function that the log's replay, a peer and the tests use. A stream of frames that is applied in order
 * to an empty target gives the keyspaces of the store that made it: the same keys, values, times to live.
 *
 * What an effect does follows from its record and the data alone: nothing here looks at a clock or a setting. Keys whose time has
 * come stay until an EXPIRED says that they are gone.
 */
#ifndef ACTORS_BUS_EFFECT_APPLY_H
#define ACTORS_BUS_EFFECT_APPLY_H

#include "actors/bus/effect.h"
#include "storage/databases.h"

/* Where effects are applied to. The caller owns the data. */
struct effect_target {
	struct databases *databases;
	/* Takes a keyspace that has been flushed. */
	void (*discard)(void *context, struct keyspace *keyspace);
	void *context;
};

enum apply_status {
	APPLY_DONE,
	APPLY_NO_MEMORY,
	APPLY_MISFIT, /* the effect can't have come of data like these: a database or key that is not there, another type or length */
};

/*
 * On APPLY_MISFIT nothing has changed. On APPLY_NO_MEMORY the same effect may be applied again; a SET may have left its value
 * without its time to live.
 */
enum apply_status effect_apply(const struct effect_target *target, const struct effect *effect);

/* All effects of the frame that the reader has come to. Stops at the first that is not done: those before it stay applied. */
enum apply_status frame_apply(const struct effect_target *target, struct frame_reader *reader);

#endif

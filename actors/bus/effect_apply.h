/*
 * Applies effects to data: for log replay, peers and tests. All frames of a store, applied in order to an empty target, give equal
 * keyspaces: the same keys, values and times to live.
 *
 * The result follows from the record and the data alone, never from a clock or a setting. An expired key stays until an EXPIRED effect
 * removes it.
 */
#ifndef ACTORS_BUS_EFFECT_APPLY_H
#define ACTORS_BUS_EFFECT_APPLY_H

#include "actors/bus/effect.h"
#include "storage/databases.h"

/* The data that effects are applied to; the caller owns it. */
struct effect_target {
	struct databases *databases;
	/*
	 * True for frames of this program: an effect that doesn't fit the data is a misfit. False for those of another server's log: as there, what
	 * doesn't fit changes nothing and is no error.
	 */
	bool is_exact;
	/* Takes ownership of a flushed keyspace. */
	void (*discard)(void *context, struct keyspace *keyspace);
	void *context;
};

enum apply_status {
	APPLY_DONE,
	APPLY_NO_MEMORY,
	APPLY_MISFIT,  /* the effect doesn't fit the data: a missing database or key, another type or length */
	APPLY_GUARDED, /* a guard has failed: the rest of the frame is not to be applied */
};

/*
 * APPLY_MISFIT: nothing has changed. APPLY_NO_MEMORY: the same effect may be applied again; a SET may have stored its value without the
 * time to live.
 */
enum apply_status effect_apply(const struct effect_target *target, const struct effect *effect);

/* Applies all effects of the reader's current frame, or those before a guard that fails. Stops at the first misfit; those before it stay applied. */
enum apply_status frame_apply(const struct effect_target *target, struct frame_reader *reader);

#endif

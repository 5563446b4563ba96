/*
 * Saving: when snapshots begin, how they get to the writer, and what came of them.
 *
 * One snapshot is under way at a time. It may be wanted by a client (SAVE, BGSAVE), by a save point, by FLUSHALL, by a shutdown, or by the log,
 * which needs a base. What is wanted begins as soon as the last one is over: its walk has come to its end, and the writer has answered.
 *
 * The walk has little credit, so that it fills no memory. Former states have much more, snapshot-memory-limit: beyond it writes to keys that
 * were not yet emitted wait (BLOCKED_SNAPSHOT), and so do the expiry and eviction of such keys. Reads and all other writes go on.
 */
#ifndef ACTORS_STORE_SAVING_H
#define ACTORS_STORE_SAVING_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/persistence/snapshot_batch.h"
#include "actors/store/snapshot.h"

#define SNAPSHOT_PURPOSES 3
/* With the writer at a time: enough for it never to wait for the store's next turn. */
#define SNAPSHOT_BATCHES_MAX 8

/* "save 900 1": a snapshot when there were so many changes, and so many seconds have passed since the last. */
struct save_point {
	int64_t seconds;
	uint64_t changes;
};

struct saving {
	struct snapshot snapshot;
	bool is_wanted[SNAPSHOT_PURPOSES];

	/* the snapshot that the writer has: it was posted SNAPSHOT_BEGIN and has not answered */
	bool is_under_way;
	bool has_ended;                 /* it was posted SNAPSHOT_END */
	bool is_aborted;                /* it was posted SNAPSHOT_ABORT */
	enum snapshot_purpose purpose;
	uint64_t number;                /* also of the last */
	bool needs_place;               /* in the stream of replicas, which will show it */
	uint64_t keys_at_cut, changes_at_cut;
	int64_t began_ms;               /* monotonic, as all times here that don't say otherwise */
	uint32_t batches_out;           /* with the writer, also of a snapshot before */
	struct snapshot_bytes out;
	size_t waiting_bytes_max;       /* the most that waited for the writer */
	const char *abort_reason;       /* NULL: it is not wanted any more */

	/* of RDB files */
	struct save_point *points;
	uint32_t point_count;
	uint64_t changes;               /* keys changed since the cut of the last file */
	int64_t saved_ms;               /* when the last one was complete, or the store began */
	int64_t saved_wall_ms;          /* the same by the wall clock */
	int64_t failed_ms;              /* when the last one failed; 0: it did not */
	int64_t last_duration_ms;       /* of the last, also if it failed; -1 before the first */
	uint64_t saves;
	size_t last_waiting_bytes_max;
	int64_t due_since_ms;           /* since when a save point asks for a snapshot; 0: none does */
	bool lateness_is_known;         /* the log says that it is overdue */
	char last_error[256];
};

/* An RDB file is wanted or being written. */
static inline bool saving_has_file(const struct saving *saving)
{
	return saving->is_wanted[SNAPSHOT_TO_FILE] || (saving->is_under_way && saving->purpose == SNAPSHOT_TO_FILE);
}

#endif

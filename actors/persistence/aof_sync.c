/*
 * Syncs that the SYNCER makes, while the AOF writes on: once a second with `everysec`, and when someone asks. One at a time.
 *
 * A sync that takes long must not let more and more be written that a crash could undo: after SYNC_PATIENCE_NS writing waits, and once the
 * credit is used up writing commands wait too.
 */
#include "actors/persistence/aof_state.h"
#include "actors/runtime/clock.h"

#define SYNC_INTERVAL_NS 1000000000u
#define SYNC_PATIENCE_NS 2000000000u

static bool has_unsynced(const struct aof *aof)
{
	return part_writer_has_unsynced(&aof->part) && !aof->trouble.part_is_lost;
}

uint64_t aof_sync_due_ns(const struct aof *aof)
{
	if (aof->syncing.is_out || !has_unsynced(aof))
		return 0;
	if (aof->syncing.wanted > aof_durable(aof))
		return 1;
	if (aof->rewrite.is_prepared && aof->config.no_appendfsync_on_rewrite)
		return 0;
	return aof->config.appendfsync == APPENDFSYNC_EVERYSEC ? aof->syncing.began_ns + SYNC_INTERVAL_NS : 0;
}

void aof_begin_sync(struct aof *aof)
{
	struct syncing *syncing = &aof->syncing;
	uint64_t due_ns = aof_sync_due_ns(aof), now_ns = due_ns ? monotonic_ns() : 0;
	if (!due_ns || now_ns < due_ns)
		return;
	syncing->is_out = true;
	syncing->began_ns = now_ns;
	syncing->bytes = aof->part.bytes;
	syncing->sequence = aof->written;
	actor_post(aof->actor, aof->syncer, SYNCER_SYNC, (uint64_t)aof->part.fd, NULL);
}

void aof_on_synced(struct aof *aof, int error)
{
	struct syncing *syncing = &aof->syncing;
	syncing->is_out = syncing->delays = false;
	if (error) {
		trouble_cut_short(aof, error);
		return;
	}
	aof->part.durable_bytes = syncing->bytes;
	aof_set_mark(aof, syncing->sequence);
}

bool aof_sync_is_overdue(struct aof *aof)
{
	struct syncing *syncing = &aof->syncing;
	bool is_overdue = syncing->is_out && monotonic_ns() - syncing->began_ns > SYNC_PATIENCE_NS;
	syncing->delayed += is_overdue && !syncing->delays;
	syncing->delays |= is_overdue;
	return is_overdue;
}

/*
 * Group commit. What comes while a sync runs makes up the next group, and one sync serves all of it.
 *
 * With `always`, a group also waits a moment if far fewer frames have come than are on their way again: those that the last sync released, and
 * those that came during it. Else the first of many clients would begin a sync alone, and all others would wait for the one after it; and clients
 * that are in two groups would stay so, and each would wait for two syncs.
 */
#include "actors/persistence/aof_state.h"
#include "actors/runtime/clock.h"

#define GROUP_BYTES_MAX ((uint64_t)1 << 20)
/* A quarter of a sync, but no longer than clients of this machine take to send their next command. */
#define WAIT_NS_MAX 1000000u
/* The weight of the last sync in the average. */
#define SYNC_SHARE 8

void aof_set_mark(struct aof *aof, uint64_t sequence)
{
	bool counts = !aof->waits_for_base && aof->files->parts && parts_is_settled(aof->files->parts);
	uint64_t *mark = counts ? &aof->mark : &aof->synced;
	if (sequence > *mark)
		*mark = sequence;
}

/* ---- one group ---- */

int aof_sync_part(struct aof *aof)
{
	struct pace *pace = &aof->pace;
	uint64_t began_ns = monotonic_ns();
	int error = part_writer_sync(&aof->part);
	aof->trouble.part_is_lost = error != 0;
	if (error)
		return error;
	pace->sync_ns += (monotonic_ns() - began_ns) / SYNC_SHARE - pace->sync_ns / SYNC_SHARE;
	aof_set_mark(aof, aof->written);
	return 0;
}

static int write_group(struct aof *aof)
{
	const struct group *group = &aof->group;
	int error = aof->trouble.part_is_lost ? aof_roll(aof) : aof_settle(aof);
	if (!error)
		error = part_writer_append(&aof->part, group->first, group->last, &group->text);
	if (error)
		return error;
	aof->written = group->last;
	return aof_is_always(aof) ? aof_sync_part(aof) : 0;
}

static void let_go(struct aof *aof)
{
	struct group *group = &aof->group;
	aof->pace.expected = group->frames;
	aof->pace.older = actor_mailbox_depth(aof->actor);
	aof->pace.groups++;
	aof->pace.frames += group->frames;
	subscriber_owe(&aof->subscriber, group->credit_bytes);
	group_clear(group);
}

bool aof_commit(struct aof *aof)
{
	int error = write_group(aof);
	bool is_troubled = error || aof->trouble.holds_group;
	if (error) {
		trouble_prepare_retry(aof, error);
		error = write_group(aof);
	}
	if (error) {
		trouble_begin(aof, error);
		return false;
	}
	let_go(aof);
	if (is_troubled)
		trouble_may_end(aof);
	return true;
}

/* ---- when ---- */

static bool waits_for_others(struct aof *aof)
{
	struct pace *pace = &aof->pace;
	pace->waits_until_ns = 0;
	if (!aof_is_always(aof) || 8 * aof->group.frames >= 7 * pace->expected)
		return false;
	uint64_t wait_ns = pace->sync_ns / 4 < WAIT_NS_MAX ? pace->sync_ns / 4 : WAIT_NS_MAX;
	if (monotonic_ns() >= aof->group.began_ns + wait_ns)
		return false;
	pace->waits_until_ns = aof->group.began_ns + wait_ns;
	return true;
}

static bool gathers_more(struct aof *aof)
{
	if (aof_text_len(&aof->group.text) >= GROUP_BYTES_MAX)
		return false;
	return actor_mailbox_depth(aof->actor) > 0 || waits_for_others(aof);
}

/* A sync of the same descriptor by the SYNCER may be told of an error that another sync then is not told of. */
static bool must_wait(struct aof *aof)
{
	return aof->trouble.holds_group || (aof_is_always(aof) && aof->syncing.is_out) || aof_sync_is_overdue(aof);
}

/* Each turn takes one message. */
static void count_older(struct aof *aof)
{
	if (aof->pace.older > 0 && --aof->pace.older == 0)
		aof->pace.expected += aof->group.frames;
}

void aof_write(struct aof *aof)
{
	count_older(aof);
	if (aof->group.frames > 0 && !must_wait(aof) && !gathers_more(aof))
		aof_commit(aof);
}

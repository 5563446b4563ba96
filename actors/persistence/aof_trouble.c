/*
 * When the log can't be written.
 *
 * A full disk, or any other failed write: the part is as before, and the group is still in memory. The ballast gives its space, so what was
 * executed gets out; if that doesn't help, the group waits. The store refuses writes until a later attempt succeeds and the ballast is back.
 *
 * A failed sync: nobody knows which of the written bytes are on disk, and no later sync of this file would tell. With `always` they are still
 * in memory, and go to another part. Otherwise the log is cut at the last frame that is surely there, since a log with a gap must not go
 * on.
 */
#include <errno.h>
#include <string.h>

#include "actors/persistence/aof_state.h"
#include "actors/runtime/clock.h"
#include "actors/runtime/log.h"

#define RETRY_NS 1000000000u

static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

void trouble_prepare_retry(struct aof *aof, int error)
{
	struct trouble *trouble = &aof->trouble;
	if (error != trouble->error)
		log_event(LOG_WARNING, "%s the append-only file failed: %s", trouble->part_is_lost ? "Syncing" : "Writing to",
			  strerror(error));
	if (is_full(error) && !trouble->gave_ballast)
		trouble->gave_ballast = aof_give_ballast(aof);
}

static void plan_retry(struct trouble *trouble, int error)
{
	trouble->error = error;
	trouble->retry_at_ns = monotonic_ns() + RETRY_NS;
}

void trouble_begin(struct aof *aof, int error)
{
	if (!aof->trouble.holds_group)
		log_event(LOG_WARNING, "Writes are refused until the append-only file can be written; %llu changes wait in memory",
			  (unsigned long long)aof->group.frames);
	aof->trouble.holds_group = true;
	plan_retry(&aof->trouble, error);
}

void trouble_cut_short(struct aof *aof, int error)
{
	log_event(LOG_WARNING, "Syncing the append-only file failed: %s. It ends with change %llu; %llu later ones are in memory only. Writes are "
			       "refused until the data are in a new base",
		  strerror(error), (unsigned long long)aof->mark, (unsigned long long)(aof_last(aof) - aof->mark));
	int cut_error = part_writer_cut(&aof->part);
	if (cut_error)
		log_event(LOG_WARNING, "Cutting the append-only file there failed: %s", strerror(cut_error));
	aof_leave_part(aof);
	subscriber_owe(&aof->subscriber, aof->group.credit_bytes);
	group_clear(&aof->group);
	aof->written = aof_durable(aof);
	aof->trouble = (struct trouble){
		.error = error, .part_is_lost = true, .has_gap = true, .gave_ballast = aof->trouble.gave_ballast };
}

void trouble_may_end(struct aof *aof)
{
	struct trouble *trouble = &aof->trouble;
	trouble->holds_group = false;
	if (!trouble->error && !trouble->gave_ballast)
		return;
	int error = aof_settle(aof);
	if (!error && trouble->gave_ballast)
		error = aof_take_ballast(aof);
	if (error) {
		plan_retry(trouble, error);
		return;
	}
	log_event(LOG_NOTICE, "The append-only file can be written again; writes are accepted");
	trouble->gave_ballast = false;
	trouble->error = 0;
	trouble->retry_at_ns = 0;
}

void trouble_is_healed(struct aof *aof)
{
	aof->trouble.has_gap = false;
	trouble_may_end(aof);
}

void trouble_retry(struct aof *aof)
{
	struct trouble *trouble = &aof->trouble;
	if (!trouble->retry_at_ns || monotonic_ns() < trouble->retry_at_ns || aof->syncing.is_out)
		return;
	if (trouble->holds_group)
		aof_commit(aof);
	else
		trouble_may_end(aof);
}

/* The error reply that writing commands get, in Redis's words. */
static struct config_error *describe(int error)
{
	return config_error_create("MISCONF Errors writing to the AOF file: %s", strerror(error));
}

void trouble_tell(struct aof *aof)
{
	struct told *told = &aof->told;
	int error = aof->trouble.error;
	if (error == told->error || told->is_out)
		return;
	*told = (struct told){ .error = error, .is_out = true };
	actor_post(aof->actor, aof->store, STORE_AOF_STATE, 0, error ? describe(error) : NULL);
}

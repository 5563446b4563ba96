/*
 * WAIT and WAITAOF. Replicas as Redis 7.0 has them don't tell what they have on disk, so WAITAOF never counts one.
 */
#include <stdlib.h>

#include "actors/store/commands/handlers.h"
#include "actors/store/replication.h"

static void reply_unblocked(struct call *call)
{
	reply_error(call, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
}

/* A timeout of 0, or one that overflows, means no deadline. */
static bool parse_deadline(struct call *call, uint32_t index, int64_t *out_deadline_ms)
{
	int64_t timeout_ms;
	if (!call_arg_timeout_ms(call, index, &timeout_ms))
		return false;
	if (timeout_ms == 0 || __builtin_add_overflow(timeout_ms, store_monotonic_ms(call->store), out_deadline_ms))
		*out_deadline_ms = INT64_MAX;
	return true;
}

/* ---- WAIT ---- */

struct replica_wait {
	int64_t replicas;
	uint64_t sequence;       /* of the last frame when the command came */
	uint64_t offset;         /* of the stream that has it */
	bool offset_is_known;
	int64_t deadline_ms;
};

/* False: the stream does not have the frame yet. */
static bool find_offset(struct store *store, struct replica_wait *wait)
{
	const struct replication *replication = store_replication(store);
	if (!wait->offset_is_known && replication->is_on && replication->sequence >= wait->sequence) {
		wait->offset = replication->stream.end;
		wait->offset_is_known = true;
	}
	return wait->offset_is_known;
}

static uint32_t count_acknowledged(struct store *store, struct replica_wait *wait)
{
	return find_offset(store, wait) ? replicas_at(store, wait->offset) : 0;
}

static void resume_wait(struct call *call, enum wake_reason reason, void *answer);

/* Replies if there is nothing to wait for, else blocks. Takes `wait`. */
static void wait_for_replicas(struct call *call, struct replica_wait *wait)
{
	bool is_asked = wait->offset_is_known;
	uint32_t count = count_acknowledged(call->store, wait);
	if (count >= wait->replicas) {
		reply_integer(call, count);
		free(wait);
		return;
	}
	store_replication(call->store)->wants_acknowledgements |= wait->offset_is_known && !is_asked;
	session_block(call, BLOCKED_REPLICAS, wait->deadline_ms, resume_wait, wait);
}

static void resume_wait(struct call *call, enum wake_reason reason, void *answer)
{
	struct replica_wait *wait = call->session->state;
	if (reason == WAKE_ANSWER) {
		wait_for_replicas(call, wait);
		return;
	}
	if (reason == WAKE_KILLED)
		reply_unblocked(call);
	else if (reason == WAKE_DEADLINE)
		reply_integer(call, count_acknowledged(call->store, wait));
	free(wait);
}

void cmd_wait(struct call *call)
{
	struct replica_wait parsed = { .sequence = store_sequence(call->store) };
	if (!call_arg_int64(call, 1, &parsed.replicas) || !parse_deadline(call, 2, &parsed.deadline_ms))
		return;
	struct replica_wait *wait = malloc(sizeof(*wait));
	if (!wait) {
		reply_no_memory(call);
		return;
	}
	*wait = parsed;
	wait_for_replicas(call, wait);
}

/* ---- WAITAOF ---- */

struct aof_wait {
	uint64_t sequence;   /* of the last frame when the command came */
	int64_t local;       /* 1: this server must have it on disk */
	int64_t replicas;    /* so many replicas must */
	int64_t deadline_ms;
};

static bool is_durable(const struct call *call, const struct aof_wait *wait)
{
	return store_aof_figures(call->store) && store_durable_sequence(call->store) >= wait->sequence;
}

static void reply_acknowledged(struct call *call, const struct aof_wait *wait)
{
	reply_array(call, 2);
	reply_integer(call, is_durable(call, wait));
	reply_integer(call, 0);
}

static void resume_waitaof(struct call *call, enum wake_reason reason, void *answer);

/* Replies if nothing is left to wait for, else blocks. Takes `wait`. */
static void wait_on(struct call *call, struct aof_wait *wait)
{
	bool needs_sync = wait->local > 0 && !is_durable(call, wait);
	if (needs_sync) {
		store_wait_durable(call, wait->deadline_ms, resume_waitaof, wait);
		return;
	}
	if (wait->replicas > 0) {
		session_block(call, BLOCKED_NOTHING, wait->deadline_ms, resume_waitaof, wait);
		return;
	}
	reply_acknowledged(call, wait);
	free(wait);
}

static void resume_waitaof(struct call *call, enum wake_reason reason, void *answer)
{
	struct aof_wait *wait = call->session->state;
	if (reason == WAKE_ANSWER) {
		wait_on(call, wait);
		return;
	}
	if (reason == WAKE_KILLED)
		reply_unblocked(call);
	else if (reason == WAKE_DEADLINE)
		reply_acknowledged(call, wait);
	free(wait);
}

/* A number from 0 to `most`. False: the error reply has been written. */
static bool parse_count(struct call *call, uint32_t index, int64_t most, const char *error, int64_t *out_count)
{
	if (!call_arg_int64(call, index, out_count))
		return false;
	if (*out_count >= 0 && *out_count <= most)
		return true;
	reply_error(call, error);
	return false;
}

void cmd_waitaof(struct call *call)
{
	struct aof_wait parsed = { .sequence = store_sequence(call->store) };
	if (!parse_count(call, 1, 1, "ERR value is out of range, value must between 0 and 1", &parsed.local) ||
	    !parse_count(call, 2, INT64_MAX, "ERR value is out of range, must be positive", &parsed.replicas) ||
	    !parse_deadline(call, 3, &parsed.deadline_ms))
		return;
	if (parsed.local > 0 && !store_aof_figures(call->store)) {
		reply_error(call, "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
		return;
	}
	struct aof_wait *wait = malloc(sizeof(*wait));
	if (!wait) {
		reply_no_memory(call);
		return;
	}
	*wait = parsed;
	wait_on(call, wait);
}

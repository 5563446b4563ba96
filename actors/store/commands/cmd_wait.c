/*
 * WAIT and WAITAOF. There are no replicas, so nothing that they should have is ever acknowledged.
 */
#include <stdlib.h>

#include "actors/store/commands/handlers.h"

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

static void resume_wait(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason == WAKE_CLOSED)
		return;
	if (reason == WAKE_KILLED)
		reply_unblocked(call);
	else
		reply_integer(call, 0);
}

void cmd_wait(struct call *call)
{
	int64_t replicas, deadline_ms;
	if (!call_arg_int64(call, 1, &replicas) || !parse_deadline(call, 2, &deadline_ms))
		return;
	if (replicas <= 0)
		reply_integer(call, 0);
	else
		session_block(call, BLOCKED_NOTHING, deadline_ms, resume_wait, NULL);
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

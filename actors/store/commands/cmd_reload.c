/*
 * DEBUG RELOAD and DEBUG LOADAOF: all data are loaded again, which shows that what is on disk is what is in memory.
 */
#include "actors/store/commands/handlers.h"

static void resume_from_rdb(struct call *call, enum wake_reason reason, void *error)
{
	if (reason == WAKE_CLOSED)
		return;
	if (error)
		reply_error(call, "ERR Error trying to load the RDB dump, check server logs.");
	else
		reply_ok(call);
}

static void resume_from_log(struct call *call, enum wake_reason reason, void *error)
{
	if (reason == WAKE_CLOSED)
		return;
	if (error)
		reply_error(call, "ERR Error trying to load the AOF files, check server logs.");
	else
		reply_ok(call);
}

static void load(struct call *call, session_resume *resume)
{
	session_block(call, BLOCKED_RELOAD, INT64_MAX, resume, NULL);
	store_begin_reload(call->store);
}

static bool prepare(struct call *call, enum data_source source)
{
	const char *obstacle = store_prepare_reload(call->store, source);
	if (obstacle)
		reply_error(call, obstacle);
	return !obstacle;
}

/* ---- RELOAD ---- */

static void resume_saved(struct call *call, enum wake_reason reason, void *answer)
{
	const char *error = answer;
	store_cancel_reload(call->store);
	if (reason == WAKE_CLOSED)
		return;
	if (error)
		reply_errorf(call, "ERR %s", error);
	else if (prepare(call, DATA_FROM_SAVE)) /* a shutdown may have begun */
		load(call, resume_from_rdb);
}

static void save(struct call *call)
{
	enum save_outcome outcome = store_request_save(call->store, SAVE_WHEN_POSSIBLE);
	if (outcome == SAVE_BEGINS || outcome == SAVE_IS_SCHEDULED) {
		session_block(call, BLOCKED_SAVE, INT64_MAX, resume_saved, NULL);
		return;
	}
	store_cancel_reload(call->store);
	reply_no_memory(call);
}

void debug_reload(struct call *call)
{
	bool saves = call->argc == 2;
	if (!saves && !call_arg_is(call, 2, "NOSAVE"))
		reply_error(call, "ERR DEBUG RELOAD only supports the NOSAVE option.");
	else if (prepare(call, saves ? DATA_FROM_SAVE : DATA_FROM_RDB))
		saves ? save(call) : load(call, resume_from_rdb);
}

/* ---- LOADAOF ---- */

void debug_loadaof(struct call *call)
{
	if (prepare(call, DATA_FROM_LOG))
		load(call, resume_from_log);
}

/*
 * Commands that save the data, and SHUTDOWN.
 */
#include "actors/store/commands/handlers.h"

static void resume_save(struct call *call, enum wake_reason reason, void *answer)
{
	const char *error = answer;
	if (reason == WAKE_CLOSED)
		return;
	if (error)
		reply_errorf(call, "ERR %s", error);
	else
		reply_ok(call);
}

/* Blocks its client until the file is in place, and nobody else. */
void cmd_save(struct call *call)
{
	switch (store_request_save(call->store, SAVE_WHEN_POSSIBLE)) {
	case SAVE_BEGINS:
	case SAVE_IS_SCHEDULED: session_block(call, BLOCKED_SAVE, INT64_MAX, resume_save, NULL); return;
	case SAVE_IS_UNDER_WAY:
	case SAVE_MUST_WAIT: reply_error(call, "ERR Background save already in progress"); return;
	case SAVE_FAILS: reply_no_memory(call); return;
	}
}

void cmd_bgsave(struct call *call)
{
	bool is_scheduled = call->argc == 2 && call_arg_is(call, 1, "SCHEDULE");
	if (call->argc > 1 && !is_scheduled) {
		reply_syntax_error(call);
		return;
	}
	switch (store_request_save(call->store, is_scheduled ? SAVE_WHEN_POSSIBLE : SAVE_NOW)) {
	case SAVE_BEGINS: reply_simple(call, "Background saving started"); return;
	case SAVE_IS_SCHEDULED: reply_simple(call, "Background saving scheduled"); return;
	case SAVE_IS_UNDER_WAY: reply_error(call, "ERR Background save already in progress"); return;
	case SAVE_MUST_WAIT:
		reply_error(call, "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
				  "BGSAVE whenever possible.");
		return;
	case SAVE_FAILS: reply_no_memory(call); return;
	}
}

void cmd_bgrewriteaof(struct call *call)
{
	switch (store_request_rewrite(call->store)) {
	case SAVE_BEGINS: reply_simple(call, "Background append only file rewriting started"); return;
	case SAVE_IS_SCHEDULED:
	case SAVE_MUST_WAIT: reply_simple(call, "Background append only file rewriting scheduled"); return;
	case SAVE_IS_UNDER_WAY: reply_error(call, "ERR Background append only file rewriting already in progress"); return;
	case SAVE_FAILS: reply_error(call, "ERR BGREWRITEAOF needs appendonly yes; BGSAVE writes the data without it"); return;
	}
}

void cmd_lastsave(struct call *call)
{
	struct saving_figures figures;
	store_saving_figures(call->store, &figures);
	reply_integer(call, figures.saved_wall_ms / 1000);
}

/* ---- SHUTDOWN ---- */

struct shutdown_words {
	struct shutdown_options options;
	bool aborts;
};

static bool parse_shutdown_word(const struct call *call, uint32_t index, struct shutdown_words *words)
{
	if (call_arg_is(call, index, "NOSAVE"))
		words->options.saves_not = true;
	else if (call_arg_is(call, index, "SAVE"))
		words->options.saves = true;
	else if (call_arg_is(call, index, "NOW"))
		words->options.is_now = true;
	else if (call_arg_is(call, index, "FORCE"))
		words->options.is_forced = true;
	else if (call_arg_is(call, index, "ABORT"))
		words->aborts = true;
	else
		return false;
	const struct shutdown_options *options = &words->options;
	bool stops = options->saves || options->saves_not || options->is_now || options->is_forced;
	return !(options->saves && options->saves_not) && !(words->aborts && stops);
}

/* The requests after SHUTDOWN are not executed unless it fails: the session stays blocked until the shutdown ends it. */
static void resume_shutdown(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason != WAKE_CLOSED)
		reply_error(call, "ERR Errors trying to SHUTDOWN. Check logs.");
}

void cmd_shutdown(struct call *call)
{
	struct shutdown_words words = { .aborts = false };
	for (uint32_t i = 1; i < call->argc; i++) {
		if (!parse_shutdown_word(call, i, &words)) {
			reply_syntax_error(call);
			return;
		}
	}
	if (!words.aborts) {
		session_block(call, BLOCKED_SHUTDOWN, INT64_MAX, resume_shutdown, NULL);
		store_shut_down(call->store, &words.options);
	} else if (store_abort_shutdown(call->store)) {
		reply_ok(call);
	} else {
		reply_error(call, "ERR No shutdown in progress.");
	}
}

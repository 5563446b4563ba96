#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/clock.h"
#include "actors/runtime/log.h"
#include "actors/store/commands/handlers.h"
#include "actors/runtime/version.h"
#include "transport/decimal.h"

void cmd_monitor(struct call *call)
{
	session_set_monitor(call);
	reply_ok(call);
}

/* Reads the clock instead of using the turn's time, since clients use TIME to compare clocks. */
void cmd_time(struct call *call)
{
	char text[DECIMAL_MAX_BYTES];
	int64_t now_us = wall_clock_us();
	reply_array(call, 2);
	reply_bulk(call, slice_of(text, decimal_format_int64(text, now_us / 1000000)));
	reply_bulk(call, slice_of(text, decimal_format_int64(text, now_us % 1000000)));
}

void cmd_role(struct call *call)
{
	reply_array(call, 3);
	reply_text(call, "master");
	reply_integer(call, 0);
	reply_array(call, 0);
}

/* There is no persistence yet. Before the first save, Redis returns the time of its start. */
void cmd_lastsave(struct call *call)
{
	reply_integer(call, store_started_ms(call->store) / 1000);
}

void cmd_module_list(struct call *call)
{
	reply_array(call, 0);
}

/* ---- LOLWUT ---- */

#define PICTURE_ROWS 8
#define PICTURE_COLUMNS 40

/* Draws a maze of slashes. */
static void draw_maze(struct call *call, struct buffer *text)
{
	for (int row = 0; row < PICTURE_ROWS; row++) {
		uint64_t strokes = store_random(call->store);
		for (int column = 0; column < PICTURE_COLUMNS; column++)
			buffer_append(text, strokes >> column & 1 ? "\u2571" : "\u2572", 3);
		buffer_append(text, "\n", 1);
	}
}

/* Redis has pictures for versions 5 and 6; here both have the same. Other versions have none. */
void cmd_lolwut(struct call *call)
{
	struct buffer text = { 0 };
	int64_t version = 5;
	if (call->argc > 2 && call_arg_is(call, 1, "VERSION") && !call_arg_int64(call, 2, &version))
		return;
	if (version == 5 || version == 6)
		draw_maze(call, &text);
	buffer_printf(&text, "Redis ver. " QCACHE_REDIS_VERSION ", qcache " QCACHE_VERSION "\n");
	reply_gathered(call, &text);
}

/* ---- SHUTDOWN ---- */

struct shutdown_options {
	bool saves, saves_not, is_forced, is_now, aborts;
};

static bool parse_shutdown_option(const struct call *call, uint32_t index, struct shutdown_options *options)
{
	if (call_arg_is(call, index, "NOSAVE"))
		options->saves_not = true;
	else if (call_arg_is(call, index, "SAVE"))
		options->saves = true;
	else if (call_arg_is(call, index, "NOW"))
		options->is_now = true;
	else if (call_arg_is(call, index, "FORCE"))
		options->is_forced = true;
	else if (call_arg_is(call, index, "ABORT"))
		options->aborts = true;
	else
		return false;
	bool stops = options->saves || options->saves_not || options->is_now || options->is_forced;
	return !(options->saves && options->saves_not) && !(options->aborts && stops);
}

/* The requests after SHUTDOWN are neither executed nor answered: the session stays blocked until the shutdown ends it. */
static void wait_for_stop(struct call *call, enum wake_reason reason, void *answer)
{
	if (reason != WAKE_CLOSED)
		session_block(call, BLOCKED_NOTHING, INT64_MAX, wait_for_stop, NULL);
}

static void refuse_to_save(struct call *call)
{
	log_event(LOG_WARNING, "SHUTDOWN SAVE is refused: saving is not supported yet; use SHUTDOWN NOSAVE");
	reply_error(call, "ERR Errors trying to SHUTDOWN. Check logs.");
}

/*
 * A shutdown that has begun cannot be aborted, since it never waits for replicas. NOW does not wait for clients to be answered.
 * If saving fails, shutdown is refused unless FORCE is given.
 */
void cmd_shutdown(struct call *call)
{
	struct shutdown_options options = { 0 };
	for (uint32_t i = 1; i < call->argc; i++) {
		if (!parse_shutdown_option(call, i, &options)) {
			reply_syntax_error(call);
			return;
		}
	}
	if (options.aborts) {
		reply_error(call, "ERR No shutdown in progress.");
	} else if (options.saves && !options.is_forced) {
		refuse_to_save(call);
	} else {
		store_shut_down(call->store, options.is_now);
		wait_for_stop(call, WAKE_ANSWER, NULL);
	}
}

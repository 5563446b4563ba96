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

/*
 * The message that the store publishes on the command bus in one turn: the frames, and for the observer the
 * commands as they were sent and a tally. `head.holds` says which parts it contains.
 */
#ifndef ACTORS_BUS_TURN_MESSAGE_H
#define ACTORS_BUS_TURN_MESSAGE_H

#include <stdint.h>

#include "actors/bus/effect.h"
#include "actors/bus/tally.h"
#include "transport/buffer.h"
#include "transport/bus.h"

struct turn_message {
	struct bus_message head;
	struct frame_writer frames;  /* with BUS_FRAMES */
	uint64_t commands_missed;    /* with BUS_COMMANDS: commands left out before the first record */
	struct buffer commands;      /* with BUS_COMMANDS: records by command_record_append() */
	struct tally *tally;         /* with BUS_TALLY */
};

struct turn_message *turn_message_create(void);

/* A command for MONITOR. When reading, its arguments follow: command_record_next_arg(). */
struct command_record {
	int64_t time_us;      /* wall clock */
	uint32_t database;
	uint32_t argc;
	struct slice address;
};

struct resp_arg;
/* Arguments in `secrets` (secrets.h) are redacted. */
void command_record_append(struct buffer *out, const struct command_record *record, const struct resp_arg *argv,
			   uint64_t secrets);
/* Both advance *at; false at the end. */
bool command_record_next(struct slice *at, struct command_record *out_record);
struct slice command_record_next_arg(struct slice *at);

#endif

/*
 * What the store publishes on the command bus in one turn, and the subscribers take: the frames, and for the observer
 * commands as they were sent and counts. A subscriber sees only those parts that the message says it holds.
 */
#ifndef ACTORS_TURN_MESSAGE_H
#define ACTORS_TURN_MESSAGE_H

#include <stdint.h>

#include "actors/bus/effect.h"
#include "actors/bus/tally.h"
#include "transport/buffer.h"
#include "transport/bus.h"

struct turn_message {
	struct bus_message head;
	struct frame_writer frames;  /* with BUS_FRAMES */
	uint64_t commands_missed;    /* with BUS_COMMANDS: so many before the first record are not told */
	struct buffer commands;      /* with BUS_COMMANDS: records, see command_record_append() */
	struct tally *tally;         /* with BUS_TALLY */
};

struct turn_message *turn_message_create(void);

/* A command as MONITOR tells it. Read: arguments follow one by one. */
struct command_record {
	int64_t time_us;      /* wall clock */
	uint32_t database;
	uint32_t argc;
	struct slice address;
};

struct resp_arg;
/* Arguments among `secrets` (secrets.h) are not told. */
void command_record_append(struct buffer *out, const struct command_record *record, const struct resp_arg *argv,
			   uint64_t secrets);
/* Both move *at; false at the end. */
bool command_record_next(struct slice *at, struct command_record *out_record);
struct slice command_record_next_arg(struct slice *at);

#endif

/*
 * Turns the commands of an append-only file into frames, for effect_apply(): those that aof_render.h writes, and all that Redis 7.0 writes for
 * the types that exist here. The table in aof_parse.c has a line for each command.
 *
 * A part of this program has one frame for each frame that was rendered: a transaction is one. In a part of another server each command is a
 * frame, also within a transaction; what such a command leaves to the data (INCR, KEEPTTL, NX) becomes an effect that
 * leaves it to the data too: apply these frames with `is_exact` false.
 *
 * What isn't known is refused by name; so nothing is left out. Any thread. Frames take memory by the length of the commands; without memory the
 * process stops.
 */
#ifndef ACTORS_PERSISTENCE_AOF_PARSE_H
#define ACTORS_PERSISTENCE_AOF_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/bus/effect.h"
#include "transport/resp_parser.h"

struct aof_parser {
	bool is_ours;            /* the part is one of this program */
	bool is_in_transaction;  /* after MULTI, before EXEC: the file must not end here */
	uint32_t database;       /* selected last */
	int64_t now_ms;          /* wall clock: relative times to live begin here, as in Redis */
	char error[256];         /* after a refusal: what is wrong, e.g. "unknown command 'LPUSH'" */
};

void aof_parser_init(struct aof_parser *parser, bool is_ours, int64_t now_ms);

/*
 * Appends the frames of a command: one or none. `argc` is at least 1; large arguments lie in blobs. False: refused, see `error`; what
 * has been appended is of no use.
 */
bool aof_parse_command(struct aof_parser *parser, const struct resp_arg *argv, uint32_t argc, struct frame_writer *out);

#endif

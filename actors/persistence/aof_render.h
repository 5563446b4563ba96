/*
 * Turns frames into the text of an append-only file that Redis 7 loads: one command for each effect. A frame with several effects stands
 * between MULTI and EXEC. SELECT goes before a command whose database is not that of the command before. aof_parse.h reads
 * the text.
 *
 * Times to live are written as absolute times, removals of all kinds as DEL. SNAPSHOT has no text.
 */
#ifndef ACTORS_PERSISTENCE_AOF_RENDER_H
#define ACTORS_PERSISTENCE_AOF_RENDER_H

#include "actors/bus/effect.h"
#include "actors/persistence/aof_text.h"

/* One for each part of the file. */
struct aof_renderer {
	int64_t database;   /* selected last; -1: none yet */
	int64_t time_s;     /* of the last timestamp; -1: none yet */
};

void aof_renderer_init(struct aof_renderer *renderer);

/* Appends the reader's current frame and reads it to its end. */
void aof_render_frame(struct aof_renderer *renderer, struct frame_reader *reader, const struct frame *frame, struct aof_text *out);

/* Appends "#TS:<seconds>" if that second is not the one of the last timestamp. Only between frames. */
void aof_render_timestamp(struct aof_renderer *renderer, int64_t time_ms, struct aof_text *out);

#endif

/*
 * Effects: what commands did to the data, as typed records; and frames, which carry them on the command bus.
 *
 * A frame is all effects of one command (later: of one transaction), atomic, with one dense sequence number. The bus
 * carries what came of a command, never the command: persistence and peers render what they need from it. Records are
 * packed into one run of bytes per turn; values of blob size travel as held blobs.
 *
 * Layout of a run: frame header, effects, frame header, effects ...; everything aligned to 8 bytes.
 */
#ifndef ACTORS_EFFECT_H
#define ACTORS_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/blob.h"
#include "storage/slice.h"
#include "transport/buffer.h"

enum effect_type {
#define EFFECT(name, event, fields) EFFECT_##name,
#include "effects.def"
#undef EFFECT
	EFFECT_TYPES
};

/* "set", "expired": what keyspace events and INFO call it. */
const char *effect_event(enum effect_type type);

/* What `number` and `result` mean for each type stands in effects.def; unused fields are 0. */
struct effect {
	enum effect_type type;
	uint32_t database;
	struct slice key;
	struct slice value;  /* borrowed: from the frame when read */
	struct blob *blob;   /* instead of value when large; borrowed */
	int64_t number;
	int64_t result;
};

struct frame {
	uint64_t sequence; /* 1, 2, 3 ... without gaps */
	int64_t time_ms;   /* wall clock of the turn */
	uint64_t bytes;    /* of this frame in the run, header included */
	uint32_t effects;  /* at least 1 */
	/* Where it was made: zero until it comes from a peer. */
	uint64_t origin_node, origin_incarnation, origin_sequence, origin_clock;
};

/* Writing: begin, append effects, end. A frame without effects leaves no trace and takes no number. */
struct frame_writer {
	struct buffer bytes;
	size_t frame_at;       /* offset of the open frame */
	uint32_t effects;      /* in the open frame */
	uint32_t frames;       /* finished */
	struct blob **blobs;   /* held for the records */
	size_t blob_count, blob_capacity;
};

void frame_begin(struct frame_writer *writer);
void frame_append(struct frame_writer *writer, const struct effect *effect);
/* True when the frame had effects and is now part of the run. */
bool frame_end(struct frame_writer *writer, uint64_t sequence, int64_t time_ms);
void frame_writer_fini(struct frame_writer *writer);

/* Reading. A reader borrows the run. False at the end. */
struct frame_reader {
	const uint8_t *at, *end, *frame_end;
};

void frame_reader_init(struct frame_reader *reader, struct slice run);
bool frame_next(struct frame_reader *reader, struct frame *out_frame);
bool frame_next_effect(struct frame_reader *reader, struct effect *out_effect);

#endif

/*
 * Effects: what commands did to the data, as typed records; and frames, which carry them on the command bus.
 *
 * A frame is all effects of one command (later: of one transaction), atomic, with one sequence number of a dense sequence. The bus
 * carries what came of a command, never the command: persistence and peers render what they need from it, and effect_apply() turns it
 * back into data. All frames of a turn lie in one run of bytes; values of blob size travel as held blobs.
 *
 * effects.def says which fields each type has. The layout of a run is drawn in effect.c.
 */
#ifndef ACTORS_BUS_EFFECT_H
#define ACTORS_BUS_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/blob.h"
#include "storage/slice.h"
#include "transport/buffer.h"

enum effect_type {
#define EFFECT(name, event, fields, meaning) EFFECT_##name,
#include "actors/bus/effects.def"
#undef EFFECT
	EFFECT_TYPES
};

/* Fields that a record may hold. Of one that is 0 or empty the record holds nothing. */
enum effect_field {
	HAS_OTHER_KEY = 1,
	HAS_VALUE = 2,
	HAS_NUMBER = 4,
	HAS_RESULT = 8,
	HAS_AMOUNT = 16,
	HAS_ELEMENTS = 32,
};

/* "set", "expired": what INFO calls it. */
const char *effect_event(enum effect_type type);
/* The fields that records of this type may hold: enum effect_field. */
uint32_t effect_fields(enum effect_type type);

/* Elements of a collection, one behind the other: see elements_append(). */
struct elements {
	struct slice packed;
	uint32_t count;
};

/* All slices are borrowed: from the caller when an effect is written, from the run when it is read. */
struct effect {
	enum effect_type type;
	uint32_t database;
	struct slice key, other_key;
	struct slice value;
	struct blob *blob;         /* holds the value, when it is large */
	int64_t number, result;    /* also positions */
	double amount;             /* what was added to a score or a field */
	struct elements elements;
};

/*
 * Adds an element, with its score where the type's elements have scores (all of an effect, or none). Running out of memory marks
 * the buffer as failed.
 */
void elements_append(struct buffer *packed, struct slice element);
void elements_append_scored(struct buffer *packed, struct slice element, double score);

/* Takes the first element off. False when there are none left. */
bool elements_next(struct elements *elements, struct slice *out_element);
bool elements_next_scored(struct elements *elements, struct slice *out_element, double *out_score);

/* Where a frame was made, when that was not here. */
struct frame_origin {
	uint64_t node, incarnation, sequence;
	uint64_t clock;            /* hybrid logical clock */
	struct slice dependencies; /* bytes that only the mesh reads */
};

struct frame {
	uint64_t sequence;         /* 1, 2, 3 ... without gaps */
	uint32_t effects;          /* at least 1 */
	bool has_origin;
	struct frame_origin origin;
};

/* The frames of one turn. */
struct frame_writer {
	struct buffer bytes;
	uint64_t first_sequence;   /* of the first frame */
	int64_t time_ms;           /* wall clock of the turn */
	size_t frame_at;           /* offset of the open frame */
	uint32_t effects;          /* in the open frame */
	uint32_t frames;           /* finished */
	struct blob **blobs;       /* held for the records */
	size_t blob_count, blob_capacity;
};

/*
 * Begin, append effects, end. `origin` is NULL for what was made here. A frame without effects leaves no trace. What has been executed
 * must reach the bus: running out of memory is fatal.
 */
void frame_begin(struct frame_writer *writer, const struct frame_origin *origin);
void frame_append(struct frame_writer *writer, const struct effect *effect);
/* True when the frame had effects and is now part of the run. */
bool frame_end(struct frame_writer *writer);
void frame_writer_fini(struct frame_writer *writer);

/* Reads what a writer holds, and borrows it. The run has been made in this process: it is trusted. */
struct frame_reader {
	const uint8_t *at, *end, *frame_end;
	uint64_t next_sequence;
};

void frame_reader_init(struct frame_reader *reader, const struct frame_writer *writer);
/* The next frame, whether or not all effects of the one before have been read. False at the end. */
bool frame_next(struct frame_reader *reader, struct frame *out_frame);
bool frame_next_effect(struct frame_reader *reader, struct effect *out_effect);

#endif

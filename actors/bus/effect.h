/*
 * Effects: what commands did to the data, as typed records. Frames: groups of effects on the command bus.
 *
 * A frame holds all effects of one command (later: of one transaction). It is atomic and has one number of a dense sequence. The bus
 * carries the results of a command, never the command: persistence and peers translate effects into their own forms, and
 * effect_apply() turns them back into data. The frames of a turn share one buffer; large values travel as held blobs.
 *
 * effects.def says which fields each type has. The layout is drawn in effect.c.
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

/* The fields that a record may hold. A field that is 0 or empty is left out. */
enum effect_field {
	HAS_OTHER_KEY = 1,
	HAS_VALUE = 2,
	HAS_NUMBER = 4,
	HAS_RESULT = 8,
	HAS_AMOUNT = 16,
	HAS_ELEMENTS = 32,
};

/* What a log doesn't tell: the result of INCRBY, APPEND and SETRANGE, and the expiry of a SET that keeps the key's. */
#define RESULT_UNKNOWN INT64_MIN
#define EXPIRY_KEPT (INT64_MIN + 1)

/* The condition of a GUARD. A key that is absent, or has no time to live, never expires. */
enum guard {
	GUARD_ABSENT,
	GUARD_PRESENT,
	GUARD_EXPIRES,
	GUARD_STAYS,          /* doesn't expire */
	GUARD_EXPIRES_BEFORE, /* the operand, a time */
	GUARD_EXPIRES_AFTER,
};

/* The name in INFO: "set", "expired". NULL for an effect that the store never makes. */
const char *effect_event(enum effect_type type);

/* The elements of a collection, packed by elements_append(). */
struct elements {
	struct slice packed;
	uint32_t count;
};

/* All slices are borrowed: from the caller when an effect is written, from the frame when it is read. */
struct effect {
	enum effect_type type;
	uint32_t database;
	struct slice key, other_key;
	struct slice value;
	struct blob *blob;         /* holds the value if it is large */
	int64_t number, result;    /* also positions */
	double amount;             /* the increment of a score or field */
	struct elements elements;
};

/*
 * Appends an element, with its score if the type's elements have scores. Without memory the buffer is marked as failed.
 */
void elements_append(struct buffer *packed, struct slice element);
void elements_append_scored(struct buffer *packed, struct slice element, double score);

/* Removes the first element. False when none is left. */
bool elements_next(struct elements *elements, struct slice *out_element);
bool elements_next_scored(struct elements *elements, struct slice *out_element, double *out_score);

/* Where a frame comes from if another node made it. */
struct frame_origin {
	uint64_t node, incarnation, sequence;
	uint64_t clock;            /* hybrid logical clock */
	struct slice dependencies; /* opaque; read by the mesh only */
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
 * Begin a frame, append effects, end it. `origin` is NULL for frames of this node. A frame without effects is dropped. Running out of
 * memory is fatal, since an executed command must reach the bus.
 */
void frame_begin(struct frame_writer *writer, const struct frame_origin *origin);
void frame_append(struct frame_writer *writer, const struct effect *effect);
/* False when the frame had no effects and was dropped. */
bool frame_end(struct frame_writer *writer);
void frame_writer_fini(struct frame_writer *writer);

/* A place between two frames. frame_writer_cut() drops all that was written after it. */
struct frame_mark {
	size_t bytes, blobs;
	uint32_t frames;
};
struct frame_mark frame_writer_mark(const struct frame_writer *writer);
void frame_writer_cut(struct frame_writer *writer, struct frame_mark mark);

/* Reads a writer's frames, which it borrows. They were made in this process, so they are trusted. */
struct frame_reader {
	const uint8_t *at, *end, *frame_end;
	uint64_t next_sequence;
};

void frame_reader_init(struct frame_reader *reader, const struct frame_writer *writer);
/* Moves to the next frame; unread effects of the current one are skipped. False at the end. */
bool frame_next(struct frame_reader *reader, struct frame *out_frame);
bool frame_next_effect(struct frame_reader *reader, struct effect *out_effect);
/* Whether a snapshot begins with the current frame, of which nothing has been read; the frame can be read afterwards. */
bool frame_begins_snapshot(const struct frame_reader *reader, const struct frame *frame, struct effect *out_effect);
/* The same for a snapshot that becomes a base of the log. */
bool frame_begins_base(const struct frame_reader *reader, const struct frame *frame);

#endif

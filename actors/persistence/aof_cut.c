/*
 * The cut: where a new base ends, the log goes on in a new part. The cut is a frame on the bus: it ends its part, and the next
 * frame begins the new one.
 *
 * The end of the old part is made durable first, since a part without the end of the one before it can't be loaded. Until that has been done,
 * what comes is held back; credit bounds it. A part that begins without one before it, because the log was off, or because it has a gap, enters
 * the manifest together with the base. Until then nothing in it counts as durable.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/aof_state.h"
#include "actors/runtime/crash.h"
#include "actors/runtime/log.h"

/* A bus message whose frames are not all in a group yet. */
struct held_message {
	struct bus_message *message;
	struct frame_reader reader;
	struct held_message *next;
};

/* ---- messages ---- */

static void hold_back(struct aof *aof, const struct bus_message *message, const struct frame_reader *reader)
{
	struct held_message *held = calloc(1, sizeof(*held));
	if (!held)
		crash_out_of_memory("the append-only file");
	*held = (struct held_message){ .message = bus_message_hold(message), .reader = *reader };
	*(aof->cut.last ? &aof->cut.last->next : &aof->cut.first) = held;
	aof->cut.last = held;
}

static void drop_first(struct cut *cut)
{
	struct held_message *held = cut->first;
	cut->first = held->next;
	if (!held->next)
		cut->last = NULL;
	bus_message_release(held->message);
	free(held);
}

/* Skips frames that can't be written, up to the next cut. False: there is none. */
static bool skip_to_cut(struct frame_reader *reader, uint64_t *out_sequence)
{
	struct frame frame;
	while (frame_next(reader, &frame))
		if (frame_begins_base(reader, &frame)) {
			*out_sequence = frame.sequence;
			return true;
		}
	return false;
}

/* Adds frames up to the end of the message, or up to the next cut. True at the end. */
static bool take_frames(struct aof *aof, const struct bus_message *head, struct frame_reader *reader)
{
	const struct turn_message *message = (const struct turn_message *)head;
	struct cut *cut = &aof->cut;
	cut->is_pending = aof->trouble.has_gap ? skip_to_cut(reader, &cut->sequence) :
						      group_add(&aof->group, message, reader, &cut->sequence);
	if (cut->is_pending)
		return false;
	if (aof->trouble.has_gap)
		subscriber_owe(&aof->subscriber, head->bytes);
	else
		aof->group.credit_bytes += head->bytes;
	return true;
}

void aof_take_frames(void *context, const struct bus_message *head)
{
	struct aof *aof = context;
	struct frame_reader reader;
	actor_assert_turn(aof->actor);
	frame_reader_init(&reader, &((const struct turn_message *)head)->frames);
	if (aof->cut.first || !take_frames(aof, head, &reader))
		hold_back(aof, head, &reader);
}

static void take_held(struct aof *aof)
{
	struct cut *cut = &aof->cut;
	while (cut->first && !cut->is_pending && take_frames(aof, cut->first->message, &cut->first->reader))
		drop_first(cut);
}

void aof_drop_held(struct aof *aof)
{
	while (aof->cut.first) {
		subscriber_owe(&aof->subscriber, aof->cut.first->message->bytes);
		drop_first(&aof->cut);
	}
	aof->cut.is_pending = false;
}

/* ---- the cut ---- */

/* The old part is complete and durable. False: it isn't yet. */
static bool finish_part(struct aof *aof)
{
	if (aof->group.frames > 0 && !aof_commit(aof))
		return false;
	int error = part_writer_has_unsynced(&aof->part) ? aof_sync_part(aof) : 0;
	if (error)
		trouble_cut_short(aof, error); /* the new part doesn't need the old one if the base comes */
	return true;
}

static void note_cut(struct aof *aof, uint64_t sequence, int64_t number)
{
	struct sizes *sizes = &aof->sizes;
	aof->rewrite.is_cut = true;
	aof->rewrite.sequence = sequence;
	aof->rewrite.first_number = number;
	aof->rewrite.bytes_before = sizes->increments;
	aof->rewrite.parts_before = sizes->parts;
}

/* Without a new part the old one goes on, and the base will not be installed. */
static void begin_new_part(struct aof *aof, uint64_t sequence)
{
	struct parts_error error;
	struct open_part part;
	bool goes_on = part_writer_is_open(&aof->part) && !aof->waits_for_base;
	if (!parts_roll(aof->files->parts, NULL, sequence, goes_on ? PART_ENTERS_NOW : PART_ENTERS_WITH_BASE, &part, &error)) {
		log_event(LOG_WARNING, "The append-only file can't be rewritten: %s", error.text);
		return;
	}
	aof_leave_part(aof);
	aof->waits_for_base = !goes_on;
	note_cut(aof, sequence, part.part.number);
	aof->written = sequence;
	aof->trouble.has_gap = false;
	aof_begin_part(aof, &part);
}

void aof_make_cut(struct aof *aof)
{
	struct cut *cut = &aof->cut;
	if (!cut->is_pending || aof->syncing.is_out || aof->trouble.holds_group || !finish_part(aof))
		return;
	cut->is_pending = false;
	aof->rewrite.is_cut = false;
	begin_new_part(aof, cut->sequence);
	take_held(aof);
}

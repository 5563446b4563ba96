#include "actors/replication/replication.h"

#include <string.h>

#include "actors/bus/turn_message.h"
#include "actors/runtime/crash.h"

static struct replication_stream *gathering(struct replication_actor *replication)
{
	if (!replication->gathering)
		replication->gathering = replication_stream_create();
	return replication->gathering;
}

/* ---- from text to blobs ---- */

static void add_bytes(struct replication_stream *stream, const uint8_t *data, size_t len)
{
	if (len == 0)
		return;
	struct blob *blob = len <= UINT32_MAX ? blob_create((uint32_t)len) : NULL;
	if (!blob)
		crash_out_of_memory("the replication stream");
	memcpy(blob->data, data, len);
	blob->len = (uint32_t)len;
	replication_stream_add(stream, blob);
}

static void move_text(struct replication_actor *replication)
{
	struct aof_text *text = &replication->text;
	if (aof_text_len(text) == 0)
		return;
	struct replication_stream *stream = gathering(replication);
	size_t at = 0;
	for (size_t i = 0; i < text->reference_count; i++) {
		const struct aof_reference *reference = &text->references[i];
		add_bytes(stream, text->bytes.data + at, reference->at - at);
		replication_stream_add(stream, blob_hold(reference->blob));
		at = reference->at;
	}
	add_bytes(stream, text->bytes.data + at, text->bytes.len - at);
	aof_text_clear(text);
}

static void post_if_free(struct replication_actor *replication)
{
	if (replication->is_out)
		return;
	move_text(replication);
	struct replication_stream *stream = replication->gathering;
	if (!stream)
		return;
	stream->last_sequence = replication->subscriber.cursor.last;
	replication->gathering = NULL;
	replication->is_out = true;
	replication->out_bytes = replication->gathered_bytes;
	replication->gathered_bytes = 0;
	actor_post(replication->subscriber.actor, replication->subscriber.store, STORE_REPLICATION_STREAM, 0, stream);
}

/* ---- frames ---- */

/* The number of the snapshot that begins with this frame; 0 if none does. */
static uint64_t snapshot_of(const struct frame_reader *reader, const struct frame *frame)
{
	struct effect effect;
	return frame_begins_snapshot(reader, frame, &effect) ? (uint64_t)effect.number : 0;
}

/* A replica that gets the snapshot begins in database 0, whatever was selected before. */
static void note_snapshot(struct replication_actor *replication, uint64_t number)
{
	move_text(replication);
	struct replication_stream *stream = gathering(replication);
	stream->snapshot = number;
	stream->snapshot_at = stream->count;
	aof_renderer_init(&replication->renderer);
}

static void take(void *context, const struct bus_message *head)
{
	struct replication_actor *replication = context;
	const struct turn_message *message = (const struct turn_message *)head;
	struct frame_reader reader;
	struct frame frame;
	uint64_t charge = subscriber_charge(&replication->subscriber, head);
	if (!replication->subscriber.has_frames) { /* it was on its way before the ATTACH */
		subscriber_owe(&replication->subscriber, charge);
		return;
	}
	replication->gathered_bytes += charge;
	frame_reader_init(&reader, &message->frames);
	while (frame_next(&reader, &frame)) {
		uint64_t snapshot = snapshot_of(&reader, &frame);
		if (snapshot)
			note_snapshot(replication, snapshot);
		else
			aof_render_frame(&replication->renderer, &reader, &frame, &replication->text);
	}
	gathering(replication); /* it tells the sequence even if there is no text */
}

static void on_frames(struct replication_actor *replication, struct bus_message *message)
{
	subscriber_on_frames(&replication->subscriber, message);
	post_if_free(replication);
}

/* What it has gathered is of no use any more: nothing follows on it. */
static void on_attach(struct replication_actor *replication, uint64_t sequence)
{
	bool has_gap = replication->subscriber.has_frames && sequence != replication->subscriber.cursor.last;
	subscriber_on_attach(&replication->subscriber, sequence);
	aof_text_clear(&replication->text);
	aof_renderer_init(&replication->renderer);
	if (!has_gap)
		return;
	replication_stream_destroy(&replication->gathering);
	gathering(replication)->has_gap = true;
	post_if_free(replication);
}

static void on_taken(struct replication_actor *replication)
{
	replication->is_out = false;
	subscriber_owe(&replication->subscriber, replication->out_bytes);
	replication->out_bytes = 0;
	post_if_free(replication);
}

static void replication_turn(void *state, struct message message)
{
	struct replication_actor *replication = state;
	switch ((enum to_replication)message.type) {
	case REPLICATION_FRAMES: on_frames(replication, PAYLOAD(REPLICATION_FRAMES, message)); return;
	case REPLICATION_ATTACH: on_attach(replication, message.number); return;
	case REPLICATION_STREAM_TAKEN: on_taken(replication); return;
	case REPLICATION_STOP: subscriber_on_stop(&replication->subscriber); return;
	}
}

void replication_init(struct replication_actor *replication, struct runtime *runtime)
{
	*replication = (struct replication_actor){ .is_out = false };
	aof_renderer_init(&replication->renderer);
	subscriber_init(&replication->subscriber, runtime_actor(runtime, ACTOR_REPLICATION, 0), &(struct subscriber_options){
		.interest = BUS_FRAMES, .credit_bytes = REPLICATION_CREDIT_BYTES, .message_max_bytes = REPLICATION_MESSAGE_MAX_BYTES,
		.joins_later = true, .owes_later = true, .take = take, .context = replication });
	actor_bind(replication->subscriber.actor, replication_turn, replication);
}

void replication_fini(struct replication_actor *replication)
{
	replication_stream_destroy(&replication->gathering);
	aof_text_fini(&replication->text);
}

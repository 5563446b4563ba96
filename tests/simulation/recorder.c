#include "simulation/recorder.h"

#include <stdlib.h>

#include "actors/bus/turn_message.h"
#include "actors/runtime/crash.h"
#include "simulation/scheduler.h"
#include "support/log_frames.h"

static void discard(void *context, struct keyspace *keyspace)
{
	keyspace_destroy(&keyspace);
}

static struct effect_target target_of(struct recorder *recorder)
{
	return (struct effect_target){ .databases = &recorder->databases, .is_exact = true, .discard = discard };
}

static bool is_whole(const struct recorder *recorder)
{
	return recorder->subscriber.missed == 0;
}

static void take_frame(struct recorder *recorder, struct frame_reader *reader, const struct frame *frame)
{
	struct effect_target target = target_of(recorder);
	struct effect effect;
	uint32_t effects = 0;
	bool applies = is_whole(recorder) && !recorder->reads_text, may_expire = true;
	/* Every frame must be seen, or counted as missed. */
	if (frame->sequence != recorder->frames + recorder->subscriber.missed + 1)
		crash_broken_invariant("frame %llu follows on %llu", (unsigned long long)frame->sequence,
				       (unsigned long long)recorder->last_sequence);
	recorder->last_sequence = frame->sequence;
	recorder->frames++;
	for (; frame_next_effect(reader, &effect); effects++) {
		scheduler_note("%s has frame %llu: %s %.*s", recorder->subscriber.actor->name, (unsigned long long)frame->sequence,
			       effect_event(effect.type), (int)effect.key.len, (const char *)effect.key.data);
		if (effect.type == EFFECT_EXPIRED && !may_expire)
			crash_broken_invariant("frame %llu has an expired key behind other effects", (unsigned long long)frame->sequence);
		may_expire &= effect.type == EFFECT_EXPIRED;
		if (applies && effect_apply(&target, &effect) != APPLY_DONE)
			crash_broken_invariant("frame %llu does not fit the data", (unsigned long long)frame->sequence);
		if (recorder->on_effect)
			recorder->on_effect(recorder->context, frame, &effect);
	}
	if (effects != frame->effects)
		crash_broken_invariant("frame %llu has %u effects and says %u", (unsigned long long)frame->sequence, effects,
				       frame->effects);
	recorder->effects += effects;
}

/* Applies the frames' text in their place. */
static void take_text(struct recorder *recorder, const struct frame_writer *frames)
{
	struct effect_target target = target_of(recorder);
	struct aof_text text = { .referenced_bytes = 0 };
	struct frame_writer parsed = { .first_sequence = frames->first_sequence };
	log_render(frames, &recorder->renderer, &text);
	struct buffer bytes = log_gather(&text);
	if (!log_parse(&recorder->parser, slice_of(bytes.data, bytes.len), &parsed))
		crash_broken_invariant("the text of frame %llu or one after it is refused: %s", (unsigned long long)frames->first_sequence,
				       recorder->parser.error);
	if (parsed.frames > frames->frames || !log_apply(&target, &parsed))
		crash_broken_invariant("the text of frame %llu or one after it does not fit", (unsigned long long)frames->first_sequence);
	frame_writer_fini(&parsed);
	buffer_fini(&bytes);
	aof_text_fini(&text);
}

static void take(void *context, const struct bus_message *head)
{
	struct recorder *recorder = context;
	const struct turn_message *message = (const struct turn_message *)head;
	struct frame_reader reader;
	struct frame frame;
	recorder->messages++;
	frame_reader_init(&reader, &message->frames);
	while (frame_next(&reader, &frame))
		take_frame(recorder, &reader, &frame);
	if (recorder->reads_text && is_whole(recorder) && message->frames.frames > 0)
		take_text(recorder, &message->frames);
}

void recorder_digest(const struct recorder *recorder, char out[DIGEST_HEX_BYTES])
{
	data_digest_of(&recorder->databases, out);
}

struct recorder *recorder_create(const struct store_subscription *subscription, uint32_t databases)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	if (!recorder || !databases_init(&recorder->databases, databases))
		abort();
	aof_renderer_init(&recorder->renderer);
	aof_parser_init(&recorder->parser, true, 0);
	int64_t credit_bytes = subscription->credit_bytes;
	recorder->credit_bytes = recorder->credit_left = credit_bytes ? credit_bytes : BUS_CREDIT_BYTES;
	subscriber_bind(&recorder->subscriber, subscription->actor, &(struct subscriber_options){
		.interest = subscription->interest, .credit_bytes = credit_bytes, .take = take, .context = recorder });
	return recorder;
}

void recorder_destroy(struct recorder **recorder)
{
	databases_fini(&(*recorder)->databases);
	free(*recorder);
	*recorder = NULL;
}

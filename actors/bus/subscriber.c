#include "actors/bus/subscriber.h"

#include "actors/runtime/crash.h"

#define KIND(name)                                            \
	[ACTOR_##name] = {                                    \
		.post_frames = post_##name##_FRAMES,          \
		.post_attach = post_##name##_ATTACH,          \
		.post_credit = post_STORE_##name##_CREDIT,    \
		.post_wants = post_STORE_##name##_WANTS,      \
		.post_stop_done = post_##name##_STOP_DONE,    \
	}

static const struct subscriber_kind subscriber_kinds[ACTOR_KINDS] = {
	[ACTOR_OBSERVER] = {
		.post_frames = post_OBSERVER_FRAMES,
		.post_credit = post_STORE_OBSERVER_CREDIT,
		.post_stop_done = post_OBSERVER_STOP_DONE,
		.questions = 1,
		.answers_each_message = true,
	},
	[ACTOR_AOF] = {
		.post_frames = post_AOF_FRAMES,
		.post_attach = post_AOF_ATTACH,
		.post_credit = post_STORE_AOF_CREDIT,
		.post_stop_done = post_AOF_STOP_DONE,
		.questions = 12, /* SETTINGS, SYNC, DESCRIBE, RELOAD, PREPARE_BASE, INSTALL_BASE, DROP_BASE; the answers to STATE and to four load batches */
	},
	[ACTOR_REPLICATION] = {
		.post_frames = post_REPLICATION_FRAMES,
		.post_attach = post_REPLICATION_ATTACH,
		.post_credit = post_STORE_REPLICATION_CREDIT,
		.post_stop_done = post_REPLICATION_STOP_DONE,
		.questions = 1, /* the answer to its STREAM */
	},
	KIND(SUBSCRIBER),
	KIND(BLOCKING_SUBSCRIBER),
};

const struct subscriber_kind *subscriber_kind(enum actor_kind kind)
{
	return subscriber_kinds[kind].post_frames ? &subscriber_kinds[kind] : NULL;
}

void subscriber_init(struct subscriber *subscriber, struct actor *actor, const struct subscriber_options *options)
{
	*subscriber = (struct subscriber){
		.kind = subscriber_kind(actor->kind),
		.actor = actor,
		.store = runtime_actor(actor->runtime, ACTOR_STORE, 0),
		/* Return credit by quarters: few messages, and the store never runs out of credit while we hold less than that. */
		.give_back_at_bytes = (uint64_t)(options->credit_bytes ? options->credit_bytes : BUS_CREDIT_BYTES) / 4,
		.interest = options->interest,
		.has_frames = (options->interest & BUS_FRAMES) && !options->joins_later,
		.owes_later = options->owes_later,
		.message_max_bytes = options->message_max_bytes,
		.take = options->take,
		.context = options->context,
	};
	if (!subscriber->kind)
		crash_broken_invariant("%s can't subscribe: its kind has no line in subscriber_kinds", actor->name);
}

uint64_t subscriber_take_credit(struct subscriber *subscriber)
{
	uint64_t bytes = subscriber->owed_bytes;
	subscriber->owed_bytes = 0;
	return bytes;
}

uint64_t subscriber_charge(const struct subscriber *subscriber, const struct bus_message *message)
{
	return bus_charge_bytes(message, subscriber->message_max_bytes);
}

void subscriber_owe(struct subscriber *subscriber, uint64_t bytes)
{
	subscriber->owed_bytes += bytes;
	if (subscriber->owed_bytes > 0 && subscriber->owed_bytes >= subscriber->give_back_at_bytes)
		subscriber->kind->post_credit(subscriber->actor, subscriber->store, subscriber_take_credit(subscriber), NULL);
}

/* The store posted its last message before the supervisor posted STOP, but that may still be in flight. */
static void stop_if_empty(struct subscriber *subscriber)
{
	struct actor *actor = subscriber->actor;
	if (!subscriber->is_stopping || actor_mailbox_depth(actor) > 0)
		return;
	subscriber->is_stopping = false;
	subscriber->kind->post_stop_done(actor, runtime_actor(actor->runtime, ACTOR_SUPERVISOR, 0), 0, NULL);
	if (actor_has_thread(actor))
		actor_leave(actor);
}

void subscriber_on_frames(struct subscriber *subscriber, struct bus_message *message)
{
	if (subscriber->has_frames && !bus_cursor_accept(&subscriber->cursor, message))
		crash_broken_invariant("%s has seen frame %llu and received %llu to %llu: frames are lost",
				       subscriber->actor->name, (unsigned long long)subscriber->cursor.last,
				       (unsigned long long)message->first_sequence,
				       (unsigned long long)message->last_sequence);
	subscriber->take(subscriber->context, message);
	if (!subscriber->owes_later)
		subscriber_owe(subscriber, subscriber_charge(subscriber, message));
	bus_message_release(message);
	stop_if_empty(subscriber);
}

void subscriber_on_attach(struct subscriber *subscriber, uint64_t sequence)
{
	if (subscriber->has_frames)
		subscriber->missed += sequence - subscriber->cursor.last;
	subscriber->has_frames = subscriber->interest & BUS_FRAMES; /* it may have been on its way when they were given up */
	subscriber->cursor.last = sequence;
	subscriber_owe(subscriber, BUS_ATTACH_BYTES);
	stop_if_empty(subscriber);
}

void subscriber_on_stop(struct subscriber *subscriber)
{
	subscriber->is_stopping = true;
	stop_if_empty(subscriber);
}

void subscriber_want(struct subscriber *subscriber, uint32_t interest)
{
	/* Frames begin with the ATTACH: what is in flight before it is not for us. */
	subscriber->interest = interest;
	subscriber->has_frames &= (interest & BUS_FRAMES) != 0;
	subscriber->kind->post_wants(subscriber->actor, subscriber->store, interest, NULL);
}

/* ---- SUBSCRIBER and BLOCKING_SUBSCRIBER ---- */

static void pool_turn(void *state, struct message message)
{
	struct subscriber *subscriber = state;
	switch ((enum to_subscriber)message.type) {
	case SUBSCRIBER_FRAMES: subscriber_on_frames(subscriber, PAYLOAD(SUBSCRIBER_FRAMES, message)); return;
	case SUBSCRIBER_ATTACH: subscriber_on_attach(subscriber, message.number); return;
	case SUBSCRIBER_STOP: subscriber_on_stop(subscriber); return;
	}
}

static void blocking_turn(void *state, struct message message)
{
	struct subscriber *subscriber = state;
	switch ((enum to_blocking_subscriber)message.type) {
	case BLOCKING_SUBSCRIBER_FRAMES: subscriber_on_frames(subscriber, PAYLOAD(BLOCKING_SUBSCRIBER_FRAMES, message)); return;
	case BLOCKING_SUBSCRIBER_ATTACH: subscriber_on_attach(subscriber, message.number); return;
	case BLOCKING_SUBSCRIBER_STOP: subscriber_on_stop(subscriber); return;
	}
}

void subscriber_bind(struct subscriber *subscriber, struct actor *actor, const struct subscriber_options *options)
{
	subscriber_init(subscriber, actor, options);
	actor_bind(actor, actor->kind == ACTOR_SUBSCRIBER ? pool_turn : blocking_turn, subscriber);
}

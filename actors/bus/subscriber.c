#include "subscriber.h"

#include "actors/runtime/crash.h"

void subscriber_init(struct subscriber *subscriber, struct runtime *runtime, uint32_t index, uint32_t interest, int64_t credit_bytes,
		     void (*take)(void *context, const struct bus_message *message), void *context)
{
	*subscriber = (struct subscriber){
		.actor = runtime_actor(runtime, ACTOR_SUBSCRIBER, index),
		.store = runtime_actor(runtime, ACTOR_STORE, 0),
		/* Back in quarters: the store can't run dry before the next one is due, and most posts are saved. */
		.give_back_at_bytes = (uint64_t)(credit_bytes ? credit_bytes : BUS_CREDIT_BYTES) / 4,
		.interest = interest,
		.take = take,
		.context = context,
	};
}

uint64_t subscriber_take_credit(struct subscriber *subscriber)
{
	uint64_t bytes = subscriber->owed_bytes;
	subscriber->owed_bytes = 0;
	return bytes;
}

static void on_frames(struct subscriber *subscriber, struct bus_message *message)
{
	if ((subscriber->interest & BUS_FRAMES) && !bus_cursor_accept(&subscriber->cursor, message))
		crash_broken_invariant("%s has seen frame %llu and is given %llu to %llu: some are lost",
				       subscriber->actor->name, (unsigned long long)subscriber->cursor.last,
				       (unsigned long long)message->first_sequence,
				       (unsigned long long)message->last_sequence);
	subscriber->take(subscriber->context, message);
	subscriber->owed_bytes += message->bytes;
	bus_message_release(message);
	if (subscriber->owed_bytes > 0 && subscriber->owed_bytes >= subscriber->give_back_at_bytes)
		actor_post(subscriber->actor, subscriber->store, STORE_BUS_CREDIT, subscriber_take_credit(subscriber), NULL);
}

/* The store has posted its last before the supervisor posts STOP; it may still be on its way here. */
static void stop_if_empty(struct subscriber *subscriber)
{
	if (!subscriber->is_stopping || actor_mailbox_depth(subscriber->actor) > 0)
		return;
	subscriber->is_stopping = false;
	actor_post(subscriber->actor, runtime_actor(subscriber->actor->runtime, ACTOR_SUPERVISOR, 0), SUBSCRIBER_STOP_DONE,
		   0, NULL);
}

bool subscriber_turn(struct subscriber *subscriber, struct message message)
{
	switch ((enum to_subscriber)message.type) {
	case SUBSCRIBER_FRAMES: on_frames(subscriber, PAYLOAD(SUBSCRIBER_FRAMES, message)); break;
	case SUBSCRIBER_STOP: subscriber->is_stopping = true; break;
	case OBSERVER_DESCRIBE: return false;
	}
	stop_if_empty(subscriber);
	return true;
}

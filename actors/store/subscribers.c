/*
 * The subscribers of the command bus: subscribing them, their credit and their interests.
 */
#include <stdlib.h>

#include "actors/bus/subscriber.h"
#include "actors/runtime/crash.h"
#include "actors/store/state.h"

/* The edges have just enough slots for the messages that full credit allows. */
#define BUS_MESSAGES_MAX (BUS_CREDIT_BYTES / BUS_MESSAGE_MIN_BYTES)
_Static_assert(SLOTS_STORE_OBSERVER >= BUS_MESSAGES_MAX + 3, "messages of the bus, a question, counts before it and at the stop");
_Static_assert(SLOTS_OBSERVER_STORE >= BUS_MESSAGES_MAX + 5, "a message for each, credit in quarters, an answer");
_Static_assert(SLOTS_STORE_SUBSCRIBER >= BUS_MESSAGES_MAX && SLOTS_STORE_BLOCKING_SUBSCRIBER >= BUS_MESSAGES_MAX, "messages of the bus");

static void post_frames(void *context, struct bus_message *message)
{
	struct subscriber_link *link = context;
	link->kind->post_frames(link->store->actor, link->actor, 0, message);
}

static void post_attach(void *context, uint64_t sequence)
{
	struct subscriber_link *link = context;
	link->kind->post_attach(link->store->actor, link->actor, sequence, NULL);
}

static int64_t credit_of(const struct store_subscription *subscription)
{
	if (subscription->credit_bytes > BUS_CREDIT_BYTES)
		crash_broken_invariant("a subscriber wants %lld bytes of credit, but its edge allows at most %d",
				       (long long)subscription->credit_bytes, BUS_CREDIT_BYTES);
	return subscription->credit_bytes ? subscription->credit_bytes : BUS_CREDIT_BYTES;
}

static void subscribe(struct store *store, struct subscriber_link *link, const struct store_subscription *subscription)
{
	link->store = store;
	link->actor = subscription->actor;
	link->kind = subscriber_kind(link->actor->kind);
	link->number = bus_subscribe(store->bus.bus, &(struct bus_subscription){
		.interest = subscription->interest,
		.is_required = !subscription->is_optional,
		.credit_bytes = credit_of(subscription),
		.post = post_frames,
		.attach = post_attach,
		.context = link,
	});
}

void store_subscribe_all(struct store *store, const struct store_subscription *subscriptions, uint32_t count)
{
	store->bus.bus = bus_create();
	store->bus.link_count = count;
	store->bus.links = calloc(count, sizeof(*store->bus.links));
	if (!store->bus.bus || !store->bus.links)
		crash_out_of_memory("the command bus");
	for (uint32_t i = 0; i < count; i++)
		subscribe(store, &store->bus.links[i], &subscriptions[i]);
	store_update_interest(store);
}

static uint32_t number_of(const struct store *store, uint32_t actor_number)
{
	for (uint32_t i = 0; i < store->bus.link_count; i++)
		if (store->bus.links[i].actor->number == actor_number)
			return store->bus.links[i].number;
	crash_broken_invariant("actor %u sent a message about the bus, but is no subscriber", actor_number);
}

/* Once the store has stopped nobody is attached, whose own stop may be under way. */
void store_on_credit(struct store *store, const struct message *message)
{
	if (store->is_stopping)
		return;
	bus_return_credit(store->bus.bus, number_of(store, message->sender), message->number);
}

void store_on_wants(struct store *store, const struct message *message)
{
	if (store->is_stopping)
		return;
	bus_set_interest(store->bus.bus, number_of(store, message->sender), (uint32_t)message->number);
	store_update_interest(store);
}

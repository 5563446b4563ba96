/*
 * The subscribers of the command bus: subscribing them, their credit and their interests.
 */
#include <stdlib.h>

#include "actors/bus/subscriber.h"
#include "actors/runtime/crash.h"
#include "actors/store/state.h"

/* What a subscriber may be sent without credit: the ATTACH that it asked for, and at the stop the last counts or another ATTACH. */
#define UNCREDITED_MESSAGES 2
/* Credit comes back by quarters, and once more if a message exceeded it; with it a change of interest. */
#define CREDIT_ANSWERS 6

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

/* Full credit must not allow more messages than the edges have slots, or a mailbox could overflow later. */
static void check_slots(const struct actor *actor, const struct subscriber_kind *kind, int64_t credit_bytes)
{
	int64_t messages = (credit_bytes + BUS_MESSAGE_MIN_BYTES - 1) / BUS_MESSAGE_MIN_BYTES;
	int64_t to = messages + UNCREDITED_MESSAGES + kind->questions;
	int64_t from = CREDIT_ANSWERS + kind->questions + (kind->answers_each_message ? messages - 1 : 0);
	if (runtime_edge_slots(ACTOR_STORE, actor->kind) < to || runtime_edge_slots(actor->kind, ACTOR_STORE) < from)
		crash_broken_invariant("%lld bytes of credit for %s take %lld and %lld slots of its edges, more than they have",
				       (long long)credit_bytes, actor->name, (long long)to, (long long)from);
}

static void subscribe(struct store *store, struct subscriber_link *link, const struct store_subscription *subscription)
{
	link->store = store;
	link->actor = subscription->actor;
	link->kind = subscriber_kind(link->actor->kind);
	int64_t credit_bytes = subscription->credit_bytes ? subscription->credit_bytes : BUS_CREDIT_BYTES;
	check_slots(link->actor, link->kind, credit_bytes);
	link->number = bus_subscribe(store->bus.bus, &(struct bus_subscription){
		.interest = subscription->interest,
		.is_required = !subscription->is_optional,
		.credit_bytes = credit_bytes,
		.message_max_bytes = subscription->message_max_bytes,
		.post = post_frames,
		.attach = post_attach,
		.context = link,
	});
}

static bool is_subscribed(const struct store *store, const struct actor *actor)
{
	for (uint32_t i = 0; i < store->bus.link_count; i++)
		if (store->bus.links[i].actor == actor)
			return true;
	return false;
}

static void check_all_are_subscribed(const struct store *store)
{
	for (uint32_t kind = 0; kind < ACTOR_KINDS; kind++) {
		uint32_t count = subscriber_kind((enum actor_kind)kind) ? runtime_count(store->runtime, (enum actor_kind)kind) : 0;
		for (uint32_t i = 0; i < count; i++)
			if (!is_subscribed(store, runtime_actor(store->runtime, (enum actor_kind)kind, i)))
				crash_broken_invariant("%s is not subscribed to the command bus",
						       runtime_actor(store->runtime, (enum actor_kind)kind, i)->name);
	}
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
	check_all_are_subscribed(store);
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

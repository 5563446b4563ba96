#include "bus.h"

#include <stdlib.h>

struct subscriber {
	struct bus_subscription wish;
	int64_t credit_bytes;
	bool is_behind; /* has missed frames; must be attached before it gets others */
};

struct bus {
	uint64_t sequence;
	uint32_t count;
	struct subscriber subscribers[BUS_SUBSCRIBERS_MAX];
};

struct bus *bus_create(void)
{
	return calloc(1, sizeof(struct bus));
}

void bus_destroy(struct bus **bus)
{
	free(*bus);
	*bus = NULL;
}

uint32_t bus_subscribe(struct bus *bus, const struct bus_subscription *subscription)
{
	if (bus->count == BUS_SUBSCRIBERS_MAX)
		abort();
	bus->subscribers[bus->count] =
		(struct subscriber){ .wish = *subscription, .credit_bytes = subscription->credit_bytes };
	return bus->count++;
}

static void attach(const struct bus *bus, struct subscriber *subscriber)
{
	subscriber->is_behind = false;
	subscriber->credit_bytes -= BUS_ATTACH_BYTES;
	subscriber->wish.attach(subscriber->wish.context, bus->sequence);
}

void bus_set_interest(struct bus *bus, uint32_t number, uint32_t interest)
{
	struct subscriber *subscriber = &bus->subscribers[number];
	bool is_to_attach = (interest & ~subscriber->wish.interest) & BUS_FRAMES;
	subscriber->wish.interest = interest;
	if (!(interest & BUS_FRAMES))
		subscriber->is_behind = false; /* what it doesn't want it can't miss */
	if (!is_to_attach)
		return;
	subscriber->is_behind = !subscriber->wish.is_required && subscriber->credit_bytes <= 0;
	if (!subscriber->is_behind)
		attach(bus, subscriber);
}

bool bus_is_wanted(const struct bus *bus, enum bus_interest interest)
{
	for (uint32_t i = 0; i < bus->count; i++)
		if (bus->subscribers[i].wish.interest & interest)
			return true;
	return false;
}

int64_t bus_least_credit_bytes(const struct bus *bus, enum bus_interest interest)
{
	int64_t least = INT64_MAX;
	for (uint32_t i = 0; i < bus->count; i++) {
		const struct subscriber *subscriber = &bus->subscribers[i];
		bool counts = subscriber->wish.is_required && (subscriber->wish.interest & interest);
		if (counts && subscriber->credit_bytes < least)
			least = subscriber->credit_bytes;
	}
	return least;
}

bool bus_has_credit(const struct bus *bus, enum bus_interest interest)
{
	return bus_least_credit_bytes(bus, interest) > 0;
}

int64_t bus_credit_bytes(const struct bus *bus, uint32_t number)
{
	return bus->subscribers[number].credit_bytes;
}

void bus_resume(struct bus *bus, uint64_t sequence)
{
	bus->sequence = sequence;
	for (uint32_t i = 0; i < bus->count; i++)
		if (bus->subscribers[i].wish.interest & BUS_FRAMES)
			attach(bus, &bus->subscribers[i]);
}

uint64_t bus_sequence(const struct bus *bus)
{
	return bus->sequence;
}

uint64_t bus_next_sequence(struct bus *bus)
{
	return ++bus->sequence;
}

void bus_message_release(struct bus_message *message)
{
	/* Release: this holder's reads are done. Acquire: the last holder frees after all of them. */
	if (atomic_fetch_sub_explicit(&message->holders, 1, memory_order_acq_rel) == 1)
		message->destroy(message);
}

struct bus_message *bus_message_hold(const struct bus_message *message)
{
	struct bus_message *held = (struct bus_message *)message; /* only its count changes */
	/* Relaxed: the caller's own hold keeps the message. */
	atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
	return held;
}

/* False: the subscriber has no credit or is behind, and misses the message. */
static bool may_have(struct subscriber *subscriber, const struct bus_message *message)
{
	if (subscriber->wish.is_required || (subscriber->credit_bytes > 0 && !subscriber->is_behind))
		return true;
	subscriber->is_behind |= message->holds & subscriber->wish.interest & BUS_FRAMES;
	return false;
}

void bus_publish(struct bus *bus, struct bus_message *message)
{
	for (uint32_t i = 0; i < bus->count; i++) {
		struct subscriber *subscriber = &bus->subscribers[i];
		if (!(subscriber->wish.interest & message->holds) || !may_have(subscriber, message))
			continue;
		/* Relaxed: the following post orders it for the receiver. */
		atomic_fetch_add_explicit(&message->holders, 1, memory_order_relaxed);
		subscriber->credit_bytes -= (int64_t)bus_charge_bytes(message, subscriber->wish.message_max_bytes);
		subscriber->wish.post(subscriber->wish.context, message);
	}
	bus_message_release(message);
}

void bus_return_credit(struct bus *bus, uint32_t number, uint64_t bytes)
{
	struct subscriber *subscriber = &bus->subscribers[number];
	subscriber->credit_bytes += (int64_t)bytes;
	if (subscriber->is_behind && subscriber->credit_bytes > 0)
		attach(bus, subscriber);
}

void bus_finish(struct bus *bus)
{
	for (uint32_t i = 0; i < bus->count; i++)
		if (bus->subscribers[i].is_behind)
			attach(bus, &bus->subscribers[i]);
}

bool bus_cursor_accept(struct bus_cursor *cursor, const struct bus_message *message)
{
	if (!(message->holds & BUS_FRAMES))
		return true;
	if (message->first_sequence != cursor->last + 1 || message->last_sequence < message->first_sequence)
		return false;
	cursor->last = message->last_sequence;
	return true;
}

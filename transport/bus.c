#include "bus.h"

#include <stdlib.h>

struct bus {
	uint64_t sequence;
	uint32_t count;
	struct bus_subscription subscribers[BUS_SUBSCRIBERS_MAX];
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
	bus->subscribers[bus->count] = *subscription;
	return bus->count++;
}

void bus_set_interest(struct bus *bus, uint32_t subscriber, uint32_t interest)
{
	bus->subscribers[subscriber].interest = interest;
}

bool bus_is_wanted(const struct bus *bus, enum bus_interest interest)
{
	for (uint32_t i = 0; i < bus->count; i++)
		if (bus->subscribers[i].interest & interest)
			return true;
	return false;
}

bool bus_has_credit(const struct bus *bus, enum bus_interest interest)
{
	for (uint32_t i = 0; i < bus->count; i++) {
		const struct bus_subscription *subscriber = &bus->subscribers[i];
		if (subscriber->is_required && (subscriber->interest & interest) && subscriber->credit_bytes <= 0)
			return false;
	}
	return true;
}

int64_t bus_credit_bytes(const struct bus *bus, uint32_t subscriber)
{
	return bus->subscribers[subscriber].credit_bytes;
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
	/* Release: what this holder read is read. Acquire by the last one: it sees all of that before it frees. */
	if (atomic_fetch_sub_explicit(&message->holders, 1, memory_order_acq_rel) == 1)
		message->destroy(message);
}

void bus_publish(struct bus *bus, struct bus_message *message)
{
	for (uint32_t i = 0; i < bus->count; i++) {
		struct bus_subscription *subscriber = &bus->subscribers[i];
		if (!(subscriber->interest & message->holds))
			continue;
		/* Relaxed: the post that follows orders it for the receiver. */
		atomic_fetch_add_explicit(&message->holders, 1, memory_order_relaxed);
		subscriber->credit_bytes -= (int64_t)message->bytes;
		subscriber->post(subscriber->context, message);
	}
	bus_message_release(message);
}

void bus_return_credit(struct bus *bus, uint32_t subscriber, uint64_t bytes)
{
	bus->subscribers[subscriber].credit_bytes += (int64_t)bytes;
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

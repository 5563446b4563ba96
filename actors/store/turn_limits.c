#include "actors/store/turn_limits.h"

#include "actors/store/state.h"

/* After this time a turn begins no further command. A full batch of simple commands takes half of it. */
#define TURN_NS 500000u

uint64_t turn_ticks(const struct store *store)
{
	return stopwatch_ticks(&store->turn.stopwatch, TURN_NS);
}

void turn_limits_begin(struct store *store)
{
	store_begin_timing(store);
	store->turn.began_ticks = store->turn.timing_began_ticks;
	store->turn.ends_ticks = store->turn.timing_began_ticks + turn_ticks(store);
}

bool store_is_frozen(const struct store *store)
{
	return store->turn.monotonic_ms < store->execution.frozen_until_ms;
}

bool turn_has_time(const struct store *store)
{
	return store->turn.timing_began_ticks < store->turn.ends_ticks;
}

bool turn_may_do_more(const struct store *store)
{
	return actor_mailbox_depth(store->actor) == 0 && stopwatch_now(&store->turn.stopwatch) - store->turn.began_ticks < turn_ticks(store);
}

bool turn_has_output_space(const struct store *store, uint32_t reactor)
{
	const struct reply_batch *open = store->reactors[reactor].open;
	return !open || open->text.len < TEXT_BYTES_MAX;
}

bool turn_may_go_on(const struct store *store, uint32_t reactor)
{
	return !store_is_frozen(store) && turn_has_time(store) && turn_has_output_space(store, reactor);
}

void turn_limit_to_half(struct store *store)
{
	store->turn.ends_ticks = store->turn.began_ticks + turn_ticks(store) / 2;
}

void turn_grant_half(struct store *store)
{
	uint64_t end = store->turn.began_ticks + turn_ticks(store);
	store_begin_timing(store);
	uint64_t granted = store->turn.timing_began_ticks + turn_ticks(store) / 2;
	store->turn.ends_ticks = granted > end ? granted : end;
}

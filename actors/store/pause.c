/*
 * CLIENT PAUSE: until a deadline all commands wait, or only writes. A command that must wait blocks its session before it begins. When the
 * pause is over, the commands run in order of arrival. During a pause no key is expired or evicted, since that would be a write; expired
 * keys are hidden. A shutdown, and loading the data again, let writes wait in the same way.
 */
#include "actors/store/state.h"

bool store_is_paused(const struct store *store)
{
	return store->execution.pause_mode != PAUSE_NONE && store->turn.monotonic_ms < store->execution.pause_until_ms;
}

/* A current pause can only become stricter or longer. */
void store_pause(struct store *store, enum pause_mode mode, int64_t until_ms)
{
	bool goes_on = store_is_paused(store);
	if (!goes_on || mode > store->execution.pause_mode)
		store->execution.pause_mode = mode;
	if (!goes_on || until_ms > store->execution.pause_until_ms)
		store->execution.pause_until_ms = until_ms;
}

void store_end_pause(struct store *store)
{
	store->execution.pause_mode = PAUSE_NONE;
}

bool store_holds_writes(const struct store *store)
{
	return store->shutdown.holds_writes || store->reloading.is_on;
}

bool store_pause_is_over(const struct store *store)
{
	return !store_is_paused(store) && !store_holds_writes(store);
}

bool store_pause_holds(const struct store *store, const struct command *command)
{
	if (__builtin_expect(store->execution.pause_mode == PAUSE_NONE && !store_holds_writes(store), 1))
		return false;
	if (command->flags & (COMMAND_WRITE | COMMAND_MAY_REPLICATE))
		return !store_pause_is_over(store);
	return store->execution.pause_mode == PAUSE_ALL && store_is_paused(store);
}

/*
 * CLIENT PAUSE: until a time, commands wait, or those that write. A command that must wait blocks its session before anything is
 * done; it runs when the pause is over, in the order in which they came. No key expires of itself meanwhile, since that
 * would be a write too; expired ones are hidden.
 */
#include "actors/store/state.h"

bool store_is_paused(const struct store *store)
{
	return store->execution.pause_mode != PAUSE_NONE && store->turn.monotonic_ms < store->execution.pause_until_ms;
}

/* A pause under way is made stricter or longer, never the reverse. */
void store_pause(struct store *store, enum pause_mode mode, int64_t until_ms)
{
	bool goes_on = store_is_paused(store);
	if (!goes_on || mode > store->execution.pause_mode)
		store->execution.pause_mode = mode;
	if (!goes_on || until_ms > store->execution.pause_until_ms)
		store->execution.pause_until_ms = until_ms;
}

/* Those who wait go on in the next turn, not in the midst of a command. */
void store_end_pause(struct store *store)
{
	store->execution.pause_mode = PAUSE_NONE;
}

bool store_pause_holds(const struct store *store, const struct command *command)
{
	if (__builtin_expect(store->execution.pause_mode == PAUSE_NONE, 1) || !store_is_paused(store))
		return false;
	return store->execution.pause_mode == PAUSE_ALL || (command->flags & (COMMAND_WRITE | COMMAND_MAY_REPLICATE));
}

#include "reaper.h"

#include <stdlib.h>

#include "actors/runtime/crash.h"

void garbage_destroy(struct garbage **garbage)
{
	while (*garbage) {
		struct garbage *next = (*garbage)->next;
		keyspace_destroy_elsewhere(&(*garbage)->keyspace);
		free(*garbage);
		*garbage = next;
	}
}

static void on_free(struct reaper *reaper, struct garbage *garbage)
{
	actor_assert_turn(reaper->actor);
	garbage_destroy(&garbage);
	actor_post(reaper->actor, runtime_actor(reaper->actor->runtime, ACTOR_STORE, 0), STORE_REAPED, 0, NULL);
}

/* The store posted its last message before the supervisor posted STOP, but that may still be in flight. */
static void stop_if_empty(struct reaper *reaper)
{
	if (!reaper->is_stopping || actor_mailbox_depth(reaper->actor) > 0)
		return;
	actor_post(reaper->actor, runtime_actor(reaper->actor->runtime, ACTOR_SUPERVISOR, 0), REAPER_STOP_DONE, 0, NULL);
	actor_leave(reaper->actor);
}

static void reaper_turn(void *state, struct message message)
{
	struct reaper *reaper = state;
	switch ((enum to_reaper)message.type) {
	case REAPER_FREE: on_free(reaper, PAYLOAD(REAPER_FREE, message)); break;
	case REAPER_STOP: reaper->is_stopping = true; break;
	}
	stop_if_empty(reaper);
}

void reaper_init(struct reaper *reaper, struct runtime *runtime)
{
	*reaper = (struct reaper){ .actor = runtime_actor(runtime, ACTOR_REAPER, 0) };
	actor_bind(reaper->actor, reaper_turn, reaper);
}

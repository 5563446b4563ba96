/*
 * Telling others of the mark. One message to each is under way at a time; what moved meanwhile goes with the next.
 */
#include <stdlib.h>

#include "actors/persistence/aof_state.h"
#include "actors/runtime/crash.h"

void marks_init(struct marks *marks, struct runtime *runtime)
{
	uint32_t count = runtime_count(runtime, ACTOR_REACTOR);
	*marks = (struct marks){ .told = calloc(count, sizeof(uint64_t)), .is_out = calloc(count, sizeof(bool)), .reactors = count };
	if (!marks->told || !marks->is_out)
		crash_out_of_memory("the append-only file");
}

void marks_fini(struct marks *marks)
{
	free(marks->told);
	free(marks->is_out);
}

static void tell_reactors(struct aof *aof)
{
	struct marks *marks = &aof->marks;
	for (uint32_t i = 0; i < marks->reactors; i++) {
		if (marks->is_out[i] || marks->told[i] == aof->mark)
			continue;
		marks->is_out[i] = true;
		marks->told[i] = aof->mark;
		actor_post(aof->actor, runtime_actor(aof->actor->runtime, ACTOR_REACTOR, i), REACTOR_DURABLE, aof->mark, NULL);
	}
}

void marks_on_taken(struct aof *aof, uint32_t actor_number)
{
	for (uint32_t i = 0; i < aof->marks.reactors; i++)
		if (runtime_actor(aof->actor->runtime, ACTOR_REACTOR, i)->number == actor_number)
			aof->marks.is_out[i] = false;
}

void marks_tell(struct aof *aof)
{
	struct marks *marks = &aof->marks;
	tell_reactors(aof);
	if (marks->asked && marks->asked <= aof->mark) {
		marks->asked = 0;
		actor_post(aof->actor, aof->store, AOF_SYNC_DONE, aof->mark, NULL);
	}
	bool is_durable = !aof_is_always(aof) || !aof->config.appendonly || marks->settings_from <= aof->mark;
	if (marks->settings_are_asked && is_durable && !aof->is_closing) {
		marks->settings_are_asked = false;
		actor_post(aof->actor, aof->store, AOF_SETTINGS_DONE, 0, NULL);
	}
}

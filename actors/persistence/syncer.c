#include "actors/persistence/syncer.h"

static void on_sync(struct syncer *syncer, int fd)
{
	int error = syncer->disk->sync(syncer->disk, fd);
	actor_post(syncer->actor, runtime_actor(syncer->actor->runtime, ACTOR_AOF, 0), AOF_SYNCED, (uint64_t)error, NULL);
}

/* The AOF has stopped, so nothing else is on its way. */
static void on_stop(struct syncer *syncer)
{
	actor_post(syncer->actor, runtime_actor(syncer->actor->runtime, ACTOR_SUPERVISOR, 0), SYNCER_STOP_DONE, 0, NULL);
	actor_leave(syncer->actor);
}

static void syncer_turn(void *state, struct message message)
{
	struct syncer *syncer = state;
	switch ((enum to_syncer)message.type) {
	case SYNCER_SYNC: on_sync(syncer, (int)message.number); return;
	case SYNCER_STOP: on_stop(syncer); return;
	}
}

void syncer_init(struct syncer *syncer, struct runtime *runtime, const struct disk *disk)
{
	*syncer = (struct syncer){ .actor = runtime_actor(runtime, ACTOR_SYNCER, 0), .disk = disk };
	actor_bind(syncer->actor, syncer_turn, syncer);
}

#include "actors/worker/worker.h"

#include <stdlib.h>

#include "actors/config/config.h"
#include "actors/worker/listeners.h"
#include "actors/runtime/crash.h"

static struct actor *only(const struct worker *worker, enum actor_kind kind)
{
	return runtime_actor(worker->actor->runtime, kind, 0);
}

static void forget(struct config *config)
{
	config_fini(config);
	free(config);
}

static void on_resolve(struct worker *worker, struct config *config)
{
	actor_post(worker->actor, only(worker, ACTOR_SUPERVISOR), WORKER_RESOLVE_DONE, 0, listen_plan_create(config));
	forget(config);
}

static void on_rewrite(struct worker *worker, struct config *config)
{
	struct config_error *error = calloc(1, sizeof(*error));
	if (!error)
		crash_out_of_memory("writing the configuration");
	if (config_rewrite(config, error)) {
		free(error);
		actor_post(worker->actor, only(worker, ACTOR_STORE), WORKER_REWRITE_DONE, 0, NULL);
	} else {
		actor_post(worker->actor, only(worker, ACTOR_STORE), WORKER_REWRITE_FAILED, 0, error);
	}
	forget(config);
}

/* The store posted its last message before the supervisor posted STOP, but that may still be in flight. */
static void stop_if_done(struct worker *worker)
{
	if (!worker->is_stopping || actor_mailbox_depth(worker->actor) > 0)
		return;
	actor_post(worker->actor, only(worker, ACTOR_SUPERVISOR), WORKER_STOP_DONE, 0, NULL);
	actor_leave(worker->actor);
}

static void worker_turn(void *state, struct message message)
{
	struct worker *worker = state;
	switch ((enum to_worker)message.type) {
	case WORKER_RESOLVE: on_resolve(worker, PAYLOAD(WORKER_RESOLVE, message)); break;
	case WORKER_REWRITE: on_rewrite(worker, PAYLOAD(WORKER_REWRITE, message)); break;
	case WORKER_STOP: worker->is_stopping = true; break;
	}
	stop_if_done(worker);
}

void worker_init(struct worker *worker, struct runtime *runtime)
{
	*worker = (struct worker){ .actor = runtime_actor(runtime, ACTOR_WORKER, 0) };
	actor_bind(worker->actor, worker_turn, worker);
}

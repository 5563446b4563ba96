#include "actors/worker/worker.h"

#include <stdlib.h>

#include "actors/config/config.h"
#include "actors/places.h"
#include "actors/runtime/crash.h"

static void answer(struct worker *worker, enum actor_kind kind, enum message_type type, void *payload)
{
	actor_post(worker->actor, runtime_actor(worker->actor->runtime, kind, 0), type, 0, payload);
}

static void forget(struct config *config)
{
	config_fini(config);
	free(config);
}

static void on_resolve(struct worker *worker, struct config *config)
{
	answer(worker, ACTOR_SUPERVISOR, WORKER_RESOLVE_DONE, listen_plan_create(config));
	forget(config);
}

static void on_rewrite(struct worker *worker, struct config *config)
{
	struct config_error *error = calloc(1, sizeof(*error));
	if (!error)
		crash_broken_invariant("no memory to write the configuration");
	bool is_written = config_rewrite(config, error);
	forget(config);
	answer(worker, ACTOR_STORE, is_written ? WORKER_REWRITE_DONE : WORKER_REWRITE_FAILED, is_written ? NULL : error);
	if (is_written)
		free(error);
}

/* What the store has posted before its stop may still be on its way. */
static void stop_if_done(struct worker *worker)
{
	if (!worker->is_stopping || actor_mailbox_depth(worker->actor) > 0)
		return;
	answer(worker, ACTOR_SUPERVISOR, WORKER_STOP_DONE, NULL);
	actor_leave(worker->actor);
}

static void worker_turn(void *state, struct message message)
{
	struct worker *worker = state;
	switch (message.type) {
	case WORKER_RESOLVE: on_resolve(worker, message.payload); break;
	case WORKER_REWRITE: on_rewrite(worker, message.payload); break;
	case WORKER_STOP: worker->is_stopping = true; break;
	default: crash_broken_invariant("the worker has no turn for %s", message_name(message.type));
	}
	stop_if_done(worker);
}

void worker_init(struct worker *worker, struct runtime *runtime)
{
	*worker = (struct worker){ .actor = runtime_actor(runtime, ACTOR_WORKER, 0) };
	actor_bind(worker->actor, worker_turn, worker);
}

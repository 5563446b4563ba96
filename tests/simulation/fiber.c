#include "simulation/fiber.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "simulation/scheduler.h"

struct fiber {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_running;  /* it is the fiber's turn, not the scheduler's */
	bool is_ending;
	void (*run)(void *context); /* NULL: it is not busy */
	void *context;
};

static _Thread_local struct fiber *current;

/* The mutex is held. */
static void wait_for_turn(struct fiber *fiber, bool is_fiber)
{
	while (fiber->is_running != is_fiber && !fiber->is_ending)
		pthread_cond_wait(&fiber->changed, &fiber->mutex);
}

/* Gives the turn to the other side, and waits until it comes back. */
static void hand_over(struct fiber *fiber, bool to_fiber)
{
	pthread_mutex_lock(&fiber->mutex);
	fiber->is_running = to_fiber;
	pthread_cond_broadcast(&fiber->changed);
	wait_for_turn(fiber, !to_fiber);
	pthread_mutex_unlock(&fiber->mutex);
}

static void *work(void *context)
{
	struct fiber *fiber = current = context;
	pthread_mutex_lock(&fiber->mutex);
	wait_for_turn(fiber, true);
	pthread_mutex_unlock(&fiber->mutex);
	for (; !fiber->is_ending; hand_over(fiber, false)) {
		fiber->run(fiber->context);
		fiber->run = NULL;
	}
	return NULL;
}

struct fiber *fiber_create(void)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));
	if (!fiber)
		abort();
	pthread_mutex_init(&fiber->mutex, NULL);
	pthread_cond_init(&fiber->changed, NULL);
	if (pthread_create(&fiber->thread, NULL, work, fiber) != 0)
		abort();
	return fiber;
}

void fiber_destroy(struct fiber **fiber_at)
{
	struct fiber *fiber = *fiber_at;
	if (fiber->run) {
		fprintf(stderr, "simulation: a turn still stands still\n");
		abort();
	}
	pthread_mutex_lock(&fiber->mutex);
	fiber->is_ending = true;
	pthread_cond_broadcast(&fiber->changed);
	pthread_mutex_unlock(&fiber->mutex);
	pthread_join(fiber->thread, NULL);
	pthread_cond_destroy(&fiber->changed);
	pthread_mutex_destroy(&fiber->mutex);
	free(fiber);
	*fiber_at = NULL;
}

void fiber_run(struct fiber *fiber, void (*run)(void *context), void *context)
{
	if (fiber->run)
		abort();
	fiber->run = run;
	fiber->context = context;
	hand_over(fiber, true);
}

bool fiber_is_busy(const struct fiber *fiber)
{
	return fiber->run != NULL;
}

/* What the fiber waits for. */
struct condition {
	struct fiber *fiber;
	bool (*is_ready)(void *context);
	void *context;
};

static bool is_ready(void *context)
{
	const struct condition *condition = context;
	return condition->is_ready(condition->context);
}

static void resume(void *context)
{
	const struct condition *condition = context;
	hand_over(condition->fiber, true);
}

void fiber_wait(bool (*condition_is_ready)(void *context), void *context)
{
	if (!current) {
		fprintf(stderr, "simulation: only a turn on a fiber can stand still\n");
		abort();
	}
	struct condition condition = { current, condition_is_ready, context };
	struct source source = { .is_ready = is_ready, .run = resume, .context = &condition, .pace = 100 };
	scheduler_add(&source);
	hand_over(current, false);
	scheduler_remove(&source);
}

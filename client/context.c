#include "client/context.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "client/error.h"

struct qc_context {
	struct context_waiter in_parent;
	struct qc_context *parent; /* NULL if the parent is the background, which never ends */
	int64_t deadline_ns;
	atomic_int holders;
	_Atomic(enum qc_kind) ended; /* QC_OK, or why it has ended */
	bool is_static;
	const void *key; /* of its value; NULL if it has none */
	void *value;
	pthread_mutex_t lock;
	struct context_waiter *waiters;
};

static struct qc_context background = {.deadline_ns = NO_DEADLINE, .is_static = true};
/* Returned if there is no memory for a context: it has ended already. */
static struct qc_context no_memory = {.deadline_ns = NO_DEADLINE, .is_static = true, .ended = QC_NO_MEMORY};

/* NULL means the background. */
static inline const struct qc_context *known(const struct qc_context *context)
{
	return context ? context : &background;
}

int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int64_t deadline_after_ms(int64_t ms)
{
	int64_t now = monotonic_ns();

	if (ms < 0 || ms > (NO_DEADLINE - now) / 1000000)
		return NO_DEADLINE;
	return now + ms * 1000000;
}

qc_context *qc_background(void)
{
	return &background;
}

static void context_end(struct qc_context *context, enum qc_kind why)
{
	enum qc_kind none = QC_OK;

	pthread_mutex_lock(&context->lock);
	if (atomic_compare_exchange_strong(&context->ended, &none, why))
		for (struct context_waiter *w = context->waiters; w; w = w->next)
			w->wake(w);
	pthread_mutex_unlock(&context->lock);
}

static void on_parent_end(struct context_waiter *waiter)
{
	context_end((struct qc_context *)waiter, QC_CANCELLED);
}

static qc_context *context_create(qc_context *parent, int64_t deadline_ns)
{
	struct qc_context *context = calloc(1, sizeof(*context));

	if (!context)
		return &no_memory;
	parent = parent ? parent : &background;
	pthread_mutex_init(&context->lock, NULL);
	context->holders = 1;
	context->deadline_ns = deadline_ns < parent->deadline_ns ? deadline_ns : parent->deadline_ns;
	context->in_parent.wake = on_parent_end;
	if (parent->is_static) {
		context->ended = parent->ended;
		return context;
	}
	atomic_fetch_add(&parent->holders, 1);
	context->parent = parent;
	if (!context_join(parent, &context->in_parent))
		context->ended = qc_context_err(parent).kind;
	return context;
}

qc_context *qc_context_with_cancel(qc_context *parent)
{
	return context_create(parent, NO_DEADLINE);
}

qc_context *qc_context_with_timeout(qc_context *parent, int64_t timeout_ms)
{
	return context_create(parent, deadline_after_ms(timeout_ms < 0 ? 0 : timeout_ms));
}

qc_context *qc_context_with_deadline(qc_context *parent, int64_t deadline_ms)
{
	if (deadline_ms < 0)
		deadline_ms = 0;
	return context_create(parent, deadline_ms >= NO_DEADLINE / 1000000 ? NO_DEADLINE : deadline_ms * 1000000);
}

qc_context *qc_context_with_value(qc_context *parent, const void *key, void *value)
{
	struct qc_context *context = context_create(parent, NO_DEADLINE);

	if (!context->is_static) {
		context->key = key;
		context->value = value;
	}
	return context;
}

void *qc_context_value(const qc_context *context, const void *key)
{
	for (; context; context = context->parent)
		if (context->key == key && key)
			return context->value;
	return NULL;
}

void qc_cancel(qc_context *context)
{
	if (!known(context)->is_static)
		context_end(context, QC_CANCELLED);
}

static void context_give(struct qc_context *context)
{
	while (context && !context->is_static && atomic_fetch_sub(&context->holders, 1) == 1) {
		struct qc_context *parent = context->parent;

		if (parent)
			context_leave(parent, &context->in_parent);
		pthread_mutex_destroy(&context->lock);
		free(context);
		context = parent;
	}
}

void qc_context_free(qc_context *context)
{
	qc_cancel(context);
	context_give(context);
}

qc_error qc_context_err(const qc_context *context)
{
	context = known(context);
	enum qc_kind ended = atomic_load_explicit(&context->ended, memory_order_acquire);

	if (ended == QC_NO_MEMORY)
		return error_no_memory();
	if (ended == QC_OK && context->deadline_ns != NO_DEADLINE && monotonic_ns() >= context->deadline_ns)
		ended = QC_DEADLINE;
	if (ended == QC_DEADLINE)
		return qc_errorf(QC_DEADLINE, "the context's deadline has passed");
	return ended == QC_OK ? no_error() : qc_errorf(ended, "the context was cancelled");
}

bool context_can_end(const qc_context *context)
{
	return known(context) != &background;
}

int64_t context_deadline_ns(const qc_context *context)
{
	return known(context)->deadline_ns;
}

bool context_join(qc_context *context, struct context_waiter *waiter)
{
	waiter->link = NULL;
	if (known(context)->is_static)
		return known(context)->ended == QC_OK;
	pthread_mutex_lock(&context->lock);
	bool lasts = context->ended == QC_OK;
	if (lasts) {
		waiter->next = context->waiters;
		waiter->link = &context->waiters;
		if (waiter->next)
			waiter->next->link = &waiter->next;
		context->waiters = waiter;
	}
	pthread_mutex_unlock(&context->lock);
	return lasts;
}

void context_leave(qc_context *context, struct context_waiter *waiter)
{
	if (known(context)->is_static)
		return;
	pthread_mutex_lock(&context->lock);
	if (waiter->link) {
		*waiter->link = waiter->next;
		if (waiter->next)
			waiter->next->link = waiter->link;
		waiter->link = NULL;
	}
	pthread_mutex_unlock(&context->lock);
}

struct sleeper {
	struct context_waiter waiter;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool ended;
};

static void wake_sleeper(struct context_waiter *waiter)
{
	struct sleeper *sleeper = (struct sleeper *)waiter;

	pthread_mutex_lock(&sleeper->lock);
	sleeper->ended = true;
	pthread_cond_signal(&sleeper->woken);
	pthread_mutex_unlock(&sleeper->lock);
}

qc_error context_sleep(qc_context *context, int64_t ns)
{
	struct sleeper sleeper = {.waiter.wake = wake_sleeper, .lock = PTHREAD_MUTEX_INITIALIZER,
				  .woken = PTHREAD_COND_INITIALIZER};
	int64_t until = monotonic_ns() + ns;

	if (until > context_deadline_ns(context))
		until = context_deadline_ns(context);
	struct timespec moment = {until / 1000000000, until % 1000000000};
	if (!context_join(context, &sleeper.waiter))
		return qc_context_err(context);
	pthread_mutex_lock(&sleeper.lock);
	while (!sleeper.ended && pthread_cond_clockwait(&sleeper.woken, &sleeper.lock, CLOCK_MONOTONIC, &moment) == 0)
		;
	pthread_mutex_unlock(&sleeper.lock);
	context_leave(context, &sleeper.waiter);
	return qc_context_err(context);
}

#include "client/subscription.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/error.h"
#include "client/hooks.h"
#include "client/reply.h"
#include "client/request.h"

#define DEFAULT_QUEUE 128
#define DEFAULT_HEALTH_MS 30000

static const char *const unsubscribe_words[KINDS] = {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"};

static struct subscription no_subscription = {.handle.err = {.kind = QC_NO_MEMORY, .text = "out of memory"}, .fd = -1};

/* The ring */

void subscription_put(struct subscription *s, qc_message message)
{
	pthread_mutex_lock(&s->lock);
	while (s->count == s->size && qc_context_err(s->life).kind == QC_OK)
		pthread_cond_wait(&s->changed, &s->lock);
	bool kept = s->count < s->size;
	if (kept) {
		s->ring[(s->first + s->count++) % s->size] = message;
		/* Neither this write nor the read in take() can fail: the counter goes between 0 and 1. */
		if (s->count == 1)
			eventfd_write(s->fd, 1);
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	if (!kept)
		qc_release(&message);
}

static qc_message take(struct subscription *s)
{
	qc_message message = s->ring[s->first];
	eventfd_t value;

	s->first = (s->first + 1) % s->size;
	if (--s->count == 0)
		eventfd_read(s->fd, &value);
	pthread_cond_broadcast(&s->changed);
	return message;
}

static qc_message empty_message(enum qc_message_type type)
{
	qc_message message;

	memset(&message, 0, sizeof(message));
	message.type = type;
	return message;
}

void qc_release_message(qc_message *message)
{
	(qc_release)(message);
	if (message) {
		message->channel = message->pattern = message->data = NULL;
		message->channel_len = message->len = 0;
	}
}

qc_message subscription_no_message(qc_error err)
{
	qc_message message = empty_message(QC_NO_MESSAGE);

	message.err = err;
	return message;
}

qc_message subscription_disconnected(qc_error cause)
{
	qc_message message = empty_message(QC_DISCONNECTED);

	message.cause = cause;
	return message;
}

/* Names */

struct name **subscription_find_name(struct subscription *s, enum kind kind, const qc_arg *arg)
{
	struct name **at = &s->names;

	while (*at && ((*at)->kind != kind || (*at)->len != arg->len || memcmp((*at)->text, arg_data(arg), arg->len) != 0))
		at = &(*at)->next;
	return at;
}

static bool add_name(struct subscription *s, enum kind kind, const qc_arg *arg)
{
	struct name **at = subscription_find_name(s, kind, arg);

	if (*at)
		return true;
	*at = calloc(1, sizeof(**at) + arg->len);
	if (!*at)
		return false;
	(*at)->kind = kind;
	(*at)->len = arg->len;
	memcpy((*at)->text, arg_data(arg), arg->len);
	return true;
}

static void drop_name(struct name **at)
{
	struct name *name = *at;

	*at = name->next;
	free(name);
}

static bool add_names(struct subscription *s, enum kind kind, qc_args names)
{
	for (size_t i = 0; i < names.count; i++)
		if (!add_name(s, kind, &names.items[i]))
			return false;
	return true;
}

static void drop_names(struct subscription *s, enum kind kind, qc_args names)
{
	for (size_t i = 0; i < names.count; i++) {
		struct name **at = subscription_find_name(s, kind, &names.items[i]);
		if (*at)
			drop_name(at);
	}
	for (struct name **at = &s->names; names.count == 0 && *at;) {
		if ((*at)->kind == kind)
			drop_name(at);
		else
			at = &(*at)->next;
	}
}

/* The public functions */

static void subscription_free(struct subscription *s)
{
	for (; s->count > 0; s->count--, s->first = (s->first + 1) % s->size)
		qc_release(&s->ring[s->first]);
	drop_names(s, CHANNELS, (qc_args){0});
	drop_names(s, PATTERNS, (qc_args){0});
	drop_names(s, SHARDS, (qc_args){0});
	subscription_hang_up(s);
	if (s->reading)
		qc_context_free(s->reading);
	if (s->life)
		qc_context_free(s->life);
	if (s->fd >= 0)
		close(s->fd);
	if (s->pool)
		pool_let_go(s->pool);
	buffer_fini(&s->outbox);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->ring);
	free(s);
}

/* In a cluster, all shard channels of a subscription must be in one slot, as it has one connection. */
static qc_error check_shards(struct subscription *s, qc_args shards)
{
	for (size_t i = 0; s->pool->cluster && i < shards.count; i++)
		if (!slot_add(&s->slot, slot_of_key(arg_data(&shards.items[i]), shards.items[i].len)))
			return error_crossslot("the subscription");
	return no_error();
}

static qc_error prepare(struct subscription *s, struct client *client, qc_context *context, qc_args channels,
			const qc_subscribe_options *options)
{
	qc_error err = client_err(client);

	if (err.kind != QC_OK)
		return err;
	s->pool = client->pool;
	pool_hold(s->pool);
	s->generation = s->pool->generation;
	s->slot = SLOT_ANY;
	err = check_shards(s, options->shards);
	if (err.kind != QC_OK)
		return err;
	s->health_ms = options->health_ms ? options->health_ms : DEFAULT_HEALTH_MS;
	s->size = options->queue ? options->queue : DEFAULT_QUEUE;
	s->ring = calloc(s->size, sizeof(*s->ring));
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->life = qc_context_with_cancel(qc_background());
	s->reading = qc_context_with_cancel(s->life);
	if (!s->ring || !add_names(s, CHANNELS, channels) || !add_names(s, PATTERNS, options->patterns) ||
	    !add_names(s, SHARDS, options->shards))
		return error_no_memory();
	if (s->fd < 0)
		return error_errno(QC_NETWORK, errno, "eventfd");
	return qc_context_err(s->reading);
}

static qc_error start_thread(struct subscription *s)
{
	int number = pthread_create(&s->thread, NULL, subscription_run, s);

	s->has_thread = number == 0;
	return number ? error_errno(QC_NO_MEMORY, number, "starting a thread") : no_error();
}

/* Connects, to report an early failure as the first message. The thread continues to try. */
static qc_error connect_first(struct subscription *s, qc_context *context)
{
	qc_error err = subscription_dial(s, context);

	if (err.kind == QC_NO_MEMORY)
		return err;
	if (err.kind != QC_OK)
		subscription_put(s, subscription_disconnected(err));
	qc_error started = start_thread(s);
	return started.kind != QC_OK ? started : err;
}

static qc_error check_names(qc_args names)
{
	for (size_t i = 0; i < names.count; i++)
		if (arg_is_missing(&names.items[i]))
			return qc_errorf(QC_INVALID, "the name of channel %zu is %s", i, arg_missing_text(&names.items[i]));
	return no_error();
}

qc_subscription *qc_subscribe_args(qc_client *client, qc_context *context, qc_args channels,
				   const qc_subscribe_options *options)
{
	struct subscription *s = calloc(1, sizeof(*s));
	qc_subscribe_options defaults = {.queue = 0};

	if (!s)
		return &no_subscription.handle;
	s->fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	options = options ? options : &defaults;
	qc_args lists[KINDS] = {channels, options->patterns, options->shards};
	for (int i = 0; i < KINDS && !qc_failed(s->handle); i++)
		s->handle.err = check_names(lists[i]);
	if (!qc_failed(s->handle))
		s->handle.err = prepare(s, client_of(client), context, channels, options);
	if (!qc_failed(s->handle)) {
		struct hooked hooked = {.event = {.kind = QC_EVENT_SUBSCRIBE, .command = "subscribe", .args = channels, .context = context}};
		hooks_before(&s->pool->settings, &hooked);
		s->handle.err = connect_first(s, context);
		hooks_after(&s->pool->settings, &hooked, &s->handle.err);
	}
	return &s->handle;
}

static void wake_subscription(struct subscription *s)
{
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* A forked child has no thread, and the parent's thread may have held the locks: so none is touched. */
static qc_error check_thread(struct subscription *s)
{
	if (!s->has_thread)
		return s->handle.err;
	return pool_check_generation(s->pool, s->generation, "the subscription");
}

/* What the parent's thread may have been changing is leaked. */
static void disown(struct subscription *s)
{
	conn_disown(&s->conn);
	subscription_hang_up(s);
	close(s->fd);
	pool_let_go(s->pool);
	free(s);
}

void qc_unsubscribe(qc_subscription *handle)
{
	struct subscription *s = (struct subscription *)handle;

	if (!s || s == &no_subscription)
		return;
	if (s->has_thread && check_thread(s).kind != QC_OK) {
		disown(s);
		return;
	}
	if (s->has_thread) {
		qc_cancel(s->life);
		wake_subscription(s);
		pthread_join(s->thread, NULL);
	}
	subscription_free(s);
}

int qc_subscription_fd(const qc_subscription *handle)
{
	return ((const struct subscription *)handle)->fd;
}

/* Without shard channels at the start, the connection may be to any node of a cluster. */
static qc_error check_change(struct subscription *s, qc_args shards)
{
	if (s->pool->cluster && s->slot == SLOT_ANY)
		return qc_errorf(QC_INVALID, "in a cluster, a subscription without shards cannot get any later");
	return check_shards(s, shards);
}

qc_status qc_subscription_change(qc_subscription *handle, const char *command, qc_args names)
{
	struct subscription *s = (struct subscription *)handle;
	qc_status out = {check_thread(s)};
	int kind = 0;

	if (qc_failed(out) || (out.err = check_names(names)).kind != QC_OK)
		return out;
	size_t len = strlen(command);
	while (kind < KINDS && !text_spells(command, len, subscribe_words[kind]) && !text_spells(command, len, unsubscribe_words[kind]))
		kind++;
	bool adds = kind < KINDS && text_spells(command, len, subscribe_words[kind]);
	if (kind == KINDS || (adds && names.count == 0)) {
		out.err = qc_errorf(QC_INVALID, kind == KINDS ? "%s does not change a subscription" : "%s without names", command);
		return out;
	}
	if (adds && kind == SHARDS && (out.err = check_change(s, names)).kind != QC_OK)
		return out;
	pthread_mutex_lock(&s->lock);
	if (!adds)
		drop_names(s, (enum kind)kind, names);
	else if (!add_names(s, (enum kind)kind, names))
		out.err = error_no_memory();
	for (size_t i = 0; i < names.count && !qc_failed(out); i++)
		out.err = request_write(&s->outbox, QC_LIST(command, names.items[i]));
	if (names.count == 0)
		out.err = request_write(&s->outbox, QC_LIST(command));
	qc_cancel(s->reading);
	pthread_mutex_unlock(&s->lock);
	return out;
}

struct message_waiter {
	struct context_waiter waiter;
	struct subscription *subscription;
};

static void on_context_end(struct context_waiter *waiter)
{
	wake_subscription(((struct message_waiter *)waiter)->subscription);
}

qc_message qc_next_message(qc_subscription *handle, qc_context *context)
{
	struct subscription *s = (struct subscription *)handle;
	struct message_waiter waiter = {.waiter.wake = on_context_end, .subscription = s};
	int64_t until = context_deadline_ns(context);
	struct timespec moment = {until / 1000000000, until % 1000000000};
	qc_message message = subscription_no_message(check_thread(s));
	int late = 0;

	if (qc_failed(message))
		return message;
	bool lasts = context_join(context, &waiter.waiter);
	pthread_mutex_lock(&s->lock);
	while (s->count == 0 && lasts && !late && qc_context_err(context).kind == QC_OK)
		late = pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, &moment);
	if (s->count > 0)
		message = take(s);
	else
		message.err = qc_context_err(context);
	pthread_mutex_unlock(&s->lock);
	context_leave(context, &waiter.waiter);
	return message;
}

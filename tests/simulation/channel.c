/*
 * transport/channel.h without NNG and threads. A channel is a queue. A mailbox is a source of the scheduler, which is ready when it is
 * armed and one of its channels has a message. The seed chooses the next mailbox and one of its channels; NNG has the same freedom.
 */
#include "simulation/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/scheduler.h"

#define SENDERS_MAX 64

struct channel {
	struct mailbox *mailbox;
	uint32_t slots, first, count;
	struct message messages[]; /* a ring */
};

struct mailbox {
	struct source source;
	struct mailbox *next;
	char *name;
	mailbox_receive *receive;
	void *context;
	bool is_armed;
	struct channel *channels[SENDERS_MAX];
	uint32_t channel_count;
};

static struct mailbox *mailboxes;
static channel_watch *watch;
static void *watch_context;

void channel_set_watch(channel_watch *function, void *context)
{
	watch = function;
	watch_context = context;
}

_Noreturn static void stop_with(const char *what, const char *name)
{
	fprintf(stderr, "simulation: %s %s\n", what, name);
	abort();
}

static struct message take(struct channel *channel)
{
	struct message message = channel->messages[channel->first];
	channel->first = (channel->first + 1) % channel->slots;
	channel->count--;
	return message;
}

/* ---- mailboxes ---- */

static uint32_t waiting_channels(const struct mailbox *mailbox, struct channel *out[SENDERS_MAX])
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < mailbox->channel_count; i++)
		if (mailbox->channels[i] && mailbox->channels[i]->count)
			out[count++] = mailbox->channels[i];
	return count;
}

static bool has_message(void *context)
{
	const struct mailbox *mailbox = context;
	struct channel *waiting[SENDERS_MAX];
	return mailbox->is_armed && waiting_channels(mailbox, waiting) > 0;
}

static void deliver(void *context)
{
	struct mailbox *mailbox = context;
	struct channel *waiting[SENDERS_MAX];
	uint32_t count = waiting_channels(mailbox, waiting);
	struct message message = take(waiting[scheduler_draw(count)]);
	mailbox->is_armed = false;
	if (watch)
		watch(watch_context, CHANNEL_RECEIVED, mailbox->context, &message);
	mailbox->receive(mailbox->context, message);
}

struct mailbox *mailbox_open(const char *name, mailbox_receive *receive, void *context)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
	if (!mailbox || !(mailbox->name = strdup(name)))
		stop_with("no memory for mailbox", name);
	mailbox->receive = receive;
	mailbox->context = context;
	mailbox->source = (struct source){ .is_ready = has_message, .run = deliver, .context = mailbox, .pace = 100 };
	mailbox->next = mailboxes;
	mailboxes = mailbox;
	scheduler_add(&mailbox->source);
	return mailbox;
}

void mailbox_rearm(struct mailbox *mailbox)
{
	if (mailbox->is_armed)
		stop_with("armed twice:", mailbox->name);
	mailbox->is_armed = true;
}

void mailbox_set_pace(struct mailbox *mailbox, unsigned pace)
{
	mailbox->source.pace = pace;
}

static void forget_mailbox(struct mailbox *mailbox)
{
	struct mailbox **at = &mailboxes;
	while (*at != mailbox)
		at = &(*at)->next;
	*at = mailbox->next;
	for (uint32_t i = 0; i < mailbox->channel_count; i++)
		if (mailbox->channels[i])
			mailbox->channels[i]->mailbox = NULL;
}

void mailbox_stop(struct mailbox *mailbox)
{
	mailbox->is_armed = false;
}

static uint64_t discard_left(struct mailbox *mailbox, mailbox_discard *discard)
{
	struct channel *waiting[SENDERS_MAX];
	uint64_t discarded = 0;
	for (; waiting_channels(mailbox, waiting) > 0; discarded++)
		discard(take(waiting[0]));
	return discarded;
}

void mailbox_close(struct mailbox **mailbox_at, uint64_t left, mailbox_discard *discard)
{
	struct mailbox *mailbox = *mailbox_at;
	if (!mailbox)
		return;
	if (discard_left(mailbox, discard) != left)
		stop_with("another number of messages is left in", mailbox->name);
	scheduler_remove(&mailbox->source);
	forget_mailbox(mailbox);
	free(mailbox->name);
	free(mailbox);
	*mailbox_at = NULL;
}

/* ---- channels ---- */

struct channel *channel_open(const char *mailbox_name, uint32_t slots)
{
	struct mailbox *mailbox = mailboxes;
	while (mailbox && strcmp(mailbox->name, mailbox_name) != 0)
		mailbox = mailbox->next;
	struct channel *channel = calloc(1, sizeof(*channel) + slots * sizeof(struct message));
	if (!mailbox || !channel || mailbox->channel_count == SENDERS_MAX)
		stop_with("no channel can be opened to", mailbox_name);
	channel->mailbox = mailbox;
	channel->slots = slots;
	mailbox->channels[mailbox->channel_count++] = channel;
	return channel;
}

void channel_post(struct channel *channel, struct message message)
{
	if (!channel->mailbox || channel->count == channel->slots)
		stop_with("post into a full channel to", channel->mailbox ? channel->mailbox->name : "a closed mailbox");
	channel->messages[(channel->first + channel->count++) % channel->slots] = message;
	if (watch)
		watch(watch_context, CHANNEL_POSTED, channel->mailbox->context, &message);
}

static void detach(struct channel *channel)
{
	struct mailbox *mailbox = channel->mailbox;
	for (uint32_t i = 0; mailbox && i < mailbox->channel_count; i++)
		if (mailbox->channels[i] == channel)
			mailbox->channels[i] = NULL;
}

void channel_close(struct channel **channel_at)
{
	if (!*channel_at)
		return;
	detach(*channel_at);
	free(*channel_at);
	*channel_at = NULL;
}

unsigned channel_pool_threads(void)
{
	return 0;
}

#include "transport/channel.h"

#include <pthread.h>
#include <stdatomic.h>

#include "support/suite.h"

#define MESSAGES 20000

struct probe {
	struct mailbox *mailbox;
	_Atomic uint32_t inside;
	uint64_t next[2];
	uint64_t out_of_order, overlapping;
	uint64_t received;
	pthread_mutex_t lock;
	pthread_cond_t done;
};

static void take(void *context, struct message message)
{
	struct probe *probe = context;
	if (atomic_fetch_add(&probe->inside, 1) != 0)
		probe->overlapping++;
	if (message.number != probe->next[message.sender]++)
		probe->out_of_order++;
	atomic_fetch_sub(&probe->inside, 1);
	pthread_mutex_lock(&probe->lock);
	probe->received++;
	pthread_cond_signal(&probe->done);
	pthread_mutex_unlock(&probe->lock);
	mailbox_rearm(probe->mailbox);
}

static void wait_until_received(struct probe *probe, uint64_t count)
{
	pthread_mutex_lock(&probe->lock);
	while (probe->received < count)
		pthread_cond_wait(&probe->done, &probe->lock);
	pthread_mutex_unlock(&probe->lock);
}

/* Two senders with few slots. Like an actor, a sender goes on only while it has credit. */
static void messages_of_each_sender_arrive_in_order_and_turns_never_overlap(void)
{
	struct probe probe = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
	probe.mailbox = mailbox_open("channel-test", take, &probe);
	struct channel *channels[2] = { channel_open("channel-test", 16), channel_open("channel-test", 16) };
	mailbox_rearm(probe.mailbox);

	for (uint64_t i = 0; i < MESSAGES; i++) {
		for (uint32_t sender = 0; sender < 2; sender++)
			channel_post(channels[sender], (struct message){ .type = 1, .sender = sender, .number = i });
		if (i % 8 == 7)
			wait_until_received(&probe, 2 * (i + 1));
	}
	wait_until_received(&probe, 2 * MESSAGES);
	CU_ASSERT_EQUAL(probe.out_of_order, 0);
	CU_ASSERT_EQUAL(probe.overlapping, 0);
	mailbox_stop(probe.mailbox);
	mailbox_close(&probe.mailbox, 0, NULL);
	channel_close(&channels[0]);
	channel_close(&channels[1]);
	CU_ASSERT_PTR_NULL(probe.mailbox);
}

static uint64_t discarded;

static void discard(struct message message)
{
	discarded += message.number;
}

static void what_is_left_when_a_mailbox_is_closed_is_given_back(void)
{
	struct mailbox *mailbox = mailbox_open("channel-test-left", take, NULL);
	struct channel *channels[2] = { channel_open("channel-test-left", 16), channel_open("channel-test-left", 16) };
	for (uint64_t i = 0; i < 20; i++)
		channel_post(channels[i % 2], (struct message){ .type = 1, .number = 1 });
	mailbox_stop(mailbox);
	mailbox_close(&mailbox, 20, discard);
	CU_ASSERT_EQUAL(discarded, 20);
	channel_close(&channels[0]);
	channel_close(&channels[1]);
}

static const struct suite_case cases[] = {
	CASE(messages_of_each_sender_arrive_in_order_and_turns_never_overlap),
	CASE(what_is_left_when_a_mailbox_is_closed_is_given_back),
};

SUITE_MAIN("channel", cases)

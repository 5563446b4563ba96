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

/* Two senders with few slots: a sender goes on only while it holds credit, as actors do. */
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
	channel_close(&channels[0]);
	channel_close(&channels[1]);
	mailbox_close(&probe.mailbox);
	CU_ASSERT_PTR_NULL(probe.mailbox);
}

static const struct suite_case cases[] = {
	CASE(messages_of_each_sender_arrive_in_order_and_turns_never_overlap),
};

SUITE_MAIN("channel", cases)

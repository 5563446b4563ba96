#include "transport/bus.h"

#include <stdlib.h>

#include "support/suite.h"

#define RECEIVED_MAX 8

struct inbox {
	struct bus_message *received[RECEIVED_MAX];
	int count, attached;
};

static int destroyed;

static void count_destroyed(struct bus_message *message)
{
	destroyed++;
	free(message);
}

static struct bus_message *make(struct bus *bus, uint32_t holds, size_t bytes)
{
	struct bus_message *message = calloc(1, sizeof(*message));
	atomic_init(&message->holders, 1);
	message->holds = holds;
	message->bytes = bytes;
	message->destroy = count_destroyed;
	if (holds & BUS_FRAMES)
		message->first_sequence = message->last_sequence = bus_next_sequence(bus);
	return message;
}

static void put(void *context, struct bus_message *message)
{
	struct inbox *inbox = context;
	inbox->received[inbox->count++] = message;
}

static uint32_t subscribe(struct bus *bus, struct inbox *inbox, uint32_t interest, bool is_required, int64_t credit)
{
	*inbox = (struct inbox){ .count = 0 };
	return bus_subscribe(bus, &(struct bus_subscription){
		.interest = interest,
		.is_required = is_required,
		.credit_bytes = credit,
		.post = put,
		.context = inbox,
	});
}

static void each_gets_what_it_asked_for_and_the_last_holder_frees(void)
{
	struct bus *bus = bus_create();
	struct inbox frames, both;
	subscribe(bus, &frames, BUS_FRAMES, true, 1000);
	subscribe(bus, &both, BUS_FRAMES | BUS_TALLY, false, 1000);
	destroyed = 0;
	bus_publish(bus, make(bus, BUS_FRAMES, 10));
	bus_publish(bus, make(bus, BUS_TALLY, 10));
	bus_publish(bus, make(bus, BUS_COMMANDS, 10));
	CU_ASSERT_EQUAL(frames.count, 1);
	CU_ASSERT_EQUAL(both.count, 2);
	CU_ASSERT_EQUAL(destroyed, 1); /* nobody subscribed to this */
	CU_ASSERT_PTR_EQUAL(frames.received[0], both.received[0]);
	bus_message_release(frames.received[0]);
	CU_ASSERT_EQUAL(destroyed, 1);
	bus_message_release(both.received[0]);
	bus_message_release(both.received[1]);
	CU_ASSERT_EQUAL(destroyed, 3);
	bus_destroy(&bus);
}

static void credit_may_be_overshot_once_and_comes_back(void)
{
	struct bus *bus = bus_create();
	struct inbox inbox;
	uint32_t number = subscribe(bus, &inbox, BUS_FRAMES, true, 100);
	CU_ASSERT_TRUE(bus_has_credit(bus, BUS_FRAMES));
	bus_publish(bus, make(bus, BUS_FRAMES, 5000));
	CU_ASSERT_FALSE(bus_has_credit(bus, BUS_FRAMES));
	CU_ASSERT_TRUE(bus_has_credit(bus, BUS_COMMANDS)); /* which it doesn't want */
	CU_ASSERT_EQUAL(bus_credit_bytes(bus, number), -4900);
	bus_return_credit(bus, number, 5000);
	CU_ASSERT_TRUE(bus_has_credit(bus, BUS_FRAMES));
	CU_ASSERT_EQUAL(bus_credit_bytes(bus, number), 100);
	bus_message_release(inbox.received[0]);
	bus_destroy(&bus);
}

static void an_optional_subscriber_holds_up_nobody(void)
{
	struct bus *bus = bus_create();
	struct inbox inbox;
	subscribe(bus, &inbox, BUS_FRAMES, false, 0);
	CU_ASSERT_TRUE(bus_has_credit(bus, BUS_FRAMES));
	bus_destroy(&bus);
}

static void interest_can_change(void)
{
	struct bus *bus = bus_create();
	struct inbox inbox;
	uint32_t number = subscribe(bus, &inbox, BUS_TALLY, true, 0);
	CU_ASSERT_FALSE(bus_is_wanted(bus, BUS_COMMANDS));
	CU_ASSERT_TRUE(bus_has_credit(bus, BUS_COMMANDS));
	bus_set_interest(bus, number, BUS_TALLY | BUS_COMMANDS);
	CU_ASSERT_TRUE(bus_is_wanted(bus, BUS_COMMANDS));
	CU_ASSERT_FALSE(bus_has_credit(bus, BUS_COMMANDS));
	bus_destroy(&bus);
}

static void note_attached(void *context, uint64_t sequence)
{
	((struct inbox *)context)->attached++;
}

static void who_is_behind_and_wants_frames_no_longer_is_not_attached(void)
{
	struct bus *bus = bus_create();
	struct inbox inbox = { .count = 0 };
	uint32_t number = bus_subscribe(bus, &(struct bus_subscription){
		.interest = BUS_FRAMES | BUS_TALLY, .credit_bytes = 100, .post = put, .attach = note_attached, .context = &inbox });
	bus_publish(bus, make(bus, BUS_FRAMES, 100));
	bus_publish(bus, make(bus, BUS_FRAMES, 100)); /* passes it over */
	bus_set_interest(bus, number, BUS_TALLY);
	bus_return_credit(bus, number, 100);
	CU_ASSERT_EQUAL(inbox.attached, 0);
	bus_publish(bus, make(bus, BUS_TALLY, 10));
	CU_ASSERT_EQUAL(inbox.count, 2);
	bus_set_interest(bus, number, BUS_FRAMES);
	CU_ASSERT_EQUAL(inbox.attached, 1);
	bus_message_release(inbox.received[0]);
	bus_message_release(inbox.received[1]);
	bus_destroy(&bus);
}

/* A required subscriber beside the observer was given commands and counts whether it had credit or not. */
static void the_subscriber_with_the_least_credit_decides_for_each_interest(void)
{
	struct bus *bus = bus_create();
	struct inbox inboxes[4];
	subscribe(bus, &inboxes[0], BUS_TALLY | BUS_COMMANDS, true, 100);
	CU_ASSERT_EQUAL(bus_least_credit_bytes(bus, BUS_FRAMES), INT64_MAX);
	CU_ASSERT_EQUAL(bus_least_credit_bytes(bus, BUS_COMMANDS), 100);
	subscribe(bus, &inboxes[1], BUS_COMMANDS, true, 30);
	subscribe(bus, &inboxes[2], BUS_TALLY, true, -5);
	subscribe(bus, &inboxes[3], BUS_COMMANDS | BUS_FRAMES, false, 0); /* optional: it is skipped */
	CU_ASSERT_EQUAL(bus_least_credit_bytes(bus, BUS_COMMANDS), 30);
	CU_ASSERT_EQUAL(bus_least_credit_bytes(bus, BUS_TALLY), -5);
	CU_ASSERT_TRUE(bus_has_credit(bus, BUS_COMMANDS) && bus_has_credit(bus, BUS_FRAMES));
	CU_ASSERT_FALSE(bus_has_credit(bus, BUS_TALLY));
	bus_destroy(&bus);
}

static void at_the_end_one_that_is_behind_is_attached_without_credit(void)
{
	struct bus *bus = bus_create();
	struct inbox inboxes[2] = { { .count = 0 } };
	bus_subscribe(bus, &(struct bus_subscription){ .interest = BUS_FRAMES, .credit_bytes = 100, .post = put, .attach = note_attached, .context = &inboxes[0] });
	bus_subscribe(bus, &(struct bus_subscription){ .interest = BUS_FRAMES, .credit_bytes = 1000, .post = put, .attach = note_attached, .context = &inboxes[1] });
	for (int i = 0; i < 2; i++)
		bus_publish(bus, make(bus, BUS_FRAMES, 100));
	bus_finish(bus);
	bus_finish(bus);
	CU_ASSERT_EQUAL(inboxes[0].attached, 1);
	CU_ASSERT_EQUAL(inboxes[1].attached, 0);
	bus_message_release(inboxes[0].received[0]);
	for (int i = 0; i < 2; i++)
		bus_message_release(inboxes[1].received[i]);
	bus_destroy(&bus);
}

static void a_cursor_notices_what_is_missing_and_what_comes_twice(void)
{
	struct bus_cursor cursor = { 0 };
	struct bus_message message = { .holds = BUS_FRAMES, .first_sequence = 1, .last_sequence = 5 };
	CU_ASSERT_TRUE(bus_cursor_accept(&cursor, &message));
	CU_ASSERT_FALSE(bus_cursor_accept(&cursor, &message));
	message.first_sequence = 7;
	message.last_sequence = 9;
	CU_ASSERT_FALSE(bus_cursor_accept(&cursor, &message));
	message.first_sequence = 6;
	CU_ASSERT_TRUE(bus_cursor_accept(&cursor, &message));
	CU_ASSERT_EQUAL(cursor.last, 9);
	struct bus_message tally = { .holds = BUS_TALLY };
	CU_ASSERT_TRUE(bus_cursor_accept(&cursor, &tally));
	CU_ASSERT_EQUAL(cursor.last, 9);
}

static void frames_go_on_behind_a_sequence_that_was_loaded(void)
{
	struct bus *bus = bus_create();
	struct inbox frames = { .count = 0 }, others = { .count = 0 };
	bus_subscribe(bus, &(struct bus_subscription){
		.interest = BUS_FRAMES, .is_required = true, .credit_bytes = 1 << 20, .post = put, .attach = note_attached, .context = &frames });
	bus_subscribe(bus, &(struct bus_subscription){
		.interest = BUS_TALLY, .credit_bytes = 1 << 20, .post = put, .attach = note_attached, .context = &others });
	bus_resume(bus, 4711);
	CU_ASSERT_EQUAL(frames.attached, 1);
	CU_ASSERT_EQUAL(others.attached, 0);
	bus_publish(bus, make(bus, BUS_FRAMES, 10));
	CU_ASSERT_EQUAL(frames.received[0]->first_sequence, 4712);
	bus_message_release(frames.received[0]);
	bus_destroy(&bus);
}

static const struct suite_case cases[] = {
	CASE(each_gets_what_it_asked_for_and_the_last_holder_frees),
	CASE(credit_may_be_overshot_once_and_comes_back),
	CASE(an_optional_subscriber_holds_up_nobody),
	CASE(interest_can_change),
	CASE(who_is_behind_and_wants_frames_no_longer_is_not_attached),
	CASE(the_subscriber_with_the_least_credit_decides_for_each_interest),
	CASE(at_the_end_one_that_is_behind_is_attached_without_credit),
	CASE(frames_go_on_behind_a_sequence_that_was_loaded),
	CASE(a_cursor_notices_what_is_missing_and_what_comes_twice),
};

SUITE_MAIN("command_bus", cases)

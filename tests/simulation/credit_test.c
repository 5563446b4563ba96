/*
 * The command bus: store, observer and recording subscribers. The test decides which of them takes a turn.
 */
#include <stdio.h>

#include "actors/runtime/host.h"
#include "simulation/node.h"
#include "storage/blob.h"
#include "support/suite.h"

#define CREDIT 16384 /* four of the smallest messages */

static struct node *begin(uint32_t recorders, int64_t credit_bytes)
{
	struct node_options options = { .reactors = 1, .recorders = recorders };
	for (uint32_t i = 0; i < recorders; i++)
		options.credit_bytes[i] = credit_bytes;
	scheduler_begin(1, TRACE_QUIETLY);
	return node_create(&options);
}

static void hold(struct recorder *recorder)
{
	mailbox_set_pace(recorder->subscriber.actor->mailbox, 0);
}

static void let_go(struct recorder *recorder)
{
	mailbox_set_pace(recorder->subscriber.actor->mailbox, 100);
}

static void end(struct node **node)
{
	node_stop(*node);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(*node));
	node_destroy(node);
}

/* Each command in its own turn, and so in its own message. */
static void set_keys(struct client *client, int count)
{
	for (int i = 0; i < count; i++) {
		char key[16];
		snprintf(key, sizeof(key), "key:%d", i);
		client_send(client, "SET", key, "value", NULL);
		scheduler_settle();
	}
}

static void every_subscriber_is_given_the_same_effects(void)
{
	struct node *node = begin(2, 0);
	struct client *client = client_open(node->reactors[0]);
	set_keys(client, 20);
	client_send(client, "RENAME", "key:1", "key:2", NULL);
	client_send(client, "MSET", "a", "1", "b", "2", NULL);
	client_send(client, "GET", "a", NULL);
	scheduler_settle();
	CU_ASSERT_EQUAL(node->recorders[0]->frames, 22);
	CU_ASSERT_EQUAL(node->recorders[1]->frames, 22);
	client_take(client);
	client_send(client, "DEBUG", "DIGEST", NULL);
	scheduler_settle();
	const char *digest = client_take(client);
	for (int i = 0; i < 2; i++) {
		char replayed[DIGEST_HEX_BYTES];
		recorder_digest(node->recorders[i], replayed);
		CU_ASSERT_PTR_NOT_NULL(strstr(digest, replayed));
	}
	end(&node);
}

static void writes_wait_for_credit_and_reads_do_not(void)
{
	struct node *node = begin(1, CREDIT);
	struct client *writer = client_open(node->reactors[0]), *reader = client_open(node->reactors[0]);
	hold(node->recorders[0]);
	set_keys(writer, 8);
	CU_ASSERT_EQUAL(writer->answered, 4);
	CU_ASSERT_TRUE(writer->is_held);
	client_send(reader, "GET", "key:3", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(reader), "$5\r\nvalue\r\n");
	let_go(node->recorders[0]);
	scheduler_settle();
	CU_ASSERT_EQUAL(writer->answered, 8);
	CU_ASSERT_EQUAL(node->recorders[0]->effects, 8);
	end(&node);
}

static void the_slowest_subscriber_sets_the_pace(void)
{
	struct node *node = begin(2, CREDIT);
	struct client *writer = client_open(node->reactors[0]);
	hold(node->recorders[1]);
	set_keys(writer, 8);
	CU_ASSERT_EQUAL(node->recorders[0]->effects, 4);
	CU_ASSERT_EQUAL(writer->answered, 4);
	let_go(node->recorders[1]);
	scheduler_settle();
	CU_ASSERT_EQUAL(node->recorders[0]->effects, 8);
	CU_ASSERT_EQUAL(node->recorders[1]->effects, 8);
	end(&node);
}

/* ---- optional subscribers ---- */

static struct node *begin_with_an_optional_one(void)
{
	struct node_options options = { .reactors = 1, .recorders = 2, .credit_bytes = { CREDIT, CREDIT }, .is_optional = { false, true } };
	scheduler_begin(1, TRACE_QUIETLY);
	return node_create(&options);
}

static void an_optional_subscriber_holds_nobody_up_and_knows_what_it_missed(void)
{
	struct node *node = begin_with_an_optional_one();
	struct client *client = client_open(node->reactors[0]);
	struct recorder *optional = node->recorders[1];
	set_keys(client, 1);
	hold(optional);
	set_keys(client, 20);
	CU_ASSERT_EQUAL(client->answered, 21);
	CU_ASSERT_EQUAL(node->recorders[0]->frames, 21);
	let_go(optional);
	scheduler_settle();
	uint64_t seen = optional->frames;
	CU_ASSERT_TRUE(seen < 21);
	CU_ASSERT_EQUAL(seen + optional->subscriber.missed, 21);
	set_keys(client, 3);
	CU_ASSERT_EQUAL(optional->frames, seen + 3);
	CU_ASSERT_EQUAL(optional->last_sequence, 24);
	end(&node);
}

static void one_that_joins_is_told_where_frames_begin(void)
{
	struct node_options options = { .reactors = 1, .recorders = 2, .joins_later = { true, true } };
	scheduler_begin(1, TRACE_QUIETLY);
	struct node *node = node_create(&options);
	struct client *client = client_open(node->reactors[0]);
	set_keys(client, 5);
	for (int i = 0; i < 2; i++) {
		struct recorder *recorder = node->recorders[i];
		CU_ASSERT_EQUAL(recorder->messages, 0);
		actor_enter(recorder->subscriber.actor);
		subscriber_want(&recorder->subscriber, BUS_FRAMES);
		actor_exit();
		scheduler_settle();
		CU_ASSERT_EQUAL(recorder->subscriber.cursor.last, 5);
		CU_ASSERT_EQUAL(recorder->subscriber.missed, 0);
		recorder->subscriber.missed = 5; /* it has never seen these */
	}
	set_keys(client, 4);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(node->recorders[i]->frames, 4);
		CU_ASSERT_EQUAL(node->recorders[i]->last_sequence, 9);
	}
	end(&node);
}

static void an_expired_key_is_hidden_until_its_removal_can_be_told(void)
{
	struct node *node = begin(1, CREDIT);
	struct client *client = client_open(node->reactors[0]);
	client_send(client, "SET", "key", "value", "PX", "10", NULL);
	scheduler_settle();
	hold(node->recorders[0]);
	set_keys(client, 4);
	scheduler_advance_ms(10);
	client_send(client, "GET", "key", NULL);
	client_send(client, "DBSIZE", NULL);
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(client), "$-1\r\n:5\r\n"));
	let_go(node->recorders[0]);
	scheduler_settle();
	client_send(client, "DBSIZE", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), ":4\r\n");
	CU_ASSERT_EQUAL(node->recorders[0]->effects, 6);
	end(&node);
}

static void what_is_under_way_on_the_bus_is_taken_before_the_stop(void)
{
	struct node *node = begin(1, 0);
	struct client *client = client_open(node->reactors[0]);
	hold(node->recorders[0]);
	set_keys(client, 10);
	node_stop(node);
	scheduler_settle();
	CU_ASSERT_FALSE(node_has_stopped(node));
	let_go(node->recorders[0]);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(node));
	CU_ASSERT_EQUAL(node->recorders[0]->effects, 10);
	node_destroy(&node);
}

static void monitor_is_shown_what_the_observer_has_taken(void)
{
	struct node *node = begin(0, 0);
	struct client *monitor = client_open(node->reactors[0]), *client = client_open(node->reactors[0]);
	client_send(monitor, "MONITOR", NULL);
	scheduler_settle();
	client_take(monitor);
	mailbox_set_pace(runtime_actor(node->runtime, ACTOR_OBSERVER, 0)->mailbox, 0);
	client_send(client, "SET", "key", "value", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(monitor), "");
	mailbox_set_pace(runtime_actor(node->runtime, ACTOR_OBSERVER, 0)->mailbox, 100);
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(monitor), "\"SET\" \"key\" \"value\""));
	end(&node);
}

static void counts_come_behind_the_commands_that_they_count(void)
{
	struct node *node = begin(0, 0);
	struct client *client = client_open(node->reactors[0]);
	set_keys(client, 3);
	client_take(client);
	client_send(client, "INFO", "commandstats", NULL);
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(client), "cmdstat_set:calls=3,"));
	end(&node);
}

/*
 * It was: it never learned what it had missed. Before that, credit that came back made the store post to it when its stop was under way. The
 * store attaches it once, with its own last act.
 */
static void an_optional_subscriber_learns_at_the_stop_what_it_missed(void)
{
	struct node_options options = { .reactors = 1, .recorders = 1, .credit_bytes = { CREDIT }, .is_optional = { true } };
	scheduler_begin(1, TRACE_QUIETLY);
	struct node *node = node_create(&options);
	struct client *client = client_open(node->reactors[0]);
	hold(node->recorders[0]);
	set_keys(client, 10);
	node_stop(node);
	scheduler_settle();
	let_go(node->recorders[0]);
	scheduler_settle();
	CU_ASSERT_EQUAL(node->recorders[0]->frames, 4);
	CU_ASSERT_EQUAL(node->recorders[0]->subscriber.missed, 6);
	CU_ASSERT_TRUE(node_has_stopped(node));
	node_destroy(&node);
}

static void what_is_in_mailboxes_when_a_node_is_destroyed_is_freed(void)
{
	static char large[20001];
	memset(large, 'x', sizeof(large) - 1);
	struct node *node = begin(1, 0);
	struct client *client = client_open(node->reactors[0]);
	hold(node->recorders[0]);
	mailbox_set_pace(runtime_actor(node->runtime, ACTOR_REAPER, 0)->mailbox, 0);
	client_send(client, "SET", "key", large, NULL); /* stays in a frame */
	client_send(client, "FLUSHALL", NULL);          /* stays with the reaper */
	scheduler_settle();
	node_stop(node);
	scheduler_settle();
	CU_ASSERT_FALSE(node_has_stopped(node));
	CU_ASSERT_TRUE(blob_used_bytes() >= sizeof(large));
	node_destroy(&node); /* checked builds stop if a keyspace is left */
	CU_ASSERT_EQUAL(blob_used_bytes(), 0);
}

static const struct suite_case cases[] = {
	CASE(every_subscriber_is_given_the_same_effects),
	CASE(writes_wait_for_credit_and_reads_do_not),
	CASE(the_slowest_subscriber_sets_the_pace),
	CASE(an_optional_subscriber_holds_nobody_up_and_knows_what_it_missed),
	CASE(one_that_joins_is_told_where_frames_begin),
	CASE(an_expired_key_is_hidden_until_its_removal_can_be_told),
	CASE(what_is_under_way_on_the_bus_is_taken_before_the_stop),
	CASE(an_optional_subscriber_learns_at_the_stop_what_it_missed),
	CASE(what_is_in_mailboxes_when_a_node_is_destroyed_is_freed),
	CASE(monitor_is_shown_what_the_observer_has_taken),
	CASE(counts_come_behind_the_commands_that_they_count),
};
SUITE_MAIN("credit", cases)

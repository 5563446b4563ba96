/*
 * One client must not harm others: the store when a client doesn't read its replies, the shares of clients in a turn, and MONITOR when the
 * observer takes no turn.
 */
#include <stdlib.h>
#include <string.h>

#include "simulation/node.h"
#include "support/suite.h"

#define LARGE_BYTES (5u << 20) /* more than the window, and than the observer's credit */

static struct node *begin(uint32_t reactors)
{
	scheduler_begin(1, TRACE_QUIETLY);
	return node_create(&(struct node_options){ .reactors = reactors });
}

static void end(struct node **node)
{
	node_stop(*node);
	scheduler_settle();
	scheduler_advance_ms(10000);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(*node));
	node_destroy(node);
}

static void set_large(struct client *client, const char *key)
{
	char *value = malloc(LARGE_BYTES + 1);
	memset(value, 'v', LARGE_BYTES);
	value[LARGE_BYTES] = '\0';
	client_send(client, "SET", key, value, NULL);
	free(value);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n");
}

/* ---- replies that are not read ---- */

static void a_client_that_is_owed_its_share_waits_and_nobody_else(void)
{
	struct node *node = begin(1);
	struct client *full = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	scheduler_settle();
	client_report(full, REPORT_FULL);
	client_send(full, "INCR", "n", NULL);
	client_send(full, "INCR", "n", NULL);
	client_send(other, "GET", "n", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(full), "");
	CU_ASSERT_STRING_EQUAL(client_take(other), "$-1\r\n");
	client_report(full, REPORT_READY);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(full), ":1\r\n:2\r\n");
	CU_ASSERT_FALSE(full->is_held);
	end(&node);
}

static void a_report_comes_ahead_of_the_batches_that_wait(void)
{
	struct node *node = begin(1);
	struct client *sleeper = client_open(node->reactors[0]), *gone = client_open(node->reactors[0]);
	scheduler_settle();
	client_send(sleeper, "DEBUG", "SLEEP", "0.1", NULL);
	scheduler_settle();
	for (int i = 0; i < 5; i++)
		client_send(gone, "INCR", "n", NULL);
	scheduler_settle();
	client_report(gone, REPORT_DROPPED);
	client_break_off(gone);
	scheduler_advance_ms(100);
	client_send(sleeper, "EXISTS", "n", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(sleeper), "+OK\r\n:0\r\n");
	end(&node);
}

static void what_a_client_sent_before_it_closed_its_side_is_done_though_it_is_gone(void)
{
	struct node *node = begin(1);
	struct client *gone = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	scheduler_settle();
	client_report(gone, REPORT_FULL);
	for (int i = 0; i < 5; i++)
		client_send(gone, "INCR", "n", NULL);
	client_end(gone);
	scheduler_settle();
	client_report(gone, REPORT_GONE);
	client_break_off(gone);
	scheduler_settle();
	client_send(other, "GET", "n", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(other), "$1\r\n5\r\n");
	end(&node);
}

/* The store asks for a report with each reply that is larger than the window. */
static void a_pipeline_waits_for_each_reply_that_fills_the_window(void)
{
	enum { TIMES = 6 };
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]);
	set_large(client, "large");
	for (int i = 0; i < TIMES; i++) {
		client_send(client, "GET", "large", NULL);
		client_send(client, "INCR", "n", NULL);
	}
	while (client->answered < 2)
		CU_ASSERT_TRUE_FATAL(scheduler_step());
	CU_ASSERT_EQUAL(client->answered, 2); /* and not 13 */
	CU_ASSERT_TRUE(client->is_held);
	scheduler_settle();
	CU_ASSERT_EQUAL(client->answered, 1 + 2 * TIMES);
	CU_ASSERT_FALSE(client->is_held);
	end(&node);
}

static void a_client_over_its_limit_is_closed_by_what_has_been_reported(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	set_large(client, "large");
	client_send(client, "CONFIG", "SET", "client-output-buffer-limit", "normal 12mb 0 0", NULL);
	scheduler_settle();
	client_take(client);
	client->reads_nothing = true;
	for (int i = 0; i < 6; i++) {
		client_send(client, "GET", "large", NULL);
		client_send(client, "INCR", "n", NULL);
	}
	scheduler_settle();
	CU_ASSERT_TRUE(client->is_closing);
	client_send(other, "GET", "n", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(other), "$1\r\n2\r\n");
	end(&node);
}

/* ---- turns ---- */

/* Steps until the other client is answered. Returns how many commands of the first were executed by then. */
static uint64_t done_before_the_other(struct client *slow, struct client *other)
{
	while (!other->answered)
		if (!scheduler_step())
			return UINT64_MAX;
	return slow->answered;
}

static void send_many(struct client *client, int count)
{
	for (int i = 0; i < count; i++)
		client_send(client, "INCR", "n", NULL);
}

static void slow_commands_of_one_client_let_later_batches_go_first(void)
{
	struct node *node = begin(2);
	struct client *slow = client_open(node->reactors[0]), *other = client_open(node->reactors[1]);
	scheduler_settle();
	send_many(slow, 100);
	scheduler_set_reading_ns(300000); /* two commands take more than a turn has */
	while (slow->answered == 0)
		CU_ASSERT_TRUE_FATAL(scheduler_step());
	client_send(other, "PING", NULL);
	uint64_t before = slow->answered;
	CU_ASSERT(done_before_the_other(slow, other) <= before + 10); /* the double takes some steps to post */
	scheduler_settle();
	CU_ASSERT_EQUAL(slow->answered, 100);
	end(&node);
}

/* No single command is slow; only all of them together are. */
static void a_long_batch_of_one_reactor_lets_the_other_reactor_go_on(void)
{
	enum { CLIENTS = 100 };
	struct node *node = begin(2);
	struct client *many[CLIENTS], *other = client_open(node->reactors[1]);
	for (int i = 0; i < CLIENTS; i++)
		many[i] = client_open(node->reactors[0]);
	scheduler_settle();
	for (int i = 0; i < CLIENTS; i++)
		client_send(many[i], "INCR", "n", NULL);
	scheduler_set_reading_ns(300000);
	while (!many[0]->answered)
		CU_ASSERT_TRUE_FATAL(scheduler_step());
	client_send(other, "PING", NULL);
	while (!other->answered)
		CU_ASSERT_TRUE_FATAL(scheduler_step());
	CU_ASSERT_FALSE(many[CLIENTS / 2]->answered);
	scheduler_settle();
	CU_ASSERT_TRUE(many[CLIENTS - 1]->answered);
	end(&node);
}

/* ---- MONITOR ---- */

static void no_command_waits_for_monitor_which_is_told_what_it_missed(void)
{
	struct node *node = begin(1);
	struct mailbox *observer = runtime_actor(node->runtime, ACTOR_OBSERVER, 0)->mailbox;
	struct client *monitor = client_open(node->reactors[0]), *client = client_open(node->reactors[0]);
	client_send(monitor, "MONITOR", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(monitor), "+OK\r\n");
	mailbox_set_pace(observer, 0);
	set_large(client, "large");
	for (int i = 1; i <= 9; i++) {
		client_send(client, "INCR", "n", NULL);
		scheduler_settle();
	}
	CU_ASSERT_STRING_EQUAL(client_take(client), ":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(monitor), "");
	mailbox_set_pace(observer, 100);
	scheduler_settle();
	client_send(client, "PING", NULL);
	scheduler_settle();
	const char *seen = client_take(monitor), *large = strstr(seen, "\"SET\" \"large\""), *lost = strstr(seen, "\"#\" \"9 commands"),
		   *after = strstr(seen, "\"PING\"");
	CU_ASSERT_TRUE(large && lost && after && large < lost && lost < after);
	CU_ASSERT_PTR_NULL(strstr(seen, "\"INCR\""));
	end(&node);
}

static const struct suite_case cases[] = {
	CASE(a_client_that_is_owed_its_share_waits_and_nobody_else),
	CASE(a_report_comes_ahead_of_the_batches_that_wait),
	CASE(what_a_client_sent_before_it_closed_its_side_is_done_though_it_is_gone),
	CASE(a_pipeline_waits_for_each_reply_that_fills_the_window),
	CASE(a_client_over_its_limit_is_closed_by_what_has_been_reported),
	CASE(slow_commands_of_one_client_let_later_batches_go_first),
	CASE(a_long_batch_of_one_reactor_lets_the_other_reactor_go_on),
	CASE(no_command_waits_for_monitor_which_is_told_what_it_missed),
};
SUITE_MAIN("reports", cases)

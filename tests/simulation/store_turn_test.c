/*
 * The store's turn. The test plays the clients and controls the clock.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/host.h"
#include "actors/store/blocked.h"
#include "actors/store/state.h"
#include "simulation/node.h"
#include "support/suite.h"

static struct node *begin(uint32_t reactors)
{
	scheduler_begin(1, TRACE_QUIETLY);
	return node_create(&(struct node_options){ .reactors = reactors });
}

static void end(struct node **node)
{
	node_stop(*node);
	scheduler_settle();
	scheduler_advance_ms(10000); /* clients that wait for ever are dropped */
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(*node));
	node_destroy(node);
}

static void a_request_is_answered(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]);
	client_send(client, "SET", "key", "value", NULL);
	client_send(client, "GET", "key", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n$5\r\nvalue\r\n");
	end(&node);
}

/* ---- deadlines ---- */

static void a_deadline_comes_at_its_time_and_not_before(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]);
	client_send(client, "WAIT", "1", "100", NULL);
	client_send(client, "PING", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "");
	scheduler_advance_ms(99);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "");
	scheduler_advance_ms(1);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), ":0\r\n+PONG\r\n");
	end(&node);
}

static void the_timer_is_armed_for_the_next_deadline(void)
{
	struct node *node = begin(2);
	struct client *later = client_open(node->reactors[0]), *sooner = client_open(node->reactors[1]);
	client_send(later, "WAIT", "1", "500", NULL);
	scheduler_settle();
	client_send(sooner, "WAIT", "1", "100", NULL);
	scheduler_settle();
	scheduler_advance_ms(100);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(sooner), ":0\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(later), "");
	scheduler_advance_ms(400);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(later), ":0\r\n");
	end(&node);
}

static void a_key_expires_at_its_time(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]);
	client_send(client, "SET", "key", "value", "PX", "50", NULL);
	client_send(client, "DBSIZE", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n:1\r\n");
	scheduler_advance_ms(50);
	scheduler_settle(); /* the tick's turn removes it, though nobody asks */
	client_send(client, "DBSIZE", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), ":0\r\n");
	end(&node);
}

/* ---- a blocked client holds up no other ---- */

static void a_blocked_client_holds_up_only_its_own_connection(void)
{
	struct node *node = begin(1);
	struct client *parked = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	client_send(parked, "WAIT", "1", "100", NULL);
	client_send(parked, "SET", "key", "late", NULL);
	client_send(other, "SET", "key", "early", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(other), "+OK\r\n");
	CU_ASSERT_TRUE(parked->is_held);
	scheduler_advance_ms(100);
	client_send(other, "GET", "key", NULL); /* its turn finds the deadline passed, behind the batch */
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(parked), ":0\r\n+OK\r\n");
	CU_ASSERT_FALSE(parked->is_held);
	client_send(other, "GET", "key", NULL);
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(other), "late"));
	end(&node);
}

static void a_client_that_leaves_while_it_waits_is_forgotten(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	client_send(client, "WAIT", "1", "0", NULL);
	client_send(client, "SET", "key", "never", NULL);
	scheduler_settle();
	client_break_off(client);
	client_send(other, "GET", "key", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(other), "$-1\r\n");
	end(&node);
}

/* Its next deadline would have told it that another client had unblocked it. */
static void a_reason_to_unblock_is_forgotten_when_the_session_goes_on_for_another(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	client_send(client, "WAIT", "1", "1000", NULL);
	scheduler_settle();
	actor_enter(node->store->actor);
	session_unblock(node->store, session_find(node->store, client->ref.id), WAKE_KILLED);
	blocked_wake_all(node->store, BLOCKED_REPLICAS, NULL);
	actor_exit();
	client_send(other, "PING", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), ""); /* it waits again */
	scheduler_advance_ms(1000);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), ":0\r\n");
	end(&node);
}

/* ---- CLIENT PAUSE and DEBUG SLEEP ---- */

static void a_pause_of_writes_lets_reads_go_on(void)
{
	struct node *node = begin(1);
	struct client *pauser = client_open(node->reactors[0]), *client = client_open(node->reactors[0]);
	client_send(pauser, "CLIENT", "PAUSE", "100", "WRITE", NULL);
	scheduler_settle();
	client_send(client, "GET", "key", NULL);
	client_send(client, "SET", "key", "value", NULL);
	client_send(client, "GET", "key", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "$-1\r\n");
	scheduler_advance_ms(99);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "");
	scheduler_advance_ms(1);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n$5\r\nvalue\r\n");
	end(&node);
}

static void unpausing_lets_all_go_on_in_the_order_in_which_they_came(void)
{
	struct node *node = begin(1);
	struct client *pauser = client_open(node->reactors[0]);
	struct client *first = client_open(node->reactors[0]), *second = client_open(node->reactors[0]);
	client_send(pauser, "CLIENT", "PAUSE", "100000", "WRITE", NULL);
	client_send(first, "APPEND", "key", "1", NULL);
	client_send(second, "APPEND", "key", "2", NULL);
	scheduler_settle();
	client_send(pauser, "CLIENT", "UNPAUSE", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(first), ":1\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(second), ":2\r\n");
	end(&node);
}

static void a_key_does_not_expire_of_itself_during_a_pause(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]);
	client_send(client, "SET", "key", "value", "PX", "10", NULL);
	client_send(client, "CLIENT", "PAUSE", "100", "WRITE", NULL);
	scheduler_settle();
	scheduler_advance_ms(50);
	client_send(client, "GET", "key", NULL);
	client_send(client, "DBSIZE", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n+OK\r\n$-1\r\n:1\r\n");
	scheduler_advance_ms(50);
	scheduler_settle();
	client_send(client, "DBSIZE", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), ":0\r\n");
	end(&node);
}

static void nothing_is_executed_or_answered_while_the_store_sleeps(void)
{
	struct node *node = begin(2);
	struct client *sleeper = client_open(node->reactors[0]), *client = client_open(node->reactors[1]);
	client_send(sleeper, "DEBUG", "SLEEP", "0.1", NULL);
	scheduler_settle();
	client_send(client, "PING", NULL);
	scheduler_advance_ms(99);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(sleeper), "");
	CU_ASSERT_STRING_EQUAL(client_take(client), "");
	scheduler_advance_ms(1);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(sleeper), "+OK\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(client), "+PONG\r\n");
	end(&node);
}

/* ---- long turns ---- */

static void a_turn_without_time_left_goes_on_in_the_next_one(void)
{
	struct node *node = begin(1);
	struct client *client = client_open(node->reactors[0]);
	for (int i = 0; i < 50; i++)
		client_send(client, "INCR", "key", NULL);
	scheduler_set_reading_ns(100000); /* five commands take what a turn has */
	scheduler_settle();
	CU_ASSERT_EQUAL(client->answered, 50);
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(client), ":49\r\n:50\r\n"));
	CU_ASSERT_TRUE(atomic_load(&runtime_actor(node->runtime, ACTOR_STORE, 0)->received) >= 10); /* one turn a message */
	end(&node);
}

/* ---- several nodes ---- */

static long long used_memory(struct client *client)
{
	client_send(client, "INFO", "memory", NULL);
	scheduler_settle();
	const char *found = strstr(client_take(client), "used_memory:");
	return found ? atoll(found + strlen("used_memory:")) : -1;
}

static void nodes_of_one_process_share_nothing(void)
{
	scheduler_begin(1, TRACE_QUIETLY);
	struct node_options options = { .reactors = 1 };
	struct node *busy = node_create(&options), *idle = node_create(&options);
	struct client *writer = client_open(busy->reactors[0]), *reader = client_open(idle->reactors[0]);
	client_send(writer, "SET", "key", "of the busy one", NULL);
	client_send(reader, "SET", "key", "value", NULL);
	scheduler_settle();
	long long before = used_memory(reader);
	client_take(writer);
	client_take(reader);
	client_send(writer, "DEBUG", "POPULATE", "1000", NULL);
	client_send(writer, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", NULL);
	scheduler_settle();
	scheduler_advance_ms(10);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(writer), "+OK\r\n+OK\r\n");
	client_send(writer, "OBJECT", "FREQ", "key", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(writer), ":5\r\n");
	CU_ASSERT_EQUAL(used_memory(reader), before);
	client_send(reader, "OBJECT", "FREQ", "key", NULL);
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(reader), "not tracked"));
	end(&busy);
	end(&idle);
}

static const struct suite_case cases[] = {
	CASE(a_request_is_answered),
	CASE(a_deadline_comes_at_its_time_and_not_before),
	CASE(the_timer_is_armed_for_the_next_deadline),
	CASE(a_key_expires_at_its_time),
	CASE(a_blocked_client_holds_up_only_its_own_connection),
	CASE(a_client_that_leaves_while_it_waits_is_forgotten),
	CASE(a_reason_to_unblock_is_forgotten_when_the_session_goes_on_for_another),
	CASE(a_pause_of_writes_lets_reads_go_on),
	CASE(unpausing_lets_all_go_on_in_the_order_in_which_they_came),
	CASE(a_key_does_not_expire_of_itself_during_a_pause),
	CASE(nothing_is_executed_or_answered_while_the_store_sleeps),
	CASE(nodes_of_one_process_share_nothing),
	CASE(a_turn_without_time_left_goes_on_in_the_next_one),
};
SUITE_MAIN("store turn", cases)

/*
 * The wall clock is set forward or back. Ages, idle times and intervals must not change by it.
 */
#include <string.h>

#include "simulation/node.h"
#include "support/suite.h"

#define DAY_MS (24 * 3600 * 1000)

/* The clock of key accesses is one per process, so monotonic time must not go back between nodes. */
static struct node *begin(void)
{
	static int64_t passed_ms;
	scheduler_begin(1, TRACE_QUIETLY);
	scheduler_advance_ms(passed_ms += 100000);
	return node_create(&(struct node_options){ .reactors = 1 });
}

static void end(struct node **node)
{
	node_stop(*node);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(*node));
	node_destroy(node);
}

/* The clock is set, and then five seconds pass. */
static void set_clock(int64_t ms)
{
	scheduler_set_wall_clock_ms(ms);
	scheduler_advance_ms(5000);
	scheduler_settle();
}

static const int64_t changes[] = { -DAY_MS, DAY_MS };

static const char *ask(struct client *client, const char *a, const char *b, const char *c)
{
	client_send(client, a, b, c, NULL);
	scheduler_settle();
	return client_take(client);
}

static void uptime_goes_on(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct node *node = begin();
		struct client *client = client_open(node->reactors[0]);
		set_clock(changes[i]);
		const char *info = ask(client, "INFO", "server", NULL);
		CU_ASSERT_PTR_NOT_NULL(strstr(info, "uptime_in_seconds:5\r\n"));
		CU_ASSERT_PTR_NOT_NULL(strstr(info, "uptime_in_days:0\r\n"));
		end(&node);
	}
}

static void clients_are_as_old_and_idle_as_they_are(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct node *node = begin();
		struct client *idle = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
		CU_ASSERT_STRING_EQUAL(ask(idle, "CLIENT", "SETNAME", "quiet"), "+OK\r\n");
		set_clock(changes[i]);
		const char *list = ask(other, "CLIENT", "LIST", NULL), *line = strstr(list, " name=quiet ");
		CU_ASSERT_PTR_NOT_NULL(line);
		CU_ASSERT(line && strncmp(line, " name=quiet age=5 idle=5 ", 25) == 0);
		end(&node);
	}
}

static void idle_clients_are_closed_in_time_and_no_earlier(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct node *node = begin();
		struct client *client = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
		CU_ASSERT_STRING_EQUAL(ask(client, "PING", NULL, NULL), "+PONG\r\n");
		client_send(other, "CONFIG", "SET", "timeout", "9", NULL);
		scheduler_settle();
		CU_ASSERT_STRING_EQUAL(client_take(other), "+OK\r\n");
		set_clock(changes[i]);
		CU_ASSERT_STRING_EQUAL(ask(other, "PING", NULL, NULL), "+PONG\r\n");
		CU_ASSERT_FALSE(client->is_closing);
		scheduler_advance_ms(6000);
		scheduler_settle();
		CU_ASSERT_TRUE(client->is_closing);
		CU_ASSERT_FALSE(other->is_closing);
		end(&node);
	}
}

static void keys_are_as_idle_as_they_are(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct node *node = begin();
		struct client *client = client_open(node->reactors[0]);
		CU_ASSERT_STRING_EQUAL(ask(client, "SET", "key", "value"), "+OK\r\n");
		set_clock(changes[i]);
		CU_ASSERT_STRING_EQUAL(ask(client, "OBJECT", "IDLETIME", "key"), ":5\r\n");
		end(&node);
	}
}

static void latency_events_are_as_long_ago_as_they_are(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct node *node = begin();
		struct client *client = client_open(node->reactors[0]);
		client_send(client, "CONFIG", "SET", "latency-monitor-threshold", "1", NULL);
		client_send(client, "DEBUG", "SLEEP", "0.1", NULL);
		scheduler_settle();
		scheduler_advance_ms(100);
		scheduler_settle();
		CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n+OK\r\n");
		set_clock(changes[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(ask(client, "LATENCY", "GRAPH", "command"), "the last 5 s ago"));
		end(&node);
	}
}

static const struct suite_case cases[] = {
	CASE(uptime_goes_on),
	CASE(clients_are_as_old_and_idle_as_they_are),
	CASE(idle_clients_are_closed_in_time_and_no_earlier),
	CASE(keys_are_as_idle_as_they_are),
	CASE(latency_events_are_as_long_ago_as_they_are),
};
SUITE_MAIN("clock", cases)

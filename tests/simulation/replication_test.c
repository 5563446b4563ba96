/*
 * Replicas of a simulated node: random orders of events, cut links, replicas that don't read, and a replication actor that is too slow.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/host.h"
#include "actors/store/state.h"
#include "simulation/follower.h"
#include "simulation/node.h"
#include "support/suite.h"

#define SEEDS 50
#define STEPS 60
#define ROUNDS_MAX 50

static struct node *begin(uint64_t seed, uint32_t reactors)
{
	struct node_options options = { .reactors = reactors, .is_quiet = true };
	scheduler_begin(seed, TRACE_QUIETLY);
	return node_create(&options);
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

static bool is_cut_off(const struct follower *follower)
{
	return follower->client->is_closing || follower->client->is_gone;
}

static void check_equal(struct node *node, struct client *client, const struct follower *follower)
{
	char digest[DIGEST_HEX_BYTES];
	follower_digest(follower, digest);
	client_take(client);
	client_send(client, "DEBUG", "DIGEST", NULL);
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(client), digest));
	CU_ASSERT_EQUAL(follower->offset, node->store->replication.stream.end);
}

/* It comes back after it was closed, as often as it must. */
static void come_into_step(struct node *node, struct client *client, struct follower *follower)
{
	for (int round = 0; round < ROUNDS_MAX && (round == 0 || is_cut_off(follower) || follower->state != FOLLOWER_FOLLOWS); round++) {
		if (is_cut_off(follower))
			follower_connect(follower, node->reactors[0]);
		follower_settle(follower);
	}
	check_equal(node, client, follower);
}

/* ---- random orders ---- */

static void write_one(struct client *client)
{
	static const char *const values[] = { "1", "22", "some longer value" };
	char key[16], other[16], database[4];
	const char *value = values[scheduler_draw(3)];
	snprintf(key, sizeof(key), "k%llu", (unsigned long long)scheduler_draw(30));
	snprintf(other, sizeof(other), "k%llu", (unsigned long long)scheduler_draw(30));
	snprintf(database, sizeof(database), "%llu", (unsigned long long)scheduler_draw(3));
	switch (scheduler_draw(12)) {
	case 0: client_send(client, "RENAME", key, other, NULL); return;
	case 1: client_send(client, "MSET", key, "1", other, value, NULL); return;
	case 2: client_send(client, "DEL", key, other, NULL); return;
	case 3: client_send(client, "SELECT", database, NULL); return;
	case 4: client_send(client, "SET", key, value, "PX", "5", NULL); return;
	case 5: client_send(client, "COPY", key, other, "DB", database, "REPLACE", NULL); return;
	case 6: client_send(client, scheduler_draw(10) ? "APPEND" : "FLUSHALL", key, value, NULL); return;
	case 7: client_send(client, "SWAPDB", "0", database, NULL); return;
	case 8: client_send(client, "DEBUG", "POPULATE", "300", key, "40", NULL); return;
	default: client_send(client, "SET", key, value, NULL); return;
	}
}

/* Cut off by itself, or by a client. */
static void disturb(struct node *node, struct client *client, struct follower *follower)
{
	unsigned pace = (unsigned)scheduler_draw(5) * 25;
	switch (scheduler_draw(8)) {
	case 0: client_break_off(follower->client); return;
	case 1: mailbox_set_pace(node->replication.subscriber.actor->mailbox, pace); return;
	case 2: mailbox_set_pace(node->snapshot_writer.actor->mailbox, pace); return;
	case 3: scheduler_advance_ms((int64_t)scheduler_draw(3000)); return;
	case 4:
		if (client_may_send(client))
			client_send(client, "CLIENT", "KILL", "TYPE", "REPLICA", NULL);
		return;
	case 5:
		if (client_may_send(client) && scheduler_draw(4) == 0)
			client_send(client, "DEBUG", "CHANGE-REPL-ID", NULL);
		return;
	default: return;
	}
}

static void take_steps(struct node *node, struct client *clients[2], struct follower *follower)
{
	for (int step = 0; step < STEPS; step++) {
		for (uint64_t writes = scheduler_draw(10); writes > 0; writes--) {
			struct client *client = clients[scheduler_draw(2)];
			if (client_may_send(client))
				write_one(client);
		}
		for (uint64_t chances = scheduler_draw(60); chances > 0; chances--)
			scheduler_step();
		follower_read(follower);
		disturb(node, clients[0], follower);
		if (is_cut_off(follower))
			follower_connect(follower, node->reactors[scheduler_draw(node->reactor_count)]);
	}
}

static void let_all_go(struct node *node)
{
	mailbox_set_pace(node->replication.subscriber.actor->mailbox, 100);
	mailbox_set_pace(node->snapshot_writer.actor->mailbox, 100);
}

static void a_replica_comes_into_step_in_any_order_of_events(void)
{
	uint32_t snapshots = 0, continuations = 0;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct node *node = begin(seed, 2);
		struct client *clients[2] = { client_open(node->reactors[0]), client_open(node->reactors[1]) };
		struct follower follower;
		follower_init(&follower, (uint32_t)node->config.databases);
		follower_connect(&follower, node->reactors[1]);
		take_steps(node, clients, &follower);
		let_all_go(node);
		scheduler_settle();
		scheduler_advance_ms(5); /* what expires */
		come_into_step(node, clients[0], &follower);
		snapshots += follower.snapshots;
		continuations += follower.continuations;
		follower_fini(&follower);
		end(&node);
	}
	CU_ASSERT(snapshots > SEEDS);
	CU_ASSERT(continuations > SEEDS);
}

/* ---- the stream ---- */

static void set_keys(struct client *client, int from, int count)
{
	for (int i = from; i < from + count; i++) {
		char key[16];
		snprintf(key, sizeof(key), "key:%d", i);
		client_send(client, "SET", key, "value", NULL);
		scheduler_settle();
	}
}

/* Nobody waits for the actor. What it misses makes the replicas begin anew. */
static void a_replication_actor_without_credit_delays_nobody(void)
{
	int messages = (int)(REPLICATION_CREDIT_BYTES / BUS_MESSAGE_MIN_BYTES);
	struct node *node = begin(1, 1);
	struct client *client = client_open(node->reactors[0]);
	struct follower follower;
	follower_init(&follower, (uint32_t)node->config.databases);
	follower_connect(&follower, node->reactors[0]);
	follower_settle(&follower);
	CU_ASSERT_EQUAL(follower.snapshots, 1);
	mailbox_set_pace(node->replication.subscriber.actor->mailbox, 0);
	set_keys(client, 0, messages + 100);
	CU_ASSERT_EQUAL(client->answered, messages + 100);
	mailbox_set_pace(node->replication.subscriber.actor->mailbox, 100);
	follower_settle(&follower);
	CU_ASSERT_TRUE(is_cut_off(&follower));
	come_into_step(node, client, &follower);
	CU_ASSERT_EQUAL(follower.snapshots, 2);
	CU_ASSERT_EQUAL(follower.continuations, 0);
	follower_fini(&follower);
	end(&node);
}

/* Its bus credit comes back when the store has taken what it was made into. */
static void all_credit_comes_back(void)
{
	struct node *node = begin(1, 1);
	struct client *client = client_open(node->reactors[0]);
	struct follower follower;
	follower_init(&follower, (uint32_t)node->config.databases);
	follower_connect(&follower, node->reactors[0]);
	follower_settle(&follower);
	for (int i = 0; i < 20; i++) {
		set_keys(client, 1000 * i, 1000);
		CU_ASSERT(bus_credit_bytes(node->store->bus.bus, node->store->replication.link->number) >= REPLICATION_CREDIT_BYTES * 3 / 4 - BUS_MESSAGE_MIN_BYTES);
	}
	come_into_step(node, client, &follower);
	follower_fini(&follower);
	end(&node);
}

/* What it does not take stays in the stream that all share, within the limit. */
static void a_replica_that_reads_nothing_is_closed(void)
{
	static char value[100001];
	memset(value, 'v', sizeof(value) - 1);
	struct node *node = begin(1, 1);
	struct client *client = client_open(node->reactors[0]);
	struct follower follower;
	node->store->config.client_output_buffer_limit[CLIENT_CLASS_REPLICA] = (struct output_limit){ .hard_bytes = 20000000 };
	follower_init(&follower, (uint32_t)node->config.databases);
	follower_connect(&follower, node->reactors[0]);
	follower_settle(&follower);
	follower.client->reads_nothing = true;
	for (int i = 0; i < 210 && !is_cut_off(&follower); i++) {
		client_send(client, "SET", "key", value, NULL);
		scheduler_settle();
		CU_ASSERT(follower.client->received.len < 3 * 1024 * 1024);
		CU_ASSERT(node->store->replication.stream.blob_bytes < 30000000);
	}
	CU_ASSERT_TRUE(is_cut_off(&follower));
	CU_ASSERT_EQUAL(client->answered, client->sent);
	scheduler_settle();
	CU_ASSERT(node->store->replication.stream.blob_bytes < 2 * 1024 * 1024);
	follower.client->reads_nothing = false;
	come_into_step(node, client, &follower);
	CU_ASSERT_EQUAL(follower.snapshots, 2);
	follower_fini(&follower);
	end(&node);
}

/* ---- the backlog ---- */

static void the_backlog_is_freed_when_nobody_came_back(void)
{
	struct node *node = begin(1, 1);
	struct client *client = client_open(node->reactors[0]);
	struct follower follower;
	follower_init(&follower, (uint32_t)node->config.databases);
	follower_connect(&follower, node->reactors[0]);
	follower_settle(&follower);
	set_keys(client, 0, 10);
	client_break_off(follower.client);
	scheduler_settle();
	scheduler_advance_ms(node->config.repl_backlog_ttl * 1000 - 1000);
	scheduler_settle();
	CU_ASSERT_TRUE(node->store->replication.is_on);
	scheduler_advance_ms(1000);
	scheduler_settle();
	CU_ASSERT_FALSE(node->store->replication.is_on);
	CU_ASSERT_EQUAL(node->store->replication.stream.blob_bytes, 0);
	set_keys(client, 10, 10);
	come_into_step(node, client, &follower);
	CU_ASSERT_EQUAL(follower.snapshots, 2);
	follower_fini(&follower);
	end(&node);
}

/* ---- a shutdown ---- */

/* Otherwise replicas could not go on after the restart. */
static void nothing_enters_the_stream_after_the_last_cut_of_a_shutdown(void)
{
	struct node_options options = { .reactors = 1, .is_quiet = true, .saves = true };
	scheduler_begin(1, TRACE_QUIETLY);
	struct node *node = node_create(&options);
	struct client *client = client_open(node->reactors[0]);
	struct follower follower;
	follower_init(&follower, (uint32_t)node->config.databases);
	follower_connect(&follower, node->reactors[0]);
	follower_settle(&follower);
	set_keys(client, 0, 10);
	mailbox_set_pace(node->supervisor->mailbox, 0); /* it has yet to stop the others */
	node_signal(node, SIGTERM);
	mailbox_set_pace(node->store->snapshot_writer->mailbox, 0);
	scheduler_settle();
	uint64_t end_at_cut = node->store->replication.stream.end;
	for (int i = 0; i < 2; i++) {
		client_send(client, "SET", "key", "too late", NULL);
		client_send(client_open(node->reactors[0]), "WAIT", "2", "0", NULL);
		scheduler_advance_ms(15000);
		follower_settle(&follower);
		CU_ASSERT_EQUAL(node->store->replication.stream.end, end_at_cut);
		mailbox_set_pace(node->store->snapshot_writer->mailbox, 100); /* the second time the file is complete */
		follower_settle(&follower);
	}
	mailbox_set_pace(node->supervisor->mailbox, 100);
	scheduler_advance_ms(20000);
	scheduler_settle();
	CU_ASSERT_TRUE(node_has_stopped(node));
	CU_ASSERT_EQUAL(follower.offset, end_at_cut);
	follower_fini(&follower);
	node_destroy(&node);
}

static const struct suite_case cases[] = {
	CASE(a_replica_comes_into_step_in_any_order_of_events),
	CASE(a_replication_actor_without_credit_delays_nobody),
	CASE(all_credit_comes_back),
	CASE(a_replica_that_reads_nothing_is_closed),
	CASE(the_backlog_is_freed_when_nobody_came_back),
	CASE(nothing_enters_the_stream_after_the_last_cut_of_a_shutdown),
};

SUITE_MAIN("replication", cases)

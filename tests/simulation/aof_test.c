/*
 * The append-only file: store, AOF, SYNCER and gate on the simulated disk. The test decides which of them takes a turn, and what the disk
 * does.
 */
#include "actors/persistence/aof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/persistence/syncer.h"
#include "actors/runtime/log.h"
#include "simulation/follower.h"
#include "simulation/host.h"
#include "simulation/log_node.h"
#include "support/suite.h"

static struct node_options with(enum appendfsync appendfsync)
{
	return (struct node_options){ .reactors = 2, .appendfsync = appendfsync };
}

/* It has not loaded yet. */
static struct node *start(enum appendfsync appendfsync)
{
	struct node *node = log_node_create(with(appendfsync));
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	return node;
}

static struct node *start_loaded(enum appendfsync appendfsync)
{
	return log_node_start(with(appendfsync));
}

static struct node *begin(enum appendfsync appendfsync)
{
	return log_node_begin(with(appendfsync));
}

static struct node *cut_power(struct node **node, enum appendfsync appendfsync, enum disk_fate fate)
{
	return log_node_cut_power(node, fate, with(appendfsync));
}

static struct mailbox *mailbox_of(const struct node *node, enum actor_kind kind)
{
	return runtime_actor(node->runtime, kind, 0)->mailbox;
}

static void hold(const struct node *node, enum actor_kind kind)
{
	mailbox_set_pace(mailbox_of(node, kind), 0);
}

static void let_go(const struct node *node, enum actor_kind kind)
{
	mailbox_set_pace(mailbox_of(node, kind), 100);
}

/* ---- keeping ---- */

static void data_outlive_a_stop(void)
{
	for (int appendfsync = APPENDFSYNC_EVERYSEC; appendfsync <= APPENDFSYNC_NO; appendfsync++) {
		struct node *node = begin((enum appendfsync)appendfsync);
		struct client *client = client_open(node->reactors[0]);
		GIVES(client, "+OK\r\n", "SET", "a", "1");
		GIVES(client, ":2\r\n", "INCR", "a");
		GIVES(client, "+OK\r\n", "MSET", "b", "x", "c", "y");
		log_node_stop(&node);
		simulated_disk_cut(log_disk);
		simulated_disk_restart(log_disk, FATE_NONE);
		node = start_loaded((enum appendfsync)appendfsync);
		client = client_open(node->reactors[0]);
		GIVES(client, "$1\r\n2\r\n", "GET", "a");
		GIVES(client, "$1\r\ny\r\n", "GET", "c");
		log_node_end(&node);
	}
}

static void an_expired_key_stays_expired(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "short", "1", "PX", "100");
	GIVES(client, "+OK\r\n", "SET", "long", "1", "PX", "100000");
	log_node_stop(&node);
	node = start_loaded(APPENDFSYNC_ALWAYS);
	client = client_open(node->reactors[0]);
	GIVES(client, "$-1\r\n", "GET", "short");
	GIVES(client, "$1\r\n1\r\n", "GET", "long");
	log_node_end(&node);
}

static void while_loading_commands_are_refused_unless_they_need_no_data(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), "+OK\r\n", "SET", "a", "1");
	log_node_stop(&node);
	node = start(APPENDFSYNC_ALWAYS);
	hold(node, ACTOR_AOF);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "-LOADING Redis is loading the dataset in memory\r\n", "GET", "a");
	GIVES(client, "-LOADING Redis is loading the dataset in memory\r\n", "PING");
	GIVES(client, "-LOADING Redis is loading the dataset in memory\r\n", "SET", "a", "2");
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(client, "INFO", "persistence"), "loading:1\r\n"));
	let_go(node, ACTOR_AOF);
	scheduler_settle();
	client_take(client);
	GIVES(client, "$1\r\n1\r\n", "GET", "a");
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(client, "INFO", "persistence"), "loading:0\r\n"));
	log_node_end(&node);
}

static void a_stop_while_loading_ends_it(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), "+OK\r\n", "SET", "a", "1");
	log_node_stop(&node);
	node = start(APPENDFSYNC_ALWAYS);
	hold(node, ACTOR_STORE);
	scheduler_settle();
	let_go(node, ACTOR_STORE);
	log_node_end(&node);
}

static void two_servers_do_not_share_a_directory(void)
{
	struct node *node = begin(APPENDFSYNC_NO);
	log_refusal[0] = '\0';
	CU_ASSERT_PTR_NULL(log_node_create(with(APPENDFSYNC_NO)));
	CU_ASSERT_PTR_NOT_NULL(strstr(log_refusal, "another server"));
	log_node_end(&node);
}

/* ---- always ---- */

static void with_always_replies_wait_for_the_sync(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *writer = client_open(node->reactors[0]), *reader = client_open(node->reactors[1]);
	GIVES(reader, "$-1\r\n", "GET", "a");
	hold(node, ACTOR_AOF);
	GIVES(writer, "", "SET", "a", "1");
	GIVES(reader, "", "GET", "a"); /* a crash could undo what it shows */
	CU_ASSERT_EQUAL(node->reactors[0]->batches_out, 0);
	let_go(node, ACTOR_AOF);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(writer), "+OK\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(reader), "$1\r\n1\r\n");
	log_node_end(&node);
}

static bool follower_has(const struct follower *follower, const char *key)
{
	const struct keyspace *keyspace = databases_read(&follower->databases, 0);
	return keyspace && keyspace_find(keyspace, slice_of(key, strlen(key)), keyspace_hash(slice_of(key, strlen(key))), 0);
}

/* Otherwise a crash would leave it with more than its primary has. */
static void with_always_a_replica_gets_nothing_that_is_not_durable(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *writer = client_open(node->reactors[0]);
	struct follower early, late;
	follower_init(&early, (uint32_t)node->config.databases);
	follower_init(&late, (uint32_t)node->config.databases);
	follower_connect(&early, node->reactors[1]);
	follower_settle(&early);
	CU_ASSERT_EQUAL(early.snapshots, 1);
	hold(node, ACTOR_AOF);
	GIVES(writer, "", "SET", "a", "1");
	follower_settle(&early);
	CU_ASSERT_FALSE(follower_has(&early, "a"));
	follower_connect(&late, node->reactors[1]); /* its snapshot has the key */
	follower_settle(&late);
	CU_ASSERT_EQUAL(late.snapshots, 0);
	let_go(node, ACTOR_AOF);
	follower_settle(&early);
	follower_settle(&late);
	CU_ASSERT_TRUE(follower_has(&early, "a"));
	CU_ASSERT_TRUE(follower_has(&late, "a"));
	CU_ASSERT_EQUAL(late.snapshots, 1);
	follower_fini(&early);
	follower_fini(&late);
	log_node_end(&node);
}

static void one_sync_serves_all_that_came_meanwhile(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	hold(node, ACTOR_AOF);
	for (int i = 0; i < 10; i++)
		GIVES(client, "", "INCR", "a");
	uint64_t calls = simulated_disk_calls(log_disk);
	let_go(node, ACTOR_AOF);
	scheduler_settle();
	CU_ASSERT_EQUAL(simulated_disk_calls(log_disk) - calls, 2); /* a write and a sync */
	CU_ASSERT_EQUAL(client->answered, 11);
	log_node_end(&node);
}

/* The first client's command is synced, and the second's comes meanwhile. */
static void sync_one_after_the_other(const struct node *node, struct client *first, struct client *second)
{
	simulated_disk_hang(log_disk, CALL_SYNC, true);
	GIVES(first, "", "INCR", "a");
	GIVES(second, "", "INCR", "b");
	scheduler_advance_ms(80);
	simulated_disk_hang(log_disk, CALL_SYNC, false);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(first), ":1\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(second), "");
}

/* Else each client of the two would wait for both syncs, for ever. */
static void clients_in_two_groups_come_together(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *first = client_open(node->reactors[0]), *second = client_open(node->reactors[1]);
	host_use_fiber(runtime_actor(node->runtime, ACTOR_AOF, 0));
	sync_one_after_the_other(node, first, second);
	GIVES(first, ":2\r\n", "INCR", "a");
	CU_ASSERT_STRING_EQUAL(client_take(second), ":1\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(first, "INFO", "persistence"), "aof_groups:2\r\n"));
	log_node_end(&node);
}

static void a_group_waits_only_a_moment_for_others(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *first = client_open(node->reactors[0]), *second = client_open(node->reactors[1]);
	host_use_fiber(runtime_actor(node->runtime, ACTOR_AOF, 0));
	sync_one_after_the_other(node, first, second);
	scheduler_advance_ms(1);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(second), ":1\r\n");
	GIVES(second, ":2\r\n", "INCR", "b"); /* the other is not waited for again */
	log_node_end(&node);
}

static void a_failed_sync_is_made_up_for_in_another_part(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	simulated_disk_fail_call(log_disk, 2, EIO); /* the sync */
	GIVES(client, ":2\r\n", "INCR", "a");
	CU_ASSERT_TRUE(simulated_disk_has_failed(log_disk));
	GIVES(client, ":3\r\n", "INCR", "a");
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(client, "INFO", "persistence"), "aof_parts:2\r\n"));
	node = cut_power(&node, APPENDFSYNC_ALWAYS, FATE_ALL);
	GIVES(client_open(node->reactors[0]), "$1\r\n3\r\n", "GET", "a");
	log_node_end(&node);
}

static void while_no_sync_succeeds_nobody_is_answered_and_later_all_are(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	simulated_disk_fail_all(log_disk, CALL_SYNC, EIO);
	GIVES(client, "", "SET", "a", "1");
	scheduler_advance_ms(5000);
	GIVES(client, "", "GET", "a");
	GIVES(other, "", "SET", "b", "1"); /* refused, and told later: a reply shows what came before it */
	simulated_disk_fail_all(log_disk, CALL_SYNC, 0);
	scheduler_advance_ms(1000);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n$1\r\n1\r\n");
	CU_ASSERT_STRING_EQUAL(client_take(other), MISCONF "Input/output error\r\n");
	GIVES(other, "+OK\r\n", "SET", "b", "1");
	log_node_end(&node);
}

/* ---- everysec ---- */

static uint64_t durable(struct client *client)
{
	unsigned long long sequence = 0;
	const char *line = strstr(ASK(client, "INFO", "persistence"), "aof_durable_sequence:");
	if (line)
		sscanf(line, "aof_durable_sequence:%llu", &sequence);
	return sequence;
}

static void with_everysec_replies_do_not_wait_and_a_second_later_all_is_durable(void)
{
	struct node *node = begin(APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1"); /* the first for a second: it is synced at once */
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	CU_ASSERT_EQUAL(durable(client), 1);
	scheduler_advance_ms(999);
	scheduler_settle();
	CU_ASSERT_EQUAL(durable(client), 1);
	scheduler_advance_ms(1);
	scheduler_settle();
	CU_ASSERT_EQUAL(durable(client), 2);
	log_node_end(&node);
}

/* A string that takes a quarter of the credit. */
static const char *large_value(void)
{
	static char value[BUS_CREDIT_BYTES / 4 + 1];
	memset(value, 'v', sizeof(value) - 1);
	return value;
}

/* Each in its own turn. */
static void send_large(struct client *client, int count)
{
	for (int i = 0; i < count; i++) {
		client_send(client, "SET", "large", large_value(), NULL);
		scheduler_settle();
	}
}

static void while_the_disk_hangs_writes_wait_and_reads_go_on(void)
{
	struct node *node = begin(APPENDFSYNC_EVERYSEC);
	struct client *writer = client_open(node->reactors[0]), *reader = client_open(node->reactors[1]);
	hold(node, ACTOR_SYNCER);
	GIVES(writer, "+OK\r\n", "SET", "a", "1");
	scheduler_advance_ms(2001); /* the sync takes too long: no more is written */
	send_large(writer, 8);
	CU_ASSERT_EQUAL(writer->answered, 5);
	GIVES(reader, "$1\r\n1\r\n", "GET", "a");
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(reader, "INFO", "persistence"), "aof_delayed_fsync:1\r\n"));
	CU_ASSERT_PTR_NULL(strstr(ASK(reader, "INFO", "memory"), "mem_aof_buffer:0\r\n"));
	let_go(node, ACTOR_SYNCER);
	scheduler_settle();
	CU_ASSERT_EQUAL(writer->answered, 9);
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(reader, "INFO", "memory"), "mem_aof_buffer:0\r\n"));
	log_node_end(&node);
}

static void info_does_not_wait_for_an_aof_that_hangs(void)
{
	struct node *node = begin(APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	hold(node, ACTOR_AOF);
	GIVES(client, "", "INFO", "persistence");
	scheduler_advance_ms(100);
	scheduler_settle();
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(client), "aof_enabled:1\r\n"));
	let_go(node, ACTOR_AOF);
	log_node_end(&node);
}

static void after_a_failed_sync_of_everysec_writes_are_refused_and_a_prefix_is_kept(void)
{
	struct node *node = begin(APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	simulated_disk_fail_all(log_disk, CALL_SYNC, EIO);
	scheduler_advance_ms(1000);
	scheduler_settle();
	GIVES(client, MISCONF "Input/output error\r\n", "SET", "a", "3");
	GIVES(client, MISCONF "Input/output error\r\n", "PING");
	GIVES(client, "$1\r\n2\r\n", "GET", "a");
	simulated_disk_fail_all(log_disk, CALL_SYNC, 0);
	log_node_stop(&node);
	node = start_loaded(APPENDFSYNC_EVERYSEC);
	GIVES(client_open(node->reactors[0]), "$1\r\n1\r\n", "GET", "a");
	log_node_end(&node);
}

/* ---- a full disk ---- */

static void a_full_disk_refuses_writes_and_loses_nothing(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	simulated_disk_set_capacity(log_disk, simulated_disk_used(log_disk));
	GIVES(client, ":2\r\n", "INCR", "a"); /* the ballast makes room */
	GIVES(client, MISCONF "No space left on device\r\n", "INCR", "a");
	GIVES(client, "$1\r\n2\r\n", "GET", "a");
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(client, "INFO", "persistence"), "aof_last_write_status:err\r\n"));
	simulated_disk_set_capacity(log_disk, UINT64_MAX);
	GIVES(client, MISCONF "No space left on device\r\n", "INCR", "a");
	scheduler_advance_ms(1000);
	scheduler_settle();
	GIVES(client, ":3\r\n", "INCR", "a");
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(client, "INFO", "persistence"), "aof_last_write_status:ok\r\n"));
	node = cut_power(&node, APPENDFSYNC_ALWAYS, FATE_NONE);
	GIVES(client_open(node->reactors[0]), "$1\r\n3\r\n", "GET", "a");
	log_node_end(&node);
}

static void what_waits_for_credit_is_refused_when_the_disk_fails(void)
{
	struct node *node = begin(APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	simulated_disk_fail_all(log_disk, CALL_PWRITEV, EIO);
	hold(node, ACTOR_AOF);
	send_large(client, 6);
	CU_ASSERT_EQUAL(client->answered, 4);
	client_take(client);
	let_go(node, ACTOR_AOF);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), MISCONF "Input/output error\r\n" MISCONF "Input/output error\r\n");
	simulated_disk_fail_all(log_disk, CALL_PWRITEV, 0);
	log_node_end(&node);
}

/* ---- waiting for it ---- */

static void waitaof_syncs_at_once(void)
{
	for (int appendfsync = APPENDFSYNC_EVERYSEC; appendfsync <= APPENDFSYNC_NO; appendfsync++) {
		struct node *node = begin((enum appendfsync)appendfsync);
		struct client *client = client_open(node->reactors[0]);
		GIVES(client, "+OK\r\n", "SET", "a", "1");
		GIVES(client, "*2\r\n:1\r\n:0\r\n", "WAITAOF", "1", "0", "0");
		node = cut_power(&node, (enum appendfsync)appendfsync, FATE_NONE);
		GIVES(client_open(node->reactors[0]), "$1\r\n1\r\n", "GET", "a");
		log_node_end(&node);
	}
}

static void waitaof_gives_up_at_its_timeout(void)
{
	struct node *node = begin(APPENDFSYNC_NO);
	struct client *client = client_open(node->reactors[0]);
	hold(node, ACTOR_SYNCER);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "", "WAITAOF", "1", "0", "50");
	scheduler_advance_ms(50);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "*2\r\n:0\r\n:0\r\n");
	let_go(node, ACTOR_SYNCER);
	scheduler_settle();
	GIVES(client, "", "WAITAOF", "1", "1", "50"); /* there is no replica */
	scheduler_advance_ms(50);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "*2\r\n:1\r\n:0\r\n");
	log_node_end(&node);
}

/* ---- settings ---- */

static void config_set_appendfsync_holds_from_its_reply_on(void)
{
	struct node *node = begin(APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendfsync", "always");
	hold(node, ACTOR_AOF);
	GIVES(client, "", "SET", "a", "2");
	let_go(node, ACTOR_AOF);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendfsync", "no");
	hold(node, ACTOR_AOF);
	GIVES(client, "+OK\r\n", "SET", "a", "3");
	let_go(node, ACTOR_AOF);
	log_node_end(&node);
}

static void timestamps_are_written_when_asked_for(void)
{
	struct node *node = begin(APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	struct buffer text = { 0 };
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "aof-timestamp-enabled", "yes");
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	CU_ASSERT_TRUE(simulated_disk_get(log_disk, "./appendonlydir/appendonly.aof.1.incr.aof", &text));
	buffer_append(&text, "", 1);
	const char *stamp = strstr((const char *)text.data, "#TS:");
	CU_ASSERT_PTR_NOT_NULL_FATAL(stamp);
	CU_ASSERT_PTR_NULL(strstr(stamp, "\r\n1\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(stamp, "\r\n2\r\n"));
	buffer_fini(&text);
	log_node_end(&node);
}

static const struct suite_case cases[] = {
	CASE(data_outlive_a_stop),
	CASE(an_expired_key_stays_expired),
	CASE(while_loading_commands_are_refused_unless_they_need_no_data),
	CASE(a_stop_while_loading_ends_it),
	CASE(two_servers_do_not_share_a_directory),
	CASE(with_always_replies_wait_for_the_sync),
	CASE(with_always_a_replica_gets_nothing_that_is_not_durable),
	CASE(one_sync_serves_all_that_came_meanwhile),
	CASE(clients_in_two_groups_come_together),
	CASE(a_group_waits_only_a_moment_for_others),
	CASE(a_failed_sync_is_made_up_for_in_another_part),
	CASE(while_no_sync_succeeds_nobody_is_answered_and_later_all_are),
	CASE(with_everysec_replies_do_not_wait_and_a_second_later_all_is_durable),
	CASE(while_the_disk_hangs_writes_wait_and_reads_go_on),
	CASE(info_does_not_wait_for_an_aof_that_hangs),
	CASE(after_a_failed_sync_of_everysec_writes_are_refused_and_a_prefix_is_kept),
	CASE(a_full_disk_refuses_writes_and_loses_nothing),
	CASE(what_waits_for_credit_is_refused_when_the_disk_fails),
	CASE(waitaof_syncs_at_once),
	CASE(waitaof_gives_up_at_its_timeout),
	CASE(config_set_appendfsync_holds_from_its_reply_on),
	CASE(timestamps_are_written_when_asked_for),
};

int main(int argc, char **argv)
{
	log_open("/dev/null", LOG_WARNING);
	return suite_main("aof", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

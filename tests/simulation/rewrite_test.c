/*
 * Rewriting the append-only file, and switching it on and off: store, AOF, SYNCER and snapshot writer on the simulated disk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "simulation/follower.h"
#include "simulation/log_node.h"
#include "support/suite.h"

#define DIRECTORY "./appendonlydir/"

static struct node_options with(bool appendonly, enum appendfsync appendfsync)
{
	return (struct node_options){ .reactors = 1, .is_off = !appendonly, .appendfsync = appendfsync };
}

/* It has not loaded yet. */
static struct node *create(bool appendonly, enum appendfsync appendfsync)
{
	struct node *node = log_node_create(with(appendonly, appendfsync));
	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	return node;
}

static struct node *start(bool appendonly, enum appendfsync appendfsync)
{
	return log_node_start(with(appendonly, appendfsync));
}

static struct node *begin(bool appendonly, enum appendfsync appendfsync)
{
	return log_node_begin(with(appendonly, appendfsync));
}

static void pass(int64_t ms)
{
	scheduler_advance_ms(ms);
	scheduler_settle();
}

static void set_pace(const struct node *node, enum actor_kind kind, unsigned pace)
{
	mailbox_set_pace(runtime_actor(node->runtime, kind, 0)->mailbox, pace);
}

/* What is on the disk is what the log promises. */
static struct node *cut_power(struct node **node, bool appendonly, enum appendfsync appendfsync)
{
	set_pace(*node, ACTOR_SNAPSHOT, 100);
	return log_node_cut_power(node, FATE_NONE, with(appendonly, appendfsync));
}

#define INFO_HAS(who, line) CU_ASSERT_PTR_NOT_NULL(strstr(ASK(who, "INFO", "persistence"), line "\r\n"))

#define STARTED "+Background append only file rewriting started\r\n"

/* ---- rewriting ---- */

static void a_rewrite_leaves_a_base_and_a_part(void)
{
	for (int appendfsync = APPENDFSYNC_EVERYSEC; appendfsync <= APPENDFSYNC_NO; appendfsync++) {
		struct node *node = begin(true, (enum appendfsync)appendfsync);
		struct client *client = client_open(node->reactors[0]);
		for (int i = 0; i < 10; i++)
			client_send(client, "INCR", "counter", NULL);
		scheduler_settle();
		client_take(client);
		GIVES(client, STARTED, "BGREWRITEAOF");
		pass(0);
		INFO_HAS(client, "aof_rewrites:1");
		INFO_HAS(client, "aof_parts:1");
		CU_ASSERT_FALSE(simulated_disk_has(log_disk, DIRECTORY "appendonly.aof.1.incr.aof"));
		GIVES(client, ":11\r\n", "INCR", "counter");
		log_node_stop(&node);
		node = start(true, (enum appendfsync)appendfsync);
		GIVES(client_open(node->reactors[0]), "$2\r\n11\r\n", "GET", "counter");
		log_node_end(&node);
	}
}

static void what_is_written_during_a_rewrite_is_in_the_new_part(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "before", "1");
	set_pace(node, ACTOR_SNAPSHOT, 0);
	GIVES(client, STARTED, "BGREWRITEAOF");
	GIVES(client, "+OK\r\n", "SET", "during", "1");
	GIVES(client, ":2\r\n", "INCR", "before");
	INFO_HAS(client, "aof_rewrite_in_progress:1");
	GIVES(client, "-ERR Background append only file rewriting already in progress\r\n", "BGREWRITEAOF");
	/* Without its base the new part counts as well. */
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	client = client_open(node->reactors[0]);
	GIVES(client, "$1\r\n2\r\n", "GET", "before");
	GIVES(client, "$1\r\n1\r\n", "GET", "during");
	GIVES(client, STARTED, "BGREWRITEAOF");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), ":2\r\n", "DBSIZE");
	log_node_end(&node);
}

static void the_cut_waits_for_the_sync_that_is_under_way(void)
{
	struct node *node = begin(true, APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	set_pace(node, ACTOR_SYNCER, 0);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, STARTED, "BGREWRITEAOF");
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	INFO_HAS(client, "aof_parts:1");
	set_pace(node, ACTOR_SYNCER, 100);
	pass(0);
	INFO_HAS(client, "aof_rewrites:1");
	log_node_stop(&node);
	node = start(true, APPENDFSYNC_EVERYSEC);
	GIVES(client_open(node->reactors[0]), "$1\r\n2\r\n", "GET", "a");
	log_node_end(&node);
}

static void a_failed_rewrite_leaves_the_log_as_it_was_and_stops_no_writes(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	set_pace(node, ACTOR_SNAPSHOT, 0);
	GIVES(client, STARTED, "BGREWRITEAOF");
	simulated_disk_fail_all(log_disk, CALL_OPEN, EACCES);
	set_pace(node, ACTOR_SNAPSHOT, 100);
	pass(0);
	INFO_HAS(client, "aof_last_bgrewrite_status:err");
	INFO_HAS(client, "aof_rewrites_consecutive_failures:1");
	GIVES(client, ":2\r\n", "INCR", "a");
	simulated_disk_fail_all(log_disk, CALL_OPEN, 0);
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	client = client_open(node->reactors[0]);
	GIVES(client, "$1\r\n2\r\n", "GET", "a");
	GIVES(client, STARTED, "BGREWRITEAOF");
	pass(0);
	INFO_HAS(client, "aof_last_bgrewrite_status:ok");
	log_node_end(&node);
}

static void a_flushed_database_is_rewritten_anew(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	set_pace(node, ACTOR_SNAPSHOT, 0);
	GIVES(client, STARTED, "BGREWRITEAOF");
	GIVES(client, "+OK\r\n", "FLUSHALL");
	GIVES(client, "+OK\r\n", "SET", "b", "1");
	set_pace(node, ACTOR_SNAPSHOT, 100);
	pass(0);
	INFO_HAS(client, "aof_rewrites:1");
	log_node_stop(&node);
	node = start(true, APPENDFSYNC_ALWAYS);
	client = client_open(node->reactors[0]);
	GIVES(client, "$1\r\n1\r\n", "GET", "b");
	GIVES(client, ":1\r\n", "DBSIZE");
	log_node_end(&node);
}

static void a_log_that_has_grown_is_rewritten(void)
{
	struct node *node = begin(true, APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "auto-aof-rewrite-min-size", "1000");
	for (int i = 0; i < 9; i++)
		GIVES(client, "+OK\r\n", "SET", "a", "some value");
	INFO_HAS(client, "aof_rewrites:1");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "auto-aof-rewrite-percentage", "0");
	for (int i = 0; i < 30; i++)
		GIVES(client, "+OK\r\n", "SET", "a", "some value");
	pass(1000);
	INFO_HAS(client, "aof_rewrites:1");
	log_node_end(&node);
}

/* ---- other snapshots ---- */

/* In the log its frame says that it is no base. */
static void a_snapshot_for_replicas_begins_no_part(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	struct follower follower;
	follower_init(&follower, (uint32_t)node->config.databases);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	follower_connect(&follower, node->reactors[0]);
	follower_settle(&follower);
	CU_ASSERT_EQUAL(follower.snapshots, 1);
	GIVES(client, "+OK\r\n", "SET", "b", "1");
	GIVES(client, "+OK\r\n", "SAVE");
	INFO_HAS(client, "aof_parts:1");
	INFO_HAS(client, "aof_rewrites:0");
	CU_ASSERT_FALSE(simulated_disk_has(log_disk, DIRECTORY "appendonly.aof.2.incr.aof"));
	follower_fini(&follower);
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	client = client_open(node->reactors[0]);
	GIVES(client, ":2\r\n", "DBSIZE");
	log_node_end(&node);
}

/* The log has a gap, which only a base ends. */
static void a_snapshot_for_replicas_does_not_heal_the_log(void)
{
	struct node *node = begin(true, APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	struct follower follower;
	follower_init(&follower, (uint32_t)node->config.databases);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	simulated_disk_fail_call(log_disk, 1, EIO); /* the next sync */
	simulated_disk_fail_all(log_disk, CALL_OPEN, EACCES); /* of the new base */
	pass(1000);
	CU_ASSERT_TRUE(simulated_disk_has_failed(log_disk));
	follower_connect(&follower, node->reactors[0]);
	follower_settle(&follower);
	CU_ASSERT_EQUAL(follower.snapshots, 1);
	GIVES(client, MISCONF "Input/output error\r\n", "SET", "a", "2");
	follower_fini(&follower);
	simulated_disk_fail_all(log_disk, CALL_OPEN, 0);
	pass(5000);
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	node = cut_power(&node, true, APPENDFSYNC_EVERYSEC);
	log_node_end(&node);
}

/* ---- healing ---- */

static void after_a_failed_sync_of_everysec_a_new_base_heals_the_log(void)
{
	struct node *node = begin(true, APPENDFSYNC_EVERYSEC);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	set_pace(node, ACTOR_SNAPSHOT, 0);
	simulated_disk_fail_call(log_disk, 1, EIO); /* the next sync */
	pass(1000);
	CU_ASSERT_TRUE(simulated_disk_has_failed(log_disk));
	GIVES(client, MISCONF "Input/output error\r\n", "SET", "a", "3");
	INFO_HAS(client, "aof_rewrite_in_progress:1");
	set_pace(node, ACTOR_SNAPSHOT, 100);
	pass(0);
	GIVES(client, "+OK\r\n", "SET", "b", "1");
	GIVES(client, "*2\r\n:1\r\n:0\r\n", "WAITAOF", "1", "0", "0");
	node = cut_power(&node, true, APPENDFSYNC_EVERYSEC);
	client = client_open(node->reactors[0]);
	GIVES(client, "$1\r\n2\r\n", "GET", "a");
	GIVES(client, "$1\r\n1\r\n", "GET", "b");
	log_node_end(&node);
}

/* ---- on and off ---- */

static void switched_on_it_holds_from_the_reply_on(void)
{
	for (int appendfsync = APPENDFSYNC_EVERYSEC; appendfsync <= APPENDFSYNC_NO; appendfsync++) {
		struct node *node = begin(false, (enum appendfsync)appendfsync);
		struct client *client = client_open(node->reactors[0]);
		GIVES(client, "+OK\r\n", "SET", "a", "1");
		INFO_HAS(client, "aof_enabled:0");
		GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendonly", "yes");
		INFO_HAS(client, "aof_enabled:1");
		GIVES(client, "+OK\r\n", "SET", "b", "1");
		GIVES(client, "*2\r\n:1\r\n:0\r\n", "WAITAOF", "1", "0", "0");
		node = cut_power(&node, true, (enum appendfsync)appendfsync);
		client = client_open(node->reactors[0]);
		GIVES(client, "$1\r\n1\r\n", "GET", "a");
		GIVES(client, "$1\r\n1\r\n", "GET", "b");
		log_node_end(&node);
	}
}

static void the_reply_waits_for_the_base(void)
{
	struct node *node = begin(false, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	set_pace(node, ACTOR_SNAPSHOT, 0);
	GIVES(client, "", "CONFIG", "SET", "appendonly", "yes");
	GIVES(other, "+OK\r\n", "SET", "a", "1"); /* not gated yet */
	set_pace(node, ACTOR_SNAPSHOT, 100);
	pass(0);
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n");
	set_pace(node, ACTOR_AOF, 0);
	GIVES(other, "", "SET", "a", "2");
	set_pace(node, ACTOR_AOF, 100);
	pass(0);
	CU_ASSERT_STRING_EQUAL(client_take(other), "+OK\r\n");
	log_node_end(&node);
}

static void switched_off_and_on_again_it_has_all_that_was_written_between(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendonly", "no");
	INFO_HAS(client, "aof_enabled:0");
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(log_disk), 0);
	GIVES(client, "+OK\r\n", "SET", "b", "1");
	GIVES(client, "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n", "WAITAOF", "1", "0", "0");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendonly", "yes");
	GIVES(client, "+OK\r\n", "SET", "c", "1");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), ":3\r\n", "DBSIZE");
	log_node_end(&node);
}

/* The AOF has the command while the store has yet to take the first batch. */
static struct node *switch_while_loading(bool appendonly, const char *value)
{
	struct node *node = create(appendonly, APPENDFSYNC_ALWAYS);
	set_pace(node, ACTOR_AOF, 0);
	GIVES(client_open(node->reactors[0]), "", "CONFIG", "SET", "appendonly", value);
	CU_ASSERT_FALSE(node->has_loaded);
	set_pace(node, ACTOR_AOF, 100);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(node->reactors[0]->clients), "+OK\r\n");
	CU_ASSERT_TRUE_FATAL(node->has_loaded);
	return node;
}

static void switched_off_while_it_is_loaded_it_is_loaded_and_then_closed(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "DEBUG", "POPULATE", "8", "large", "1000000"); /* more than is under way at a time */
	GIVES(client, STARTED, "BGREWRITEAOF");
	GIVES(client, "+OK\r\n", "SET", "b", "1");
	log_node_stop(&node);
	node = switch_while_loading(true, "no");
	client = client_open(node->reactors[0]);
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(log_disk), 0);
	GIVES(client, ":9\r\n", "DBSIZE");
	GIVES(client, "+OK\r\n", "SET", "c", "1");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendonly", "yes");
	GIVES(client, "+OK\r\n", "SET", "d", "1");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), ":11\r\n", "DBSIZE");
	log_node_end(&node);
}

static void switched_on_while_data_are_loaded_it_has_them_all(void)
{
	struct node *node = begin(false, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	GIVES(client, "+OK\r\n", "SAVE");
	log_node_stop(&node);
	node = switch_while_loading(false, "yes");
	GIVES(client_open(node->reactors[0]), "+OK\r\n", "SET", "b", "1");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), ":2\r\n", "DBSIZE");
	log_node_end(&node);
}

static void the_log_is_not_rewritten_while_it_is_off(void)
{
	struct node *node = begin(false, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), "-ERR BGREWRITEAOF needs appendonly yes; BGSAVE writes the data without it\r\n", "BGREWRITEAOF");
	log_node_end(&node);
}

static void switched_off_and_on_during_a_rewrite_it_gets_another_base(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	set_pace(node, ACTOR_SNAPSHOT, 0);
	GIVES(client, STARTED, "BGREWRITEAOF");
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendonly", "no");
	GIVES(client, "+OK\r\n", "SET", "b", "1");
	GIVES(client, "", "CONFIG", "SET", "appendonly", "yes");
	set_pace(node, ACTOR_SNAPSHOT, 100);
	pass(0);
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n");
	GIVES(client, "+OK\r\n", "SET", "c", "1");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), ":3\r\n", "DBSIZE");
	log_node_end(&node);
}

static void what_was_answered_before_it_was_switched_off_is_kept(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	client_send(client, "SET", "a", "1", NULL);
	client_send(client, "CONFIG", "SET", "appendonly", "no", NULL);
	client_send(client, "SET", "b", "1", NULL);
	scheduler_settle();
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n+OK\r\n+OK\r\n");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), "$1\r\n1\r\n", "GET", "a");
	log_node_end(&node);
}

static void replies_that_wait_for_a_full_disk_leave_when_it_is_switched_off(void)
{
	struct node *node = begin(true, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]), *other = client_open(node->reactors[0]);
	simulated_disk_fail_all(log_disk, CALL_PWRITEV, ENOSPC);
	GIVES(client, "", "SET", "a", "1");
	GIVES(other, "", "SET", "a", "2");
	GIVES(other, MISCONF "No space left on device\r\n+OK\r\n", "CONFIG", "SET", "appendonly", "no");
	CU_ASSERT_STRING_EQUAL(client_take(client), "+OK\r\n");
	GIVES(other, "+OK\r\n", "SET", "a", "2");
	simulated_disk_fail_all(log_disk, CALL_PWRITEV, 0);
	GIVES(other, "+OK\r\n", "CONFIG", "SET", "appendonly", "yes");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), "$1\r\n2\r\n", "GET", "a");
	log_node_end(&node);
}

static void if_it_cannot_be_switched_on_it_stays_off(void)
{
	struct node *node = begin(false, APPENDFSYNC_ALWAYS);
	struct client *client = client_open(node->reactors[0]);
	GIVES(client, "+OK\r\n", "SET", "a", "1");
	simulated_disk_fail_all(log_disk, CALL_MAKE_DIRECTORY, EROFS);
	CU_ASSERT_PTR_NOT_NULL(strstr(ASK(client, "CONFIG", "SET", "appendonly", "yes"), "(possibly related to argument 'appendonly')"));
	GIVES(client, "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n", "CONFIG", "GET", "appendonly");
	simulated_disk_fail_all(log_disk, CALL_MAKE_DIRECTORY, 0);
	set_pace(node, ACTOR_SNAPSHOT, 0);
	GIVES(client, "", "CONFIG", "SET", "appendonly", "yes");
	simulated_disk_fail_all(log_disk, CALL_RENAME, EIO); /* the base can't be installed */
	set_pace(node, ACTOR_SNAPSHOT, 100);
	pass(0);
	CU_ASSERT_PTR_NOT_NULL(strstr(client_take(client), "Unable to turn on AOF. Check server logs."));
	GIVES(client, "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n", "CONFIG", "GET", "appendonly");
	GIVES(client, "+OK\r\n", "SET", "a", "2");
	simulated_disk_fail_all(log_disk, CALL_RENAME, 0);
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(log_disk), 0);
	GIVES(client, "+OK\r\n", "CONFIG", "SET", "appendonly", "yes");
	node = cut_power(&node, true, APPENDFSYNC_ALWAYS);
	GIVES(client_open(node->reactors[0]), "$1\r\n2\r\n", "GET", "a");
	log_node_end(&node);
}

static const struct suite_case cases[] = {
	CASE(a_rewrite_leaves_a_base_and_a_part),
	CASE(what_is_written_during_a_rewrite_is_in_the_new_part),
	CASE(the_cut_waits_for_the_sync_that_is_under_way),
	CASE(a_failed_rewrite_leaves_the_log_as_it_was_and_stops_no_writes),
	CASE(a_flushed_database_is_rewritten_anew),
	CASE(a_log_that_has_grown_is_rewritten),
	CASE(a_snapshot_for_replicas_begins_no_part),
	CASE(a_snapshot_for_replicas_does_not_heal_the_log),
	CASE(after_a_failed_sync_of_everysec_a_new_base_heals_the_log),
	CASE(switched_on_it_holds_from_the_reply_on),
	CASE(the_reply_waits_for_the_base),
	CASE(switched_off_and_on_again_it_has_all_that_was_written_between),
	CASE(switched_off_while_it_is_loaded_it_is_loaded_and_then_closed),
	CASE(switched_on_while_data_are_loaded_it_has_them_all),
	CASE(the_log_is_not_rewritten_while_it_is_off),
	CASE(switched_off_and_on_during_a_rewrite_it_gets_another_base),
	CASE(what_was_answered_before_it_was_switched_off_is_kept),
	CASE(replies_that_wait_for_a_full_disk_leave_when_it_is_switched_off),
	CASE(if_it_cannot_be_switched_on_it_stays_off),
};

int main(int argc, char **argv)
{
	log_open("/dev/null", LOG_WARNING);
	return suite_main("rewrite", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

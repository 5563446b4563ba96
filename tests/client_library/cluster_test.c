/*
 * A client of a cluster of real servers. Calls must find the nodes of their keys, also after slots have moved and nodes have died. All
 * cases but the last share a cluster of three primaries and a replica of the first.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_library/cli_shell.h"
#include "client_library/nodes.h"
#include "support/deadline.h"
#include "support/process.h"

static qc_context *ctx;
static struct nodes nodes;

/* The shared cluster, empty; false when there can be none. */
static bool use_nodes(void)
{
	if (nodes.count == 0 && !nodes_start(&nodes, 3, 1, "", NULL))
		return false;
	for (size_t i = 0; i < nodes.primaries; i++)
		NODES_TELL(&nodes, i, "FLUSHALL");
	return true;
}

static qc_client *dial(void)
{
	qc_client *c = qc_dial(nodes.address, .cluster = true);

	GOOD_FATAL(*c);
	return c;
}

static uint64_t redirects(qc_client *c)
{
	return qc_pool_stats(c).redirects;
}

static int64_t size_of(size_t node)
{
	return qc_dbsize(nodes.admins[node], ctx).value;
}

static void each_call_goes_to_the_node_of_its_key(void)
{
	char key[32];

	if (!use_nodes())
		return;
	qc_client *c = dial();
	for (int i = 0; i < 1000; i++) {
		/* Tags, empty tags, tags that don't end, and none. */
		static const char *const forms[] = {"k%d", "{k%d}x", "{}k%d", "x{k%d", "a{k%d}{b}"};
		snprintf(key, sizeof(key), forms[i % 5], i);
		GOOD(qc_set(c, ctx, key, i));
	}
	for (int i = 0; i < 1000; i += 5) {
		snprintf(key, sizeof(key), "k%d", i);
		qc_string got qc_auto = qc_get(c, ctx, key);
		CU_ASSERT(!qc_failed(got) && atoi(got.data) == i);
	}
	CU_ASSERT(size_of(0) > 0 && size_of(1) > 0 && size_of(2) > 0);
	CU_ASSERT_EQUAL(size_of(0) + size_of(1) + size_of(2), 1000);
	CU_ASSERT_EQUAL(redirects(c), 0);
	qc_close(c);
}

/* Each with its keys where its table says: a wrong place would be a redirection, an error, or, of several keys, a refusal. */
static void the_keys_of_every_kind_of_command_are_found(void)
{
	static const char *const lines[] = {
		"SET {a}1 v", "MSET {a}1 x {a}2 y", "MGET {a}1 {a}2", "COPY {a}1 {a}3", "RENAME {a}3 {a}4", "LCS {a}1 {a}2",
		"OBJECT ENCODING {a}1", "MEMORY USAGE {a}1", "BITOP AND {a}5 {a}1 {a}2", "RPUSH {b}l 3 1 2", "SORT {b}l STORE {b}s",
		"SORT_RO {b}l", "LMPOP 2 {b}none {b}l LEFT", "BLMPOP 1 2 {b}none {b}l LEFT", "RPUSH {b}l 1", "BLPOP {b}none {b}l 1",
		"ZADD {c}z 1 m", "ZUNION 2 {c}z {c}y", "ZUNIONSTORE {c}x 2 {c}z {c}y", "ZRANGESTORE {c}w {c}z 0 -1", "BZPOPMIN {c}z {c}y 1",
		"ZDIFFSTORE {c}v 2 {c}x {c}y", "ZINTERCARD 2 {c}x {c}y", "SADD {d}s m", "SINTERSTORE {d}t {d}s {d}u", "SMOVE {d}s {d}u m",
		"XADD {e}x 1-1 f v", "XREAD COUNT 1 STREAMS {e}x {e}y 0 0", "XGROUP CREATE {e}x g 0", "XINFO STREAM {e}x",
		"XREADGROUP GROUP g me STREAMS {e}x >", "EVAL return(1) 2 {f}1 {f}2", "EVAL_RO return(1) 1 {g}", "PFMERGE {h}1 {h}2 {h}3",
		"GEOADD {i}g 13 38 here", "GEORADIUS {i}g 13 38 9 km STORE {i}h", "GEORADIUS {i}g 13 38 9 km STOREDIST {i}d",
		"GEOSEARCHSTORE {i}s {i}g FROMMEMBER here BYRADIUS 1 km", "SPUBLISH {j} message", "HSET {k} f v", "DEBUG SLEEP 0", "TIME",
	};

	if (!use_nodes())
		return;
	qc_client *c = dial();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[96], *rest = text;
		qc_arg words[12];
		size_t count = 0;
		snprintf(text, sizeof(text), "%s", lines[i]);
		for (char *word; (word = strsep(&rest, " "));)
			words[count++] = qc_arg(word);
		qc_result r qc_auto = qc_do_args(c, ctx, (qc_args){words, count});
		if (!fixture_is_good(r.err, __FILE__, __LINE__))
			fprintf(stderr, "it was: %s\n", lines[i]);
		CU_ASSERT_EQUAL(r.err.kind, QC_OK);
	}
	CU_ASSERT_EQUAL(redirects(c), 0);
	qc_close(c);
}

static void keys_of_several_slots_are_refused_before_anything_is_sent(void)
{
	if (!use_nodes())
		return;
	qc_client *c = dial();
	qc_result mget qc_auto = qc_mget(c, ctx, "a", "b");
	CU_ASSERT(qc_has_code(mget.err, "CROSSSLOT"));
	CU_ASSERT_PTR_NOT_NULL(strstr(mget.err.text, "MGET"));
	CU_ASSERT(qc_has_code(qc_mset(c, ctx, "a", 1, "b", 2).err, "CROSSSLOT"));
	qc_pipeline *p = qc_pipeline_open(c);
	qc_add(p, "SET", "a", 1);
	qc_add(p, "DEL", "a", "b");
	qc_results r = qc_run(p, ctx);
	CU_ASSERT(qc_has_code(r.err, "CROSSSLOT"));
	qc_add(p, "SET", "a", 1);
	qc_add(p, "SET", "b", 1);
	r = qc_run_multi(p, ctx);
	CU_ASSERT(qc_has_code(r.err, "CROSSSLOT"));
	CU_ASSERT_EQUAL(size_of(0) + size_of(1) + size_of(2), 0);
	/* What an argument can't be is said as without a cluster. */
	qc_result missing qc_auto = qc_do(c, ctx, "GET", (const char *)NULL);
	FAILS(missing, QC_INVALID);
	qc_pipeline_close(p);
	qc_close(c);
}

#define MANY 10000

static void a_pipeline_over_all_slots_answers_in_order(void)
{
	char key[32];

	if (!use_nodes())
		return;
	qc_client *c = dial();
	qc_pipeline *p = qc_pipeline_open(c);
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		qc_add(p, "SET", key, i, "GET");
		qc_add(p, "INCR", key);
		if (i % 100 == 0)
			qc_add(p, "ECHO", i);
	}
	qc_results r qc_auto_results = qc_run(p, ctx);
	GOOD_FATAL(r);
	CU_ASSERT_EQUAL_FATAL(r.count, 2 * MANY + MANY / 100);
	size_t at = 0;
	for (int i = 0; i < MANY; i++) {
		CU_ASSERT_EQUAL(qc_reply_type(r.replies[at++]), QC_NULL);
		CU_ASSERT_EQUAL(qc_results_int(&r, at++).value, i + 1);
		if (i % 100 == 0)
			CU_ASSERT_EQUAL(atoi(qc_results_string(&r, at++).data), i);
	}
	CU_ASSERT_EQUAL(size_of(0) + size_of(1) + size_of(2), MANY);
	CU_ASSERT_EQUAL(redirects(c), 0);
	qc_pipeline_close(p);
	qc_close(c);
}

/* Two keys in one slot, and the nodes between which it moves. */
struct move {
	int slot;
	size_t from, to;
};

static struct move move_of(const char *key)
{
	int slot = nodes_slot(&nodes, key);
	size_t from = nodes_owner(&nodes, slot);

	return (struct move){slot, from, (from + 1) % nodes.primaries};
}

static void a_moved_slot_is_followed_once(void)
{
	if (!use_nodes())
		return;
	qc_client *c = dial();
	struct move m = move_of("{moved}");
	GOOD(qc_set(c, ctx, "{moved}1", "a"));
	nodes_begin_move(&nodes, m.slot, m.from, m.to);
	nodes_end_move(&nodes, m.slot, m.from, m.to);
	for (int i = 0; i < 10; i++) {
		qc_string got qc_auto = qc_get(c, ctx, "{moved}1");
		CU_ASSERT(!qc_failed(got) && strcmp(got.data, "a") == 0);
	}
	CU_ASSERT_EQUAL(redirects(c), 1);
	CU_ASSERT_EQUAL(qc_pool_stats(c).retries, 0);
	/* In a pipeline only what was redirected is sent again. */
	nodes_begin_move(&nodes, m.slot, m.to, m.from);
	nodes_end_move(&nodes, m.slot, m.to, m.from);
	qc_pipeline *p = qc_pipeline_open(c);
	for (int i = 0; i < 100; i++)
		qc_add(p, "INCR", i % 10 ? "{other}n" : "{moved}n");
	qc_results r qc_auto_results = qc_run(p, ctx);
	GOOD_FATAL(r);
	for (size_t i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(qc_results_int(&r, i).value, i % 10 ? (int64_t)(i - i / 10) : (int64_t)(i / 10 + 1));
	CU_ASSERT_EQUAL(redirects(c), 11);
	qc_pipeline_close(p);
	qc_close(c);
}

static void a_slot_on_its_way_is_served_by_both_nodes(void)
{
	if (!use_nodes())
		return;
	qc_client *c = dial();
	struct move m = move_of("{way}");
	GOOD(qc_set(c, ctx, "{way}gone", "1"));
	GOOD(qc_set(c, ctx, "{way}here", "2"));
	nodes_begin_move(&nodes, m.slot, m.from, m.to);
	nodes_move_key(&nodes, "{way}gone", m.from, m.to);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(qc_incr(c, ctx, "{way}gone").value, 2 + 2 * i);
		qc_pipeline *p = qc_pipeline_open(c);
		qc_add(p, "INCR", "{way}gone");
		qc_add(p, "INCR", "{way}here");
		qc_add(p, "SET", "{way}new", "x");
		qc_results r qc_auto_results = qc_run(p, ctx);
		GOOD_FATAL(r);
		CU_ASSERT_EQUAL(qc_results_int(&r, 0).value, 3 + 2 * i);
		CU_ASSERT_EQUAL(qc_results_int(&r, 1).value, 3 + i);
		CU_ASSERT_EQUAL(qc_reply_type(r.replies[2]), QC_SIMPLE);
		qc_pipeline_close(p);
	}
	/* ASK is for one command alone: nothing is remembered. */
	CU_ASSERT_EQUAL(redirects(c), 9);
	/* A transaction is asked for as a whole. */
	qc_pipeline *p = qc_pipeline_open(c);
	qc_add(p, "INCR", "{way}gone");
	qc_add(p, "GET", "{way}gone");
	qc_results r qc_auto_results = qc_run_multi(p, ctx);
	GOOD_FATAL(r);
	CU_ASSERT_EQUAL(qc_results_int(&r, 0).value, 8);
	qc_pipeline_close(p);
	/* Of two keys one is here and one is gone: only time helps. */
	qc_client *impatient = qc_dial(nodes.address, .cluster = true, .retries = 2, .backoff_min_ms = 1);
	qc_result both qc_auto = qc_mget(impatient, ctx, "{way}gone", "{way}here");
	CU_ASSERT(qc_has_code(both.err, "TRYAGAIN"));
	CU_ASSERT_EQUAL(qc_pool_stats(impatient).retries, 2);
	nodes_end_move(&nodes, m.slot, m.from, m.to);
	qc_result all qc_auto = qc_mget(impatient, ctx, "{way}gone", "{way}here");
	GOOD(all);
	CU_ASSERT_EQUAL(qc_reply_int(qc_reply_at(all.reply, 0)), 8);
	qc_close(impatient);
	qc_close(c);
}

static qc_error add_one(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data)
{
	qc_string now qc_auto = qc_get(tx, context, "{tx}n");

	if (qc_failed(now) && !qc_is(now.err, QC_NIL))
		return now.err;
	/* Another client is faster, the first time. */
	if (++*(int *)data == 1)
		GOOD(qc_incr(nodes.admins[nodes_owner(&nodes, nodes_slot(&nodes, "{tx}n"))], ctx, "{tx}n"));
	qc_add(queue, "SET", "{tx}n", (now.data ? atoi(now.data) : 0) + 1);
	qc_add(queue, "GET", "{tx}n");
	return (qc_error){.kind = QC_OK};
}

static qc_error reach_out(qc_client *tx, qc_context *context, qc_pipeline *queue, void *data)
{
	qc_string other qc_auto = qc_get(tx, context, "{elsewhere}");

	(void)queue;
	++*(int *)data;
	return other.err;
}

static void transactions_run_at_the_node_of_their_keys(void)
{
	int calls = 0;

	if (!use_nodes())
		return;
	qc_client *c = dial();
	qc_results r qc_auto_results = qc_watch(c, ctx, add_one, &calls, "{tx}n", "{tx}m");
	GOOD_FATAL(r);
	CU_ASSERT_EQUAL(calls, 2);
	CU_ASSERT_EQUAL(qc_results_int(&r, 1).value, 2);
	qc_results wide qc_auto_results = qc_watch(c, ctx, add_one, &calls, "a", "b");
	CU_ASSERT(qc_has_code(wide.err, "CROSSSLOT"));
	/* A slot that has moved, and then one that nobody asked for. */
	struct move m = move_of("{tx}n");
	nodes_begin_move(&nodes, m.slot, m.from, m.to);
	nodes_end_move(&nodes, m.slot, m.from, m.to);
	qc_results moved qc_auto_results = qc_watch(c, ctx, add_one, &calls, "{tx}n");
	GOOD_FATAL(moved);
	CU_ASSERT_EQUAL(qc_results_int(&moved, 1).value, 3);
	calls = 0;
	const char *watched = nodes_owner(&nodes, nodes_slot(&nodes, "{elsewhere}")) == nodes_owner(&nodes, m.slot) ? "c" : "{tx}n";
	qc_results foreign qc_auto_results = qc_watch(c, ctx, reach_out, &calls, watched);
	CU_ASSERT(qc_has_code(foreign.err, "MOVED"));
	CU_ASSERT_EQUAL(calls, 1);
	nodes_begin_move(&nodes, m.slot, m.to, m.from);
	nodes_end_move(&nodes, m.slot, m.to, m.from);
	qc_close(c);
}

static void a_pinned_client_has_the_node_of_a_key(void)
{
	if (!use_nodes())
		return;
	qc_client *c = dial();
	qc_client *nowhere = qc_pin(c, ctx), *pinned = qc_pin_key(c, ctx, qc_arg("{pin}"));
	FAILS(*nowhere, QC_INVALID);
	FAILS(qc_ping(nowhere, ctx), QC_INVALID);
	GOOD(*pinned);
	GOOD(qc_multi(pinned, ctx));
	qc_result queued qc_auto = qc_do(pinned, ctx, "INCR", "{pin}n");
	GOOD(queued);
	qc_result exec qc_auto = qc_exec(pinned, ctx);
	CU_ASSERT_EQUAL(qc_reply_int(qc_reply_at(exec.reply, 0)), 1);
	qc_close(nowhere);
	/* It may outlive its client. */
	qc_close(c);
	CU_ASSERT_EQUAL(qc_incr(pinned, ctx, "{pin}n").value, 2);
	qc_close(pinned);
}

static qc_error add_size(qc_client *node, qc_context *context, void *data)
{
	qc_int size = qc_dbsize(node, context);

	((int64_t *)data)[0]++;
	((int64_t *)data)[1] += size.value;
	return size.err;
}

static void iterators_see_the_keys_of_all_primaries(void)
{
	bool seen[500] = {false};
	int64_t counted[2] = {0, 0};
	size_t count = 0;
	char key[32];

	if (!use_nodes())
		return;
	qc_client *c = dial();
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "s%d", i);
		GOOD(qc_set(c, ctx, key, i));
	}
	qc_iterator *it = qc_iterate(c, .match = "s*", .count = 20);
	while (qc_advance(it, ctx)) {
		int i = atoi(it->data + 1);
		count += !seen[i];
		seen[i] = true;
	}
	GOOD(*it);
	CU_ASSERT(!qc_advance(it, ctx));
	CU_ASSERT_EQUAL(count, 500);
	qc_iterator_close(it);
	GOOD(qc_hset(c, ctx, "h", "f", 1));
	it = qc_iterate(c, .command = "HSCAN", .key = qc_arg("h"));
	CU_ASSERT(qc_advance(it, ctx) && strcmp(it->data, "f") == 0);
	qc_iterator_close(it);
	GOOD(qc_each_primary(c, ctx, add_size, counted));
	CU_ASSERT_EQUAL(counted[0], 3);
	CU_ASSERT_EQUAL(counted[1], 501);
	/* An iterator may be closed after its client. */
	it = qc_iterate(c, .count = 1);
	CU_ASSERT(qc_advance(it, ctx));
	qc_close(c);
	qc_iterator_close(it);
	/* Without a cluster there is one. */
	GOOD(qc_each_primary(nodes.admins[0], ctx, add_size, counted));
	CU_ASSERT_EQUAL(counted[0], 4);
}

static void scripts_run_at_the_node_of_their_keys(void)
{
	char key[32];

	if (!use_nodes())
		return;
	qc_client *c = dial();
	qc_script script = qc_script_make("return redis.call('INCRBY', KEYS[1], ARGV[1])");
	qc_pipeline *p = qc_pipeline_open(c);
	for (int i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "s%d", i);
		qc_script_add(p, &script, QC_LIST(key), 5);
	}
	qc_results r qc_auto_results = qc_run(p, ctx);
	for (size_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(qc_results_int(&r, i).value, 5);
	for (size_t i = 0; i < nodes.primaries; i++)
		NODES_TELL(&nodes, i, "SCRIPT", "FLUSH");
	for (int i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "s%d", i);
		qc_result ran qc_auto = qc_script_run(c, ctx, &script, QC_LIST(key), 2);
		CU_ASSERT_EQUAL(qc_reply_int(ran.reply), 7);
	}
	CU_ASSERT_EQUAL(redirects(c), 0);
	qc_pipeline_close(p);
	qc_close(c);
}

/* The next message that isn't a confirmation, an end, or nothing. */
static qc_message next_of(qc_subscription *s, enum qc_message_type type)
{
	qc_context *patience = qc_context_with_timeout(ctx, PATIENCE_MS);
	qc_message m = qc_next_message(s, patience);

	while (m.type != type && m.type != QC_NO_MESSAGE) {
		qc_release(&m);
		m = qc_next_message(s, patience);
	}
	CU_ASSERT_EQUAL(m.type, type);
	qc_context_free(patience);
	return m;
}

static void messages_come_from_any_node(void)
{
	if (!use_nodes())
		return;
	qc_client *c = dial();
	qc_subscription *s = qc_subscribe(c, ctx, "news");
	GOOD(*s);
	qc_message joined = next_of(s, QC_SUBSCRIBED);
	qc_release(&joined);
	for (size_t i = 0; i < nodes.primaries; i++) {
		GOOD(qc_publish(nodes.admins[i], ctx, "news", "x"));
		qc_message m = next_of(s, QC_MESSAGE);
		CU_ASSERT(m.data && strcmp(m.data, "x") == 0);
		qc_release(&m);
	}
	FAILS(qc_subscription_change(s, "SSUBSCRIBE", QC_LIST("shard")), QC_INVALID);
	/* It may be closed after its client. */
	qc_close(c);
	qc_unsubscribe(s);
}

static void a_shard_is_heard_at_its_node_wherever_that_is(void)
{
	if (!use_nodes())
		return;
	qc_client *c = dial();
	struct move m = move_of("{shard}");
	qc_subscription *wide = qc_subscribe_args(c, ctx, (qc_args){0}, &(qc_subscribe_options){.shards = QC_LIST("a", "b")});
	CU_ASSERT(qc_has_code(wide->err, "CROSSSLOT"));
	qc_unsubscribe(wide);
	qc_subscription *s = qc_subscribe_args(c, ctx, (qc_args){0}, &(qc_subscribe_options){.shards = QC_LIST("{shard}1")});
	GOOD(*s);
	CU_ASSERT(qc_has_code(qc_subscription_change(s, "SSUBSCRIBE", QC_LIST("other")).err, "CROSSSLOT"));
	GOOD(qc_subscription_change(s, "SSUBSCRIBE", QC_LIST("{shard}2")));
	for (int i = 0; i < 2; i++) {
		qc_message joined = next_of(s, QC_SUBSCRIBED);
		qc_release(&joined);
	}
	GOOD(qc_spublish(c, ctx, "{shard}2", "here"));
	qc_message here = next_of(s, QC_MESSAGE);
	CU_ASSERT(here.data && strcmp(here.data, "here") == 0);
	qc_release(&here);
	nodes_begin_move(&nodes, m.slot, m.from, m.to);
	nodes_end_move(&nodes, m.slot, m.from, m.to);
	qc_message cut = next_of(s, QC_DISCONNECTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(cut.cause.text, "moved"));
	qc_release(&cut);
	for (int i = 0; i < 2; i++) {
		qc_message again = next_of(s, QC_SUBSCRIBED);
		qc_release(&again);
	}
	GOOD(qc_spublish(c, ctx, "{shard}1", "there"));
	qc_message there = next_of(s, QC_MESSAGE);
	CU_ASSERT(there.data && strcmp(there.data, "there") == 0);
	qc_release(&there);
	/* What one has ended oneself isn't begun again. */
	GOOD(qc_subscription_change(s, "SUNSUBSCRIBE", QC_LIST("{shard}1")));
	qc_message left = next_of(s, QC_UNSUBSCRIBED);
	qc_release(&left);
	qc_unsubscribe(s);
	nodes_begin_move(&nodes, m.slot, m.to, m.from);
	nodes_end_move(&nodes, m.slot, m.to, m.from);
	qc_close(c);
}

/* How many GETs a node has served. */
static long gets_of(size_t node)
{
	qc_string info qc_auto = qc_info(nodes.admins[node], ctx, .section = QC_LIST("commandstats"));
	const char *at = info.data ? strstr(info.data, "cmdstat_get:calls=") : NULL;

	return at ? atol(at + strlen("cmdstat_get:calls=")) : 0;
}

static void replicas_serve_reads_when_they_may(void)
{
	size_t replica = nodes.primaries;

	if (!use_nodes())
		return;
	replica = nodes.primaries;
	/* A key of the first node, which has the replica. */
	GOOD(qc_set(nodes.admins[0], ctx, "{06S}", "v"));
	CU_ASSERT_EQUAL(nodes_owner(&nodes, nodes_slot(&nodes, "{06S}")), 0);
	qc_result synced qc_auto = qc_do(nodes.admins[0], ctx, "WAIT", 1, PATIENCE_MS);
	GOOD(synced);
	static const enum qc_read_from ways[] = {QC_READ_PRIMARY, QC_READ_REPLICA, QC_READ_ANY};
	for (size_t way = 0; way < 3; way++) {
		qc_client *c = qc_dial(nodes.address, .cluster = true, .read_from = ways[way]);
		long before = gets_of(replica);
		for (int i = 0; i < 20; i++) {
			qc_string got qc_auto = qc_get(c, ctx, "{06S}");
			CU_ASSERT(!qc_failed(got) && strcmp(got.data, "v") == 0);
		}
		CU_ASSERT_EQUAL(gets_of(replica) - before, way == 0 ? 0 : way == 1 ? 20 : 10);
		/* Writes, and reads of shards without a replica, go to primaries. */
		GOOD(qc_set(c, ctx, "{06S}", "v"));
		qc_string none qc_auto = qc_get(c, ctx, "c");
		FAILS(none, QC_NIL);
		CU_ASSERT_EQUAL(redirects(c), 0);
		qc_close(c);
	}
	qc_client *c = qc_dial("127.0.0.1:1", .read_from = QC_READ_ANY);
	FAILS(*c, QC_INVALID);
	qc_close(c);
}

static void one_seed_that_answers_is_enough(void)
{
	char addresses[160];

	if (!use_nodes())
		return;
	/* The last is a replica. */
	snprintf(addresses, sizeof(addresses), "127.0.0.1:1,redis://127.0.0.1:%u?cluster=1", server_port(nodes.servers[3]));
	qc_client *c = qc_dial(addresses);
	GOOD(*c);
	GOOD(qc_set(c, ctx, "a", 1));
	GOOD(qc_set(c, ctx, "b", 1));
	GOOD(qc_set(c, ctx, "c", 1));
	CU_ASSERT_EQUAL(redirects(c), 0);
	qc_close(c);
	c = qc_dial(nodes.address, .cluster = true, .lazy = true);
	CU_ASSERT_EQUAL(qc_pool_stats(c).total, 0);
	GOOD(qc_set(c, ctx, "a", 1));
	qc_close(c);
	c = qc_dial("127.0.0.1:1", .cluster = true, .backoff_max_ms = 8);
	FAILS(*c, QC_NETWORK);
	FAILS(qc_set(c, ctx, "a", 1), QC_NETWORK);
	qc_close(c);
}

static void the_command_line_follows_a_cluster(void)
{
	char directory[64], address[64];

	if (!use_nodes())
		return;
	scratch_create(directory, sizeof(directory));
	for (size_t i = 0; i < nodes.count; i++) {
		nodes_address(&nodes, i, address, sizeof(address));
		CU_ASSERT(cli_shell_gives(directory, address, "printf 'set a 1\\nset b 2\\nset c 3\\nget a\\nget b\\n' | $CLI -c", 0,
					  "OK\nOK\nOK\n1\n2\n"));
	}
	CU_ASSERT(size_of(0) > 0 && size_of(1) > 0 && size_of(2) > 0);
	CU_ASSERT(cli_shell_gives(directory, address, "$CLI set b 2 | cut -c1-5", 0, "MOVED\n"));
	scratch_remove(directory);
}

static void the_example_counts_in_a_cluster(void)
{
	char program[256];
	int status;

	if (!use_nodes())
		return;
	snprintf(program, sizeof(program), "%s/cluster", getenv("QCACHE_EXAMPLES"));
	const char *const argv[] = {program, nodes.address, "a", "b", "c", "a", NULL};
	char *output = process_run(argv, &status);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_STRING_EQUAL(output, "a: 1\nb: 1\nc: 1\na: 2\na: reset 1\n4 keys\n");
	free(output);
}

static const struct suite_case cases[] = {
	CASE(each_call_goes_to_the_node_of_its_key),
	CASE(the_keys_of_every_kind_of_command_are_found),
	CASE(keys_of_several_slots_are_refused_before_anything_is_sent),
	CASE(a_pipeline_over_all_slots_answers_in_order),
	CASE(a_moved_slot_is_followed_once),
	CASE(a_slot_on_its_way_is_served_by_both_nodes),
	CASE(transactions_run_at_the_node_of_their_keys),
	CASE(a_pinned_client_has_the_node_of_a_key),
	CASE(iterators_see_the_keys_of_all_primaries),
	CASE(scripts_run_at_the_node_of_their_keys),
	CASE(messages_come_from_any_node),
	CASE(a_shard_is_heard_at_its_node_wherever_that_is),
	CASE(replicas_serve_reads_when_they_may),
	CASE(one_seed_that_answers_is_enough),
	CASE(the_command_line_follows_a_cluster),
	CASE(the_example_counts_in_a_cluster),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	int status = suite_main("client clusters", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	return nodes_stop(&nodes) ? status : 1;
}

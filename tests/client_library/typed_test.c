/*
 * Typed calls of Redis's commands, by family. A case leaves out what the server under test lacks.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client_library/fixture.h"

static qc_context *ctx;

static const char *text_at(qc_result result, size_t index)
{
	const char *text = qc_reply_text(qc_reply_at(result.reply, index));

	return text ? text : "";
}

static void lists(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	if (fixture_has(&f, "LPUSH", "lists") && fixture_has(&f, "LMPOP", "lists")) {
		CU_ASSERT_EQUAL(qc_rpush(c, ctx, "l", "a", 2, "c").value, 3);
		CU_ASSERT_EQUAL(qc_lpushx(c, ctx, "none", "x").value, 0);
		qc_string first qc_auto = qc_lpop(c, ctx, "l"), none qc_auto = qc_rpop(c, ctx, "none");
		CU_ASSERT_STRING_EQUAL(first.data, "a");
		FAILS(none, QC_NIL);
		qc_result two qc_auto = qc_lpop_count(c, ctx, "l", 2);
		CU_ASSERT_EQUAL(qc_reply_count(two.reply), 2);
		CU_ASSERT_EQUAL(qc_rpush(c, ctx, "l", "x", "y", "x", "z").value, 4);
		CU_ASSERT_EQUAL(qc_lpos(c, ctx, "l", "x", .rank = 2).value, 2);
		qc_result places qc_auto = qc_lpos_count(c, ctx, "l", "x", 0);
		CU_ASSERT_EQUAL(qc_reply_count(places.reply), 2);
		CU_ASSERT_EQUAL(qc_linsert(c, ctx, "l", "BEFORE", "y", "w").value, 5);
		GOOD(qc_lset(c, ctx, "l", -1, "last"));
		CU_ASSERT_EQUAL(qc_lrem(c, ctx, "l", 0, "x").value, 2);
		qc_string moved qc_auto = qc_lmove(c, ctx, "l", "m", "RIGHT", "LEFT");
		CU_ASSERT_STRING_EQUAL(moved.data, "last");
		qc_result popped qc_auto = qc_lmpop(c, ctx, QC_LIST("none", "m"), "LEFT", .count = 3);
		CU_ASSERT_STRING_EQUAL(text_at(popped, 0), "m");
		qc_result waited qc_auto = qc_blpop(c, ctx, QC_LIST("none", "l"), 0.5);
		CU_ASSERT_STRING_EQUAL(text_at(waited, 1), "w");
		GOOD(qc_ltrim(c, ctx, "l", 0, 0));
		qc_result all qc_auto = qc_lrange(c, ctx, "l", 0, -1);
		CU_ASSERT_EQUAL(qc_reply_count(all.reply), 1);
		CU_ASSERT_EQUAL(qc_llen(c, ctx, "l").value, 1);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void hashes(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	if (fixture_has(&f, "HSET", "hashes")) {
		CU_ASSERT_EQUAL(qc_hset(c, ctx, "h", "f", 1, "g", "two").value, 2);
		CU_ASSERT_EQUAL(qc_hincrby(c, ctx, "h", "f", 4).value, 5);
		qc_string more qc_auto = qc_hincrbyfloat(c, ctx, "h", "f", 0.5);
		CU_ASSERT_STRING_EQUAL(more.data, "5.5");
		qc_string g qc_auto = qc_hget(c, ctx, "h", "g"), none qc_auto = qc_hget(c, ctx, "h", "none");
		CU_ASSERT_STRING_EQUAL(g.data, "two");
		FAILS(none, QC_NIL);
		qc_result all qc_auto = qc_hgetall(c, ctx, "h"), some qc_auto = qc_hmget(c, ctx, "h", "g", "none");
		CU_ASSERT_STRING_EQUAL(qc_reply_text(qc_reply_get(all.reply, "g")), "two");
		CU_ASSERT_EQUAL(qc_reply_type(qc_reply_at(some.reply, 1)), QC_NULL);
		CU_ASSERT_EQUAL(qc_hexists(c, ctx, "h", "g").value, 1);
		CU_ASSERT_EQUAL(qc_hsetnx(c, ctx, "h", "g", "x").value, 0);
		CU_ASSERT_EQUAL(qc_hstrlen(c, ctx, "h", "g").value, 3);
		qc_string one qc_auto = qc_hrandfield(c, ctx, "h");
		GOOD(one);
		qc_result pairs qc_auto = qc_hrandfield_count(c, ctx, "h", 2, .withvalues = true);
		GOOD(pairs);
		qc_result page qc_auto = qc_hscan(c, ctx, "h", 0, .match = qc_arg("g*"), .count = 10);
		CU_ASSERT_EQUAL(qc_reply_count(page.reply), 2);
		CU_ASSERT_EQUAL(qc_hdel(c, ctx, "h", "f", "g", "none").value, 2);
		CU_ASSERT_EQUAL(qc_hlen(c, ctx, "h").value, 0);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void sets(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	if (fixture_has(&f, "SADD", "sets") && fixture_has(&f, "SINTERCARD", "sets")) {
		CU_ASSERT_EQUAL(qc_sadd(c, ctx, "s", "a", "b", "c").value, 3);
		CU_ASSERT_EQUAL(qc_sadd(c, ctx, "t", "b", "c", "d").value, 3);
		CU_ASSERT_EQUAL(qc_sismember(c, ctx, "s", "a").value, 1);
		qc_result are qc_auto = qc_smismember(c, ctx, "s", "a", "z"), both qc_auto = qc_sinter(c, ctx, "s", "t");
		CU_ASSERT_EQUAL(qc_reply_int(qc_reply_at(are.reply, 0)), 1);
		CU_ASSERT_EQUAL(qc_reply_count(both.reply), 2);
		CU_ASSERT_EQUAL(qc_sintercard(c, ctx, QC_LIST("s", "t"), .limit = 1).value, 1);
		CU_ASSERT_EQUAL(qc_sunionstore(c, ctx, "u", "s", "t").value, 4);
		CU_ASSERT_EQUAL(qc_sdiffstore(c, ctx, "d", "s", "t").value, 1);
		CU_ASSERT_EQUAL(qc_smove(c, ctx, "s", "t", "a").value, 1);
		qc_string any qc_auto = qc_spop(c, ctx, "d");
		CU_ASSERT_STRING_EQUAL(any.data, "a");
		qc_result three qc_auto = qc_srandmember_count(c, ctx, "u", -3);
		CU_ASSERT_EQUAL(qc_reply_count(three.reply), 3);
		CU_ASSERT_EQUAL(qc_srem(c, ctx, "u", "a", "b").value, 2);
		CU_ASSERT_EQUAL(qc_scard(c, ctx, "u").value, 2);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void sorted_sets(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	if (fixture_has(&f, "ZADD", "sorted sets") && fixture_has(&f, "ZMPOP", "sorted sets")) {
		CU_ASSERT_EQUAL(qc_zadd(c, ctx, "z", QC_LIST(1, "a", 2.5, "b", 3, "c")).value, 3);
		CU_ASSERT_EQUAL(qc_zadd(c, ctx, "z", QC_LIST(9, "a", 4, "d"), .nx = true).value, 1);
		CU_ASSERT_EQUAL(qc_zadd_incr(c, ctx, "z", QC_LIST(0.5, "b")).value, 3);
		FAILS(qc_zadd_incr(c, ctx, "z", QC_LIST(1, "b"), .nx = true), QC_NIL);
		CU_ASSERT_EQUAL(qc_zincrby(c, ctx, "z", 0.25, "a").value, 1.25);
		CU_ASSERT_EQUAL(qc_zscore(c, ctx, "z", "a").value, 1.25);
		FAILS(qc_zscore(c, ctx, "z", "none"), QC_NIL);
		CU_ASSERT_EQUAL(qc_zrank(c, ctx, "z", "d").value, 3);
		CU_ASSERT_EQUAL(qc_zcount(c, ctx, "z", "-inf", "(3").value, 1);
		qc_result best qc_auto = qc_zrange(c, ctx, "z", "+inf", "-inf", .byscore = true, .rev = true, .limit = QC_LIST(0, 2));
		CU_ASSERT_EQUAL(qc_reply_count(best.reply), 2);
		CU_ASSERT_STRING_EQUAL(text_at(best, 0), "d");
		CU_ASSERT_EQUAL(qc_zadd(c, ctx, "y", QC_LIST(10, "a")).value, 1);
		qc_result sum qc_auto = qc_zunion(c, ctx, QC_LIST("z", "y"), .weights = QC_LIST(1, 2), .aggregate = qc_arg("SUM"),
						  .withscores = true);
		GOOD(sum);
		CU_ASSERT_EQUAL(qc_zinterstore(c, ctx, "i", QC_LIST("z", "y")).value, 1);
		CU_ASSERT_EQUAL(qc_zrangestore(c, ctx, "r", "z", 0, 1).value, 2);
		qc_result popped qc_auto = qc_zmpop(c, ctx, QC_LIST("none", "y"), "MIN");
		CU_ASSERT_STRING_EQUAL(text_at(popped, 0), "y");
		qc_result waited qc_auto = qc_bzpopmin(c, ctx, QC_LIST("r"), 0.5);
		CU_ASSERT_STRING_EQUAL(text_at(waited, 0), "r");
		CU_ASSERT_EQUAL(qc_zremrangebyscore(c, ctx, "z", "(3", "+inf").value, 1);
		CU_ASSERT_EQUAL(qc_zcard(c, ctx, "z").value, 3);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void streams(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	if (fixture_has(&f, "XADD", "streams") && fixture_has(&f, "XAUTOCLAIM", "streams")) {
		qc_string id qc_auto = qc_xadd(c, ctx, "x", "1-1", QC_LIST("f", "v"), .maxlen = QC_LIST("~", 1000));
		CU_ASSERT_STRING_EQUAL(id.data, "1-1");
		qc_string none qc_auto = qc_xadd(c, ctx, "none", "*", QC_LIST("f", "v"), .nomkstream = true);
		FAILS(none, QC_NIL);
		GOOD(qc_xgroup_create(c, ctx, "x", "g", 0, .mkstream = true));
		qc_result read qc_auto = qc_xreadgroup(c, ctx, "g", "me", QC_LIST("x", ">"), .count = 1);
		CU_ASSERT_EQUAL(qc_reply_count(read.reply) > 0, true);
		qc_result pending qc_auto = qc_xpending(c, ctx, "x", "g", .page = QC_LIST("-", "+", 10));
		CU_ASSERT_EQUAL(qc_reply_count(pending.reply), 1);
		qc_result claimed qc_auto = qc_xclaim(c, ctx, "x", "g", "you", 0, QC_LIST("1-1"), .justid = true);
		CU_ASSERT_STRING_EQUAL(text_at(claimed, 0), "1-1");
		CU_ASSERT_EQUAL(qc_xack(c, ctx, "x", "g", "1-1").value, 1);
		qc_result after qc_auto = qc_xread(c, ctx, QC_LIST("x", 0), .count = 5);
		GOOD(after);
		qc_result nothing qc_auto = qc_xread(c, ctx, QC_LIST("x", "$"), .block = 10);
		CU_ASSERT_EQUAL(qc_reply_type(nothing.reply), QC_NULL);
		qc_result entries qc_auto = qc_xrange(c, ctx, "x", "-", "+", .count = 1);
		CU_ASSERT_EQUAL(qc_reply_count(entries.reply), 1);
		CU_ASSERT_EQUAL(qc_xtrim(c, ctx, "x", "MAXLEN", 0).value, 1);
		CU_ASSERT_EQUAL(qc_xlen(c, ctx, "x").value, 0);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void bits_places_and_counters(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	if (fixture_has(&f, "SETBIT", "bits") && fixture_has(&f, "BITFIELD", "bits")) {
		CU_ASSERT_EQUAL(qc_setbit(c, ctx, "b", 7, 1).value, 0);
		CU_ASSERT_EQUAL(qc_getbit(c, ctx, "b", 7).value, 1);
		CU_ASSERT_EQUAL(qc_bitcount(c, ctx, "b", .range = QC_LIST(0, 7, "BIT")).value, 1);
		CU_ASSERT_EQUAL(qc_bitpos(c, ctx, "b", 1).value, 7);
		CU_ASSERT_EQUAL(qc_bitop(c, ctx, "OR", "c", "b", "none").value, 1);
		qc_result fields qc_auto = qc_bitfield(c, ctx, "b", "INCRBY", "u8", 0, 1, "GET", "u4", 4);
		CU_ASSERT_EQUAL(qc_reply_int(qc_reply_at(fields.reply, 0)), 2);
	}
	if (fixture_has(&f, "GEOADD", "places")) {
		CU_ASSERT_EQUAL(qc_geoadd(c, ctx, "g", QC_LIST(13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")).value, 2);
		qc_string far qc_auto = qc_geodist(c, ctx, "g", "Palermo", "Catania", .unit = qc_arg("km"));
		CU_ASSERT_STRING_EQUAL(far.data, "166.2742");
		qc_result near qc_auto = qc_geosearch(c, ctx, "g", QC_LIST("FROMLONLAT", 15, 37), QC_LIST("BYRADIUS", 100, "km"),
						      .asc = true, .count = 1, .any = true);
		CU_ASSERT_STRING_EQUAL(text_at(near, 0), "Catania");
	}
	if (fixture_has(&f, "PFADD", "counters")) {
		CU_ASSERT_EQUAL(qc_pfadd(c, ctx, "p", .element = QC_LIST("a", "b")).value, 1);
		CU_ASSERT_EQUAL(qc_pfcount(c, ctx, "p", "none").value, 2);
		GOOD(qc_pfmerge(c, ctx, "q", "p"));
	}
	CU_ASSERT(fixture_stop(&f));
}

static void scripts_and_channels(void)
{
	struct fixture f = fixture_start("");
	qc_client *c = f.client;

	if (fixture_has(&f, "EVAL", "scripts") && fixture_has(&f, "FCALL", "functions")) {
		qc_result sum qc_auto = qc_eval(c, ctx, "return #KEYS + ARGV[1]", QC_LIST("a", "b"), .args = QC_LIST(40));
		CU_ASSERT_EQUAL(qc_reply_int(sum.reply), 42);
		qc_result none qc_auto = qc_eval(c, ctx, "return #KEYS", QC_LIST());
		CU_ASSERT_EQUAL(qc_reply_int(none.reply), 0);
		qc_string sha qc_auto = qc_script_load(c, ctx, "return 7");
		GOOD_FATAL(sha);
		qc_result known qc_auto = qc_script_exists(c, ctx, sha.data), seven qc_auto = qc_evalsha(c, ctx, sha.data, QC_LIST());
		CU_ASSERT_EQUAL(qc_reply_int(qc_reply_at(known.reply, 0)), 1);
		CU_ASSERT_EQUAL(qc_reply_int(seven.reply), 7);
		qc_string library qc_auto = qc_function_load(c, ctx, "#!lua name=l\nredis.register_function('f', function(k) return #k end)",
							     .replace = true);
		CU_ASSERT_STRING_EQUAL(library.data, "l");
		qc_result called qc_auto = qc_fcall(c, ctx, "f", QC_LIST("a"));
		CU_ASSERT_EQUAL(qc_reply_int(called.reply), 1);
		GOOD(qc_function_delete(c, ctx, "l"));
	}
	if (fixture_has(&f, "PUBLISH", "channels")) {
		CU_ASSERT_EQUAL(qc_publish(c, ctx, "nobody", "x").value, 0);
		qc_result channels qc_auto = qc_pubsub_channels(c, ctx, .pattern = qc_arg("*"));
		CU_ASSERT_EQUAL(qc_reply_count(channels.reply), 0);
	}
	if (fixture_has(&f, "DUMP", "DUMP and RESTORE")) {
		GOOD(qc_set(c, ctx, "k", "v"));
		qc_string dumped qc_auto = qc_dump(c, ctx, "k");
		GOOD_FATAL(dumped);
		GOOD(qc_restore(c, ctx, "copy", 0, qc_bytes(dumped.data, dumped.len), .replace = true));
	}
	CU_ASSERT(fixture_stop(&f));
}

/* The words of the last call, for servers that do not have the command. */
static void note_words(void *data, const qc_event *event)
{
	char *said = data;

	said[0] = 0;
	for (size_t i = 0; i < event->args.count; i++) {
		const qc_arg *arg = &event->args.items[i];
		size_t len = strlen(said);
		snprintf(said + len, 200 - len, "%s%.*s", i ? " " : "", (int)arg->len, arg->data ? (const char *)arg->data : arg->number);
	}
}

#define SENDS(call, words)                                                                                             \
	do {                                                                                                           \
		call;                                                                                                  \
		CU_ASSERT_STRING_EQUAL(said, words);                                                                   \
	} while (0)

static void commands_of_newer_servers_are_sent_as_they_want_them(void)
{
	char said[200] = "";
	struct fixture f = fixture_start("");
	qc_hook hook = {.data = said, .before = note_words};
	qc_client *c qc_defer(qc_close) = qc_dial(f.address, .hooks = &hook, .hook_count = 1);

	SENDS(qc_msetex(c, ctx, QC_LIST("a", 1, "b", 2), .nx = true, .ex = 60), "MSETEX 2 a 1 b 2 NX EX 60");
	SENDS(qc_delex(c, ctx, "k", .ifne = qc_arg("v")), "DELEX k IFNE v");
	SENDS(qc_string digest qc_auto = qc_digest(c, ctx, "k"), "DIGEST k");
	SENDS(qc_result left qc_auto = qc_xdelex(c, ctx, "s", QC_LIST("1-1", "2-2"), .acked = true), "XDELEX s ACKED IDS 2 1-1 2-2");
	SENDS(qc_result left qc_auto = qc_xackdel(c, ctx, "s", "g", QC_LIST("1-1")), "XACKDEL s g IDS 1 1-1");
	SENDS(qc_result synced qc_auto = qc_waitaof(c, ctx, 1, 0, 100), "WAITAOF 1 0 100");
	SENDS(qc_result times qc_auto = qc_hexpire(c, ctx, "h", 60, QC_LIST("f", "g"), .nx = true), "HEXPIRE h 60 NX FIELDS 2 f g");
	SENDS(qc_hsetex(c, ctx, "h", QC_LIST("f", "v"), .fnx = true, .px = 5), "HSETEX h FNX PX 5 FIELDS 1 f v");
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(lists),
	CASE(hashes),
	CASE(sets),
	CASE(sorted_sets),
	CASE(streams),
	CASE(bits_places_and_counters),
	CASE(scripts_and_channels),
	CASE(commands_of_newer_servers_are_sent_as_they_want_them),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("typed calls", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}

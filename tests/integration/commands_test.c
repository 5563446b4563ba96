/*
 * Behaviour that the differential test can't compare: our own forms and commands, HELP, partial changes of large values, INFO, and the
 * command table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/shared_server.h"
#include "support/wire.h"

const char shared_server_directives[] = "--enable-debug-command no";

static const char syntax_error[] = "-ERR syntax error\r\n";
static const char wrong_time[] = "-ERR invalid expire time in 'set' command\r\n";

static bool has(const char *text, const char *part)
{
	if (text && strstr(text, part))
		return true;
	fprintf(stderr, "\"%s\" is not in: %s\n", part, text ? text : "(nothing)");
	return false;
}

static void a_bare_number_behind_set_is_seconds(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v", "60"));
	CU_ASSERT(GIVES(peer, ":60\r\n", "TTL", "k"));
	CU_ASSERT(GIVES(peer, wrong_time, "SET", "k", "v", "0"));
	CU_ASSERT(GIVES(peer, wrong_time, "SET", "k", "v", "9223372036854775807"));
	CU_ASSERT(GIVES(peer, syntax_error, "SET", "k", "v", "1.5"));
	static const char *const wrong[][3] = { { "60", "60" }, { "60", "EX", "60" }, { "EX", "60", "60" }, { "60", "PX", "60" },
						{ "60", "KEEPTTL" }, { "KEEPTTL", "60" }, { "NX", "1.5" } };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT(GIVES(peer, syntax_error, "SET", "k", "v", wrong[i][0], wrong[i][1], wrong[i][2]));
	CU_ASSERT(GIVES(peer, syntax_error, "GETEX", "k", "60"));
	CU_ASSERT(GIVES(peer, ":60\r\n", "TTL", "k"));
	CU_ASSERT(GIVES(peer, "$1\r\nv\r\n", "SET", "k", "w", "61", "GET"));
	CU_ASSERT(GIVES(peer, ":61\r\n", "TTL", "k"));
	CU_ASSERT(GIVES(peer, "$-1\r\n", "SET", "k", "x", "NX", "62"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "x", "XX", "62"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "63", "IFEQ", "x", "63"));
	CU_ASSERT(GIVES(peer, ":63\r\n", "TTL", "k"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "k", "v"));
	CU_ASSERT(GIVES(peer, ":-1\r\n", "TTL", "k"));
}

static void delete_is_del(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "d1", "1", "d2", "2"));
	CU_ASSERT(GIVES(peer, ":2\r\n", "DELETE", "d1", "d2", "d3"));
	CU_ASSERT(GIVES(peer, "-ERR wrong number of arguments for 'delete' command\r\n", "DELETE"));
}

static void set_ifeq_compares_and_sets(void)
{
	CU_ASSERT(GIVES(peer, "$-1\r\n", "SET", "c", "new", "IFEQ", "old"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "c"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "c", "old"));
	CU_ASSERT(GIVES(peer, "$-1\r\n", "SET", "c", "new", "IFEQ", "other"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "c", "new", "ifeq", "old", "EX", "100"));
	CU_ASSERT(GIVES(peer, "$3\r\nnew\r\n", "GET", "c"));
	CU_ASSERT(GIVES(peer, ":100\r\n", "TTL", "c"));
	CU_ASSERT(GIVES(peer, "$3\r\nnew\r\n", "SET", "c", "newer", "IFEQ", "other", "GET"));
	CU_ASSERT(GIVES(peer, "$3\r\nnew\r\n", "SET", "c", "newer", "IFEQ", "new", "GET", "KEEPTTL"));
	CU_ASSERT(GIVES(peer, "$5\r\nnewer\r\n", "GET", "c"));
	CU_ASSERT(GIVES(peer, ":100\r\n", "TTL", "c"));
}

static void set_ifeq_excludes_the_other_conditions(void)
{
	CU_ASSERT(GIVES(peer, syntax_error, "SET", "c", "v", "IFEQ"));
	CU_ASSERT(GIVES(peer, syntax_error, "SET", "c", "v", "IFEQ", "a", "NX"));
	CU_ASSERT(GIVES(peer, syntax_error, "SET", "c", "v", "XX", "IFEQ", "a"));
	CU_ASSERT(GIVES(peer, syntax_error, "SET", "c", "v", "IFEQ", "a", "IFEQ", "b"));
}

static void what_ifeq_compares_with_may_be_any_word(void)
{
	static const char access[] = "*1\r\n*2\r\n$1\r\nw\r\n*3\r\n+RW\r\n+access\r\n+update\r\n";
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "w", "GET"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "w", "60", "IFEQ", "GET"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "w", "v", "IFEQ", "60"));
	CU_ASSERT(GIVES(peer, "$1\r\nv\r\n", "GET", "w"));
	CU_ASSERT(GIVES(peer, ":-1\r\n", "TTL", "w"));
	CU_ASSERT(GIVES(peer, access, "COMMAND", "GETKEYSANDFLAGS", "SET", "w", "v", "IFEQ", "x"));
}

static void delifeq_compares_and_deletes(void)
{
	CU_ASSERT(GIVES(peer, ":0\r\n", "DELIFEQ", "e", "v"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "e", "v"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "DELIFEQ", "e", "w"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "EXISTS", "e"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DELIFEQ", "e", "v"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "e"));
}

static void help_lists_what_there_is(void)
{
	const char *text = COMMAND(peer, "HELP");
	CU_ASSERT(has(text, "\r\n+string\r\n"));
	CU_ASSERT(has(text, " get "));
	CU_ASSERT(has(text, "HELP <command>"));
}

static void help_tells_of_one_command_or_one_group(void)
{
	CU_ASSERT(has(COMMAND(peer, "HELP", "get"), "+GET key\r\n+    Returns the value of a key.\r\n"));
	CU_ASSERT(has(COMMAND(peer, "help", "CLIENT"), "+CLIENT NO-EVICT <ON|OFF>\r\n"));
	CU_ASSERT(has(COMMAND(peer, "help", "client", "id"), "+CLIENT ID\r\n"));
	CU_ASSERT(has(COMMAND(peer, "HELP", "generic"), "+EXPIRE key seconds [NX|XX|GT|LT]\r\n"));
	CU_ASSERT(GIVES(peer, "-ERR no such command; HELP lists all commands\r\n", "HELP", "nothing"));
	CU_ASSERT(GIVES(peer, "-ERR no such command; HELP lists all commands\r\n", "HELP", "client", "nothing"));
}

static void containers_have_help_of_their_own(void)
{
	CU_ASSERT(has(COMMAND(peer, "CONFIG", "HELP"), "+CONFIG GET parameter [parameter ...]\r\n"));
	CU_ASSERT(has(COMMAND(peer, "OBJECT", "HELP"), "+OBJECT ENCODING key\r\n"));
	CU_ASSERT(has(COMMAND(peer, "DEBUG", "HELP"), "-ERR DEBUG command not allowed."));
}

/* APPEND and SETRANGE on a large value, compared with the same changes done here. */
static char *expected;
static size_t expected_len;

static bool expect_value(const char *key)
{
	const char *reply = COMMAND(peer, "GET", key);
	size_t len = peer_reply_length(peer);
	char head[32];
	int head_len = snprintf(head, sizeof(head), "$%zu\r\n", expected_len);
	return reply && len == (size_t)head_len + expected_len + 2 && memcmp(reply, head, (size_t)head_len) == 0 &&
	       memcmp(reply + head_len, expected, expected_len) == 0;
}

static void append(const char *key, const char *text)
{
	char length[32];
	memcpy(expected + expected_len, text, strlen(text));
	expected_len += strlen(text);
	snprintf(length, sizeof(length), ":%zu\r\n", expected_len);
	CU_ASSERT(GIVES(peer, length, "APPEND", key, text));
}

static void a_large_value_grows_by_appending(void)
{
	char chunk[1001];
	expected = malloc(1 << 20);
	expected_len = 0;
	for (int i = 0; i < 200; i++) {
		memset(chunk, 'a' + i % 26, 1000);
		chunk[1000] = '\0';
		append("big", chunk);
		if (i % 50 == 17)
			CU_ASSERT(expect_value("big")); /* the value is held by the reply while it is appended to */
	}
	CU_ASSERT(expect_value("big"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "COPY", "big", "copy"));
	append("big", "x");
	CU_ASSERT(expect_value("big"));
	expected_len--;
	CU_ASSERT(expect_value("copy"));
	free(expected);
}

static void a_range_is_written_into_a_large_value(void)
{
	expected_len = 100007;
	expected = calloc(1, expected_len);
	CU_ASSERT(GIVES(peer, ":100007\r\n", "SETRANGE", "range", "100000", "1234567"));
	memcpy(expected + 100000, "1234567", 7);
	CU_ASSERT(expect_value("range"));
	CU_ASSERT(GIVES(peer, ":100007\r\n", "SETRANGE", "range", "50000", "middle"));
	memcpy(expected + 50000, "middle", 6);
	CU_ASSERT(expect_value("range"));
	CU_ASSERT(GIVES(peer, "$6\r\nmiddle\r\n", "GETRANGE", "range", "50000", "50005"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "RENAME", "range", "renamed"));
	CU_ASSERT(expect_value("renamed"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "EXISTS", "range"));
	free(expected);
}

static void a_value_can_become_no_longer_than_allowed(void)
{
	static const char too_long[] = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "proto-max-bulk-len", "1mb"));
	CU_ASSERT(GIVES(peer, too_long, "SETRANGE", "long", "1048576", "x"));
	CU_ASSERT(GIVES(peer, ":1048576\r\n", "SETRANGE", "long", "1048575", "x"));
	CU_ASSERT(GIVES(peer, too_long, "APPEND", "long", "x"));
	CU_ASSERT(GIVES(peer, ":1048576\r\n", "STRLEN", "long"));
}

static void info_counts_commands_and_errors_until_they_are_reset(void)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "i", "v"));
	COMMAND(peer, "GET", "i");
	COMMAND(peer, "GET", "nothing");
	COMMAND(peer, "GET");
	COMMAND(peer, "INCR", "i");
	CU_ASSERT(has(COMMAND(peer, "INFO", "commandstats"), "cmdstat_get:calls=2,"));
	CU_ASSERT(has(COMMAND(peer, "INFO", "commandstats"), "rejected_calls=1,failed_calls=0"));
	CU_ASSERT(has(COMMAND(peer, "INFO", "commandstats"), "cmdstat_incr:calls=1,"));
	CU_ASSERT(has(COMMAND(peer, "INFO", "errorstats"), "errorstat_ERR:count=2\r\n"));
	CU_ASSERT(has(COMMAND(peer, "INFO", "events"), "event_set:1\r\n"));
	const char *stats = COMMAND(peer, "INFO", "stats");
	CU_ASSERT_EQUAL(info_number(stats, "keyspace_hits"), 1);
	CU_ASSERT_EQUAL(info_number(stats, "keyspace_misses"), 1);
	CU_ASSERT_EQUAL(info_number(stats, "total_error_replies"), 2);
	CU_ASSERT_EQUAL(info_number(stats, "total_commands_processed"), 10); /* all commands except rejected ones and this one */
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "RESETSTAT"));
	CU_ASSERT_FALSE(strstr(COMMAND(peer, "INFO", "commandstats"), "cmdstat_get") != NULL);
	CU_ASSERT(GIVES(peer, "$14\r\n# Errorstats\r\n\r\n", "INFO", "errorstats"));
	CU_ASSERT_EQUAL(info_number(COMMAND(peer, "INFO", "stats"), "keyspace_hits"), 0);
}

static void info_shows_the_sections_asked_for(void)
{
	CU_ASSERT(GIVES(peer, "$0\r\n\r\n", "INFO", "nothing"));
	const char *text = COMMAND(peer, "INFO", "cluster", "nothing", "replication");
	CU_ASSERT(has(text, "# Replication\r\nrole:master\r\n"));
	CU_ASSERT(has(text, "\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n"));
	text = COMMAND(peer, "INFO");
	CU_ASSERT(has(text, "redis_version:7.0.15\r\n"));
	CU_ASSERT(has(text, "qcache_version:"));
	CU_ASSERT_EQUAL(info_number(text, "connected_clients"), 1);
	CU_ASSERT_FALSE(strstr(text, "# Commandstats") != NULL);
	text = COMMAND(peer, "INFO", "everything");
	CU_ASSERT(has(text, "# Commandstats"));
	CU_ASSERT(has(text, "actor_store:"));
}

/* Commands by which programs find out what the server has. */
static void probes_are_answered_though_there_is_nothing_to_tell(void)
{
	CU_ASSERT(GIVES(peer, "*0\r\n", "MODULE", "LIST"));
	CU_ASSERT(GIVES(peer, "*0\r\n", "ACL", "LOG"));
	CU_ASSERT(GIVES(peer, "*0\r\n", "ACL", "LOG", "5"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "ACL", "LOG", "RESET"));
	CU_ASSERT(GIVES(peer, "-ERR value is not an integer or out of range\r\n", "ACL", "LOG", "many"));
	const char *reply = COMMAND(peer, "LASTSAVE");
	int64_t when = reply ? strtoll(reply + 1, NULL, 10) : 0;
	CU_ASSERT(when > 1000000000);
	CU_ASSERT_EQUAL(info_number(COMMAND(peer, "INFO", "persistence"), "rdb_last_save_time"), when);
}

static void documentation_says_what_is_deprecated(void)
{
	const char *reply = COMMAND(peer, "COMMAND", "DOCS", "substr");
	CU_ASSERT(has(reply, "$9\r\ndoc_flags\r\n*1\r\n+deprecated\r\n$16\r\ndeprecated_since\r\n$5\r\n2.0.0\r\n"
			     "$11\r\nreplaced_by\r\n$10\r\n`GETRANGE`\r\n"));
	CU_ASSERT(has(COMMAND(peer, "COMMAND", "DOCS", "debug"), "$9\r\ndoc_flags\r\n*1\r\n+syscmd\r\n"));
	CU_ASSERT(has(COMMAND(peer, "COMMAND", "DOCS", "cluster|slots"), "+deprecated\r\n"));
	reply = COMMAND(peer, "COMMAND", "DOCS", "get");
	CU_ASSERT(reply && !strstr(reply, "doc_flags"));
}

static void lolwut_has_no_picture_of_other_versions(void)
{
	CU_ASSERT(has(COMMAND(peer, "LOLWUT"), "\u2571"));
	CU_ASSERT(has(COMMAND(peer, "LOLWUT", "VERSION", "6"), "\u2571"));
	const char *reply = COMMAND(peer, "LOLWUT", "VERSION", "9");
	CU_ASSERT(has(reply, "\r\nRedis ver. 7.0.15"));
	CU_ASSERT(reply && !strstr(reply, "\u2571"));
}

static void random_keys_come_all_in_turn(void)
{
	int seen[8] = { 0 }, kinds = 0;
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(GIVES(peer, "$-1\r\n", "RANDOMKEY"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "0", "", "1", "", "2", "", "3", "", "4", "", "5", "", "6", "", "7", ""));
	for (int i = 0; i < 800; i++) {
		const char *reply = COMMAND(peer, "RANDOMKEY");
		if (reply && strncmp(reply, "$1\r\n", 4) == 0 && reply[4] >= '0' && reply[4] < '8')
			seen[reply[4] - '0']++;
	}
	for (int i = 0; i < 8; i++)
		kinds += seen[i] > 40; /* 100 are expected; fewer than 40 come once in 10^12 runs */
	CU_ASSERT_EQUAL(kinds, 8);
}

static void how_idle_and_how_often_used_a_key_is_depends_on_the_policy(void)
{
	static const char not_frequency[] = "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
					    "that when switching between policies at runtime LRU and LFU data will take some time "
					    "to adjust.\r\n";
	static const char not_idle[] = "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
				       "switching between policies at runtime LRU and LFU data will take some time to adjust.\r\n";
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "former", "1"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"));
	CU_ASSERT(GIVES(peer, ":5\r\n", "OBJECT", "FREQ", "former")); /* as a new one */
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "used", "1"));
	CU_ASSERT(GIVES(peer, ":5\r\n", "OBJECT", "FREQ", "used"));
	for (int i = 0; i < 1000; i++)
		CU_ASSERT(GIVES(peer, "$1\r\n1\r\n", "GET", "used"));
	const char *reply = COMMAND(peer, "OBJECT", "FREQ", "used");
	CU_ASSERT(reply && reply[0] == ':' && atoi(reply + 1) > 5);
	CU_ASSERT(GIVES(peer, not_idle, "OBJECT", "IDLETIME", "used"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "maxmemory-policy", "noeviction"));
	CU_ASSERT(GIVES(peer, not_frequency, "OBJECT", "FREQ", "used"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "used", "2"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "OBJECT", "IDLETIME", "used"));
	CU_ASSERT(GIVES(peer, ":0\r\n", "WAIT", "1", "2100"));
	reply = COMMAND(peer, "OBJECT", "IDLETIME", "used");
	CU_ASSERT(reply && reply[0] == ':' && atoi(reply + 1) >= 1);
	CU_ASSERT(GIVES(peer, "$-1\r\n", "OBJECT", "IDLETIME", "absent"));
}

static const struct suite_case cases[] = {
	CASE(server_starts),
	CASE(a_bare_number_behind_set_is_seconds),
	CASE(delete_is_del),
	CASE(set_ifeq_compares_and_sets),
	CASE(set_ifeq_excludes_the_other_conditions),
	CASE(what_ifeq_compares_with_may_be_any_word),
	CASE(delifeq_compares_and_deletes),
	CASE(help_lists_what_there_is),
	CASE(help_tells_of_one_command_or_one_group),
	CASE(containers_have_help_of_their_own),
	CASE(a_large_value_grows_by_appending),
	CASE(a_range_is_written_into_a_large_value),
	CASE(a_value_can_become_no_longer_than_allowed),
	CASE(info_counts_commands_and_errors_until_they_are_reset),
	CASE(info_shows_the_sections_asked_for),
	CASE(probes_are_answered_though_there_is_nothing_to_tell),
	CASE(documentation_says_what_is_deprecated),
	CASE(lolwut_has_no_picture_of_other_versions),
	CASE(random_keys_come_all_in_turn),
	CASE(how_idle_and_how_often_used_a_key_is_depends_on_the_policy),
	CASE(server_stops),
};

SUITE_MAIN("commands", cases)

/*
 * DEBUG RELOAD and DEBUG LOADAOF: afterwards the data are what they were, whatever others do meanwhile and whatever is wrong with the files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

#define RDB_ERROR "-ERR Error trying to load the RDB dump, check server logs.\r\n"
#define WRITERS 4

static char scratch[64];

static const char *in_scratch(const char *name)
{
	return scratch_file(scratch, name);
}

static struct server *start(const char *directives)
{
	return server_start("--dir %s %s", scratch, directives);
}

static void write_data(struct peer *peer)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "text", "a value", "number", "42", "empty", ""));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "temporary", "x", "EX", "10000"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", "7"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "3000", "key", "100"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", "0"));
}

/* All that DEBUG DIGEST covers, and the numbers of keys. */
static void describe(struct peer *peer, char out_text[256])
{
	snprintf(out_text, 256, "%s", COMMAND(peer, "DEBUG", "DIGEST"));
	snprintf(out_text + strlen(out_text), 256 - strlen(out_text), "%s", COMMAND(peer, "DBSIZE"));
}

static void check_unchanged(struct peer *peer, const char *expected)
{
	char found[256];
	describe(peer, found);
	CU_ASSERT_STRING_EQUAL(found, expected);
}

/* ---- the RDB file ---- */

static void reload_keeps_the_data(void)
{
	char before[256];
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("");
	struct peer *peer = peer_connect(server);
	write_data(peer);
	describe(peer, before);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "RELOAD"));
	check_unchanged(peer, before);
	CU_ASSERT(GIVES(peer, ":1\r\n", "PERSIST", "temporary"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "FLUSHALL"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "other", "x"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "RELOAD", "NOSAVE"));
	check_unchanged(peer, before);
	CU_ASSERT_EQUAL(info_number(COMMAND(peer, "INFO", "persistence"), "rdb_changes_since_last_save"), 0);
	CU_ASSERT_EQUAL(info_number(COMMAND(peer, "INFO", "persistence"), "rdb_last_load_keys_loaded"), 3004);
	CU_ASSERT(GIVES(peer, "-ERR DEBUG RELOAD only supports the NOSAVE option.\r\n", "DEBUG", "RELOAD", "MERGE"));
	CU_ASSERT(GIVES(peer, "-ERR There is no append-only file\r\n", "DEBUG", "LOADAOF"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void overwrite_file(const char *name, long offset, const char *text)
{
	FILE *file = fopen(in_scratch(name), "r+");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fseek(file, offset, SEEK_SET), 0);
	fputs(text, file);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void what_can_not_be_loaded_leaves_the_data_as_they_are(void)
{
	char before[256];
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("");
	struct peer *peer = peer_connect(server);
	write_data(peer);
	describe(peer, before);
	CU_ASSERT(GIVES(peer, RDB_ERROR, "DEBUG", "RELOAD", "NOSAVE"));
	check_unchanged(peer, before);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SAVE"));
	overwrite_file("dump.rdb", 20000, "damage"); /* after some keys */
	CU_ASSERT(GIVES(peer, RDB_ERROR, "DEBUG", "RELOAD", "NOSAVE"));
	check_unchanged(peer, before);
	CU_ASSERT(GIVES(peer, ":1\r\n", "DEL", "text"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void what_can_not_be_saved_is_not_loaded(void)
{
	char before[256];
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("--dbfilename none");
	struct peer *peer = peer_connect(server);
	write_data(peer);
	describe(peer, before);
	scratch_remove(scratch);
	const char *reply = COMMAND(peer, "DEBUG", "RELOAD");
	CU_ASSERT_EQUAL(strncmp(reply, "-ERR ", 5), 0);
	check_unchanged(peer, before);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "text", "b"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* ---- the log ---- */

/* So that the log expects as much, and waits a moment with the next change. */
static void change_much_at_once(struct peer *peer)
{
	char commands[200][13];
	for (size_t i = 0; i < 200; i++)
		memcpy(commands[i], "SET many xx\r\n", 13);
	CU_ASSERT(peer_send(peer, commands, sizeof(commands)));
	CU_ASSERT(peer_expect_times(peer, "+OK\r\n", 200));
}

static void check_with_log(const char *directives)
{
	char before[256];
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start(directives);
	struct peer *peer = peer_connect(server);
	write_data(peer);
	describe(peer, before);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "LOADAOF"));
	check_unchanged(peer, before);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "RELOAD"));
	check_unchanged(peer, before);
	/* What was executed just before belongs to it. */
	change_much_at_once(peer);
	CU_ASSERT(peer_send_text(peer, "SET p 1\r\nDEBUG LOADAOF\r\nGET p\r\nSET p 2\r\nDEBUG RELOAD\r\nGET p\r\nINCR p\r\nDEBUG LOADAOF\r\n"));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n+OK\r\n$1\r\n1\r\n+OK\r\n+OK\r\n$1\r\n2\r\n:3\r\n+OK\r\n"));
	describe(peer, before);
	CU_ASSERT_EQUAL(strncmp(COMMAND(peer, "DEBUG", "RELOAD", "NOSAVE"), "-ERR ", 5), 0);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	server = start(directives);
	peer = peer_connect(server);
	check_unchanged(peer, before);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void the_log_holds_all_that_was_executed(void)
{
	check_with_log("--appendonly yes --appendfsync everysec --aof-ballast-size 0");
	check_with_log("--appendonly yes --appendfsync always --aof-ballast-size 0");
	check_with_log("--appendonly yes --appendfsync no --aof-ballast-size 0");
}

/* The log says when a key was removed because it had expired, and must not say it of a key that it removed before. */
static void expired_keys_stay_until_the_log_says_so(void)
{
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("--appendonly yes --aof-ballast-size 0");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "SET-ACTIVE-EXPIRE", "0"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "1", "PX", "1"));
	CU_ASSERT(COMES_TO_GIVE(peer, "$-1\r\n", "GET", "key"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "RELOAD"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DBSIZE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "LOADAOF"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "DBSIZE"));
	CU_ASSERT(GIVES(peer, ":1\r\n", "INCR", "key"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "LOADAOF"));
	CU_ASSERT(GIVES(peer, ":-1\r\n", "TTL", "key"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void nothing_expires_meanwhile(void)
{
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("--appendonly yes --aof-ballast-size 0");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "20000"));
	for (int i = 0; i < 2000; i++) {
		char key[16], ms[16];
		snprintf(key, sizeof(key), "e%d", i);
		snprintf(ms, sizeof(ms), "%d", 1 + i / 10);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", key, "x", "PX", ms));
	}
	while (strcmp(COMMAND(peer, "DBSIZE"), ":20000\r\n") != 0)
		CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "RELOAD"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "LOADAOF"));
	CU_ASSERT(GIVES(peer, ":20000\r\n", "DBSIZE"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

/* ---- others ---- */

/* Counts, as often as it is allowed to, while the data are loaded again and again; returns how often it was told a number. */
static uint64_t count_meanwhile(struct peer *const writers[WRITERS], struct peer *loader, const char *command)
{
	uint64_t counted = 0;
	CU_ASSERT(peer_send_text(loader, command));
	while (!peer_has_input(loader))
		for (int i = 0; i < WRITERS; i++)
			counted += COMMAND(writers[i], "INCR", "counter")[0] == ':';
	CU_ASSERT(peer_expect_text(loader, "+OK\r\n"));
	return counted;
}

static void check_counter(const char *directives, const char *command)
{
	char number[32];
	uint64_t counted = 0;
	struct peer *writers[WRITERS];
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start(directives);
	struct peer *loader = peer_connect(server);
	for (int i = 0; i < WRITERS; i++)
		writers[i] = peer_connect(server);
	CU_ASSERT(GIVES(loader, "+OK\r\n", "DEBUG", "POPULATE", "20000"));
	for (int round = 0; round < 5; round++)
		counted += count_meanwhile(writers, loader, command);
	for (int i = 0; i < WRITERS; i++)
		peer_close(&writers[i]);
	if (counted) {
		snprintf(number, sizeof(number), "$%d\r\n%llu\r\n", snprintf(NULL, 0, "%llu", (unsigned long long)counted), (unsigned long long)counted);
		CU_ASSERT(GIVES(loader, number, "GET", "counter"));
	}
	peer_close(&loader);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void no_acknowledged_write_is_lost(void)
{
	check_counter("", "DEBUG RELOAD\r\n");
	check_counter("--appendonly yes --aof-ballast-size 0", "DEBUG RELOAD\r\n");
	check_counter("--appendonly yes --appendfsync always --aof-ballast-size 0", "DEBUG LOADAOF\r\n");
}

static void a_long_command_waits(void)
{
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("");
	struct peer *loader = peer_connect(server), *peer = peer_connect(server);
	CU_ASSERT(peer_send_text(peer, "DEBUG POPULATE 100000\r\n"));
	for (int i = 0; i < 5; i++)
		CU_ASSERT(GIVES(loader, "+OK\r\n", "DEBUG", "RELOAD"));
	CU_ASSERT(peer_expect_text(peer, "+OK\r\n"));
	CU_ASSERT(GIVES(peer, ":100000\r\n", "DBSIZE"));
	peer_close(&peer);
	peer_close(&loader);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static const struct suite_case cases[] = {
	CASE(reload_keeps_the_data),
	CASE(what_can_not_be_loaded_leaves_the_data_as_they_are),
	CASE(what_can_not_be_saved_is_not_loaded),
	CASE(the_log_holds_all_that_was_executed),
	CASE(expired_keys_stay_until_the_log_says_so),
	CASE(nothing_expires_meanwhile),
	CASE(no_acknowledged_write_is_lost),
	CASE(a_long_command_waits),
};

SUITE_MAIN("reload", cases)

/*
 * Data outlive the server: restarts with the append-only file and with an RDB file, the refusals of what can't be loaded, and the way from
 * redis-server and back.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

static char scratch[64];

static const char *in_scratch(const char *name)
{
	return scratch_file(scratch, name);
}

#define PART "appendonlydir/appendonly.aof.1.incr.aof"

static struct server *start(const char *directives)
{
	return server_start("--dir %s %s", scratch, directives);
}

/* The DEBUG DIGEST; valid until the next call. */
static const char *digest_of(struct peer *peer)
{
	static char digest[64];
	const char *reply = COMMAND(peer, "DEBUG", "DIGEST");
	snprintf(digest, sizeof(digest), "%s", reply ? reply : "none");
	return digest;
}

static void write_data(struct peer *peer)
{
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "text", "a value"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "temporary", "x", "EX", "10000"));
	CU_ASSERT(GIVES(peer, ":41\r\n", "INCRBY", "number", "41"));
	CU_ASSERT(GIVES(peer, ":42\r\n", "INCR", "number"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "one", "1", "two", "2"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "RENAME", "one", "three"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", "3"));
	CU_ASSERT(GIVES(peer, ":5\r\n", "APPEND", "other", "12345"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", "0"));
}

/* ---- restarts ---- */

static void check_restart(const char *appendfsync, void (*end)(struct server **server))
{
	char directives[96];
	snprintf(directives, sizeof(directives), "--appendonly yes --appendfsync %s --aof-ballast-size 1mb", appendfsync);
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start(directives);
	struct peer *peer = peer_connect(server);
	write_data(peer);
	char *before = strdup(digest_of(peer));
	/* What is written is there after a kill, synced or not: the system has it. */
	CU_ASSERT(GIVES(peer, "*2\r\n:1\r\n:0\r\n", "WAITAOF", "1", "0", "0"));
	peer_close(&peer);
	end(&server);
	server = start(directives);
	peer = peer_connect(server);
	CU_ASSERT_STRING_EQUAL(digest_of(peer), before);
	CU_ASSERT(GIVES(peer, ":43\r\n", "INCR", "number"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	server = start(directives);
	peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "$2\r\n43\r\n", "GET", "number"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	free(before);
	scratch_remove(scratch);
}

static void stop(struct server **server)
{
	CU_ASSERT(server_stop(server));
}

static void data_outlive_a_stop(void)
{
	ONLY_OURS();
	check_restart("always", stop);
	check_restart("everysec", stop);
	check_restart("no", stop);
}

static void data_outlive_a_kill(void)
{
	ONLY_OURS();
	check_restart("always", server_kill);
	check_restart("everysec", server_kill);
	check_restart("no", server_kill);
}

static void rewrite(struct peer *peer)
{
	CU_ASSERT(GIVES(peer, "+Background append only file rewriting started\r\n", "BGREWRITEAOF"));
	CU_ASSERT(info_comes_to(peer, "persistence", "aof_rewrites", 1));
	CU_ASSERT(info_comes_to(peer, "persistence", "aof_rewrite_in_progress", 0));
}

/* Begun at run time, and rewritten. */
static void a_log_with_a_base_outlives_a_kill(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("--appendfsync always --aof-ballast-size 1mb");
	struct peer *peer = peer_connect(server);
	write_data(peer);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "appendonly", "yes"));
	CU_ASSERT(GIVES(peer, ":43\r\n", "INCR", "number"));
	for (int i = 0; i < 2; i++) {
		char *before = strdup(digest_of(peer));
		peer_close(&peer);
		server_kill(&server);
		server = start("--appendonly yes --appendfsync always --aof-ballast-size 1mb");
		peer = peer_connect(server);
		CU_ASSERT_STRING_EQUAL(digest_of(peer), before);
		rewrite(peer);
		CU_ASSERT(GIVES(peer, i == 0 ? ":44\r\n" : ":45\r\n", "INCR", "number"));
		free(before);
	}
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

/* ---- redis-server ---- */

static struct server *start_redis(const char *directory)
{
	char *ours = strdup(server_program());
	setenv("QCACHE_SERVER", "redis-server", 1);
	struct server *redis = server_start("--dir %s --appendonly yes --appenddirname %s", scratch, directory);
	setenv("QCACHE_SERVER", ours, 1);
	free(ours);
	return redis;
}

static bool has_redis(void)
{
	int status;
	const char *argv[] = { "redis-server", "--version", NULL };
	char *output = process_run(argv, &status);
	bool has = strstr(output, "Redis server") != NULL;
	free(output);
	return has;
}

/* Ours, redis-server, ours again, all in one directory: each finds what the one before it has left. */
static void go_to_redis_and_back(bool is_rewritten)
{
	scratch_create(scratch, sizeof(scratch));
	const char *directives = "--appendonly yes --aof-ballast-size 0";
	struct server *server = start(directives);
	struct peer *peer = peer_connect(server);
	write_data(peer);
	if (is_rewritten)
		rewrite(peer);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "last", "1"));
	char *before = strdup(digest_of(peer));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));

	struct server *redis = start_redis("appendonlydir");
	peer = peer_connect(redis);
	CU_ASSERT_STRING_EQUAL(digest_of(peer), before);
	CU_ASSERT(GIVES(peer, ":43\r\n", "INCR", "number"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "of redis", "1"));
	char *between = strdup(digest_of(peer));
	peer_close(&peer);
	CU_ASSERT(server_stop(&redis));

	for (int i = 0; i < 2; i++) {
		server = start(directives);
		peer = peer_connect(server);
		CU_ASSERT_STRING_EQUAL(digest_of(peer), between);
		peer_close(&peer);
		CU_ASSERT(server_stop(&server));
	}
	free(before);
	free(between);
	scratch_remove(scratch);
}

static void the_directory_goes_to_redis_and_comes_back(void)
{
	ONLY_OURS();
	if (!has_redis())
		SKIP("redis-server is not installed");
	go_to_redis_and_back(false);
	go_to_redis_and_back(true);
}

/* A directory that redis-server has made, with a base of its own. */
static void a_directory_of_redis_is_loaded(void)
{
	ONLY_OURS();
	if (!has_redis())
		SKIP("redis-server is not installed");
	scratch_create(scratch, sizeof(scratch));
	struct server *redis = start_redis("aof");
	struct peer *peer = peer_connect(redis);
	write_data(peer);
	CU_ASSERT(GIVES(peer, "+Background append only file rewriting started\r\n", "BGREWRITEAOF"));
	CU_ASSERT(COMES_TO_SHOW(peer, "aof_rewrite_in_progress:0", "INFO", "persistence"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "after", "the rewrite"));
	char *before = strdup(digest_of(peer));
	peer_close(&peer);
	CU_ASSERT(server_stop(&redis));
	for (int i = 0; i < 2; i++) {
		struct server *server = start("--appendonly yes --appenddirname aof --aof-ballast-size 0");
		peer = peer_connect(server);
		if (i == 0)
			CU_ASSERT_STRING_EQUAL(digest_of(peer), before);
		CU_ASSERT(i == 0 ? GIVES(peer, "+OK\r\n", "SET", "ours", "too") : GIVES(peer, "$3\r\ntoo\r\n", "GET", "ours"));
		peer_close(&peer);
		CU_ASSERT(server_stop(&server));
	}
	free(before);
	scratch_remove(scratch);
}

/* ---- refusals ---- */

/* The server must not start, say why in its log, and end with status 1. Returns its output; the caller frees it. */
static char *refused_start(const char *word, const char *value)
{
	int status;
	char port[8];
	snprintf(port, sizeof(port), "%u", free_port());
	const char *argv[] = { server_program(), "--port", port, "--dir", scratch, "--appendonly", "yes", word, value, NULL };
	char *output = process_run(argv, &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	return output;
}

static void expect_refused(const char *word, const char *value, const char *const *texts)
{
	char *output = refused_start(word, value);
	for (; *texts; texts++) {
		CU_ASSERT(strstr(output, *texts) != NULL);
		if (!strstr(output, *texts))
			fprintf(stderr, "no \"%s\" in:\n%s", *texts, output);
	}
	free(output);
}

static void append_to(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void make_log(void)
{
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("--appendonly yes --aof-ballast-size 0");
	struct peer *peer = peer_connect(server);
	write_data(peer);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void a_torn_end_is_cut_off_or_refused_as_aof_load_truncated_says(void)
{
	ONLY_OURS();
	make_log();
	append_to(in_scratch(PART), "#qc:g id=");
	expect_refused("--aof-load-truncated", "no", (const char *const[]){ PART, "offset", "qcache-check", NULL });
	struct server *server = start("--appendonly yes --aof-ballast-size 0");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "$2\r\n42\r\n", "GET", "number"));
	CU_ASSERT(server_wait_log(server, "cut off"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void damage_is_refused_with_file_and_offset_or_cut_off_if_it_is_small(void)
{
	ONLY_OURS();
	make_log();
	append_to(in_scratch(PART), "garbage that is no command at all\r\n");
	expect_refused("--aof-load-truncated", "yes", (const char *const[]){ PART, "offset", "qcache-check", NULL });
	struct server *server = start("--appendonly yes --aof-load-corrupt-tail-max-size 100 --aof-ballast-size 0");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "$2\r\n42\r\n", "GET", "number"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void a_missing_file_is_refused(void)
{
	ONLY_OURS();
	make_log();
	CU_ASSERT_EQUAL(unlink(in_scratch(PART)), 0);
	expect_refused("--aof-load-truncated", "yes", (const char *const[]){ "appendonly.aof.1.incr.aof", NULL });
	scratch_remove(scratch);
}

static void a_directory_in_use_is_refused(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	struct server *server = start("--appendonly yes --aof-ballast-size 0");
	expect_refused("--aof-ballast-size", "0", (const char *const[]){ "another server", NULL });
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static void a_path_that_is_no_directory_is_refused(void)
{
	ONLY_OURS();
	scratch_create(scratch, sizeof(scratch));
	append_to(in_scratch("taken"), "a file");
	expect_refused("--appenddirname", "taken", (const char *const[]){ "taken", NULL });
	scratch_remove(scratch);
}

/* ---- loading ---- */

/* An append-only file as Redis wrote it before version 7, of many keys. */
static void write_old_log(int keys)
{
	FILE *file = fopen(in_scratch("appendonly.aof"), "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	for (int i = 0; i < keys; i++)
		fprintf(file, "*3\r\n$3\r\nSET\r\n$11\r\nkey:%07d\r\n$5\r\nvalue\r\n", i);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

/* Connects as soon as it listens, which is before it has loaded. */
static struct peer *connect_early(uint16_t port)
{
	struct peer *peer = NULL;
	for (int64_t deadline = deadline_after(PATIENCE_MS); !peer && deadline_left_ms(deadline) > 0; poll(NULL, 0, 1))
		peer = peer_connect_to("127.0.0.1", port);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	return peer;
}

/* Asks until the data are there. Returns how often it was told to wait. */
static int ask_until_loaded(struct peer *peer, const char *expected)
{
	int told = 0;
	const char *reply;
	while ((reply = COMMAND(peer, "DBSIZE")) && strncmp(reply, "-LOADING", 8) == 0) {
		told++;
		reply = COMMAND(peer, "INFO", "persistence");
		if (reply && strstr(reply, "loading:1"))
			CU_ASSERT(strstr(reply, "loading_total_bytes:") && strstr(reply, "loading_loaded_perc:") &&
				  strstr(reply, "loading_eta_seconds:"));
	}
	CU_ASSERT_STRING_EQUAL(reply ? reply : "none", expected);
	return told;
}

static void clients_are_told_while_data_are_loaded(void)
{
	ONLY_OURS();
	char text[8];
	int status;
	scratch_create(scratch, sizeof(scratch));
	write_old_log(500000);
	uint16_t port = free_port();
	snprintf(text, sizeof(text), "%u", port);
	const char *argv[] = { server_program(), "--port", text, "--bind", "127.0.0.1", "--dir", scratch, "--appendonly", "yes",
			       "--aof-ballast-size", "0", "--enable-debug-command", "yes", NULL };
	pid_t pid = process_start(argv, in_scratch("output"));
	struct peer *peer = connect_early(port);
	CU_ASSERT(GIVES(peer, "-LOADING Redis is loading the dataset in memory\r\n", "DEBUG", "POPULATE", "0"));
	CU_ASSERT(ask_until_loaded(peer, ":500000\r\n") > 0);
	CU_ASSERT(GIVES(peer, "$5\r\nvalue\r\n", "GET", "key:0499999"));
	peer_close(&peer);
	kill(pid, SIGTERM);
	CU_ASSERT(process_wait(pid, PATIENCE_MS, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	scratch_remove(scratch);
}

static const struct suite_case cases[] = {
	CASE(data_outlive_a_stop),
	CASE(data_outlive_a_kill),
	CASE(a_log_with_a_base_outlives_a_kill),
	CASE(the_directory_goes_to_redis_and_comes_back),
	CASE(a_directory_of_redis_is_loaded),
	CASE(a_torn_end_is_cut_off_or_refused_as_aof_load_truncated_says),
	CASE(damage_is_refused_with_file_and_offset_or_cut_off_if_it_is_small),
	CASE(a_missing_file_is_refused),
	CASE(a_directory_in_use_is_refused),
	CASE(a_path_that_is_no_directory_is_refused),
	CASE(clients_are_told_while_data_are_loaded),
};

SUITE_MAIN("restart", cases)

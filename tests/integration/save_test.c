/*
 * Saving to disk: files that redis-server loads, SAVE under load, kills and full disks while a file is written, and the last file at the end.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/directive.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/own_disk.h"
#include "support/suite.h"

#define LARGE_BYTES 300000

static char scratch[64];

static const char *path_of(const char *directory, const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static bool is_there(const char *directory, const char *name)
{
	struct stat status;
	return stat(path_of(directory, name), &status) == 0;
}

static int temporary_files(const char *directory)
{
	int count = 0;
	DIR *listing = opendir(directory);
	for (const struct dirent *entry; listing && (entry = readdir(listing));)
		count += strncmp(entry->d_name, "temp-", 5) == 0;
	closedir(listing);
	return count;
}

/* Texts, numbers, times to live, values that compress, large ones, and several databases. */
static void fill(struct peer *peer)
{
	static char large[LARGE_BYTES + 1];
	memset(large, 'l', LARGE_BYTES);
	for (int database = 0; database < 3; database++) {
		char number[16];
		snprintf(number, sizeof(number), "%d", database * 5);
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", number));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "2000", number, "50"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "text", "some text", "", "empty key", "empty value", "", "large", large));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "MSET", "n8", "-128", "n16", "32767", "n32", "-2147483648", "n64", "9223372036854775807"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "ttl", "1", "EX", "10000"));
		CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "patched", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
		CU_ASSERT(GIVES(peer, ":50\r\n", "SETRANGE", "patched", "10", "b"));
	}
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SELECT", "0"));
}

static void digest_of(struct peer *peer, char *out_digest)
{
	snprintf(out_digest, 64, "%s", COMMAND(peer, "DEBUG", "DIGEST"));
}

/* A server's digest after loading the file in the directory. */
static void digest_of_file(const char *program, const char *directory, char *out_digest)
{
	char port[16];
	uint16_t number = free_port();
	snprintf(port, sizeof(port), "%u", number);
	const char *argv[] = { program, "--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", "",
			       "--enable-debug-command", "yes", NULL };
	pid_t pid = process_start(argv, path_of(directory, "log"));
	int64_t deadline = deadline_after(PATIENCE_MS);
	struct peer *peer = NULL;
	while (!peer && deadline_left_ms(deadline) > 0)
		peer = peer_connect_to("127.0.0.1", number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	CU_ASSERT(COMES_TO_GIVE(peer, "+PONG\r\n", "PING"));
	digest_of(peer, out_digest);
	peer_close(&peer);
	process_kill(pid);
}

/* Also by our own server, at its next start. */
static void check_others_load(const char *directives)
{
	char saved[64], loaded[64];
	struct server *server = server_start("%s", directives);
	struct peer *peer = peer_connect(server);
	fill(peer);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SAVE"));
	digest_of(peer, saved);
	digest_of_file("redis-server", server_directory(server), loaded);
	CU_ASSERT_STRING_EQUAL(loaded, saved);
	digest_of_file(server_program(), server_directory(server), loaded);
	CU_ASSERT_STRING_EQUAL(loaded, saved);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static bool has_redis(void)
{
	const char *argv[] = { "redis-server", "--version", NULL };
	int status;
	free(process_run(argv, &status));
	return status == 0;
}

static void redis_and_our_next_start_load_what_is_saved(void)
{
	if (!has_redis())
		SKIP("there is no redis-server");
	check_others_load("");
	check_others_load("--rdbcompression no --rdbchecksum no --rdb-save-incremental-fsync no");
	check_others_load("--maxmemory-policy allkeys-lfu --maxmemory 1gb");
	check_others_load("-dbfile data.db --dbfilename dump.rdb --snapshot-memory-limit 1mb");
}

/* ---- under load ---- */

/* Overwrites keys at random until it is told to stop; returns how many commands were answered. */
static void overwrite_during(struct peer *peer, struct peer *saver, int saves)
{
	uint32_t state = 1;
	uint64_t written = 0;
	for (int save = 0; save < saves; save++) {
		CU_ASSERT(peer_send_text(saver, "SAVE\r\n"));
		while (!peer_has_input(saver)) {
			char key[32];
			state = state * 1664525 + 1013904223;
			snprintf(key, sizeof(key), "0:%u", (state >> 8) % 2000);
			CU_ASSERT_FATAL(GIVES(peer, "+OK\r\n", "SET", key, "a new value that is longer than the former one was"));
			written++;
		}
		CU_ASSERT(peer_expect_text(saver, "+OK\r\n"));
	}
	CU_ASSERT(written > 0);
}

static void others_are_served_during_a_save(void)
{
	struct server *server = server_start("--snapshot-memory-limit 1mb");
	struct peer *peer = peer_connect(server), *saver = peer_connect(server);
	fill(peer);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "100000", "more", "100"));
	overwrite_during(peer, saver, 5);
	CU_ASSERT_EQUAL(info_number(COMMAND(peer, "INFO", "persistence"), "rdb_saves"), 5);
	CU_ASSERT_EQUAL(temporary_files(server_directory(server)), 0);
	peer_close(&saver);
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

/* ---- kills and failures ---- */

static void await_temporary_file(const char *directory)
{
	int64_t deadline = deadline_after(PATIENCE_MS);
	while (temporary_files(directory) == 0 && deadline_left_ms(deadline) > 0)
		;
	CU_ASSERT_EQUAL(temporary_files(directory), 1);
}

/* So large that the kill comes first. */
static void a_kill_during_a_save_leaves_the_former_file(void)
{
	char saved[64], loaded[64];
	scratch_create(scratch, sizeof(scratch));
	struct server *server = server_start("--dir %s --rdb-save-incremental-fsync no", scratch);
	struct peer *peer = peer_connect(server);
	fill(peer);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SAVE"));
	digest_of(peer, saved);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "400000", "more", "500"));
	CU_ASSERT(GIVES(peer, "+Background saving started\r\n", "BGSAVE"));
	await_temporary_file(scratch);
	server_kill(&server);
	peer_close(&peer);
	CU_ASSERT_EQUAL(temporary_files(scratch), 1);
	digest_of_file(server_program(), scratch, loaded);
	CU_ASSERT_STRING_EQUAL(loaded, saved);
	CU_ASSERT_EQUAL(temporary_files(scratch), 0);
	scratch_remove(scratch);
}

static void a_full_disk_fails_the_save_and_nothing_else(void)
{
	const char *why_not;
	char directory[128];
	scratch_create(scratch, sizeof(scratch));
	snprintf(directory, sizeof(directory), "%s/small", scratch);
	mkdir(directory, 0755);
	if (!own_disk_mount(directory, 1 << 20, &why_not))
		SKIP(why_not);
	struct server *server = server_start("--dir %s --rdbcompression no --save 3600 1000000", directory);
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "value"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SAVE"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "DEBUG", "POPULATE", "20000", "more", "100"));
	const char *reply = COMMAND(peer, "SAVE");
	CU_ASSERT(strncmp(reply, "-ERR can't write ", 17) == 0 && strstr(reply, ": No space left on device\r\n"));
	CU_ASSERT_EQUAL(temporary_files(directory), 0);
	CU_ASSERT(is_there(directory, "dump.rdb"));
	CU_ASSERT(strncmp(COMMAND(peer, "SET", "key", "other"), "-MISCONF ", 9) == 0);
	CU_ASSERT(GIVES(peer, "$5\r\nvalue\r\n", "GET", "key"));
	CU_ASSERT(server_wait_log(server, "No space left on device"));
	kill(server_pid(server), SIGTERM);
	CU_ASSERT(server_wait_log(server, "can't exit"));
	CU_ASSERT(GIVES(peer, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n", "SHUTDOWN"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "CONFIG", "SET", "save", ""));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "other"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	umount(directory);
	scratch_remove(scratch);
}

static void a_directory_that_has_gone_fails_the_save(void)
{
	struct server *server = server_start(" ");
	struct peer *peer = peer_connect(server);
	scratch_remove(server_directory(server));
	const char *reply = COMMAND(peer, "SAVE");
	CU_ASSERT(strncmp(reply, "-ERR can't create ", 18) == 0 && strstr(reply, ": No such file or directory\r\n"));
	CU_ASSERT(GIVES(peer, "+PONG\r\n", "PING"));
	peer_close(&peer);
	server_kill(&server);
}

/* ---- at the end ---- */

static void check_saved_at_end(const char *directives, void (*end)(struct server *, struct peer *), const char *file)
{
	scratch_create(scratch, sizeof(scratch));
	struct server *server = server_start("--dir %s %s", scratch, directives);
	struct peer *peer = peer_connect(server);
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SET", "key", "value"));
	end(server, peer);
	peer_close(&peer);
	CU_ASSERT(server_await_stop(&server));
	CU_ASSERT_EQUAL(file != NULL, is_there(scratch, file ? file : "dump.rdb"));
	scratch_remove(scratch);
}

static void end_by_shutdown(struct server *server, struct peer *peer)
{
	CU_ASSERT(peer_send_text(peer, "SHUTDOWN\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
}

static void end_by_shutdown_save(struct server *server, struct peer *peer)
{
	CU_ASSERT(peer_send_text(peer, "SHUTDOWN SAVE\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
}

static void end_by_shutdown_nosave(struct server *server, struct peer *peer)
{
	CU_ASSERT(peer_send_text(peer, "SHUTDOWN NOSAVE\r\n"));
	CU_ASSERT(peer_expect_closed(peer));
}

static void end_by_signal(struct server *server, struct peer *peer)
{
	kill(server_pid(server), SIGTERM);
}

static void the_data_are_saved_at_the_end_if_there_are_save_points(void)
{
	check_saved_at_end("", end_by_shutdown, NULL);
	check_saved_at_end("", end_by_signal, NULL);
	check_saved_at_end("", end_by_shutdown_save, "dump.rdb");
	check_saved_at_end("--save 3600 1", end_by_shutdown, "dump.rdb");
	check_saved_at_end("--save 3600 1", end_by_signal, "dump.rdb");
	check_saved_at_end("--save 3600 1", end_by_shutdown_nosave, NULL);
	check_saved_at_end("--save 3600 1 --shutdown-on-sigterm nosave", end_by_signal, NULL);
	check_saved_at_end("--shutdown-on-sigterm save", end_by_signal, "dump.rdb");
	check_saved_at_end("-persist -dbfile data.db", end_by_signal, "data.db");
}

static void a_directory_set_at_run_time_is_where_the_file_goes(void)
{
	scratch_create(scratch, sizeof(scratch));
	struct server *server = server_start("--enable-protected-configs yes");
	struct peer *peer = peer_connect(server);
	CU_ASSERT(set_directive(peer, "dir", scratch));
	CU_ASSERT(set_directive(peer, "dbfilename", "other.rdb"));
	CU_ASSERT(GIVES(peer, "+OK\r\n", "SAVE"));
	CU_ASSERT(is_there(scratch, "other.rdb"));
	CU_ASSERT_FALSE(is_there(server_directory(server), "dump.rdb"));
	CU_ASSERT_PTR_NOT_NULL(strstr(COMMAND(peer, "CONFIG", "SET", "dbfilename", "a/b"), "can't be a path, just a filename"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	scratch_remove(scratch);
}

static const struct suite_case cases[] = {
	CASE(redis_and_our_next_start_load_what_is_saved),
	CASE(others_are_served_during_a_save),
	CASE(a_kill_during_a_save_leaves_the_former_file),
	CASE(a_full_disk_fails_the_save_and_nothing_else),
	CASE(a_directory_that_has_gone_fails_the_save),
	CASE(the_data_are_saved_at_the_end_if_there_are_save_points),
	CASE(a_directory_set_at_run_time_is_where_the_file_goes),
};

SUITE_MAIN("save", cases)

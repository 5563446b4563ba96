/*
 * A full disk and a read-only one: a small file system (tmpfs) of the test's own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/own_disk.h"
#include "support/peer.h"
#include "support/process.h"
#include "support/server.h"
#include "support/suite.h"

#define DISK_BYTES (20u << 20)
/* What was executed before the server knows of the failure gets out by the ballast: the credit of the AOF, and a little more. */
#define BALLAST "8mb"
#define FILLER_BYTES (7u << 20)
#define VALUE_BYTES 50000

static char scratch[64];
static const char *why_not = "";

static bool begin(void)
{
	scratch_create(scratch, sizeof(scratch));
	if (own_disk_mount(scratch, DISK_BYTES, &why_not))
		return true;
	scratch_remove(scratch);
	return false;
}

static void end(void)
{
	own_disk_unmount(scratch);
	scratch_remove(scratch);
}

static void take_room(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(posix_fallocate(fd, 0, FILLER_BYTES), 0);
	close(fd);
}

static struct server *start(const char *appendfsync)
{
	return server_start("--dir %s --unixsocket '' --appendonly yes --aof-ballast-size " BALLAST " --appendfsync %s", scratch, appendfsync);
}

/* Writes keys until one is refused; returns how many were taken. */
static int fill(struct peer *peer, int from, const char *value)
{
	int key = from;
	char name[16];
	for (;; key++) {
		snprintf(name, sizeof(name), "key:%d", key);
		const char *reply = COMMAND(peer, "SET", name, value);
		CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
		if (strcmp(reply, "+OK\r\n") != 0) {
			CU_ASSERT_STRING_EQUAL(reply, "-MISCONF Errors writing to the AOF file: No space left on device\r\n");
			return key;
		}
	}
}

static void check_full_disk(const char *appendfsync)
{
	char filler[96], value[VALUE_BYTES + 1], count[32];
	memset(value, 'v', VALUE_BYTES);
	value[VALUE_BYTES] = '\0';
	snprintf(filler, sizeof(filler), "%s/filler", scratch);
	take_room(filler);
	struct server *server = start(appendfsync);
	struct peer *peer = peer_connect(server);
	int keys = fill(peer, 0, value);
	CU_ASSERT(keys > 20);
	/* Reads go on. */
	CU_ASSERT(GIVES(peer, ":50000\r\n", "STRLEN", "key:0"));
	CU_ASSERT(COMES_TO_SHOW(peer, "aof_last_write_status:err", "INFO", "persistence"));
	CU_ASSERT_EQUAL(unlink(filler), 0);
	CU_ASSERT(COMES_TO_GIVE(peer, "+OK\r\n", "SET", "more", "1"));
	CU_ASSERT(COMES_TO_SHOW(peer, "aof_last_write_status:ok", "INFO", "persistence"));
	keys = fill(peer, keys, value);
	/* Nothing that was acknowledged is lost: it gets out at the latest when the server stops, by the ballast. */
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
	server = start(appendfsync);
	peer = peer_connect(server);
	snprintf(count, sizeof(count), ":%d\r\n", keys + 1);
	CU_ASSERT(GIVES(peer, count, "DBSIZE"));
	peer_close(&peer);
	CU_ASSERT(server_stop(&server));
}

static void a_full_disk_refuses_writes_until_there_is_room_and_loses_nothing(void)
{
	static const char *const policies[] = { "always", "everysec", "no" };
	ONLY_OURS();
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (!begin())
			SKIP(why_not);
		check_full_disk(policies[i]);
		end();
	}
}

static void a_read_only_directory_is_refused(void)
{
	ONLY_OURS();
	if (!begin())
		SKIP(why_not);
	own_disk_make_read_only(scratch);
	const char *argv[] = { server_program(), "--port", "0", "--unixsocket", "/nonexistent/socket", "--dir", scratch, "--appendonly", "yes", NULL };
	char port[8];
	int status;
	snprintf(port, sizeof(port), "%u", free_port());
	argv[2] = port;
	argv[4] = "";
	char *output = process_run(argv, &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CU_ASSERT(strstr(output, "Read-only file system") != NULL);
	free(output);
	end();
}

static const struct suite_case cases[] = {
	CASE(a_full_disk_refuses_writes_until_there_is_room_and_loses_nothing),
	CASE(a_read_only_directory_is_refused),
};

SUITE_MAIN("disk_full", cases)
